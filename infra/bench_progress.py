"""Progress of long measurements: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Steps:
    """Counts steps of known number on standard error; what is printed to standard output is free.

    >>> with Steps("evaluate", 1, Console(quiet=True)) as steps:
    ...     steps.done("first fold")
    """

    def __init__(self, name: str, total: int, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._name, self._total, self._finished = name, total, 0
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(name, total=total)

    def __enter__(self) -> Steps:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def doing(self, what: str) -> None:
        """Say what runs now; shows on a terminal only."""
        self._bar.update(self._task, description=f"{self._name}: {what}")

    def done(self, what: str, steps: int = 1) -> None:
        """Count one step as finished, or several at once."""
        self._finished += steps
        self._bar.advance(self._task, steps)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._began
            line = f"{self._name}: {self._finished} of {self._total}, {what}, {seconds:.0f} s"
            self._console.print(line, highlight=False, soft_wrap=True)
