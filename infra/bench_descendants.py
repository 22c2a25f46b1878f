"""What processes that others have started for us have used so far, by Linux's /proc."""

import contextlib
import os
import re
from pathlib import Path

from .processes import descendants

_TICKS = os.sysconf("SC_CLK_TCK")


def descendant(*words: bytes) -> Path:
    """Return the folder in /proc of a process that descends from this one, by its arguments.

    Raises RuntimeError if there is none that has these words among them.
    """
    for pid in descendants(os.getpid()):
        process = Path("/proc") / str(pid)
        if set(words) <= set(_arguments(process)):
            return process
    raise RuntimeError(f"no process of ours has the arguments {words!r}")


def used_so_far(process: Path) -> tuple[float, float]:
    """Return the processor seconds and the peak megabytes of a process so far."""
    fields = _stat(process)
    status = (process / "status").read_text()
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    if peak is None:
        raise RuntimeError("this system does not tell the peak memory of a process")
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(peak[1]) / 2**10


def _stat(process: Path) -> list[str]:
    """Return what `proc(5)` calls fields 3 and on: state, parent, ..., user and system ticks."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def _arguments(process: Path) -> list[bytes]:
    with contextlib.suppress(OSError):
        return (process / "cmdline").read_bytes().split(b"\0")
    return []
