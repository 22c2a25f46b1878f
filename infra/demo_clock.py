"""The clock of a simulation: a file with the seconds by which every process of it is ahead."""

from datetime import UTC, datetime
from pathlib import Path

from lead_scoring.adapters.clock import ShiftedClock


class SimulatedClock(ShiftedClock):
    """Moves the time of a whole local system; between two moves it passes as usual."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self.file = file

    def move_to(self, moment: datetime) -> None:
        """Go on to a moment; one that has passed already changes nothing."""
        if self.file.exists() and moment <= self.now():
            return
        ahead_seconds = (moment - datetime.now(UTC)).total_seconds()
        # At once or not at all: others read the file at any time.
        partial = self.file.with_suffix(".partial")
        partial.write_text(f"{ahead_seconds:.6f}")
        partial.replace(self.file)
