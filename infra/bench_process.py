"""Run a command as a fresh process and measure it: wall and processor time, peak memory.

Run as a file, this module is the launcher itself. It is a small process of its own because Linux
counts the parent's memory as the child's peak when the parent starts it directly.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple


class ProcessCost(NamedTuple):
    """What one process took, from its start to its end."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run_fresh(arguments: Sequence[str]) -> tuple[ProcessCost, str]:
    """Run this Python with arguments in a new process; return its cost and its standard output.

    It may keep bytecode, as what is deployed has it: compiling again is not what is measured.
    Raises RuntimeError with the end of the child's standard error if it fails.
    """
    command = [sys.executable, *arguments]
    unwanted = "PYTHONDONTWRITEBYTECODE"
    environment = {name: value for name, value in os.environ.items() if name != unwanted}
    # S603: what runs is this interpreter with arguments of this package.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", __file__, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
    cost, _, output = done.stdout.partition("\n")
    return ProcessCost(*json.loads(cost)), output


def _launch(command: list[str]) -> int:
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
    output = child.stdout.read() if child.stdout else b""
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    # In bytes on macOS, in kibibytes elsewhere.
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps([wall, usage.ru_utime + usage.ru_stime, peak]))
    sys.stdout.flush()
    sys.stdout.buffer.write(output)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_launch(sys.argv[1:]))
