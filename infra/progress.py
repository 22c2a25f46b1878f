"""Show how far something is: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_SECONDS = 5.0


class ProgressBar:
    """The progress of one job, with its rate and the time left.

    `unit` is what `count` counts in `update`; without one the rate is in per cent a second.
    """

    def __init__(self, title: str, unit: str | None = None) -> None:
        self._title, self._unit = title, unit
        self._started = self._last_line = time.monotonic()
        self._console = Console(file=sys.stdout)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left  {task.fields[step]}"),
            console=self._console,
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._bar.add_task(title, total=1.0, rate="", step="")

    def __enter__(self) -> "ProgressBar":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, fraction: float, count: int = 0, step: str = "") -> None:
        """Say how much is done, in [0, 1], how many units, and what is being done now."""
        now = time.monotonic()
        elapsed = max(1e-6, now - self._started)
        if self._unit:
            rate = f"{count / elapsed:,.0f} {self._unit}/s"
        else:
            rate = f"{100 * fraction / elapsed:.1f} %/s"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=fraction, rate=rate, step=step)
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            left = elapsed * (1 - fraction) / fraction if fraction > 0 else None
            remaining = "" if left is None else f", {left:.0f} s left"
            doing = f" ({step})" if step else ""
            print(f"{self._title}: {100 * fraction:.0f} %{doing}, {rate}{remaining}", flush=True)
