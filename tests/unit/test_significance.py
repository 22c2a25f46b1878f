import csv
import doctest
import gzip
import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2, chisquare, norm, spearmanr
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportion_confint,
    proportions_ztest,
    samplesize_proportions_2indep_onetail,
)

from lead_scoring import significance
from lead_scoring.errors import TooFewSamplesError
from lead_scoring.significance import (
    Proportion,
    achieved_power,
    anytime_p_value,
    holm,
    newcombe_interval,
    required_sample_size,
    sample_ratio_p_value,
    spearman,
    two_proportion_z,
    wilson_interval,
)

PROJECT = Path(__file__).parents[2]
COOKIE_CATS = PROJECT.parent / "shared" / "data" / "cookie_cats.csv.gz"
CONTROL, TREATMENT = Proportion(8_502, 44_700), Proportion(8_279, 45_489)
EMPTY = Proportion(0, 0)
BILLION = 10**9

ARMS = [
    Proportion(*counts)
    for counts in [
        (0, 1),
        (1, 1),
        (1, 2),
        (2, 2),
        (0, 3),
        (2, 3),
        (3, 3),
        (5, 56),
        (10, 100),
        (0, 1_000),
        (300, 1_000),
        (1_000, 1_000),
        (8_502, 44_700),
        (0, BILLION),
        (1, BILLION),
        (300_000_000, BILLION),
        (300_040_000, BILLION),
        (BILLION, BILLION),
    ]
]
PAIRS = list(itertools.product(ARMS, ARMS))
RATES = (0.0, 0.001, 0.02, 0.19, 0.5, 0.9, 0.98, 1.0)
EFFECTS = (0.001, 0.02, 0.1, 0.5)

proportions = st.integers(1, BILLION).flatmap(
    lambda samples: st.builds(Proportion, st.integers(0, samples), st.just(samples))
)
rates = st.floats(0, 1)
effects = st.floats(0.001, 0.5)


def failures(arm: Proportion) -> Proportion:
    return Proportion(arm.samples - arm.conversions, arm.samples)


def without_variance(control: Proportion, treatment: Proportion) -> bool:
    conversions = control.conversions + treatment.conversions
    return conversions in (0, control.samples + treatment.samples)


def z_of_statsmodels(control: Proportion, treatment: Proportion) -> tuple[float, float]:
    """Counts whichever is rarer, as statsmodels takes 1 - rate, which loses digits near 100 %."""
    conversions, samples = zip(treatment, control, strict=True)
    if 2 * sum(conversions) > sum(samples):
        z, p_value = z_of_statsmodels(failures(control), failures(treatment))
        return -z, p_value
    z, p_value = proportions_ztest(np.array(conversions), np.array(samples))
    return float(z), float(p_value)


def effect_of(rate: float, minimum_effect: float) -> float:
    return minimum_effect if rate + minimum_effect <= 1 else -minimum_effect


def test_z_and_its_p_value_are_those_of_statsmodels() -> None:
    for control, treatment in PAIRS:
        if without_variance(control, treatment):
            continue
        z, p_value = z_of_statsmodels(control, treatment)

        found = two_proportion_z(control, treatment)

        assert found.z == pytest.approx(z, rel=1e-9, abs=1e-12)
        assert found.p_value == pytest.approx(p_value, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("control", "treatment"), [pair for pair in PAIRS if without_variance(*pair)]
)
def test_rates_that_are_both_0_or_both_100_percent_have_no_z(
    control: Proportion, treatment: Proportion
) -> None:
    with pytest.raises(TooFewSamplesError, match="no variance"):
        two_proportion_z(control, treatment)


def test_the_z_test_of_cookie_cats_is_the_reference_of_the_domain() -> None:
    found = two_proportion_z(CONTROL, TREATMENT)

    assert found.z == pytest.approx(-3.1644, abs=5e-5)
    assert found.p_value == pytest.approx(0.001554, abs=5e-7)


