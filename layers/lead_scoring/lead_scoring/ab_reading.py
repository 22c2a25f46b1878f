"""A look at an A/B test with all that its meaning depends on."""

from datetime import datetime, timedelta
from typing import NamedTuple

from .ab_looks import Look, Rules
from .experiments import ABTest

_FIRST_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Reading(NamedTuple):
    """A look with all that its verdict depends on.

    `planned_samples` and `required_samples` are per variant, None where not known yet;
    `significant` names variants.
    """

    test: ABTest
    look: Look
    rules: Rules
    planned_samples: int | None
    significant: frozenset[str]
    now: datetime

    @property
    def target_samples(self) -> int | None:
        """The size that each variant is to reach."""
        return self.planned_samples or self.look.required_samples


def days_remaining(reading: Reading) -> float | None:
    """Return the days until the slowest variant has its size, at the rate of units so far.

    None in the first hour, while a variant has no units, and where a stopped test fell short; 0
    when the size is reached.
    """
    target, elapsed = reading.target_samples, reading.now - reading.test.started_at
    if target is None:
        return None
    if reading.look.has_reached(target):
        return 0.0
    if elapsed < _FIRST_HOUR or reading.test.ending:
        return None
    days = elapsed / _DAY
    sizes = [counts.samples for _, counts in reading.look.arms]
    if not all(sizes):
        return None
    return max(max(0, target - size) * days / size for size in sizes)
