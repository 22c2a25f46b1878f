#!/bin/sh
# Print the folder of a Python 3.13 binary: `sam build` takes Lambda's own version from PATH, and
# cannot use a pyenv shim.
set -u
minor='import sys; sys.exit(sys.version_info[:2] != (3, 13))'
for candidate in "$(command -v python3.13 || true)" "$(command -v python3 || true)" \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13 /opt/homebrew/bin/python3.13; do
  case "$candidate" in '' | */shims/*) continue ;; esac
  folder=$(dirname "$candidate")
  if [ -x "$folder/python3.13" ] && "$folder/python3.13" -c "$minor" 2>/dev/null; then
    echo "$folder"
    exit 0
  fi
done
echo "make build needs Python 3.13, the version that Lambda runs, as a real binary on PATH;" >&2
echo "install it (https://www.python.org/downloads/, or: pyenv install 3.13) and try again." >&2
exit 1
