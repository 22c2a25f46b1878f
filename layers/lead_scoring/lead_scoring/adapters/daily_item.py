"""The table of counters of feedback: a few items a day, each a part of the day's sums."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..entities.feedback import CountedFeedback
from .queries import Values

# Transactions on one item exclude each other: as many as this may count on one day at once.
_SHARDS = 8
Sums = dict[str, Decimal]


class DailyItem(Model):
    """A part of a day's sums; each counter is a number of its own name."""

    day_shard = UnicodeAttribute(hash_key=True)


def add_counts(
    write: TransactWrite, table: type[DailyItem], rows: Iterable[CountedFeedback]
) -> None:
    """Add to a transaction what rows count: one update a day, on a part chosen at random.

    DynamoDB adds decimals; sent as the shortest text of each number, they add up exactly.
    """
    days: dict[date, Sums] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        for counter, value in row.counts.items():
            days[row.day][counter] += Decimal(repr(value))
    for day, sums in days.items():
        part = random.randrange(_SHARDS)  # noqa: S311 (not a secret)
        # As a list, so that a dot in a name is no step into a map.
        adds: list[Action] = [
            Path([counter]).add({"N": f"{total:f}"}) for counter, total in sums.items()
        ]
        write.update(table(f"{day.isoformat()}#{part}"), adds)


def keys_of(days: Sequence[date]) -> Iterator[dict[str, str]]:
    """Iterate over the keys of all parts of days."""
    for day in dict.fromkeys(days):
        for part in range(_SHARDS):
            yield {"day_shard": f"{day.isoformat()}#{part}"}


def sums_by_day(items: Iterable[Values]) -> Mapping[date, Mapping[str, float]]:
    """Add up the parts of each day; a day without any is absent."""
    days: dict[date, Sums] = defaultdict(lambda: defaultdict(Decimal))
    for item in items:
        sums = days[date.fromisoformat(item["day_shard"].partition("#")[0])]
        for counter, digits in item.items():
            if counter != "day_shard":
                sums[counter] += Decimal(digits)
    return {day: {name: float(total) for name, total in sums.items()} for day, sums in days.items()}
