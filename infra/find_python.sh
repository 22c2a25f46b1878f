#!/bin/sh
# Print the path of a Python 3.11, 3.12 or 3.13 that can make virtual environments: $PYTHON if
# given, else python3, else the newest one of them on PATH. Otherwise say what is missing.
set -u
# These two lines must run on any Python, however old.
fits='import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))'
makes_venvs='import venv, ensurepip'
without_venv=''
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
  # A name on PATH may be a shim for a version that is not active: only running it tells.
  "$candidate" -c "$fits" >/dev/null 2>&1 || continue
  if "$candidate" -c "$makes_venvs" >/dev/null 2>&1; then
    command -v "$candidate"
    exit 0
  fi
  without_venv=$candidate
done
if [ -n "$without_venv" ]; then
  version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "Python $version is here, but not its module venv; on Debian and Ubuntu:" >&2
  echo "    sudo apt install python$version-venv" >&2
else
  found=$(${PYTHON:-python3} -V 2>&1) || found='no python3'
  echo "This project needs Python 3.11, 3.12 or 3.13; found: $found." >&2
  echo "Install one of them (https://www.python.org/downloads/), or name it: make PYTHON=/path/to/python3.13 ..." >&2
fi
exit 1
