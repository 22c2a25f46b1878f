import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, norm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportions_ztest,
)

from lead_scoring.ab_looks import Look, Rules, look_at, significant
from lead_scoring.experiments import ABTest, ArmCounts, Tally, Variant
from tests.builders import settings

RULES = Rules(min_samples=100, level=0.05, min_effect=0.02)
Counts = tuple[int, int]  # conversions, samples

arms_of_any_size = st.integers(0, 3_000).flatmap(
    lambda samples: st.tuples(st.integers(0, samples), st.just(samples))
)


def ab_test(arms: int, *, shares: Sequence[float] = (), shadows: int = 0) -> ABTest:
    """A test of a, b, c, ..., the first as control, with shadows s0, s1, ..."""
    variants = [
        Variant("abcdefghij"[place], f"m{place}", shares[place] if shares else 100 / arms)
        for place in range(arms)
    ]
    variants[0] = Variant("a", "m0", variants[0].traffic_percentage, is_control=True)
    variants += [Variant(f"s{place}", "m9", 0.0, is_shadow=True) for place in range(shadows)]
    return ABTest("t", variants, "conversion", datetime(2024, 6, 1, tzinfo=UTC), "tests", "op")


def look(
    *counts: Counts, shares: Sequence[float] = (), shadows: int = 0, rules: Rules = RULES
) -> Look:
    """A look at conversions and samples, control's first; shares are as the sizes by default."""
    sizes = [samples for _, samples in counts]
    planned = shares or (sizes if all(sizes) else ())
    test = ab_test(len(counts), shares=planned, shadows=shadows)
    tally = {
        arm.variant_name: ArmCounts(samples, conversions)
        for arm, (conversions, samples) in zip(test.arms, counts, strict=True)
    }
    return look_at(test, Tally(tally, {}), rules)


def found(*counts: Counts, planned: int | None = None, rules: Rules = RULES) -> set[str]:
    return set(significant(look(*counts, rules=rules), planned, rules))


def z_test(control: Counts, arm: Counts) -> float:
    """The p-value of statsmodels."""
    conversions, samples = zip(arm, control, strict=True)
    return float(proportions_ztest(np.array(conversions), np.array(samples))[1])


def mixture(difference: float, variance: float, scale: float = 0.02) -> float:
    """Both densities of the likelihood ratio in full, by scipy (Johari et al. 2022)."""
    with_effect = norm.logpdf(difference, scale=sqrt(variance + scale**2))
    return min(1.0, exp(norm.logpdf(difference, scale=sqrt(variance)) - with_effect))


def anytime(control: Counts, arm: Counts) -> tuple[float, float]:
    """The anytime-valid p-values with unpooled and with pooled variance."""
    (c, n), (x, m) = control, arm
    pooled = (c + x) / (n + m)
    difference = x / m - c / n
    unpooled = x / m * (1 - x / m) / m + c / n * (1 - c / n) / n
    return (
        mixture(difference, unpooled),
        mixture(difference, pooled * (1 - pooled) * (1 / n + 1 / m)),
    )


# What a look holds.


def test_a_variant_is_compared_with_control() -> None:
    control, arm = (400, 4_000), (460, 4_000)

    [one] = look(control, arm).comparisons

    # By statsmodels: the z-test, method 10 of Newcombe, the power.
    low, high = confint_proportions_2indep(460, 4_000, 400, 4_000, method="newcomb")
    p_value = z_test(control, arm)
    power = power_proportions_2indep(0.02, 0.1, 4_000, alpha=0.05)
    assert one.variant.variant_name == "b"
    assert one.effect == pytest.approx(0.015)
    assert one.relative_effect == pytest.approx(0.15)
    assert one.interval == pytest.approx((low, high))
    assert (one.p_value, one.adjusted_p_value) == pytest.approx((p_value, p_value))
    assert one.z is not None
    assert one.z == pytest.approx(norm.isf(p_value / 2))
    assert one.power == pytest.approx(power.power, abs=1e-9)


def test_the_anytime_p_value_has_the_unpooled_variance_and_the_early_one_the_larger() -> None:
    control, arm = (300, 4_000), (90, 800)

    [one] = look(control, arm).comparisons

    unpooled, pooled = anytime(control, arm)
    assert one.anytime_p_value == pytest.approx(unpooled)
    assert one.early_p_value == pytest.approx(max(unpooled, pooled))


def test_effects_and_z_are_variant_minus_control_wherever_control_stands() -> None:
    variants = [Variant("new", "m1", 50), Variant("now", "m0", 50, is_control=True)]
    test = ABTest("t", variants, "conversion", datetime(2024, 6, 1, tzinfo=UTC), "tests", "op")
    tally = Tally({"new": ArmCounts(1_000, 80), "now": ArmCounts(1_000, 100)}, {})

    looked = look_at(test, tally, RULES)

    [one] = looked.comparisons
    assert looked.control_rate == 0.1
    assert one.variant.variant_name == "new"
    assert one.effect == pytest.approx(-0.02)
    assert one.z is not None
    assert one.z < 0
    assert one.is_worse


