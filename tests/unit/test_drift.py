import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lead_scoring.drift import Binning, noise, psi
from lead_scoring.errors import ArtifactError

COUNTS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=2, max_size=12)


def split(pairs):
    expected, actual = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    return expected, actual


@given(COUNTS)
def test_the_index_is_the_two_way_entropy_of_the_smoothed_shares(pairs):
    expected, actual = split(pairs)
    kept = (expected + actual) > 0
    e, a = expected[kept] + 0.5, actual[kept] + 0.5

    found = psi(expected, actual)

    # Jeffreys divergence: the two relative entropies together. scipy normalises the shares.
    independent = stats.entropy(e, a) + stats.entropy(a, e) if kept.any() else 0.0
    assert found == pytest.approx(independent, abs=1e-9)


@given(COUNTS)
def test_the_index_is_never_negative_and_the_same_both_ways(pairs):
    expected, actual = split(pairs)

    assert psi(expected, actual) >= 0
    assert psi(expected, actual) == pytest.approx(psi(actual, expected), abs=1e-12)
    assert psi(expected, expected) == 0


def test_noise_is_the_quantile_of_chi_square_as_far_as_wilson_and_hilferty_come():
    for bins in (2, 3, 5, 10, 11):
        expected, actual = np.full(bins, 1000.0), np.full(bins, 30.0)
        exact = stats.chi2.ppf(1 - 1e-6, bins - 1) * (1 / expected.sum() + 1 / actual.sum())

        # Careful by up to a seventh with the fewest bins, and close with ten.
        assert 0.99 <= noise(expected, actual) / exact <= (1.03 if bins >= 10 else 1.16)


def test_samples_of_one_distribution_stay_below_the_noise_and_another_does_not():
    generator, shares = np.random.default_rng(3), np.full(10, 0.1)
    moved = np.array([0.19, *[0.09] * 9])
    above = found = 0
    for _ in range(2000):
        expected = generator.multinomial(20_000, shares).astype(float)
        same = generator.multinomial(2000, shares).astype(float)
        other = generator.multinomial(2000, moved).astype(float)
        above += psi(expected, same) > noise(expected, same)
        found += psi(expected, other) > noise(expected, other)

    assert above == 0
    assert found >= 1900


def test_quantiles_make_ten_bins_of_equal_share():
    column = np.random.default_rng(1).normal(size=(5000, 1))

    bins = Binning.fit(column)
    [counts] = bins.count(column)

    assert len(counts) == 11
    assert counts[:10].tolist() == [500] * 10
    assert counts[10] == 0
    expected = np.quantile(column, np.arange(1, 10) / 10, method="inverted_cdf")
    assert bins.ends[0].tolist() == expected.tolist()


def test_few_values_have_a_bin_each_and_what_is_missing_has_its_own():
    column = np.array([[0.0], [0.0], [1.0], [np.nan], [2.0], [2.0], [2.0]])

    bins = Binning.fit(column)

    assert bins.count(column)[0].tolist() == [2, 1, 3, 1]


def test_a_value_on_an_end_belongs_below_it_and_values_beyond_belong_to_the_outer_bins():
    bins = Binning.fit(np.arange(3.0).reshape(-1, 1))

    [counts] = bins.count(np.array([[0.0], [0.5], [1.0], [-9.0], [np.inf], [-np.inf]]))

    assert counts.tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize("column", [[np.nan] * 3, [5.0] * 3, [np.inf, -np.inf, np.nan]])
def test_columns_without_two_values_can_be_compared_all_the_same(column):
    rows = np.array(column).reshape(-1, 1)
    bins = Binning.fit(rows)

    [before], [after] = bins.count(rows), bins.count(np.full((3, 1), np.nan))

    assert before.sum() == after.sum() == 3
    assert psi(before, before) == 0
    assert np.isfinite(psi(before, after))


def test_single_precision_rows_fall_where_they_fell_at_training():
    rows = np.random.default_rng(2).normal(size=(1000, 3)).astype(np.float32)
    bins = Binning.fit(rows)

    again = Binning.from_json(bins.to_json())

    for before, after in zip(bins.count(rows), again.count(rows), strict=True):
        assert before.tolist() == after.tolist()


def test_nothing_counted_is_zero_in_every_bin():
    rows = np.array([[1.0, 2.0], [3.0, np.nan]])
    bins = Binning.fit(rows)

    assert [each.tolist() for each in bins.empty()] == [[0, 0, 0], [0, 0]]


@pytest.mark.parametrize("value", [None, [["a"]], 3])
def test_malformed_bins_are_refused(value):
    with pytest.raises(ArtifactError, match="bins"):
        Binning.from_json(value)
