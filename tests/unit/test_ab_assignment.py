import string
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, kstest

from lead_scoring.ab_assignment import assign_variant, bucket
from lead_scoring.experiments import ABTest, Variant

HASH_KEY = "a key made up for tests"
UNITS = [f"unit-{number}" for number in range(100_000)]
names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=100)


def ab_test(*shares: float, name: str = "colours") -> ABTest:
    variants = [Variant(f"v{i}", f"m{i}", share, i == 0) for i, share in enumerate(shares)]
    return ABTest(name, variants, "conversion", datetime(2024, 6, 1, tzinfo=UTC), "tests", "op")


@cache
def assigned(name: str, *shares: float, hash_key: str = HASH_KEY) -> Sequence[str]:
    """The variants of 100,000 units, in their order."""
    test = ab_test(*shares, name=name)
    return [assign_variant(test, unit, hash_key).variant_name for unit in UNITS]


def independence(some: Sequence[str], others: Sequence[str]) -> float:
    """The p-value of scipy's chi-square test of the contingency table."""
    together = Counter(zip(some, others, strict=True))
    rows, columns = sorted(set(some)), sorted(set(others))
    table = [[together[row, column] for column in columns] for row in rows]
    return float(chi2_contingency(table, correction=False).pvalue)


def test_a_unit_keeps_its_variant_for_ever() -> None:
    # By openssl; another answer would move the units of every running test.
    #   printf 'ab-test\ncolours\nunit-0' | openssl dgst -sha256 -hmac 'a key made up for tests'
    digests = {"unit-0": "5a75af56c43802ed", "unit-1": "ce168da68b19ff65"}

    found = {unit: bucket("colours", unit, HASH_KEY) for unit in digests}

    assert found == {unit: int(digest, 16) / 2**64 for unit, digest in digests.items()}


@given(names, st.text(max_size=130))
def test_a_bucket_is_the_same_each_time_and_in_its_range(name: str, unit: str) -> None:
    first = bucket(name, unit, HASH_KEY)

    assert 0 <= first < 1
    assert bucket(name, unit, HASH_KEY) == first


def test_a_variant_does_not_depend_on_what_becomes_of_its_test() -> None:
    test = ab_test(50, 50)
    moved_on = test._replace(
        started_at=datetime(2025, 1, 1, tzinfo=UTC), metric="contact_success", created_by="me"
    )

    for unit in UNITS[:1_000]:
        assert assign_variant(moved_on, unit, HASH_KEY) == assign_variant(test, unit, HASH_KEY)


def test_buckets_are_uniform() -> None:
    buckets = [bucket("colours", unit, HASH_KEY) for unit in UNITS[:20_000]]

    # By scipy's test of Kolmogorov and Smirnov.
    assert kstest(buckets, "uniform").pvalue > 0.001


@pytest.mark.untraced
@pytest.mark.parametrize(
    "shares",
    [
        (50, 50),
        (90, 10),
        (33.33, 33.33, 33.34),
        (10,) * 10,
    ],
)
def test_units_are_shared_out_in_proportion(shares: tuple[float, ...]) -> None:
    counts = Counter(assigned("colours", *shares))

    observed = [counts[f"v{place}"] for place in range(len(shares))]
    # By scipy's chi-square test.
    assert chisquare(observed, np.array(shares) / sum(shares) * len(UNITS)).pvalue > 0.001


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("name", "other"),
    [("colours", "prices"), ("colours", "colours2"), ("test-1", "test-2"), ("a", "b")],
)
def test_tests_are_independent_of_each_other(name: str, other: str) -> None:
    assert independence(assigned(name, 50, 50), assigned(other, 50, 50)) > 0.001


@pytest.mark.untraced
def test_tests_of_other_shares_are_independent_too() -> None:
    prices = assigned("prices", 50, 50)

    assert independence(assigned("colours", 90, 10), prices) > 0.001
    assert independence(assigned("colours", *(10,) * 10), prices) > 0.001


@pytest.mark.untraced
def test_another_hash_key_shares_out_anew() -> None:
    ours, theirs = (assigned("colours", 50, 50, hash_key=key) for key in (HASH_KEY, "k" * 16))

    assert independence(ours, theirs) > 0.001


def test_the_check_of_independence_notices_what_depends() -> None:
    ours = assigned("colours", 50, 50)
    leaning = [one if place % 50 == 0 else "v0" for place, one in enumerate(ours)]

    assert independence(ours, leaning) < 1e-9


def test_a_shadow_is_never_assigned_wherever_it_stands() -> None:
    plain = ab_test(50, 50)
    shade = Variant("shade", "m9", 0.0, is_shadow=True)
    first, second = plain.variants
    shaded = [
        ABTest("colours", variants, "conversion", plain.started_at, "tests", "op")
        for variants in ([shade, first, second], [first, shade, second], [first, second, shade])
    ]

    for unit in UNITS[:10_000]:
        variant = assign_variant(plain, unit, HASH_KEY)
        assert all(assign_variant(test, unit, HASH_KEY) == variant for test in shaded)


@pytest.mark.parametrize("total", [99.995, 100.005])
def test_percentages_that_miss_100_by_a_hair_still_cover_everybody(total: float) -> None:
    test = ab_test(total / 2, total / 2)

    counts = Counter(assign_variant(test, unit, HASH_KEY).variant_name for unit in UNITS[:20_000])

    assert counts.total() == 20_000
    assert chisquare([counts["v0"], counts["v1"]]).pvalue > 0.001


@given(
    st.lists(st.floats(0.01, 100), min_size=2, max_size=10),
    st.integers(0, 2**64 - 1),
)
def test_every_bucket_has_the_variant_in_whose_share_it_lies(
    shares: list[float], place: int
) -> None:
    test, unit = ab_test(*shares), f"unit-{place}"
    position = bucket(test.test_name, unit, HASH_KEY) * sum(shares)

    found = int(assign_variant(test, unit, HASH_KEY).variant_name[1:])

    ends = [0.0, *accumulate(shares)]
    assert ends[found] - 1e-9 <= position <= ends[found + 1] + 1e-9


def test_the_end_of_the_range_belongs_to_the_last_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    # What rounding may make of the highest buckets.
    monkeypatch.setattr("lead_scoring.ab_assignment.bucket", lambda *_: 1.0)

    variant = assign_variant(ab_test(33.33, 33.33, 33.34), "anybody", HASH_KEY)

    assert variant.variant_name == "v2"
