"""Where the scores of one lead are going."""

from collections.abc import Sequence
from datetime import datetime

TREND_SCORES = 10
_FEWEST_MOMENTS = 3
_STEADY_WITHIN_POINTS = 5.0


def trend(scores: Sequence[tuple[datetime, int]]) -> str:
    """Return the trend of scores, oldest first: a least-squares line through them in their order.

    It is `steady` if the line moves by at most 5 points from the first score to the last.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2024, 1, 1, tzinfo=UTC)
    >>> trend([(start + timedelta(days=i), score) for i, score in enumerate([40, 50, 60])])
    'improving'
    """
    recent = scores[-TREND_SCORES:]
    if len({moment for moment, _ in recent}) < _FEWEST_MOMENTS:
        return "not_enough_data"
    count = len(recent)
    middle = (count - 1) / 2
    spread = sum((position - middle) ** 2 for position in range(count))
    slope = sum((i - middle) * score for i, (_, score) in enumerate(recent)) / spread
    change = slope * (count - 1)
    if abs(change) <= _STEADY_WITHIN_POINTS + 1e-9:
        return "steady"
    return "improving" if change > 0 else "declining"
