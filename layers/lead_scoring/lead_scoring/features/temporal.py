"""Temporal: how old the posting is at the moment of scoring, and when in the week it was made.

Hour, weekday and month are left as they are: trees split them without sine and cosine.
"""

import math
from datetime import UTC, datetime, tzinfo

from ..entities import Feature

FEATURES = (
    Feature("age_hours", "Posting Age", "temporal"),
    Feature("freshness", "Posting Age", "temporal"),
    Feature("posted_hour", "Posting Hour", "temporal"),
    Feature("posted_in_business_hours", "Business Hours", "temporal"),
    Feature("posted_weekday", "Posting Weekday", "temporal"),
    Feature("posted_on_weekend", "Weekend", "temporal"),
    Feature("posted_month", "Posting Month", "temporal"),
)
FRESHNESS_HOURS = 72.0
_BUSINESS_HOURS = range(9, 17)  # nine to five, Monday to Friday
_SATURDAY = 5
_ABSENT = [math.nan] * len(FEATURES)


def values(posted_at: datetime | None, moment: datetime, zone: tzinfo) -> list[float]:
    """Return the temporal features, all NaN without `posted_at`; both times are aware.

    The age is in whole hours, and negative where the posting is dated after the moment (up to a
    day is allowed, and more in backtests); freshness decays as exp(-age / 72 h) and is 1 for such
    a posting.

    >>> values(datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 18, tzinfo=UTC), UTC)[0]
    6.0
    """
    if posted_at is None:
        return _ABSENT
    # Whole hours: the same lead scored twice in a row gets the same score.
    age_hours = float((moment - posted_at).total_seconds() // 3600)
    local = _in_zone(posted_at, zone)
    hour, weekday = local.hour, local.weekday()
    is_weekend = weekday >= _SATURDAY
    return [
        age_hours,
        math.exp(-max(age_hours, 0.0) / FRESHNESS_HOURS),
        hour,
        1.0 if hour in _BUSINESS_HOURS and not is_weekend else 0.0,
        weekday,
        1.0 if is_weekend else 0.0,
        local.month,
    ]


def _in_zone(posted_at: datetime, zone: tzinfo) -> datetime:
    try:
        return posted_at.astimezone(zone)
    except OverflowError:
        # The first and the last hours of the calendar do not exist in every zone.
        return posted_at.astimezone(UTC)
