"""What a look at an A/B test means: a verdict, and one sentence with its figures."""

from typing import NamedTuple

from .ab_reading import Reading
from .ab_wording import (
    keep_control_text,
    keep_running_text,
    measured_effect,
    mismatch_text,
    no_difference_text,
    ship_text,
)

FIX_ALLOCATION, SHIP, KEEP_CONTROL = "fix_allocation", "ship", "keep_control"
NO_DIFFERENCE, KEEP_RUNNING = "no_difference", "keep_running"
DECISIONS = (SHIP, KEEP_CONTROL, NO_DIFFERENCE)


class Verdict(NamedTuple):
    """What to do, the sentence that says so, and the variant that is to be shipped, if any."""

    code: str
    text: str
    variant_name: str | None = None


def judge(reading: Reading) -> Verdict:
    """Return the first verdict that applies."""
    look, compared = reading.look, reading.look.comparisons
    if look.is_mismatched:
        return Verdict(FIX_ALLOCATION, mismatch_text(look))
    sure = [each for each in compared if each.variant.variant_name in reading.significant]
    better = [each for each in sure if each.is_at_least(reading.rules.min_effect)]
    if better:
        best = max(better, key=measured_effect)
        return Verdict(SHIP, ship_text(reading, best), best.variant.variant_name)
    if len(sure) == len(compared) and all(each.is_worse for each in sure):
        return Verdict(KEEP_CONTROL, keep_control_text(reading))
    if look.has_reached(reading.planned_samples):
        return Verdict(NO_DIFFERENCE, no_difference_text(reading))
    return Verdict(KEEP_RUNNING, keep_running_text(reading))
