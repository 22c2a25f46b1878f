"""The nouns of alerts: what is wrong, since when, and what to do. Standard library only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

WARNING, CRITICAL = "warning", "critical"
# Every alert there is; template.yaml has an alarm for each.
CODES = (
    "calibration_off",
    "feature_drift",
    "inconsistent_leads",
    "missing_values",
    "model_too_old",
    "new_model_worse",
    "out_of_range",
    "performance_degraded",
    "score_drift",
    "training_failed",
    "training_overdue",
    "unseen_categories",
)


class Finding(NamedTuple):
    """What one check found, whether or not it is alarming.

    `is_bad` says that the figure is beyond its threshold; `is_clear` that it is so far within it
    that nobody need worry any more. In between an alert neither opens nor closes. `subjects` are
    the features or fields concerned, worst first.
    """

    code: str
    severity: str
    figure: float
    threshold: float
    is_bad: bool
    is_clear: bool
    text: str
    what_to_do: str
    subjects: Sequence[str] = ()


class Alert(NamedTuple):
    """Something that is wrong now; `clear_checks` is how often in a row it looked well again."""

    code: str
    severity: str
    since: datetime
    figure: float
    threshold: float
    text: str
    what_to_do: str
    subjects: Sequence[str] = ()
    seen_at: datetime | None = None
    clear_checks: int = 0


class AlertChange(NamedTuple):
    """An alert that opened (`closed_at` None) or closed."""

    alert: Alert
    closed_at: datetime | None


class Watch(NamedTuple):
    """What the last monitoring left: the open alerts, and its report as the API shows it.

    `revision` counts the runs: of two that began from the same one, one is kept.
    """

    revision: int = 0
    alerts: Sequence[Alert] = ()
    report: Mapping[str, Any] = {}
    at: datetime | None = None
