"""A look at an A/B test: what was counted, compared by the rule of looks.

The significance level is for the whole life of a test, however often somebody looks. A fifth of it
is for early winners, by a p-value that is valid at every look; the rest is for the z-test, taken
once: at the first look at which every variant has the planned size. By Bonferroni's inequality the
two together stay within the level.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from .errors import TooFewSamplesError
from .experiments import ABTest, ArmCounts, Tally, Variant
from .settings import Settings
from .significance import (
    Interval,
    Proportion,
    ZTest,
    achieved_power,
    anytime_p_value,
    holm,
    newcombe_interval,
    required_sample_size,
    sample_ratio_p_value,
    two_proportion_z,
)

# The share of the level that is for early winners.
EARLY_SHARE = 0.2
# Of the control's conversions, before its rate is taken for the plan.
FEWEST_CONVERSIONS_TO_PLAN = 10
# Alarm of a sample ratio mismatch (Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments",
# 2020, chapter 21).
MISMATCH_P_VALUE = 0.001
# Two rates whose difference is the minimum effect in decimals differ by less in binary.
_ROUNDING = 1e-12

_Result = TypeVar("_Result")


class Rules(NamedTuple):
    """What a test is judged by."""

    min_samples: int
    level: float
    min_effect: float

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Take the rules from the settings."""
        return cls(
            settings.ab_test_min_sample_size,
            settings.ab_test_significance_level,
            settings.ab_test_min_effect_size,
        )


class Comparison(NamedTuple):
    """A variant against control; None is what cannot be computed. p-values are two-sided.

    `effect` is the variant's rate minus control's. `p_value` is the variant's own, the others are
    Holm's over all variants. `early_p_value` is the one that early winners are found by.
    """

    variant: Variant
    counts: ArmCounts
    effect: float | None
    relative_effect: float | None
    interval: Interval | None
    z: float | None
    p_value: float | None
    adjusted_p_value: float | None
    anytime_p_value: float | None
    early_p_value: float | None
    power: float | None

    def is_at_least(self, min_effect: float) -> bool:
        """Whether the variant is better by so much."""
        return self.effect is not None and self.effect >= min_effect - _ROUNDING

    @property
    def is_worse(self) -> bool:
        """Whether the variant is worse than control."""
        return self.effect is not None and self.effect < 0


class Look(NamedTuple):
    """One look at a test, before anything is decided by it.

    `mismatch_p_value` is None while nobody was exposed; `required_samples` (per variant) None while
    control has none.
    """

    arms: Sequence[tuple[Variant, ArmCounts]]
    control_rate: float | None
    comparisons: Sequence[Comparison]
    mismatch_p_value: float | None
    required_samples: int | None
    has_min_samples: bool
    can_be_planned: bool

    @property
    def is_mismatched(self) -> bool:
        """Whether units arrive in other shares than planned."""
        return self.mismatch_p_value is not None and self.mismatch_p_value < MISMATCH_P_VALUE

    def has_reached(self, planned_samples: int | None) -> bool:
        """Whether every variant has the planned size."""
        smallest = min(counts.samples for _, counts in self.arms)
        return planned_samples is not None and smallest >= planned_samples


def look_at(test: ABTest, tally: Tally, rules: Rules) -> Look:
    """Compare every variant with control, by what was counted."""
    arms = [(arm, tally.arm(arm)) for arm in test.arms]
    control = _proportion(tally.arm(test.control))
    rate = control.rate if control.samples else None
    smallest = min(counts.samples for _, counts in arms)
    has_min_samples = smallest >= rules.min_samples
    return Look(
        arms=arms,
        control_rate=rate,
        comparisons=_comparisons([arm for arm in arms if not arm[0].is_control], control, rules),
        mismatch_p_value=_known(
            lambda: sample_ratio_p_value(
                [counts.samples for _, counts in arms],
                [variant.traffic_percentage for variant, _ in arms],
            )
        ),
        required_samples=None if rate is None else _required(rate, rules),
        has_min_samples=has_min_samples,
        can_be_planned=has_min_samples and control.conversions >= FEWEST_CONVERSIONS_TO_PLAN,
    )


