"""What a look at an A/B test means: a verdict, one sentence with its figures, and warnings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from .ab_looks import FEWEST_CONVERSIONS_TO_PLAN, Comparison, Look, Rules
from .entities import iso
from .experiments import ABTest, ArmCounts
from .significance import Interval

FIX_ALLOCATION, SHIP, KEEP_CONTROL = "fix_allocation", "ship", "keep_control"
NO_DIFFERENCE, KEEP_RUNNING = "no_difference", "keep_running"
DECISIONS = (SHIP, KEEP_CONTROL, NO_DIFFERENCE)
_FIRST_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_OUTCOMES = {"conversion": "converted", "contact_success": "were contacted with success"}


class Verdict(NamedTuple):
    """What to do, the sentence that says so, and the variant that is to be shipped, if any."""

    code: str
    text: str
    variant_name: str | None = None


class Warning(NamedTuple):
    """Something to know before one acts on a verdict."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
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


def judge(reading: Reading) -> Verdict:
    """Return the first verdict that applies."""
    look, compared = reading.look, reading.look.comparisons
    if look.is_mismatched:
        return Verdict(FIX_ALLOCATION, _mismatch(look))
    sure = [each for each in compared if each.variant.variant_name in reading.significant]
    better = [each for each in sure if each.is_at_least(reading.rules.min_effect)]
    if better:
        best = max(better, key=_effect)
        return Verdict(SHIP, _ship(reading, best), best.variant.variant_name)
    if len(sure) == len(compared) and all(each.is_worse for each in sure):
        return Verdict(KEEP_CONTROL, _keep_control(reading))
    if look.has_reached(reading.planned_samples):
        return Verdict(NO_DIFFERENCE, _no_difference(reading))
    return Verdict(KEEP_RUNNING, _keep_running(reading))


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


def warnings(reading: Reading, attribution: timedelta) -> list[Warning]:
    """Return what to know before one acts on the verdict; `attribution` is for how long units that
    were exposed may still convert.
    """
    return [
        Warning(code, text)
        for found in (
            _mismatch_warning(reading),
            _size_warnings(reading),
            _decision_warning(reading),
            _time_warnings(reading, attribution),
            _model_warnings(reading.test),
        )
        for code, text in found
    ]


def _mismatch_warning(reading: Reading) -> Iterator[tuple[str, str]]:
    if reading.look.is_mismatched:
        yield "sample_ratio_mismatch", f"{_shares(reading.look)}: the rates cannot be compared."


def _size_warnings(reading: Reading) -> Iterator[tuple[str, str]]:
    if not reading.look.has_min_samples:
        least = min(counts.samples for _, counts in reading.look.arms)
        yield (
            "too_few_samples",
            f"The smallest variant has {_units(least)}; below {reading.rules.min_samples:,} nothing"
            " is called significant.",
        )
    if reading.test.final_look or reading.look.has_reached(reading.planned_samples):
        return
    tempting = [
        each.p_value
        for each in reading.look.comparisons
        if each.variant.variant_name not in reading.significant
        and each.p_value is not None
        and each.p_value < reading.rules.level
    ]
    text = "This look is before the planned size: the z-test is taken once, when it is reached."
    if reading.test.ending:
        text = "The test was stopped before the planned size, at which the z-test is taken."
    if tempting:
        text += f" Do not act on {_p(min(tempting))}: who looks often finds one by chance."
    yield "looked_too_early", text


def _decision_warning(reading: Reading) -> Iterator[tuple[str, str]]:
    decided = reading.test.final_look
    if decided and decided["at"] != iso(reading.now):
        yield (
            "decided_earlier",
            f"The look of {decided['at']} decided ({decided['code']}); the figures are newer.",
        )


