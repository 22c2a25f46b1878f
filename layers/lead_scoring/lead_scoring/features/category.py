"""Category: high-value groups by their words, and the categories that training saw, by frequency.

`software/qa/dba` has the main category `software` and the subcategory `qa/dba`. Codes are ranks
by frequency in training (0 the most frequent); the most frequent categories also have a feature
each. A category that training never saw has frequency 0 and no subcategory code (NaN), and a main
code only if that was seen; an absent category is NaN but for the zeros of the single categories.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ..entities import Feature

FEATURES = (
    Feature("category_technology", "Tech Category", "category"),
    Feature("category_finance", "Finance Category", "category"),
    Feature("category_engineering", "Engineering Category", "category"),
    Feature("category_main_code", "Main Category", "category"),
    Feature("category_sub_code", "Subcategory", "category"),
    Feature("category_share", "Category Frequency", "category"),
)
MOST_CODES = 64
MOST_SINGLE = 24
MOST_KNOWN = 10_000
_FEWEST_FOR_SINGLE = 10

_HIGH_VALUE = tuple(
    frozenset(words.split())
    for words in (
        "software it information technology tech data qa dba web devops developer development "
        "programming computer cyber network cloud internet ai ml telecommunications sysadmin",
        "finance financial accounting auditing accountant banking bank investment insurance "
        "fintech tax trading treasury equity capital",
        "engineering engineer mechanical electrical civil aerospace chemical industrial "
        "manufacturing robotics hardware semiconductor architecture",
    )
)
_NAN = math.nan
_find_words = re.compile(r"[^\W_]+").findall


@lru_cache(maxsize=4096)
def normal_category(category: str | None) -> str | None:
    """Return a category as it is compared: lower case, single spaces; None where it is blank.

    >>> normal_category(" Software / QA/DBA "), normal_category("  ")
    ('software/qa/dba', None)
    """
    if category is None:
        return None
    levels = [" ".join(level.split()) for level in category.lower().replace(">", "/").split("/")]
    return "/".join(level for level in levels if level) or None


def high_value_groups(category: str) -> list[float]:
    """Return whether a normal category is one of technology, finance and engineering."""
    words = _find_words(category)
    return [0.0 if group.isdisjoint(words) else 1.0 for group in _HIGH_VALUE]


class CategoryVocabulary:
    """The categories of training, most frequent first, with how many leads had each.

    >>> CategoryVocabulary.fit(["jobs/sales", "jobs/sales", "jobs/it"]).values("jobs/it")[3:5]
    [0.0, 1.0]
    """

    def __init__(self, counts: tuple[tuple[str, int], ...], leads: int) -> None:
        """Take pairs of category and count, and how many leads there were in all."""
        self.counts, self.leads = counts, leads
        single = [name for name, count in counts if count >= _FEWEST_FOR_SINGLE][:MOST_SINGLE]
        own = tuple(
            Feature(f"category_is:{name}", f'Category "{name}"', "category") for name in single
        )
        self.features = FEATURES + own
        self._main_codes = self._codes(0)
        self._rows = self._tabulate(single)

    def _codes(self, level: int) -> dict[str, float]:
        """Rank the main categories (level 0) or the subcategories (level 2) by frequency."""
        total: Counter[str] = Counter()
        for name, count in self.counts:
            total[name.partition("/")[level]] += count
        del total[""]
        ranked = sorted(total, key=lambda part: (-total[part], part))
        return {part: float(rank) for rank, part in enumerate(ranked[:MOST_CODES])}

    def _tabulate(self, single: list[str]) -> dict[str, list[float]]:
        sub_codes = self._codes(2)
        return {
            name: [
                *high_value_groups(name),
                # What is rarer than the ranked ones shares one code after them.
                self._main_codes.get(name.partition("/")[0], float(MOST_CODES)),
                sub_codes.get(sub, float(MOST_CODES)) if (sub := name.partition("/")[2]) else _NAN,
                count / self.leads,
                *(1.0 if name == other else 0.0 for other in single),
            ]
            for name, count in self.counts
        }

    @classmethod
    def fit(cls, categories: Iterable[str | None]) -> "CategoryVocabulary":
        """Count the categories; ties go by name, so that the order is always the same.

        Beyond MOST_KNOWN different ones the rarest are forgotten, and count as never seen.
        """
        normal = [normal_category(category) for category in categories]
        counted = Counter(name for name in normal if name is not None)
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return cls(tuple(ranked[:MOST_KNOWN]), len(normal))

    def values(self, category: str | None) -> list[float]:
        """Return the features of a normal category (see `normal_category`)."""
        blank = [0.0] * (len(self.features) - len(FEATURES))
        if category is None:
            return [_NAN] * len(FEATURES) + blank
        row = self._rows.get(category)
        if row is not None:
            return row
        main = self._main_codes.get(category.partition("/")[0], _NAN)
        return [*high_value_groups(category), main, _NAN, 0.0, *blank]

    def knows(self, category: str) -> bool:
        """Tell whether training saw a normal category."""
        return category in self._rows

    def to_json(self) -> dict[str, Any]:
        """Write the categories and their counts."""
        return {"leads": self.leads, "counts": [list(item) for item in self.counts]}

    @classmethod
    def from_json(cls, data: Any) -> "CategoryVocabulary":
        """Read them back; raise KeyError, TypeError or ValueError if they are malformed."""
        counts = tuple((name, int(count)) for name, count in data["counts"])
        if not all(isinstance(name, str) and count > 0 for name, count in counts):
            raise TypeError("a category is no text, or was counted zero times")
        if len(dict(counts)) != len(counts):
            raise ValueError("a category occurs twice")
        leads = int(data["leads"])
        if leads < sum(count for _, count in counts):
            raise ValueError("more leads have a category than there are")
        return cls(counts, leads)
