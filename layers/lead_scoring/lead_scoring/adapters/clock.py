"""The clock on the wall, and one that is ahead of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path


class SystemClock:
    """Tells the time of this machine."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


class ShiftedClock:
    """Is ahead of the machine's time by the seconds that a file holds, whenever it is asked.

    So a simulation can let weeks pass for every process of a system at once. No file: no shift.
    """

    def __init__(self, file: str) -> None:
        """Name the file; it is read at every question."""
        self._file = Path(file)

    def now(self) -> datetime:
        """Return the shifted moment, aware, in UTC."""
        try:
            ahead_seconds = float(self._file.read_text())
        except FileNotFoundError:
            ahead_seconds = 0.0
        return datetime.now(UTC) + timedelta(seconds=ahead_seconds)
