"""What a look at an A/B test means: a verdict, one sentence with its figures, and warnings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from .ab_looks import Comparison, Look, Rules
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
        if each.p_value is not None and each.p_value < reading.rules.level
    ]
    text = "This look is before the planned size: the z-test is taken once, when it is reached."
    if tempting:
        text += f" Do not act on {_p(min(tempting))} yet; who looks often finds one by chance."
    yield "looked_too_early", text


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
            f"Units convert up to {attribution.days} days after their exposure: rates may still"
            " rise.",
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
        f"{variant.variant_name} has {counts.samples / total:.1%} of {_units(total)} where "
        f"{variant.traffic_percentage / planned:.1%} were planned"
        for variant, counts in look.arms
    ]
    assert look.mismatch_p_value is not None  # noqa: S101 (there is a mismatch)
    return f"{_listed(said)} ({_p(look.mismatch_p_value)})"


def _ship(reading: Reading, best: Comparison) -> str:
    return f"Ship {best.variant.variant_name}: {_against_control(reading, best)}."


def _keep_control(reading: Reading) -> str:
    compared = reading.look.comparisons
    best = max(compared, key=_effect)
    every = "" if len(compared) == 1 else "every variant is worse; of the best, "
    return f"Keep {_control(reading)}: {every}{_against_control(reading, best)}."


def _no_difference(reading: Reading) -> str:
    best = max(reading.look.comparisons, key=_effect)
    return (
        f"Keep {_control(reading)}, there is no difference worth a change: at the planned size of "
        f"{_units(reading.planned_samples or 0)} a variant, {_against_control(reading, best)}, "
        f"where {_points(reading.rules.min_effect)} better were asked for."
    )


def _keep_running(reading: Reading) -> str:
    look, target = reading.look, reading.target_samples
    begin = "Stopped too early to tell" if reading.test.ending else "Keep running"
    if not look.has_min_samples or target is None:
        sizes = [f"{arm.variant_name} has {_units(counts.samples)}" for arm, counts in look.arms]
        return f"{begin}: {_listed(sizes)}, and each needs {reading.rules.min_samples:,} at least."
    least = min(counts.samples for _, counts in look.arms)
    best = max(look.comparisons, key=_effect)
    text = (
        f"{begin}: {_against_control(reading, best)}, which may be chance; the smallest variant"
        f" has {least:,} of the {_units(target)} that are needed"
    )
    days = days_remaining(reading)
    return f"{text}, about {max(days, 0.1):.1f} days more." if days else f"{text}."


def _against_control(reading: Reading, one: Comparison) -> str:
    """Say how a variant did beside control; both have units."""
    control = next(counts for arm, counts in reading.look.arms if arm.is_control)
    outcome = _OUTCOMES[reading.test.metric]
    assert one.effect is not None  # noqa: S101 (both have units)
    text = (
        f"{_rate(one.counts)} of {_units(one.counts.samples)} with {one.variant.variant_name} "
        f"{outcome} against {_rate(control)} of {_units(control.samples)} with "
        f"{_control(reading)}, {_difference(one.effect)}"
    )
    # The p-value that speaks at this look: of the z-test where it is its turn.
    is_final = reading.look.has_reached(reading.planned_samples)
    name, p = ("p", one.adjusted_p_value) if is_final else ("anytime-valid p", one.anytime_p_value)
    return f"{text} ({_interval(one.interval)}{'' if p is None else f', {_p(p, name)}'})"


def _control(reading: Reading) -> str:
    return reading.test.control.variant_name


def _effect(one: Comparison) -> float:
    return -2.0 if one.effect is None else one.effect


def _rate(counts: ArmCounts) -> str:
    return f"{counts.conversions / counts.samples:.2%}"


def _difference(effect: float) -> str:
    if effect == 0:
        return "no difference"
    return f"{_points(abs(effect))} {'more' if effect > 0 else 'less'}"


def _points(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " percentage points"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"95 % interval {100 * interval.lower:+.2f} to {100 * interval.upper:+.2f}"


def _units(number: int) -> str:
    return f"{number:,} unit{'' if number == 1 else 's'}"


def _p(value: float, name: str = "p") -> str:
    """Write a p-value.

    >>> _p(0.0312), _p(1e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return f"{name} < 0.0001" if value < 0.0001 else f"{name} = {value:.2g}"


def _listed(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