def test_p_values_are_adjusted_for_the_number_of_variants() -> None:
    control, arms = (100, 1_000), [(130, 1_000), (125, 1_000), (101, 1_000)]

    compared = look(control, *arms).comparisons

    # By statsmodels' Holm.
    own = [z_test(control, arm) for arm in arms]
    unpooled = [anytime(control, arm)[0] for arm in arms]
    early = [max(anytime(control, arm)) for arm in arms]
    assert [each.p_value for each in compared] == pytest.approx(own)
    assert [each.adjusted_p_value for each in compared] == pytest.approx(
        multipletests(own, method="holm")[1]
    )
    assert [each.anytime_p_value for each in compared] == pytest.approx(
        multipletests(unpooled, method="holm")[1]
    )
    assert [each.early_p_value for each in compared] == pytest.approx(
        multipletests(early, method="holm")[1]
    )


def test_a_variant_that_cannot_be_compared_takes_its_place_as_if_it_were_1() -> None:
    control, compared, empty = (100, 1_000), (140, 1_000), (0, 0)

    other, undefined = look(control, compared, empty).comparisons

    assert other.p_value == pytest.approx(z_test(control, compared))
    assert other.adjusted_p_value == pytest.approx(2 * z_test(control, compared))
    assert undefined.adjusted_p_value is None


def test_a_test_that_nobody_met_yet_has_no_figures() -> None:
    looked = look((0, 0), (0, 0))

    assert looked.control_rate is None
    assert looked.mismatch_p_value is None
    assert looked.required_samples is None
    assert not looked.is_mismatched
    assert not looked.has_min_samples
    assert not looked.can_be_planned
    assert not looked.has_reached(1)
    assert set(looked.comparisons[0][2:]) == {None}


@pytest.mark.parametrize("counts", [((0, 0), (3, 20)), ((3, 20), (0, 0))])
def test_an_arm_without_units_has_nothing_to_compare(counts: tuple[Counts, Counts]) -> None:
    looked = look(*counts)

    assert set(looked.comparisons[0][2:]) == {None}
    assert looked.mismatch_p_value is not None


@pytest.mark.parametrize(("rate", "relative"), [(0, None), (1, 0.0)])
def test_where_all_or_none_converted_there_is_no_p_value(rate: int, relative: float | None) -> None:
    [one] = look((500 * rate, 500), (500 * rate, 500)).comparisons

    assert one.effect == 0
    assert one.relative_effect == relative
    assert one.interval is not None
    assert one.interval.lower < 0 < one.interval.upper
    assert (one.z, one.p_value, one.adjusted_p_value) == (None, None, None)
    assert (one.anytime_p_value, one.early_p_value) == (None, None)


@pytest.mark.parametrize("counts", [((0, 500), (500, 500)), ((500, 500), (0, 500))])
def test_all_against_none_has_a_z_but_no_anytime_p_value(counts: tuple[Counts, Counts]) -> None:
    [one] = look(*counts).comparisons

    assert one.p_value == pytest.approx(z_test(*counts), abs=1e-200)
    assert (one.anytime_p_value, one.early_p_value) == (None, None)


def test_equal_rates_have_an_early_p_value_of_1() -> None:
    [one] = look((10, 100), (20, 200)).comparisons

    assert (one.anytime_p_value, one.early_p_value) == (1.0, 1.0)


def test_shadows_are_no_part_of_a_look() -> None:
    counts = ((100, 1_000), (120, 1_000))

    assert look(*counts, shadows=2).comparisons == look(*counts).comparisons
    assert look(*counts, shadows=2).arms == look(*counts).arms
    assert look(*counts, shadows=2).has_min_samples


def test_rules_are_those_of_the_settings() -> None:
    chosen = settings(
        ab_test_min_sample_size=30, ab_test_significance_level=0.1, ab_test_min_effect_size=0.05
    )

    assert Rules.of(chosen) == Rules(30, 0.1, 0.05)
    assert Rules.of(settings()) == RULES


# Sizes.


@pytest.mark.parametrize(
    ("conversions", "samples", "required"),
    [
        # The formula of the domain with scipy's quantiles: 3,840.85, 578.66 and 768.01, upwards.
        (400, 4_000, 3_841),
        (5, 1_000, 579),
        (990, 1_000, 769),
    ],
)
def test_the_required_size_follows_controls_rate_now(
    conversions: int, samples: int, required: int
) -> None:
    assert look((conversions, samples), (0, samples)).required_samples == required


