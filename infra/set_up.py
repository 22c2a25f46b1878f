"""Make a virtual environment with pinned packages; standard library only, run by any 3.11-3.13.

    python infra/set_up.py .local/venv requirements.txt 60 "1 to 3 minutes" [link]

`60` is roughly how many packages come, so that progress means something; `link` makes the
project's own packages importable in it. A file `ready` in the environment holds a fingerprint of
what it was made from: as long as that is the same, nothing is done.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Relative, so that the project can be moved: from lib/pythonX.Y/site-packages upwards.
LINKED = ("layers/lead_scoring", ".")
HEARTBEAT_SECONDS = 5


def main(arguments: list[str]) -> int:
    """Make the environment unless it is ready; return the exit code."""
    target, requirements = Path(arguments[0]), Path(arguments[1])
    expected, duration = int(arguments[2]), arguments[3]
    fingerprint = _fingerprint(requirements)
    ready = target / "ready"
    if ready.exists() and ready.read_text() == fingerprint:
        ready.touch()
        return 0
    print(
        f"Installing about {expected} packages of {requirements} into {target}: "
        f"{duration} the first time, nothing after that.",
        flush=True,
    )
    started = time.monotonic()
    code = _make(target, requirements, expected)
    if code == 0:
        if "link" in arguments[4:]:
            _link(target)
        ready.write_text(fingerprint)
        print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)
    return code


def _fingerprint(requirements: Path) -> str:
    digest = hashlib.sha256()
    for file in _with_included(requirements):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _with_included(requirements: Path) -> list[Path]:
    files = [requirements]
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            files += _with_included(requirements.parent / line[3:].strip())
    return files


def _make(target: Path, requirements: Path, expected: int) -> int:
    half_made = target.with_name(target.name + ".unfinished")
    # Only what was interrupted or cannot run is made anew. An environment of another Python that
    # the project supports stays: somebody may be using it, and `make clean` is there to ask for.
    if target.exists() and (half_made.exists() or not _is_usable(target)):
        _remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made.touch()
    if not (target / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)  # noqa: S603 (all our own words)
    code = _install(target, requirements, expected)
    if code == 0:
        half_made.unlink()
    return code


def _is_usable(target: Path) -> bool:
    python = target / "bin" / "python"
    if not python.exists():
        return False
    asked = "import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))"
    answer = subprocess.run([str(python), "-c", asked], check=False)  # noqa: S603
    return answer.returncode == 0


def _remove(target: Path) -> None:
    # Whatever else somebody keeps under this name is not ours to remove.
    if not (target / "pyvenv.cfg").exists():
        raise SystemExit(f"{target} is in the way and is no virtual environment; move it away.")
    shutil.rmtree(target)


def _install(target: Path, requirements: Path, expected: int) -> int:
    log = target.with_name(f"{target.name}-install.log")
    command = [str(target / "bin" / "python"), "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(requirements)]
    with log.open("w") as record:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=record, text=True
        )
        progress = _Progress(expected)
        try:
            for line in process.stdout or ():
                record.write(line)
                record.flush()
                progress.note(line)
            code = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        finally:
            progress.stop()
    if code != 0:
        print("".join(log.read_text().splitlines(keepends=True)[-12:]), file=sys.stderr)
        print(
            f"The installation failed; the whole log is {log}. If it says that something could "
            "not be downloaded, check the network and run the same command again.",
            file=sys.stderr,
        )
    return code


class _Progress:
    """What pip is doing: one changing line on a terminal, a line every few seconds elsewhere."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._fetched = 0
        self._doing = "starting"
        self._started = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def note(self, line: str) -> None:
        """Take in one line of pip's output."""
        if found := re.match(r"Collecting ([A-Za-z0-9._-]+)", line):
            self._fetched += 1
            self._doing = f"fetching {found.group(1)}"
        elif line.startswith("Installing collected packages"):
            self._doing = f"unpacking {self._fetched} packages"

    def stop(self) -> None:
        """Show no more."""
        self._done.set()
        self._thread.join()
        if sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)

    def _beat(self) -> None:
        terminal = sys.stdout.isatty()
        while not self._done.wait(0.2 if terminal else HEARTBEAT_SECONDS):
            seconds = time.monotonic() - self._started
            count = f"{self._fetched}/{max(self._expected, self._fetched)}"
            line = f"  {seconds:4.0f} s  {count:>7}  {self._doing}"
            print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", flush=True)


def _link(target: Path) -> None:
    [packages] = target.glob("lib/python3.*/site-packages")
    lines = [os.path.relpath(PROJECT / folder, packages.resolve()) for folder in LINKED]
    (packages / "lead_scoring.pth").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped; the next time it begins again.", file=sys.stderr)
        sys.exit(130)
