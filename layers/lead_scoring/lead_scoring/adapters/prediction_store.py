"""The audit log of scores, in DynamoDB."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from ..entities import GivenScore, LeadId, ScoreRecord, iso, lead_key
from ..ports import Clock
from ..settings import Settings
from .aws import BULK_READ_SECONDS, unavailable_on_failure
from .dynamodb import bound, delete_all, put_all
from .lead_item import AS_OF, BY_SAMPLE, IMPORT, LeadItem, sample_parts
from .lead_values import GIVEN, given_score, score_record
from .queries import Query, Values, pages_of

# A page of long descriptions is not read in vain.
_PAGE = 50


class DynamoPredictionStore:
    """A PredictionStore in the table of leads and their scores."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._table = bound(LeadItem, settings.predictions_table, settings)
        self._samples = bound(LeadItem, settings.predictions_table, settings, BULK_READ_SECONDS)
        self._kept_for = timedelta(days=settings.prediction_retention_days)
        self._rate = settings.monitoring_sample_rate

    def add(self, records: Sequence[ScoreRecord]) -> None:
        """Write all records; each expires after the retention period."""
        with unavailable_on_failure("dynamodb"):
            kept_for, rate = self._kept_for, self._rate
            put_all(self._table, (self._table.of_score(each, kept_for, rate) for each in records))

    def newest_first(self, lead_id: LeadId, *, live_only: bool = False) -> Iterator[ScoreRecord]:
        """Iterate over a lead's scores from the newest on, reading as they are asked for.

        `live_only` leaves out those as of another moment.
        """
        of_lead = Query(self._table, lead_key(lead_id), is_backwards=True, page_size=_PAGE)
        live = replace(of_lead, keys=self._table.score_key < AS_OF)
        backtests = replace(of_lead, keys=self._table.score_key.startswith(AS_OF))
        kinds = [live] if live_only else [live, backtests]
        with unavailable_on_failure("dynamodb"):
            for item in heapq.merge(*(kind.items() for kind in kinds), key=_time, reverse=True):
                yield score_record(item)

    def given_before(self, lead_id: LeadId, moment: datetime) -> GivenScore | None:
        """Return the last live score before a moment, None if there is none; one read."""
        before = Query(
            self._table,
            lead_key(lead_id),
            self._table.score_key < iso(moment),
            attributes=GIVEN,
            is_backwards=True,
        )
        with unavailable_on_failure("dynamodb"):
            item = before.first()
        return None if item is None else given_score(item)

    def sampled(self, since: datetime) -> Iterator[ScoreRecord]:
        """Iterate over the live scores since a moment that monitoring may look at.

        From the newest day on, in any order within a day; holds a few pages at a time.
        """
        newest = self._clock.now().date()
        days = [newest - timedelta(days=ago) for ago in range((newest - since.date()).days + 1)]
        with unavailable_on_failure("dynamodb"):
            for day in days:
                for page in pages_of(self._of_day(day, since)):
                    yield from map(score_record, page)

    def knows(self, lead_id: LeadId) -> bool:
        """Whether anything is kept about a lead: a score of any kind, or its imported copy."""
        anything = Query(self._table, lead_key(lead_id), attributes=["lead_id"])
        with unavailable_on_failure("dynamodb"):
            return anything.first() is not None

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        """Delete a lead's scores and its imported copy; return how many of each went."""
        everything = Query(self._table, lead_key(lead_id), attributes=["lead_id", "score_key"])
        with unavailable_on_failure("dynamodb"):
            keys = [dict(item) for item in everything.items()]
            delete_all(self._table, keys)
        scores = sum(key["score_key"] != IMPORT for key in keys)
        return scores, len(keys) - scores

    def _of_day(self, day: date, since: datetime) -> Iterator[Query]:
        later = self._samples.scored_at >= since
        for part in sample_parts(day):
            yield Query(self._samples, part, later, index=BY_SAMPLE)


def _time(item: Values) -> str:
    """Return what scores of both kinds are sorted by."""
    key: str = item["score_key"]
    return key.removeprefix(AS_OF)
