"""Price: the amount, how it agrees with the salary in the text, and where it stands among others.

The unit of a price is the sender's, so that its position among the training prices of its
category says more than the amount does.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..entities import Feature
from .salary import Salary

FEATURES = (
    Feature("price", "Price", "price"),
    Feature("price_log", "Price", "price"),
    Feature("price_missing", "Price Missing", "price"),
    Feature("price_to_text_salary", "Price Against Text", "price"),
    Feature("price_position", "Price Position", "price"),
    Feature("price_position_in_category", "Price Position in Category", "price"),
)
_STEPS = 20  # quantiles at every twentieth: 21 of them
_FEWEST_IN_CATEGORY = 20
_MOST_CATEGORIES = 500
_ABSENT = [math.nan, math.nan, 1.0, math.nan, math.nan, math.nan]


def position(quantiles: Sequence[float], price: float) -> float:
    """Return the share of prices below, from 0 to 1; the middle where many have this very price.

    >>> [position((10.0, 20.0, 20.0, 20.0, 30.0), price) for price in (15.0, 20.0)]
    [0.125, 0.5]
    """
    low, high = bisect_left(quantiles, price), bisect_right(quantiles, price)
    last = len(quantiles) - 1
    if low < high:
        return (low + high - 1) / 2 / last
    if low == 0 or low > last:
        return 0.0 if low == 0 else 1.0
    below, above = quantiles[low - 1], quantiles[low]
    return (low - 1 + (price - below) / (above - below)) / last


def _quantiles(prices: list[float]) -> tuple[float, ...]:
    """Return the 21 quantiles, interpolated linearly (definition 7 of Hyndman and Fan, 1996)."""
    ranked = sorted(prices)
    cuts = []
    for step in range(_STEPS + 1):
        place, rest = divmod(step * (len(ranked) - 1), _STEPS)
        above = ranked[min(place + 1, len(ranked) - 1)]
        cuts.append(ranked[place] + (above - ranked[place]) * rest / _STEPS)
    return tuple(cuts)


class PriceLevels(NamedTuple):
    """The quantiles of the training prices, of all and of each category with enough of them."""

    overall: tuple[float, ...]
    by_category: Mapping[str, tuple[float, ...]]

    @classmethod
    def fit(cls, priced: Iterable[tuple[str | None, float | None]]) -> "PriceLevels":
        """Learn from pairs of normal category and price; those without a price are left out."""
        every: list[float] = []
        grouped: dict[str, list[float]] = defaultdict(list)
        for category, price in priced:
            if price is not None:
                every.append(price)
                if category is not None:
                    grouped[category].append(price)
        ranked = sorted(grouped, key=lambda name: (-len(grouped[name]), name))[:_MOST_CATEGORIES]
        enough = [name for name in ranked if len(grouped[name]) >= _FEWEST_IN_CATEGORY]
        return cls(
            _quantiles(every) if every else (),
            {name: _quantiles(grouped[name]) for name in enough},
        )

    def values(
        self, price: float | None, category: str | None, salary: Salary | None
    ) -> list[float]:
        """Return the price features; `category` is normal, `salary` what the text names.

        The agreement is the natural logarithm of price over the middle of the text's salary: 0
        where they agree. In a category with too few prices the position is the overall one.
        """
        if price is None:
            return _ABSENT
        agreement = math.nan
        if salary is not None and price > 0:
            # Not the logarithm of the quotient, which is zero where the price is tiny.
            agreement = math.log(price) - math.log((salary.low + salary.high) / 2)
        overall = position(self.overall, price) if self.overall else math.nan
        own = self.by_category.get(category) if category is not None else None
        within = position(own, price) if own else overall
        return [price, math.log1p(price), 0.0, agreement, overall, within]

    def to_json(self) -> dict[str, Any]:
        """Write the quantiles."""
        return {
            "overall": list(self.overall),
            "by_category": {name: list(cuts) for name, cuts in self.by_category.items()},
        }

    @classmethod
    def from_json(cls, data: Any) -> "PriceLevels":
        """Read them back; raise KeyError, TypeError or ValueError if they are malformed."""
        overall = _checked(data["overall"]) if data["overall"] else ()
        return cls(overall, {name: _checked(cuts) for name, cuts in data["by_category"].items()})


def _checked(cuts: Any) -> tuple[float, ...]:
    numbers = tuple(map(float, cuts))
    if len(numbers) != _STEPS + 1 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{_STEPS + 1} finite quantiles are needed")
    if list(numbers) != sorted(numbers):
        raise ValueError("quantiles must not fall")
    return numbers
