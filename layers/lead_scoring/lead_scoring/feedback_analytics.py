"""Counters of feedback by day: what a row adds to them, and what they tell.

All that analytics show is computed from sums, so reading them costs the same whatever the number
of rows, and they are exact: confidences are counted in whole ten-thousandths.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from .entities import ACTION_TYPES
from .entities.feedback import FEEDBACK_SOURCES, CountedFeedback, Feedback

_PARTS_OF_CONFIDENCE = 10_000
_DECIMALS_OF_VALUE = 6
Counters = Mapping[str, float]


def counted(feedback: Feedback) -> CountedFeedback:
    """Return a row with what it adds to the counters of its day (UTC)."""
    return CountedFeedback(feedback, feedback.created_at.date(), counts(feedback))


def counts(feedback: Feedback) -> dict[str, float]:
    """Return what a row adds to the counters of its day; none of it is zero.

    | counter | adds |
    |---|---|
    | `{source}_{action}` | 1 |
    | `{source}_{action}_confidence` | the confidence in ten-thousandths |
    | `hour_{hour}` | 1 |
    | `{source}_contacts_known` | 1 for a contact of which is known whether it succeeded |
    | `{source}_contacts_succeeded` | 1 for a contact that did |
    | `conversion_value` | the value, to six decimals |
    """
    source, action = feedback.feedback_source, feedback.action_type
    succeeded = feedback.contact_successful if action == "contact" else None
    adds: dict[str, float] = {
        f"{source}_{action}": 1,
        f"{source}_{action}_confidence": round(_PARTS_OF_CONFIDENCE * feedback.confidence),
        f"hour_{feedback.created_at.hour}": 1,
        f"{source}_contacts_known": succeeded is not None,
        f"{source}_contacts_succeeded": bool(succeeded),
        "conversion_value": round(feedback.conversion_value or 0.0, _DECIMALS_OF_VALUE),
    }
    return {name: value if value % 1 else int(value) for name, value in adds.items() if value}


def days_until(today: date, days: int) -> list[date]:
    """Return so many dates, the last of them today.

    >>> [day.day for day in days_until(date(2024, 3, 1), 3)]
    [28, 29, 1]
    """
    return [today - timedelta(days=ago) for ago in reversed(range(days))]


def analytics(days: Sequence[date], counters: Mapping[date, Counters]) -> dict[str, Any]:
    """Sum up the counters of days, as the API shows them; a day that is absent counts nothing.

    Rates and means of nothing are None.
    """
    window = Window([counters.get(day, {}) for day in days])
    by_action = {action: window.confidence(action=action) for action in ACTION_TYPES}
    return {
        "days": len(days),
        "total": window.count(),
        "action_distribution": {action: window.count(action=action) for action in ACTION_TYPES},
        "confidence": {"mean": window.confidence(), "by_action": by_action},
        "temporal": _temporal(days, counters, window),
        "sources": {source: _source(window, source) for source in FEEDBACK_SOURCES},
        "conversion_rate": window.conversion_rate(),
        "contact_success_rate": window.contact_success_rate(),
        "conversion_value": window.conversion_value(),
    }


class Window:
    """The counters of some days, added up; without a source or an action, those of all."""

    def __init__(self, counters: Sequence[Counters]) -> None:
        self._counters = counters

    def sum(self, name: str) -> float:
        """Return the sum of one counter."""
        return math.fsum(day.get(name, 0) for day in self._counters)

    def count(self, source: str | None = None, action: str | None = None) -> int:
        """Return the number of rows."""
        return round(sum(self.sum(name) for name in _names(source, action)))

    def confidence(self, source: str | None = None, action: str | None = None) -> float | None:
        """Return the mean confidence."""
        parts = sum(self.sum(f"{name}_confidence") for name in _names(source, action))
        return _rate(parts, _PARTS_OF_CONFIDENCE * self.count(source, action))

    def conversion_rate(self, source: str | None = None) -> float | None:
        """Return conversions over all feedback."""
        return _rate(self.count(source, "convert"), self.count(source))

    def contact_success_rate(self, source: str | None = None) -> float | None:
        """Return successes over contacts with a known outcome."""
        known, succeeded = (
            sum(self.sum(f"{each}_contacts_{fate}") for each in _sources(source))
            for fate in ("known", "succeeded")
        )
        return _rate(succeeded, known)

    def conversion_value(self) -> float:
        """Return the sum of all conversion values."""
        return round(self.sum("conversion_value"), _DECIMALS_OF_VALUE)


def _temporal(
    days: Sequence[date], counters: Mapping[date, Counters], window: Window
) -> dict[str, dict[str, int]]:
    per_day = {day: Window([counters.get(day, {})]).count() for day in days}
    per_weekday = dict.fromkeys(map(str, range(7)), 0)
    for day, count in per_day.items():
        per_weekday[str(day.weekday())] += count
    return {
        "per_day": {day.isoformat(): count for day, count in per_day.items()},
        "per_hour": {str(hour): round(window.sum(f"hour_{hour}")) for hour in range(24)},
        "per_weekday": per_weekday,
    }


def _source(window: Window, source: str) -> dict[str, Any]:
    return {
        "count": window.count(source),
        "conversion_rate": window.conversion_rate(source),
        "contact_success_rate": window.contact_success_rate(source),
        "mean_confidence": window.confidence(source),
    }


def _names(source: str | None, action: str | None) -> list[str]:
    actions = ACTION_TYPES if action is None else (action,)
    return [f"{each}_{one}" for each in _sources(source) for one in actions]


def _sources(source: str | None) -> tuple[str, ...]:
    return FEEDBACK_SOURCES if source is None else (source,)


def _rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None
