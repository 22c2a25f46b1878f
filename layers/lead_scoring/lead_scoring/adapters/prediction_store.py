"""The audit log of scores, in DynamoDB."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ..entities import LeadId, ScoreRecord, lead_key
from ..settings import Settings
from .aws import unavailable_on_failure
from .dynamodb import bound, delete_all, put_all
from .lead_item import IMPORT, LeadItem

# A page of long descriptions is not read in vain.
_PAGE = 50


class DynamoPredictionStore:
    """A PredictionStore in the table of leads and their scores."""

    def __init__(self, settings: Settings) -> None:
        self._table = bound(LeadItem, settings.predictions_table, settings)
        self._kept_for = timedelta(days=settings.prediction_retention_days)

    def add(self, records: Sequence[ScoreRecord]) -> None:
        """Write all records; each expires after the retention period."""
        with unavailable_on_failure("dynamodb"):
            put_all(self._table, (self._table.of_score(each, self._kept_for) for each in records))

    def newest_first(self, lead_id: LeadId) -> Iterator[ScoreRecord]:
        """Iterate over a lead's scores from the newest on, reading as they are asked for."""
        with unavailable_on_failure("dynamodb"):
            items = self._table.query(
                lead_key(lead_id),
                self._table.score_key < IMPORT,
                scan_index_forward=False,
                consistent_read=True,
                page_size=_PAGE,
            )
            for item in items:
                yield item.score_record()

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        """Delete a lead's scores and its imported copy; return how many of each went."""
        with unavailable_on_failure("dynamodb"):
            items = self._table.query(
                lead_key(lead_id), consistent_read=True, attributes_to_get=["lead_id", "score_key"]
            )
            keys = [{"lead_id": each.lead_id, "score_key": each.score_key} for each in items]
            delete_all(self._table, keys)
        scores = sum(key["score_key"] != IMPORT for key in keys)
        return scores, len(keys) - scores
