"""The table of monitoring: what the last run left, the reports, and how alerts came and went."""

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.models import Model

from ..alerting import Alert, AlertChange, Watch
from ..entities import iso
from .columns import MomentColumn, WholeColumn

WATCH, REPORT, ALERT = "WATCH", "REPORT", "ALERT"
# Of reports and closed alerts: a year and a little, to compare seasons.
_KEPT_FOR = timedelta(days=400)


class MonitoringItem(Model):
    """Anything in the table: `kind` is WATCH, REPORT or ALERT."""

    kind = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    at = MomentColumn(null=True)
    revision = WholeColumn(null=True)
    # JSON, compressed: a report names hundreds of features.
    content = BinaryAttribute(legacy_encoding=False, null=True)
    expires_at = WholeColumn(null=True)


def watch_item(table: type[MonitoringItem], watch: Watch) -> MonitoringItem:
    """Make the item of what a run left."""
    content = {"alerts": [_alert_json(each) for each in watch.alerts], "report": watch.report}
    return table(
        kind=WATCH,
        entry=WATCH,
        at=watch.at,
        revision=watch.revision,
        content=_packed(content),
    )


def report_item(table: type[MonitoringItem], watch: Watch) -> MonitoringItem:
    """Make the item of a run's report, which expires."""
    at = _moment(watch)
    return table(
        kind=REPORT,
        entry=iso(at),
        at=at,
        content=_packed(watch.report),
        expires_at=_expiry(at),
    )


def change_item(table: type[MonitoringItem], change: AlertChange, at: datetime) -> MonitoringItem:
    """Make the item of an alert that opened or closed; one that is open does not expire."""
    alert, closed_at = change
    content = {"alert": _alert_json(alert), "closed_at": iso(closed_at) if closed_at else None}
    return table(
        kind=ALERT,
        # One that closes for one model may open for the next in the same run.
        entry=f"{iso(at)}#{alert.code}#{'closed' if closed_at else 'opened'}",
        at=at,
        content=_packed(content),
        expires_at=_expiry(at),
    )


def read_watch(item: MonitoringItem) -> Watch:
    """Read what a run left."""
    content = _unpacked(item.content)
    alerts = tuple(map(_read_alert, content["alerts"]))
    return Watch(item.revision, alerts, content["report"], item.at)


def read_report(item: MonitoringItem) -> dict[str, Any]:
    """Read a report."""
    report: dict[str, Any] = _unpacked(item.content)
    return report


def read_change(item: MonitoringItem) -> AlertChange:
    """Read how an alert opened or closed."""
    content = _unpacked(item.content)
    closed_at = content["closed_at"]
    return AlertChange(
        _read_alert(content["alert"]), datetime.fromisoformat(closed_at) if closed_at else None
    )


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "code": alert.code,
        "severity": alert.severity,
        "since": iso(alert.since),
        "figure": alert.figure,
        "threshold": alert.threshold,
        "text": alert.text,
        "what_to_do": alert.what_to_do,
        "subjects": list(alert.subjects),
        "seen_at": iso(alert.seen_at) if alert.seen_at else None,
        "clear_checks": alert.clear_checks,
    }


def _read_alert(value: dict[str, Any]) -> Alert:
    seen_at = value["seen_at"]
    return Alert(
        **value
        | {
            "since": datetime.fromisoformat(value["since"]),
            "seen_at": datetime.fromisoformat(seen_at) if seen_at else None,
            "subjects": tuple(value["subjects"]),
        }
    )


def _moment(watch: Watch) -> datetime:
    return watch.at or datetime(1970, 1, 1, tzinfo=UTC)


def _expiry(at: datetime) -> int:
    return int((at + _KEPT_FOR).timestamp())


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, allow_nan=False).encode())


def _unpacked(content: bytes) -> Any:
    return json.loads(zlib.decompress(content))
