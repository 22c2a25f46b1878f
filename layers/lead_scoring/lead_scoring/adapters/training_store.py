"""Imported leads and what became of them, in DynamoDB."""

import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from ..entities import Lead, LeadId, Outcome, lead_key
from ..ports import Clock
from ..settings import Settings
from .aws import unavailable_on_failure
from .columns import FloatColumn, MomentColumn, WholeColumn
from .dynamodb import bound, delete_all, get_all, put_all
from .lead_item import IMPORT, LeadItem

# Few enough to read them all with a handful of queries, enough to write past the 1,000 units a
# second of one partition.
_SHARDS = 8
# Leads and outcomes are upserts: within this many, the last of the same lead wins by itself,
# and one such window is written before the next.
_WINDOW = 1000


class ByTime(GlobalSecondaryIndex["OutcomeItem"]):  # type: ignore[no-untyped-call] # PynamoDB's
    """What became of all leads, by shard and time: read whole without a scan."""

    class Meta:  # noqa: D106 (PynamoDB's way to say it)
        index_name = "by_time"
        projection = AllProjection()

    shard = WholeColumn(hash_key=True)
    created_at = MomentColumn(range_key=True)


class OutcomeItem(Model):
    """What became of a lead, as imported."""

    lead_id = UnicodeAttribute(hash_key=True)
    feedback_key = UnicodeAttribute(range_key=True)
    shard = WholeColumn()
    created_at = MomentColumn()
    lead_id_is_number = BooleanAttribute()
    converted = BooleanAttribute()
    contacted = BooleanAttribute(null=True)
    user_rating = FloatColumn(null=True)
    conversion_value = FloatColumn(null=True)
    occurred_at = MomentColumn(null=True)
    by_time = ByTime()

    @classmethod
    def of(cls, outcome: Outcome, now: datetime) -> "OutcomeItem":
        """Make the item of an outcome; one of unknown date is filed under the present."""
        key = lead_key(outcome.lead_id)
        return cls(
            lead_id=key,
            feedback_key=IMPORT,
            shard=zlib.crc32(key.encode()) % _SHARDS,
            created_at=outcome.occurred_at or now,
            lead_id_is_number=isinstance(outcome.lead_id, int),
            converted=outcome.converted,
            contacted=outcome.contacted,
            user_rating=outcome.user_rating,
            conversion_value=outcome.conversion_value,
            occurred_at=outcome.occurred_at,
        )

    def outcome(self) -> Outcome:
        """Return the outcome, its lead's id of the type it came with."""
        return Outcome(
            lead_id=int(self.lead_id) if self.lead_id_is_number else self.lead_id,
            converted=self.converted,
            contacted=self.contacted,
            user_rating=self.user_rating,
            conversion_value=self.conversion_value,
            occurred_at=self.occurred_at,
        )


class DynamoTrainingStore:
    """A TrainingStore in the tables of leads and of what became of them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._leads = bound(LeadItem, settings.predictions_table, settings)
        self._outcomes = bound(OutcomeItem, settings.feedback_table, settings)
        self._clock = clock

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        """Keep imported leads, each with the moment it is to be scored for. Upserts by lead."""
        _upsert(self._leads, (self._leads.of_import(lead, moment) for lead, moment in leads))

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Keep imported outcomes. Upserts by lead."""
        now = self._clock.now()
        _upsert(self._outcomes, (self._outcomes.of(outcome, now) for outcome in outcomes))

    def labelled_leads(self) -> Iterator[tuple[Lead, datetime, Outcome]]:
        """Iterate over every imported lead that has an outcome, in no particular order."""
        with unavailable_on_failure("dynamodb"):
            outcomes = {item.lead_id: item.outcome() for item in self._imported_outcomes()}
            keys = ({"lead_id": lead_id, "score_key": IMPORT} for lead_id in outcomes)
            for item in get_all(self._leads, keys):
                yield item.lead(), item.moment, outcomes[item.lead_id]

    def count(self) -> int:
        """Return how many outcomes are kept."""
        with unavailable_on_failure("dynamodb"):
            return sum(self._each_shard(self._outcomes.by_time.count))

    def delete(self, lead_id: LeadId) -> int:
        """Delete a lead's outcomes; return how many went."""
        with unavailable_on_failure("dynamodb"):
            items = self._outcomes.query(
                lead_key(lead_id),
                consistent_read=True,
                attributes_to_get=["lead_id", "feedback_key"],
            )
            keys = [{"lead_id": each.lead_id, "feedback_key": each.feedback_key} for each in items]
            delete_all(self._outcomes, keys)
        return len(keys)

    def _imported_outcomes(self) -> Iterator[OutcomeItem]:
        for items in self._each_shard(lambda shard: list(self._outcomes.by_time.query(shard))):
            yield from (item for item in items if item.feedback_key == IMPORT)

    def _each_shard(self, read: Any) -> list[Any]:
        # The first alone: it makes the client, which must not happen in two threads at once.
        first = read(0)
        with ThreadPoolExecutor(_SHARDS - 1) as pool:
            return [first, *pool.map(read, range(1, _SHARDS))]


def _upsert(table: type[Any], items: Iterator[Any]) -> None:
    with unavailable_on_failure("dynamodb"):
        while window := {item.lead_id: item for item in islice(items, _WINDOW)}:
            put_all(table, window.values())
