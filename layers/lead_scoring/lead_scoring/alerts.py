"""Alerts that open and close by themselves, and do not flap."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .alerting import Alert, AlertChange, Finding
from .entities import iso

# An alert closes when this many checks in a row found it clear.
CHECKS_TO_CLOSE = 2
# What outcomes say of the active model alone.
OUTCOME_CODES = ("calibration_off", "new_model_worse", "performance_degraded")


def follow(
    alerts: Sequence[Alert], findings: Iterable[Finding], now: datetime
) -> tuple[list[Alert], list[AlertChange]]:
    """Return the alerts that are open after a check, and what changed.

    What was not checked this time, for want of data, stays as it was.

    >>> from datetime import UTC
    >>> noon = datetime(2024, 6, 1, 12, tzinfo=UTC)
    >>> bad = Finding("score_drift", "warning", 0.4, 0.25, True, False, "Scores moved.", "Look.")
    >>> open_now, changes = follow([], [bad], noon)
    >>> [each.code for each in open_now], len(changes)
    (['score_drift'], 1)
    >>> well = bad._replace(is_bad=False, is_clear=True)
    >>> once, _ = follow(open_now, [well], noon)
    >>> twice, _ = follow(once, [well], noon)
    >>> len(once), len(twice)
    (1, 0)
    """
    left = {alert.code: alert for alert in alerts}
    changes: list[AlertChange] = []
    for finding in findings:
        before = left.get(finding.code)
        after = _after(before, finding, now)
        if before is None and after is not None:
            changes.append(AlertChange(after, None))
        if before is not None and after is None:
            changes.append(AlertChange(before, now))
        left.pop(finding.code, None)
        if after is not None:
            left[finding.code] = after
    in_order = sorted(left.values(), key=lambda each: (each.severity != "critical", each.since))
    return in_order, changes


def superseded(
    alerts: Sequence[Alert], answers_since: datetime | None, now: datetime
) -> tuple[list[Alert], list[AlertChange]]:
    """Close what outcomes said of a model that no longer answers; return what is left, and this.

    `answers_since` is when the active model became so. The next one is judged by outcomes of its
    own, which take their time: until then nothing would close these.
    """
    over = [
        alert
        for alert in alerts
        if alert.code in OUTCOME_CODES and answers_since is not None and alert.since < answers_since
    ]
    left = [alert for alert in alerts if alert not in over]
    return left, [AlertChange(alert, now) for alert in over]


def alert_view(alert: Alert) -> dict[str, Any]:
    """Return an alert as the API shows it."""
    return {
        "code": alert.code,
        "severity": alert.severity,
        "since": iso(alert.since),
        "figure": alert.figure,
        "threshold": alert.threshold,
        "text": alert.text,
        "what_to_do": alert.what_to_do,
        "subjects": list(alert.subjects),
    }


def change_view(change: AlertChange) -> Mapping[str, Any]:
    """Return the change of an alert as the history of alerts shows it."""
    closed_at = iso(change.closed_at) if change.closed_at else None
    return alert_view(change.alert) | {"closed_at": closed_at}


def _after(before: Alert | None, finding: Finding, now: datetime) -> Alert | None:
    """Return the alert of a code after a check, None if there is none."""
    if finding.is_bad:
        return _alert(finding, before.since if before else now, now)
    if before is None:
        return None
    clear_checks = before.clear_checks + 1 if finding.is_clear else 0
    return None if clear_checks >= CHECKS_TO_CLOSE else before._replace(clear_checks=clear_checks)


def _alert(finding: Finding, since: datetime, now: datetime) -> Alert:
    return Alert(
        code=finding.code,
        severity=finding.severity,
        since=since,
        figure=finding.figure,
        threshold=finding.threshold,
        text=finding.text,
        what_to_do=finding.what_to_do,
        subjects=tuple(finding.subjects),
        seen_at=now,
    )