@pytest.mark.parametrize(
    ("counts", "has_min_samples", "can_be_planned"),
    [
        (((10, 100), (0, 100)), True, True),
        (((9, 100), (60, 100)), True, False),
        (((99, 1_000), (90, 99)), False, False),
        (((50, 99), (90, 1_000)), False, False),
        (((10, 100), (0, 100), (0, 99)), False, False),
    ],
)
def test_a_plan_takes_the_minimum_everywhere_and_10_conversions_of_control(
    counts: tuple[Counts, ...], *, has_min_samples: bool, can_be_planned: bool
) -> None:
    looked = look(*counts)

    assert looked.has_min_samples == has_min_samples
    assert looked.can_be_planned == can_be_planned


def test_a_size_is_reached_when_the_smallest_variant_has_it() -> None:
    looked = look((10, 400), (10, 300), (10, 500))

    assert looked.has_reached(300)
    assert not looked.has_reached(301)
    assert not looked.has_reached(None)


# Sample ratio.


def test_a_mismatch_is_the_chi_square_of_the_planned_shares() -> None:
    looked = look((10, 1_000), (10, 880), (10, 1_120), shares=(33.33, 33.33, 33.34))

    # By scipy's chi-square test.
    expected = np.array([33.33, 33.33, 33.34]) * 30
    p_value = chisquare([1_000, 880, 1_120], expected).pvalue
    assert looked.mismatch_p_value == pytest.approx(p_value)
    assert looked.is_mismatched


@pytest.mark.parametrize(("larger", "is_mismatched"), [(552, False), (553, True)])
def test_the_alarm_is_at_a_thousandth(larger: int, *, is_mismatched: bool) -> None:
    looked = look((10, larger), (10, 1_000 - larger), shares=(50, 50))

    # By scipy: 0.00101 at 552 of 1,000, and 0.00080 at 553.
    p_value = chisquare([larger, 1_000 - larger]).pvalue
    assert looked.mismatch_p_value == pytest.approx(p_value)
    assert looked.is_mismatched == is_mismatched == (p_value < 0.001)


# The rule of looks.


def test_below_the_minimum_nothing_is_significant_however_clear() -> None:
    assert found((1, 99), (90, 99), planned=50) == set()
    assert found((1, 100), (90, 100)) == {"b"}


def test_a_mismatch_suppresses_everything() -> None:
    looked = look((10, 1_000), (500, 1_200), shares=(50, 50))

    assert significant(looked, 500, RULES) == frozenset()
    assert significant(look((10, 1_000), (500, 1_200)), 500, RULES) == {"b"}


def test_before_the_plan_only_the_early_p_value_counts() -> None:
    control = (100, 1_000)
    looks = {c: found(control, (c, 1_000)) for c in range(100, 200)}

    first = next(c for c, names in looks.items() if names)

    # By scipy's densities; the z-test passed its level long ago.
    assert max(anytime(control, (first - 1, 1_000))) >= 0.01
    assert max(anytime(control, (first, 1_000))) < 0.01
    assert z_test(control, (first - 10, 1_000)) < 0.01
    assert all(names == {"b"} for c, names in looks.items() if c >= first)


def test_the_z_test_counts_at_the_planned_size_at_four_fifths_of_the_level() -> None:
    control = (400, 4_000)
    looks = {c: found(control, (c, 4_000), planned=4_000) for c in range(400, 500)}

    first = next(c for c, names in looks.items() if names)

    assert z_test(control, (first - 1, 4_000)) >= 0.04
    assert z_test(control, (first, 4_000)) < 0.04
    assert all(names == {"b"} for c, names in looks.items() if c >= first)


def test_the_z_test_waits_until_every_variant_has_the_planned_size() -> None:
    control, clear, other = (400, 4_000), (470, 4_000), (400, 4_000)

    assert found(control, clear, other, planned=4_000) == {"b"}
    assert found(control, clear, (400, 3_999), planned=4_000) == set()
    assert found((400, 3_999), clear, other, planned=4_000) == set()
    assert found(control, clear, other, planned=None) == set()


def test_an_early_winner_counts_at_the_planned_size_too() -> None:
    assert found((400, 4_000), (700, 4_000), planned=9_000) == {"b"}
    assert found((400, 4_000), (700, 4_000), planned=4_000) == {"b"}


def test_a_variant_that_is_worse_is_significant_as_well() -> None:
    assert found((400, 4_000), (300, 4_000)) == {"b"}


def test_several_variants_share_the_level() -> None:
    control, arm = (400, 4_000), (460, 4_000)
    assert 0.02 < z_test(control, arm) < 0.04

    alone = found(control, arm, planned=4_000)
    beside_another = found(control, arm, (400, 4_000), planned=4_000)
    all_alike = found(control, arm, arm, planned=4_000)

    assert alone == {"b"}
    assert beside_another == set()
    assert all_alike == set()


