"""What is said of a look at an A/B test, in plain sentences with the figures in them."""

from collections.abc import Sequence

from .ab_looks import FEWEST_CONVERSIONS_TO_PLAN, Comparison, Look
from .ab_reading import Reading, days_remaining
from .experiments import ArmCounts
from .significance import Interval

_OUTCOMES = {"conversion": "converted", "contact_success": "were contacted with success"}


def mismatch_text(look: Look) -> str:
    """Say that units arrive in other shares than planned."""
    return f"Find out why units arrive in other shares than planned: {shares_text(look)}."


def ship_text(reading: Reading, best: Comparison) -> str:
    """Say why a variant is to be shipped."""
    return f"Ship {best.variant.variant_name}: {_against_control(reading, best)}."


def keep_control_text(reading: Reading) -> str:
    """Say why control is better than every variant."""
    compared = reading.look.comparisons
    best = max(compared, key=measured_effect)
    every = "" if len(compared) == 1 else "every variant is worse; at best, "
    return f"Keep {_control(reading)}: {every}{_against_control(reading, best)}."


def no_difference_text(reading: Reading) -> str:
    """Say that nothing found is worth a change."""
    best = max(reading.look.comparisons, key=measured_effect)
    return (
        f"Keep {_control(reading)}, as there is no difference worth a change: at the planned size "
        f"of {units(reading.planned_samples or 0)} a variant, {_against_control(reading, best)}, "
        f"while a change asks for {_points(reading.rules.min_effect)}."
    )


def keep_running_text(reading: Reading) -> str:
    """Say what a test needs before it can tell."""
    look = reading.look
    begin = "Stopped too early to tell" if reading.test.ending else "Keep running"
    if not look.has_min_samples:
        sizes = [f"{arm.variant_name} has {units(counts.samples)}" for arm, counts in look.arms]
        return f"{begin}: {_listed(sizes)}, and each needs {reading.rules.min_samples:,} at least."
    best = max(look.comparisons, key=measured_effect)
    doubt = _doubt(reading, best)
    return f"{begin}: {_against_control(reading, best)}{doubt}; {_lacking(reading)}."


def shares_text(look: Look) -> str:
    """Say in which shares units arrive, and in which they should."""
    total = sum(counts.samples for _, counts in look.arms)
    planned = sum(variant.traffic_percentage for variant, _ in look.arms)
    said = [
        f"{variant.variant_name} has {_percent(counts.samples / total, 1)} of {units(total)} "
        f"where {_percent(variant.traffic_percentage / planned, 1)} were planned"
        for variant, counts in look.arms
    ]
    assert look.mismatch_p_value is not None  # noqa: S101 (there is a mismatch)
    return f"{_listed(said)} ({p_text(look.mismatch_p_value)})"


def measured_effect(one: Comparison) -> float:
    """Return the effect of a variant, less than any other where there is none."""
    return -2.0 if one.effect is None else one.effect


def units(number: int) -> str:
    """Write a number of units."""
    return counted(number, "unit")


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def p_text(value: float, name: str = "p") -> str:
    """Write a p-value.

    >>> p_text(0.0312), p_text(1e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return f"{name} < 0.0001" if value < 0.0001 else f"{name} = {value:.2g}"


def _doubt(reading: Reading, best: Comparison) -> str:
    """Say why a difference is not acted on."""
    if best.effect == 0:
        return ""
    if best.variant.variant_name not in reading.significant:
        return ", which may be chance"
    if best.is_worse:
        return ", which is hardly chance"
    return f", which is hardly chance, but a change asks for {_points(reading.rules.min_effect)}"


def _lacking(reading: Reading) -> str:
    """Say what a running test needs, or a stopped one would have needed."""
    planned, arms = reading.planned_samples, reading.look.arms
    if planned is None:
        conversions = next(counts.conversions for arm, counts in arms if arm.is_control)
        return (
            f"the size is planned when {_control(reading)} has {FEWEST_CONVERSIONS_TO_PLAN}"
            f" conversions, and it has {conversions:,}"
        )
    least = min(counts.samples for _, counts in arms)
    days = days_remaining(reading)
    more = f", about {max(days, 0.1):.1f} days more" if days else ""
    return f"the smallest variant has {least:,} of the {planned:,} units planned{more}"


def _against_control(reading: Reading, one: Comparison) -> str:
    """Say how a variant did beside control; both have units."""
    control = next(counts for arm, counts in reading.look.arms if arm.is_control)
    outcome = _OUTCOMES[reading.test.metric]
    assert one.effect is not None  # noqa: S101 (both have units)
    assert one.interval is not None  # noqa: S101 (likewise)
    text = (
        f"{_rate(one.counts)} of {units(one.counts.samples)} with {one.variant.variant_name} "
        f"{outcome} against {_rate(control)} of {units(control.samples)} with "
        f"{_control(reading)}, {_difference(one.effect)}"
    )
    # The p-value that speaks at this look: of the z-test where it is its turn.
    is_final = reading.look.has_reached(reading.planned_samples)
    name, p = ("p", one.adjusted_p_value) if is_final else ("anytime-valid p", one.early_p_value)
    return f"{text} ({_interval(one.interval)}{'' if p is None else f', {p_text(p, name)}'})"


def _control(reading: Reading) -> str:
    return reading.test.control.variant_name


def _rate(counts: ArmCounts) -> str:
    return _percent(counts.conversions / counts.samples, 2)


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"


def _difference(effect: float) -> str:
    if effect == 0:
        return "no difference"
    return f"{_points(abs(effect))} {'more' if effect > 0 else 'less'}"


def _points(share: float) -> str:
    """Write a share in percentage points.

    >>> _points(0.015), _points(0.01), _points(0.00002)
    ('1.5 percentage points', '1 percentage point', 'less than 0.01 percentage points')
    """
    number = f"{100 * share:.2f}".rstrip("0").rstrip(".")
    if number == "0":
        return "less than 0.01 percentage points"
    return f"{number} percentage point{'' if number == '1' else 's'}"


def _interval(interval: Interval) -> str:
    return f"95 % interval {100 * interval.lower:+.2f} to {100 * interval.upper:+.2f}"


def _listed(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
