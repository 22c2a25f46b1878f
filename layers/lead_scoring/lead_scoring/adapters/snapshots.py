"""Finding the leads of training as they were when they were scored, in DynamoDB."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from ..entities import iso
from ..entities.training import LeadSnapshot, WantedSnapshot
from .dynamodb import READS_A_REQUEST, get_some, in_parallel
from .lead_item import AS_OF, IMPORT, LeadItem
from .lead_values import snapshot
from .queries import Query

Found = list[tuple[str, LeadSnapshot]]


class SnapshotReader:
    """Reads many snapshots: what has a known key in batches, the rest one by one."""

    def __init__(self, table: type[LeadItem], oldest_score: datetime) -> None:
        """Name the table, and before when no score is kept any more.

        So nothing is looked for before that: leads that were imported with what became of them long
        ago are read in batches.
        """
        self._table, self._oldest_score = table, oldest_score

    def read(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        """Iterate over the snapshots that exist, each with the key of its lead, in any order."""
        for found in in_parallel(self._read_some, wanted, READS_A_REQUEST):
            yield from found

    def _read_some(self, wanted: list[WantedSnapshot]) -> Found:
        found: Found = []
        left = {each.lead: each for each in wanted}
        for step in (self._named, self._last_before, self._imported, self._first):
            some = step(list(left.values()))
            for lead, _ in some:
                del left[lead]
            found += some
            if not left:
                break
        return found

    def _named(self, wanted: list[WantedSnapshot]) -> Found:
        return self._under({each.lead: each.score_key for each in wanted if each.score_key})

    def _imported(self, wanted: list[WantedSnapshot]) -> Found:
        return self._under({each.lead: IMPORT for each in wanted})

    def _under(self, keys: dict[str, str]) -> Found:
        if not keys:
            return []
        items = get_some(
            self._table, [{"lead_id": lead, "score_key": key} for lead, key in keys.items()]
        )
        return [(item["lead_id"], snapshot(item)) for item in items]

    def _last_before(self, wanted: list[WantedSnapshot]) -> Found:
        found: Found = []
        for each in wanted:
            if each.before is not None and each.before > self._oldest_score:
                is_before = self._table.score_key < iso(each.before)
                query = Query(self._table, each.lead, is_before, is_backwards=True)
                found += self._first_of(query)
        return found

    def _first(self, wanted: list[WantedSnapshot]) -> Found:
        found: Found = []
        for each in wanted:
            found += self._first_of(Query(self._table, each.lead, self._table.score_key < AS_OF))
        return found

    @staticmethod
    def _first_of(query: Query) -> Found:
        item = query.first()
        return [] if item is None else [(query.partition, snapshot(item))]
