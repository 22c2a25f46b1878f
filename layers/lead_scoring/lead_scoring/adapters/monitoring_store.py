"""What monitoring found and the alerts that it opened and closed, in DynamoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from ..alerting import AlertChange, Watch
from ..entities import iso
from ..settings import Settings
from .aws import unavailable_on_failure
from .dynamodb import bound
from .monitoring_item import (
    ALERT,
    REPORT,
    WATCH,
    MonitoringItem,
    change_item,
    read_change,
    read_report,
    read_watch,
    report_item,
    watch_item,
)
from .transactions import committed, until_settled


class DynamoMonitoringStore:
    """A MonitoringStore in the table of monitoring."""

    def __init__(self, settings: Settings) -> None:
        self._table = bound(MonitoringItem, settings.monitoring_table, settings)

    def watch(self) -> Watch:
        """Return what the last run left; an empty watch before the first."""
        with unavailable_on_failure("dynamodb"):
            try:
                return read_watch(self._table.get(WATCH, WATCH, consistent_read=True))
            except self._table.DoesNotExist:
                return Watch()

    def keep(self, watch: Watch, changes: Sequence[AlertChange]) -> bool:
        """Keep what a run found, with the changes of alerts, in one transaction; tell if it did.

        It does not if another run was kept since the one before it (`watch.revision` - 1).
        """
        is_next: Condition = self._table.revision == watch.revision - 1
        if watch.revision == 1:
            is_next |= self._table.entry.does_not_exist()

        def fill(write: TransactWrite) -> None:
            write.save(watch_item(self._table, watch), is_next)
            write.save(report_item(self._table, watch))
            for change in changes:
                assert watch.at is not None  # noqa: S101 (a run has a time)
                write.save(change_item(self._table, change, watch.at))

        def attempt() -> bool | None:
            if committed(self._table, fill):
                return True
            kept = self.watch()
            if kept.revision >= watch.revision:
                # Ours, from a call whose answer was lost; or another's.
                return (kept.revision, kept.at) == (watch.revision, watch.at)
            return None

        return until_settled(attempt)

    def reports(self, since: datetime) -> list[Mapping[str, Any]]:
        """Return the reports since a moment, oldest first."""
        with unavailable_on_failure("dynamodb"):
            items = self._table.query(REPORT, self._table.entry >= iso(since), consistent_read=True)
            return [read_report(item) for item in items]

    def history(self, limit: int) -> list[AlertChange]:
        """Return how alerts opened and closed, newest first."""
        with unavailable_on_failure("dynamodb"):
            items = self._table.query(
                ALERT, consistent_read=True, scan_index_forward=False, limit=limit
            )
            return [read_change(item) for item in items]