@pytest.mark.skipif(not COOKIE_CATS.exists(), reason=f"the data is not here: {COOKIE_CATS}")
def test_the_data_of_cookie_cats_has_the_counts_of_the_reference() -> None:
    counts: Counter[tuple[str, str]] = Counter()

    with gzip.open(COOKIE_CATS, "rt", encoding="utf-8", newline="") as file:
        counts.update((row["version"], row["retention_7"]) for row in csv.DictReader(file))

    control, treatment = (
        Proportion(counts[gate, "True"], counts[gate, "True"] + counts[gate, "False"])
        for gate in ("gate_30", "gate_40")
    )
    assert (control, treatment) == (CONTROL, TREATMENT)
    assert counts.total() == control.samples + treatment.samples
    assert two_proportion_z(control, treatment) == pytest.approx((-3.1644, 0.001554), rel=5e-4)


@given(proportions, proportions)
def test_swapping_the_arms_turns_every_sign(one: Proportion, other: Proportion) -> None:
    there, back = newcombe_interval(one, other), newcombe_interval(other, one)

    assert there == (-back.upper, -back.lower)
    if not without_variance(one, other):
        z, p_value = two_proportion_z(one, other)
        assert two_proportion_z(other, one) == (-z, p_value)
        assert two_proportion_z(failures(one), failures(other)) == (-z, p_value)
        assert 0 <= p_value <= 1


def test_newcombes_interval_is_that_of_statsmodels() -> None:
    for level, (control, treatment) in itertools.product((0.8, 0.95, 0.99), PAIRS):
        expected = confint_proportions_2indep(
            *treatment, *control, method="newcomb", compare="diff", alpha=1 - level
        )

        found = newcombe_interval(control, treatment, level)

        assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)


# Newcombe 1998, Statistics in Medicine 17:873-890, Table II, method 10: first minus second.
@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombes_interval_is_that_of_his_table(
    first: tuple[int, int], second: tuple[int, int], lower: float, upper: float
) -> None:
    found = newcombe_interval(Proportion(*second), Proportion(*first))

    assert found == pytest.approx((lower, upper), abs=5.1e-5)


def test_wilsons_interval_is_that_of_statsmodels() -> None:
    for level, one in itertools.product((0.8, 0.95, 0.99), ARMS):
        expected = proportion_confint(*one, method="wilson", alpha=1 - level)

        found = wilson_interval(one, level)

        assert found == pytest.approx(expected, rel=1e-9, abs=1e-16)


