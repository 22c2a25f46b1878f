"""Leads and what became of them, in DynamoDB: what a model is trained on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ..entities import Lead, LeadId, lead_key
from ..entities.feedback import Feedback
from ..entities.training import LeadSnapshot, Outcome, WantedSnapshot
from ..ports import Clock
from ..settings import Settings
from .aws import BULK_READ_SECONDS, PARALLEL_PAGES, unavailable_on_failure
from .dynamodb import bound, delete_all, put_all
from .feedback_item import FeedbackItem, by_time
from .feedback_values import evidence
from .lead_item import LeadItem
from .queries import Query, pages_of
from .snapshots import SnapshotReader

# Leads and outcomes are upserts: within this many, the last of the same lead wins by itself,
# and one such window is written before the next.
_WINDOW = 1000


class DynamoTrainingStore:
    """A TrainingStore in the tables of leads and of what became of them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._leads = bound(LeadItem, settings.predictions_table, settings, BULK_READ_SECONDS)
        self._outcomes = bound(FeedbackItem, settings.feedback_table, settings, BULK_READ_SECONDS)
        self._kept_for = timedelta(days=settings.prediction_retention_days)
        self._clock = clock

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        """Keep imported leads, each with the moment it is to be scored for. Upserts by lead."""
        _upsert(self._leads, (self._leads.of_import(lead, moment) for lead, moment in leads))

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Keep imported outcomes. Upserts by lead."""
        now = self._clock.now()
        _upsert(self._outcomes, (self._outcomes.of_outcome(each, now) for each in outcomes))

    def evidence(self, since: datetime | None = None) -> Iterator[Feedback | Outcome]:
        """Iterate over all feedback and all imported outcomes (from a moment on), in any order.

        Holds a few pages at a time, of 1 MB at most.
        """
        keys = None if since is None else self._outcomes.created_at >= since
        with unavailable_on_failure("dynamodb"):
            for page in pages_of(by_time(self._outcomes, keys)):
                yield from map(evidence, page)

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        """Iterate over the snapshots that exist, each with the key of its lead, in any order."""
        reader = SnapshotReader(self._leads, oldest_score=self._clock.now() - self._kept_for)
        with unavailable_on_failure("dynamodb"):
            yield from reader.read(wanted)

    def count(self) -> int:
        """Return how many rows of feedback and imported outcomes are kept."""
        queries = by_time(self._outcomes)
        with unavailable_on_failure("dynamodb"):
            # The first alone: it makes the client, which must not happen in two threads at once.
            counted = next(queries).count()
            with ThreadPoolExecutor(PARALLEL_PAGES) as pool:
                return counted + sum(pool.map(Query.count, queries))

    def delete(self, lead_id: LeadId) -> int:
        """Delete a lead's feedback and outcomes; return how many rows went."""
        everything = Query(
            self._outcomes, lead_key(lead_id), attributes=["lead_id", "feedback_key"]
        )
        with unavailable_on_failure("dynamodb"):
            keys = [dict(item) for item in everything.items()]
            delete_all(self._outcomes, keys)
        return len(keys)


def _upsert(table: type[Any], items: Iterator[Any]) -> None:
    with unavailable_on_failure("dynamodb"):
        while window := {item.lead_id: item for item in islice(items, _WINDOW)}:
            put_all(table, window.values())
