import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.features import price
from lead_scoring.features.price import PriceLevels, position
from lead_scoring.features.salary import Salary

NAMES = [feature.name for feature in price.FEATURES]
PRICED = (
    [("nurse", 1000.0 * n) for n in range(21)] + [("rare", 1e6)] + [(None, 5e5), ("nurse", None)]
)


def features(
    amount: float | None, category: str | None = None, salary: Salary | None = None
) -> dict[str, float]:
    return dict(zip(NAMES, PriceLevels.fit(PRICED).values(amount, category, salary), strict=True))


def test_amount_and_logarithm_are_given() -> None:
    values = features(math.e - 1)

    assert values["price"] == math.e - 1
    assert values["price_log"] == pytest.approx(1)
    assert values["price_missing"] == 0


def test_a_missing_price_is_flagged_and_nothing_else_is_known() -> None:
    values = features(None, "nurse", Salary(1e5, 1e5))

    assert values.pop("price_missing") == 1
    assert all(math.isnan(value) for value in values.values())


def test_a_price_agrees_with_the_middle_of_the_salary_in_the_text() -> None:
    salary = Salary(80_000, 120_000)

    assert features(100_000, salary=salary)["price_to_text_salary"] == 0
    assert features(200_000, salary=salary)["price_to_text_salary"] == pytest.approx(math.log(2))


@pytest.mark.parametrize("amount", [0.0, 50.0])
def test_agreement_is_missing_without_a_salary_and_for_a_price_of_zero(amount: float) -> None:
    salary = Salary(1e5, 1e5) if amount == 0 else None

    assert math.isnan(features(amount, salary=salary)["price_to_text_salary"])


def test_even_the_smallest_price_has_an_agreement() -> None:
    agreement = features(5e-324, salary=Salary(1e5, 1e5))["price_to_text_salary"]

    assert agreement == pytest.approx(math.log(5e-324) - math.log(1e5))


def test_the_position_is_that_within_the_category() -> None:
    values = features(10_000, "nurse")

    assert values["price_position_in_category"] == pytest.approx(0.5)
    assert values["price_position"] == pytest.approx(10 / 22)


def test_a_category_with_few_prices_takes_the_overall_position() -> None:
    values = features(10_000, "rare")

    assert values["price_position_in_category"] == values["price_position"]


def test_without_training_prices_there_is_no_position() -> None:
    values = PriceLevels.fit([("nurse", None)]).values(5.0, "nurse", None)

    assert math.isnan(values[NAMES.index("price_position")])


def test_quantiles_are_those_of_numpy() -> None:
    prices = list(np.random.default_rng(7).lognormal(11, 0.5, 333))

    levels = PriceLevels.fit([(None, float(one)) for one in prices])

    assert list(levels.overall) == pytest.approx(list(np.quantile(prices, np.arange(21) / 20)))


@given(
    st.lists(st.floats(0, 1e12), min_size=1, max_size=50),
    st.floats(0, 1e12),
    st.floats(0, 1e12),
)
def test_positions_are_shares_and_never_fall_with_the_price(
    prices: list[float], one: float, other: float
) -> None:
    cuts = PriceLevels.fit([(None, amount) for amount in prices]).overall

    low, high = position(cuts, min(one, other)), position(cuts, max(one, other))

    assert 0 <= low <= high <= 1


def test_levels_survive_json() -> None:
    levels = PriceLevels.fit(PRICED)

    assert PriceLevels.from_json(levels.to_json()) == levels