# Newcombe 1998, Statistics in Medicine 17:857-872, examples, method 3.
@pytest.mark.parametrize(
    ("conversions", "samples", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilsons_interval_is_that_of_newcombes_table(
    conversions: int, samples: int, lower: float, upper: float
) -> None:
    found = wilson_interval(Proportion(conversions, samples))

    assert found == pytest.approx((lower, upper), abs=5.1e-5)


@given(st.integers(1, BILLION))
def test_nothing_and_everything_have_limits_of_exactly_0_and_1(samples: int) -> None:
    assert wilson_interval(Proportion(0, samples)).lower == 0.0
    assert wilson_interval(Proportion(samples, samples)).upper == 1.0


@given(proportions, proportions, st.floats(0.01, 0.999))
def test_intervals_hold_their_estimate_and_stay_in_range(
    control: Proportion, treatment: Proportion, level: float
) -> None:
    one, difference = wilson_interval(control, level), newcombe_interval(control, treatment, level)

    assert 0 <= one.lower <= control.rate <= one.upper <= 1
    assert -1 <= difference.lower <= difference.upper <= 1
    assert difference.lower <= treatment.rate - control.rate + 1e-15
    assert difference.upper >= treatment.rate - control.rate - 1e-15


@pytest.mark.parametrize(("level", "power"), [(0.05, 0.8), (0.01, 0.95), (0.04, 0.5)])
def test_the_sample_size_is_that_of_statsmodels(level: float, power: float) -> None:
    for rate, minimum_effect in itertools.product(RATES, EFFECTS):
        expected = samplesize_proportions_2indep_onetail(
            effect_of(rate, minimum_effect), rate, power, alpha=level
        )

        exact = significance._exact_sample_size(rate, minimum_effect, level, power)
        whole = required_sample_size(rate, minimum_effect, level, power)

        assert exact == pytest.approx(expected, rel=1e-9, abs=0)
        assert whole == math.ceil(expected)


# The examples of R's manual, power.prop.test, which says n = 76.7, 10451937 and 73.37.
@pytest.mark.parametrize(
    ("rates_of_arms", "level", "power", "samples"),
    [
        ((0.5, 0.75), 0.05, 0.9, 77),
        ((0.5, 0.501), 0.001, 0.9, 10_451_937),
        ((0.9, 1.0), 0.05, 0.8, 74),
    ],
)
def test_the_sample_size_is_that_of_rs_manual(
    rates_of_arms: tuple[float, float], level: float, power: float, samples: int
) -> None:
    control_rate, other = rates_of_arms

    found = required_sample_size(control_rate, other - control_rate, level, power)

    assert found == samples


def test_the_effect_is_downwards_only_where_there_is_no_room_upwards() -> None:
    full = required_sample_size(0.9, 0.1)

    # Their sum is above 1 by one ulp: that is still room.
    assert required_sample_size(math.nextafter(0.9, 1), 0.1) == full
    assert required_sample_size(0.9001, 0.1) > full
    assert required_sample_size(1.0, 0.1) == full
    assert required_sample_size(1.0, 0.02) == required_sample_size(0.0, 0.02)


def test_a_whole_sample_size_is_not_rounded_up_to_the_next() -> None:
    level_of_z_2 = math.erfc(math.sqrt(2))

    exact = significance._exact_sample_size(0.4, 0.2, level_of_z_2, 0.5)

    # 2^2 * 2 * 0.5 * 0.5 / 0.2^2 = 50, which floats miss.
    assert exact == pytest.approx(50, rel=1e-13)
    assert exact != 50
    assert required_sample_size(0.4, 0.2, level_of_z_2, 0.5) == 50


def test_an_effect_that_no_rate_could_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        required_sample_size(0.5, 0.6)
    with pytest.raises(ValueError, match="no room"):
        achieved_power(0.5, 0.6, 100, 100)


@pytest.mark.parametrize(
    ("control_samples", "treatment_samples"),
    [
        (1, 1),
        (1, 3),
        (3, 1),
        (100, 100),
        (154, 308),
        (1_000, 10),
        (BILLION, BILLION),
        (50, BILLION),
    ],
)
def test_the_power_is_that_of_statsmodels(control_samples: int, treatment_samples: int) -> None:
    for rate, minimum_effect in itertools.product(RATES, EFFECTS):
        expected = power_proportions_2indep(
            effect_of(rate, minimum_effect),
            rate,
            treatment_samples,
            ratio=control_samples / treatment_samples,
            return_results=False,
        )

        found = achieved_power(rate, minimum_effect, control_samples, treatment_samples)

        assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)


# R's manual, power.prop.test; Stata's manual, power twoproportions (as statsmodels' tests cite it).
@pytest.mark.parametrize(
    ("control_rate", "effect", "samples", "power", "rounding"),
    [(0.5, 0.25, 50, 0.740, 5e-4), (0.001, 0.014, 550, 0.7415600, 5e-8)],
)
def test_the_power_is_that_of_the_manuals(
    control_rate: float, effect: float, samples: int, power: float, rounding: float
) -> None:
    found = achieved_power(control_rate, effect, samples, samples)

    assert found == pytest.approx(power, abs=rounding)


@given(rates, effects)
def test_the_required_size_has_the_power_that_was_asked_for(rate: float, effect: float) -> None:
    samples = required_sample_size(rate, effect)

    assert 0.8 <= achieved_power(rate, effect, samples, samples) + 1e-9 <= 1 + 1e-9


def test_a_difference_from_none_to_all_is_certain_to_show_from_four_samples_on() -> None:
    assert achieved_power(0.0, 1.0, 1, 2) == 0.0
    assert achieved_power(0.0, 1.0, 2, 2) == 1.0


@pytest.mark.parametrize("arms", range(2, 11))
def test_the_sample_ratio_is_tested_as_scipy_does(arms: int) -> None:
    generator = np.random.default_rng(arms)
    for total, bias in itertools.product((10, 1_000, 10**6, BILLION), (0.0, 0.1, 1.0, 30.0)):
        shares = generator.uniform(1, 50, arms)
        pull = np.exp(generator.normal(0, bias / math.sqrt(total), arms))
        samples = generator.multinomial(total, shares * pull / (shares * pull).sum())
        expected = chisquare(samples, total * shares / shares.sum()).pvalue

        found = sample_ratio_p_value(samples.tolist(), shares.tolist())

        assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)
        assert 0 <= found <= 1