def _time_warnings(reading: Reading, attribution: timedelta) -> Iterator[tuple[str, str]]:
    test, now = reading.test, reading.now
    expected = test.expected_days
    if expected and not test.ending and now - test.started_at > timedelta(days=expected):
        days = (now - test.started_at) / _DAY
        yield "older_than_planned", f"The test has run {days:.1f} days of the {expected} planned."
    last_exposure = test.ending.at if test.ending else now
    if now < last_exposure + attribution and any(counts.samples for _, counts in reading.look.arms):
        yield (
            "attribution_open",
            f"Units convert up to {_counted(attribution.days, 'day')} after their exposure: rates"
            " may still rise.",
        )


def _model_warnings(test: ABTest) -> Iterator[tuple[str, str]]:
    for arm in test.arms:
        if not arm.is_control and arm.model_version == test.control.model_version:
            yield (
                "same_model",
                f"{arm.variant_name} has the same model as control: whatever differs is chance.",
            )


def _mismatch(look: Look) -> str:
    return f"Find out why units arrive in other shares than planned: {_shares(look)}."


def _shares(look: Look) -> str:
    total = sum(counts.samples for _, counts in look.arms)
    planned = sum(variant.traffic_percentage for variant, _ in look.arms)
    said = [
        f"{variant.variant_name} has {_percent(counts.samples / total, 1)} of {_units(total)} "
        f"where {_percent(variant.traffic_percentage / planned, 1)} were planned"
        for variant, counts in look.arms
    ]
    assert look.mismatch_p_value is not None  # noqa: S101 (there is a mismatch)
    return f"{_listed(said)} ({_p(look.mismatch_p_value)})"


def _ship(reading: Reading, best: Comparison) -> str:
    return f"Ship {best.variant.variant_name}: {_against_control(reading, best)}."


def _keep_control(reading: Reading) -> str:
    compared = reading.look.comparisons
    best = max(compared, key=_effect)
    every = "" if len(compared) == 1 else "every variant is worse; at best, "
    return f"Keep {_control(reading)}: {every}{_against_control(reading, best)}."


def _no_difference(reading: Reading) -> str:
    best = max(reading.look.comparisons, key=_effect)
    return (
        f"Keep {_control(reading)}, as there is no difference worth a change: at the planned size "
        f"of {_units(reading.planned_samples or 0)} a variant, {_against_control(reading, best)}, "
        f"while a change asks for {_points(reading.rules.min_effect)}."
    )


def _keep_running(reading: Reading) -> str:
    look = reading.look
    begin = "Stopped too early to tell" if reading.test.ending else "Keep running"
    if not look.has_min_samples:
        sizes = [f"{arm.variant_name} has {_units(counts.samples)}" for arm, counts in look.arms]
        return f"{begin}: {_listed(sizes)}, and each needs {reading.rules.min_samples:,} at least."
    best = max(look.comparisons, key=_effect)
    doubt = _doubt(reading, best)
    return f"{begin}: {_against_control(reading, best)}{doubt}; {_lacking(reading)}."


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
        f"{_rate(one.counts)} of {_units(one.counts.samples)} with {one.variant.variant_name} "
        f"{outcome} against {_rate(control)} of {_units(control.samples)} with "
        f"{_control(reading)}, {_difference(one.effect)}"
    )
    # The p-value that speaks at this look: of the z-test where it is its turn.
    is_final = reading.look.has_reached(reading.planned_samples)
    name, p = ("p", one.adjusted_p_value) if is_final else ("anytime-valid p", one.early_p_value)
    return f"{text} ({_interval(one.interval)}{'' if p is None else f', {_p(p, name)}'})"


def _control(reading: Reading) -> str:
    return reading.test.control.variant_name


def _effect(one: Comparison) -> float:
    return -2.0 if one.effect is None else one.effect


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


def _units(number: int) -> str:
    return _counted(number, "unit")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _p(value: float, name: str = "p") -> str:
    """Write a p-value.

    >>> _p(0.0312), _p(1e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return f"{name} < 0.0001" if value < 0.0001 else f"{name} = {value:.2g}"


def _listed(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