def test_holm_asks_less_of_the_second() -> None:
    control, clear, other = (400, 4_000), (600, 4_000), (460, 4_000)

    assert found(control, clear, other, planned=4_000) == {"b", "c"}


def test_the_level_is_a_setting() -> None:
    counts, strict = ((400, 4_000), (460, 4_000)), Rules(100, 0.03, 0.02)
    # Between 0.024 and 0.04.
    assert 0.024 < z_test(*counts) < 0.04

    assert found(*counts, planned=4_000) == {"b"}
    assert found(*counts, planned=4_000, rules=strict) == set()


@pytest.mark.parametrize(
    ("control", "arm"), [((18, 900), (0, 100)), ((0, 100), (18, 900)), ((99, 9_900), (0, 100))]
)
def test_a_small_arm_in_which_none_converted_is_no_early_evidence(
    control: Counts, arm: Counts
) -> None:
    # At 2 % none of 100 converts in 13 tests of 100; unpooled, that arm seems to have no variance.
    [one] = look(control, arm).comparisons

    names = found(control, arm)

    assert one.anytime_p_value is not None
    assert one.anytime_p_value < 0.01
    assert z_test(control, arm) > 0.1
    assert names == set()


def test_a_disaster_is_seen_early_though_none_converted() -> None:
    assert found((100, 1_000), (0, 1_000)) == {"b"}
    assert found((90, 900), (0, 100)) == set()
    assert found((270, 2_700), (0, 300)) == {"b"}


@given(st.lists(arms_of_any_size, min_size=2, max_size=5), st.integers(1, 3_000) | st.none())
def test_significance_is_the_rule_written_out(counts: list[Counts], planned: int | None) -> None:
    looked = look(*counts)
    smallest = min(samples for _, samples in counts)
    is_final = planned is not None and smallest >= planned

    names = significant(looked, planned, RULES)

    for each in looked.comparisons:
        passes = [
            p is not None and p < level
            for p, level in (
                (each.early_p_value, 0.01),
                (each.adjusted_p_value, 0.04 if is_final else 0.0),
            )
        ]
        expected = any(passes) and smallest >= 100 and not looked.is_mismatched
        assert (each.variant.variant_name in names) == expected


@given(st.lists(arms_of_any_size, min_size=2, max_size=4), st.integers(1, 3_000))
def test_the_order_of_variants_does_not_matter(counts: list[Counts], planned: int) -> None:
    control, *others = counts
    expected = sorted(
        counts["abcd".index(name)] for name in found(control, *others, planned=planned)
    )

    for order in itertools.permutations(others):
        names = found(control, *order, planned=planned)
        assert sorted((control, *order)["abcd".index(name)] for name in names) == expected


@given(arms_of_any_size, arms_of_any_size)
def test_what_can_be_computed_is_in_its_range_and_the_early_p_value_the_strictest(
    control: Counts, arm: Counts
) -> None:
    [one] = look(control, arm).comparisons

    p_values = (one.p_value, one.anytime_p_value, one.early_p_value)
    assert all(p is None or 0 <= p <= 1 for p in p_values)
    assert (one.early_p_value is None) == (one.anytime_p_value is None)
    if one.early_p_value is not None and one.anytime_p_value is not None:
        assert one.p_value is not None
        assert one.early_p_value >= max(one.anytime_p_value, one.p_value * (1 - 1e-9))
        assert one.early_p_value == pytest.approx(max(anytime(control, arm)), abs=1e-12)


@pytest.mark.parametrize(
    ("control", "arm", "is_at_least"),
    [
        # 0.12 - 0.1 is 0.01999... in binary.
        ((100, 1_000), (120, 1_000), True),
        ((10, 100), (12, 100), True),
        ((3_000, 10_000), (3_200, 10_000), True),
        ((10_000, 100_000), (11_999, 100_000), False),
        ((120, 1_000), (100, 1_000), False),
        ((0, 0), (100, 1_000), False),
    ],
)
def test_two_percentage_points_are_at_least_two(
    control: Counts, arm: Counts, *, is_at_least: bool
) -> None:
    [one] = look(control, arm).comparisons

    assert one.is_at_least(0.02) == is_at_least


def test_worse_is_below_control() -> None:
    worse, equal, better = look((10, 100), (9, 100), (10, 100), (11, 100)).comparisons
    [unknown] = look((10, 100), (0, 0)).comparisons

    assert [each.is_worse for each in (worse, equal, better, unknown)] == [True, *[False] * 3]


def test_the_mixture_of_the_tests_is_that_of_the_paper() -> None:
    # Formula (11) of the preprint, arXiv:1512.04922, written out once.
    v, scale, d = 2e-4, 0.02, 0.05
    ratio = sqrt(v / (v + scale**2)) * exp(scale**2 * d**2 / (2 * v * (v + scale**2)))

    assert mixture(d, v) == pytest.approx(1 / ratio)
