from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.trend import trend

START = datetime(2024, 1, 1, tzinfo=UTC)


def daily(*scores: int) -> list[tuple[datetime, int]]:
    return [(START + timedelta(days=day), score) for day, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((), "not_enough_data"),
        ((50, 90), "not_enough_data"),
        ((50, 50, 50), "steady"),
        ((50, 52, 55), "steady"),
        ((50, 53, 56), "improving"),
        ((55, 52, 50), "steady"),
        ((56, 53, 50), "declining"),
        # The line through 0, 100, 0 is flat, whatever lies between.
        ((0, 100, 0), "steady"),
        # The last ten move by less than 5; the twelve before are too old.
        ((0,) * 12 + (60, 60, 61, 61, 62, 62, 63, 63, 64, 64), "steady"),
        ((0,) * 9 + (100,), "improving"),
    ],
)
def test_the_line_through_the_last_ten_scores_decides(
    scores: tuple[int, ...], expected: str
) -> None:
    assert trend(daily(*scores)) == expected


def test_scores_of_two_moments_are_not_enough_however_many() -> None:
    scores = [(START, 10), (START, 40), (START, 60), (START + timedelta(days=1), 90)]

    assert trend(scores) == "not_enough_data"


def test_scores_count_in_their_order_however_far_apart() -> None:
    scores = [(START, 10), (START + timedelta(seconds=1), 20), (START + timedelta(days=99), 15)]

    # Least squares over 0, 1, 2: slope 2.5, so exactly 5 points from first to last.
    assert trend(scores) == "steady"


@given(st.lists(st.integers(0, 100), min_size=3, max_size=10))
def test_the_line_is_numpys_least_squares(scores: list[int]) -> None:
    slope = np.polyfit(range(len(scores)), scores, 1)[0]
    change = slope * (len(scores) - 1)

    found = trend(daily(*scores))

    if abs(abs(change) - 5) > 1e-6:
        expected = "steady" if abs(change) < 5 else "improving" if change > 0 else "declining"
        assert found == expected