@pytest.mark.parametrize("freedom", range(1, 10))
def test_the_chi_square_tail_is_that_of_scipy_however_thin(freedom: int) -> None:
    for statistic in (0.0, 1e-12, 0.1, 1.0, 5.0, 30.0, 200.0, 1_000.0, 1_350.0):
        found = significance._chi_square_survival(statistic, freedom)

        assert found == pytest.approx(chi2.sf(statistic, freedom), rel=1e-9, abs=0)


def test_sample_ratios_are_those_of_the_published_mismatches() -> None:
    # Kohavi, Tang, Xu, Trustworthy Online Controlled Experiments: 50.2 to 49.8 %, p = 1.8E-6.
    assert sample_ratio_p_value([821_588, 815_482], [1, 1]) == pytest.approx(1.8e-6, abs=5e-8)
    # Wikipedia, Sample ratio mismatch: p = 2.54 * 10^-10.
    assert sample_ratio_p_value([600, 400], [1, 1]) == pytest.approx(2.54e-10, abs=5e-13)


def test_shares_count_relative_to_each_other() -> None:
    in_percent = sample_ratio_p_value([70, 20, 10], [50, 25, 25])

    assert sample_ratio_p_value([70, 20, 10], [2, 1, 1]) == pytest.approx(in_percent)
    assert sample_ratio_p_value([50, 25, 25], [0.5, 0.25, 0.25]) == 1.0


SMALL_SCALE, SCALE, LARGE_SCALE = 1e-4, 0.02, 0.5


@pytest.mark.parametrize("scale", [SMALL_SCALE, SCALE, LARGE_SCALE])
def test_the_anytime_p_value_is_the_ratio_of_two_normal_densities(scale: float) -> None:
    for control, treatment in PAIRS:
        difference = treatment.rate - control.rate
        variance = sum(arm.rate * (1 - arm.rate) / arm.samples for arm in (control, treatment))
        if variance == 0:
            continue
        # Mixed, the difference is normal with the sum of the variances.
        log_ratio = norm.logpdf(difference, scale=math.sqrt(variance)) - norm.logpdf(
            difference, scale=math.sqrt(variance + scale**2)
        )

        found = anytime_p_value(control, treatment, scale)

        assert found == pytest.approx(math.exp(min(0.0, log_ratio)), rel=1e-9, abs=1e-300)


def test_the_anytime_p_value_is_one_over_the_integral_over_the_mixture() -> None:
    control, treatment = Proportion(100, 1_000), Proportion(150, 1_200)
    noise = math.sqrt(0.1 * 0.9 / 1_000 + 0.125 * 0.875 / 1_200)
    likelihood_ratio, _ = quad(
        lambda effect: norm.pdf(0.025, effect, noise) * norm.pdf(effect, 0, SCALE),
        -0.2,
        0.2,
        epsabs=0,
        epsrel=1e-12,
        points=[0.0, 0.025],
    )

    found = anytime_p_value(control, treatment, SCALE)

    assert found == pytest.approx(min(1.0, norm.pdf(0.025, 0, noise) / likelihood_ratio), rel=1e-9)


@given(proportions, proportions, st.floats(1e-6, 1))
def test_the_anytime_p_value_is_a_p_value_and_does_not_depend_on_the_order(
    one: Proportion, other: Proportion, scale: float
) -> None:
    if one.conversions in (0, one.samples) and other.conversions in (0, other.samples):
        with pytest.raises(TooFewSamplesError, match="no variance"):
            anytime_p_value(one, other, scale)
        return

    found = anytime_p_value(one, other, scale)

    assert 0 <= found <= 1
    assert found == anytime_p_value(other, one, scale)