def significant(look: Look, planned_samples: int | None, rules: Rules) -> frozenset[str]:
    """Return the variants that differ significantly from control, by the rule of looks.

    `planned_samples` is None before it is frozen. The z-test counts only where every variant has
    that size; whoever calls must not ask again after the look that decided.
    """
    if look.is_mismatched or not look.has_min_samples:
        return frozenset()
    early_level = EARLY_SHARE * rules.level
    final_level = rules.level - early_level if look.has_reached(planned_samples) else 0.0
    return frozenset(
        each.variant.variant_name
        for each in look.comparisons
        if _below(each.early_p_value, early_level) or _below(each.adjusted_p_value, final_level)
    )


def _comparisons(
    others: Sequence[tuple[Variant, ArmCounts]], control: Proportion, rules: Rules
) -> list[Comparison]:
    arms = [_proportion(counts) for _, counts in others]
    tests = [_known(partial(two_proportion_z, control, arm)) for arm in arms]
    anytime = [_known(partial(anytime_p_value, control, arm, rules.min_effect)) for arm in arms]
    early = [_known(partial(_early_p_value, control, arm, rules.min_effect)) for arm in arms]
    own = [test.p_value if test else None for test in tests]
    p_values = zip(tests, _holm(own), _holm(anytime), _holm(early), strict=True)
    return [
        _comparison(variant, counts, control, rules, *each)
        for (variant, counts), each in zip(others, p_values, strict=True)
    ]


def _comparison(
    variant: Variant,
    counts: ArmCounts,
    control: Proportion,
    rules: Rules,
    test: ZTest | None,
    adjusted: float | None,
    anytime: float | None,
    early: float | None,
) -> Comparison:
    arm = _proportion(counts)
    effect = _known(lambda: arm.rate - control.rate)
    return Comparison(
        variant=variant,
        counts=counts,
        effect=effect,
        relative_effect=effect / control.rate if effect is not None and control.rate else None,
        interval=_known(lambda: newcombe_interval(control, arm)),
        z=test.z if test else None,
        p_value=test.p_value if test else None,
        adjusted_p_value=adjusted,
        anytime_p_value=anytime,
        early_p_value=early,
        power=_known(
            lambda: achieved_power(
                control.rate, rules.min_effect, control.samples, arm.samples, rules.level
            )
        ),
    )


def _early_p_value(control: Proportion, arm: Proportion, scale: float) -> float:
    """Return the larger of the anytime-valid p-values with unpooled and with pooled variance.

    The unpooled one alone finds winners by chance beside a small arm: of 100 units at 2 % none
    converts in 13 tests of 100, and then their rate seems to have no variance at all.
    """
    unpooled = anytime_p_value(control, arm, scale)
    z = two_proportion_z(control, arm).z
    if z == 0:
        return 1.0
    v, mixed = ((arm.rate - control.rate) / z) ** 2, scale * scale
    evidence = z * z * mixed / (v + mixed) / 2
    return max(unpooled, math.exp(min(0.0, math.log1p(mixed / v) / 2 - evidence)))


def _required(control_rate: float, rules: Rules) -> int:
    return required_sample_size(control_rate, rules.min_effect, rules.level)


def _holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values; one that is not known takes its place among them as if it were 1."""
    adjusted = holm([1.0 if p is None else p for p in p_values])
    return [None if p is None else q for p, q in zip(p_values, adjusted, strict=True)]


def _known(compute: Callable[[], _Result]) -> _Result | None:
    try:
        return compute()
    except TooFewSamplesError:
        return None


def _below(p_value: float | None, level: float) -> bool:
    return p_value is not None and p_value < level


def _proportion(counts: ArmCounts) -> Proportion:
    return Proportion(counts.conversions, counts.samples)
