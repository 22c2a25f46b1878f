"""What to know before one acts on the verdict of an A/B test."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from .ab_reading import Reading
from .ab_wording import counted, p_text, shares_text, units
from .entities import iso
from .experiments import ABTest

_DAY = timedelta(days=1)


class Warning(NamedTuple):
    """Something to know before one acts on a verdict."""

    code: str
    text: str


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
        yield "sample_ratio_mismatch", f"{shares_text(reading.look)}: the rates cannot be compared."


def _size_warnings(reading: Reading) -> Iterator[tuple[str, str]]:
    if not reading.look.has_min_samples:
        least = min(counts.samples for _, counts in reading.look.arms)
        yield (
            "too_few_samples",
            f"The smallest variant has {units(least)}; below {reading.rules.min_samples:,} nothing"
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
        text += f" Do not act on {p_text(min(tempting))}: who looks often finds one by chance."
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
            f"Units convert up to {counted(attribution.days, 'day')} after their exposure: rates"
            " may still rise.",
        )


def _model_warnings(test: ABTest) -> Iterator[tuple[str, str]]:
    for arm in test.arms:
        if not arm.is_control and arm.model_version == test.control.model_version:
            yield (
                "same_model",
                f"{arm.variant_name} has the same model as control: whatever differs is chance.",
            )