def test_the_anytime_p_value_neither_overflows_nor_claims_anything_of_equal_rates() -> None:
    half = Proportion(BILLION // 2, BILLION)

    assert anytime_p_value(Proportion(1, BILLION), Proportion(BILLION, BILLION), SCALE) == 0.0
    assert anytime_p_value(half, half, LARGE_SCALE) == 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_holms_p_values_are_those_of_statsmodels(count: int) -> None:
    generator = np.random.default_rng(count)
    for power in (0, 1, 10):
        p_values = np.round(generator.random(count), 1) ** power * generator.choice(
            [1, 0.01], count
        )

        found = holm(p_values.tolist())

        expected = multipletests(p_values, method="holm")[1]
        assert found == pytest.approx(expected.tolist(), rel=1e-9, abs=0)


def test_of_no_p_values_none_are_adjusted() -> None:
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=10))
def test_adjusting_lowers_no_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)

    assert all(raw <= new <= 1 for raw, new in zip(p_values, adjusted, strict=True))
    in_order = [new for _, new in sorted(zip(p_values, adjusted, strict=True))]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("values", [2, 3, 10, 100])
def test_rank_correlation_is_that_of_scipy_on_the_pairs_written_out(values: int) -> None:
    generator = np.random.default_rng(values)
    for slope in (-3.0, 0.0, 0.5, 5.0):
        first = generator.integers(0, values, 400)
        second = np.round(slope * first + generator.normal(0, values, 400))
        pairs = Counter(zip(first.tolist(), second.tolist(), strict=True))

        found = spearman(pairs)

        assert found == pytest.approx(spearmanr(first, second).statistic, rel=1e-9)


def test_rank_correlation_takes_counts_that_nobody_could_write_out() -> None:
    pairs = {(0, 0): 3, (0, 1): 1, (1, 0): 1, (1, 1): 2}

    found = spearman({pair: count * BILLION for pair, count in pairs.items()})

    assert found == pytest.approx(spearman(pairs), rel=1e-12)


@given(st.dictionaries(st.integers(0, 100), st.integers(1, BILLION), min_size=2))
def test_equal_ranks_correlate_fully_and_reversed_ones_inversely(counts: dict[int, int]) -> None:
    assert spearman({(a, a**3): count for a, count in counts.items()}) == pytest.approx(1)
    assert spearman({(a, -a): count for a, count in counts.items()}) == pytest.approx(-1)


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)), st.integers(0, BILLION), max_size=36
    )
)
def test_rank_correlation_is_in_range_or_refused(pairs: dict[tuple[int, int], int]) -> None:
    occurred = [pair for pair, count in pairs.items() if count]

    if any(len(set(side)) < 2 for side in zip(*occurred, strict=True)) or not occurred:
        with pytest.raises(TooFewSamplesError):
            spearman(pairs)
    else:
        assert -1 <= spearman(pairs) <= 1


def test_what_needs_samples_is_refused_without_them() -> None:
    arm = Proportion(1, 2)
    for control, treatment in [(EMPTY, arm), (arm, EMPTY), (EMPTY, EMPTY)]:
        with pytest.raises(TooFewSamplesError):
            two_proportion_z(control, treatment)
        with pytest.raises(TooFewSamplesError):
            newcombe_interval(control, treatment)
        with pytest.raises(TooFewSamplesError):
            anytime_p_value(control, treatment, SCALE)
        with pytest.raises(TooFewSamplesError):
            achieved_power(0.1, 0.02, control.samples, treatment.samples)
    with pytest.raises(TooFewSamplesError):
        wilson_interval(EMPTY)
    with pytest.raises(TooFewSamplesError):
        sample_ratio_p_value([0, 0], [50, 50])
    with pytest.raises(TooFewSamplesError):
        _ = EMPTY.rate


@pytest.mark.parametrize("pairs", [{}, {(1.0, 2.0): 1}, {(1.0, 2.0): 9, (1.0, 3.0): 9}])
def test_a_rank_correlation_of_a_single_value_is_refused(
    pairs: dict[tuple[float, float], int],
) -> None:
    with pytest.raises(TooFewSamplesError):
        spearman(pairs)


def test_the_examples_of_the_docstrings_hold() -> None:
    found = doctest.testmod(significance)

    assert found.failed == 0
    assert found.attempted >= 10
