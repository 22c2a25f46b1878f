"""The counters of A/B tests, beside their definitions: each item a part of a variant's sums.

| test_name | entry | holds |
|---|---|---|
| test | `COUNT#variant#part` | samples, conversions, scorings, score_sum, failures, closed |
| test | `PAIR#shadow#score#part` | how often the shadow gave each score beside this answer |
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..experiments import ABTest, ArmCounts, ShadowCounts, Tally
from .queries import Values

_COUNT, _PAIR = "COUNT#", "PAIR#"
# Transactions on one item exclude each other: as many as this may count at once.
PARTS, _PAIR_PARTS = 16, 4
_KEYS = {"test_name", "entry", "closed"}


class CounterItem(Model):
    """A part of a variant's sums; each counter is a number of its own name."""

    test_name = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    closed = BooleanAttribute(null=True)


def add_counts(
    write: TransactWrite,
    table: type[CounterItem],
    test_name: str,
    variant_name: str,
    counts: Mapping[str, int],
    condition: Condition | None = None,
) -> None:
    """Add to a transaction what is to be counted of a variant, on a part chosen at random."""
    part = random.randrange(PARTS)  # noqa: S311 (not a secret)
    item = table(test_name, _count_entry(variant_name, part))
    write.update(item, _adds(counts), condition)


def add_pair(
    write: TransactWrite,
    table: type[CounterItem],
    test_name: str,
    shadow: str,
    pair: tuple[int, int],
) -> None:
    """Add to a transaction one pair of scores, the answer's and the shadow's."""
    given, ours = pair
    part = random.randrange(_PAIR_PARTS)  # noqa: S311 (not a secret)
    item = table(test_name, f"{_PAIR}{shadow}#{given:03d}#{part}")
    write.update(item, _adds({f"s{ours:03d}": 1}))


def is_open(table: type[CounterItem]) -> Condition:
    """Hold while the test takes scores."""
    condition: Condition = table.closed.does_not_exist()
    return condition


def counters_of(table: type[CounterItem], test: ABTest) -> Iterator[CounterItem]:
    """Iterate over all parts of the counters of scores of a test."""
    for variant in test.arms:
        for part in range(PARTS):
            yield table(test.test_name, _count_entry(variant.variant_name, part))


def read_tally(items: Iterable[Values]) -> Tally:
    """Add up the counters of a test."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    pairs: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    for item in items:
        kind, name, *rest = item["entry"].split("#")
        for counter, digits in item.items():
            if counter in _KEYS:
                continue
            if f"{kind}#" == _PAIR:
                pairs[name][int(rest[0]), int(counter[1:])] += int(digits)
            else:
                sums[name][counter] += int(digits)
    return Tally(
        {name: _arm_counts(each) for name, each in sums.items()},
        {
            name: ShadowCounts(dict(pairs[name]), sums[name]["failures"] if name in sums else 0)
            for name in {*pairs, *(name for name, each in sums.items() if each.get("failures"))}
        },
    )


def _arm_counts(sums: Mapping[str, int]) -> ArmCounts:
    names = ("samples", "conversions", "scorings", "score_sum")
    return ArmCounts(**{name: sums.get(name, 0) for name in names})


def _count_entry(variant_name: str, part: int) -> str:
    return f"{_COUNT}{variant_name}#{part:02d}"


def _adds(counts: Mapping[str, int]) -> list[Action]:
    return [Path([name]).add({"N": str(count)}) for name, count in counts.items()]
