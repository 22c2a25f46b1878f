"""An in-memory fake of the store of monitoring."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lead_scoring.alerting import AlertChange, Watch
from tests.fakes_feedback import Switch


class FakeMonitoringStore:
    """Reports and changes in lists."""

    def __init__(self, outage: Switch) -> None:
        self.kept: list[Watch] = []
        self.changes: list[AlertChange] = []
        self.outage = outage

    def watch(self) -> Watch:
        self.outage.check()
        return self.kept[-1] if self.kept else Watch()

    def keep(self, watch: Watch, changes: Sequence[AlertChange]) -> bool:
        self.outage.check()
        last = self.watch()
        if last.revision != watch.revision - 1:
            return (last.revision, last.at) == (watch.revision, watch.at)
        self.kept.append(watch)
        self.changes += changes
        return True

    def reports(self, since: datetime) -> list[Mapping[str, Any]]:
        self.outage.check()
        return [each.report for each in self.kept if each.at and each.at >= since]

    def history(self, limit: int) -> list[AlertChange]:
        self.outage.check()
        return self.changes[::-1][:limit]
