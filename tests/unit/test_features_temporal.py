import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lead_scoring.features import temporal

NAMES = [feature.name for feature in temporal.FEATURES]
TUESDAY_NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def features(
    posted_at: datetime | None, moment: datetime = TUESDAY_NOON, zone: str = "UTC"
) -> dict[str, float]:
    return dict(zip(NAMES, temporal.values(posted_at, moment, ZoneInfo(zone)), strict=True))


def test_age_is_counted_in_hours_at_the_moment_of_scoring() -> None:
    values = features(TUESDAY_NOON, TUESDAY_NOON + timedelta(days=3))

    assert values["age_hours"] == 72
    assert values["freshness"] == pytest.approx(math.exp(-1))


def test_a_posting_dated_ahead_has_a_negative_age_and_is_wholly_fresh() -> None:
    values = features(TUESDAY_NOON + timedelta(hours=5))

    assert (values["age_hours"], values["freshness"]) == (-5, 1)


def test_the_calendar_is_that_of_the_posting() -> None:
    values = features(TUESDAY_NOON, TUESDAY_NOON + timedelta(days=100))

    assert (values["posted_hour"], values["posted_weekday"], values["posted_month"]) == (12, 1, 1)
    assert (values["posted_in_business_hours"], values["posted_on_weekend"]) == (1, 0)


@pytest.mark.parametrize(
    ("posted_at", "business"),
    [
        (datetime(2024, 1, 2, 8, 59, tzinfo=UTC), 0),
        (datetime(2024, 1, 2, 9, 0, tzinfo=UTC), 1),
        (datetime(2024, 1, 2, 16, 59, tzinfo=UTC), 1),
        (datetime(2024, 1, 2, 17, 0, tzinfo=UTC), 0),
        (datetime(2024, 1, 6, 12, 0, tzinfo=UTC), 0),
    ],
)
def test_business_hours_are_nine_to_five_on_weekdays(posted_at: datetime, business: int) -> None:
    assert features(posted_at)["posted_in_business_hours"] == business


def test_hours_are_those_of_the_business_time_zone() -> None:
    sunday_late = datetime(2023, 12, 31, 23, 30, tzinfo=UTC)

    values = features(sunday_late, zone="Asia/Tokyo")

    assert (values["posted_hour"], values["posted_weekday"], values["posted_month"]) == (8, 0, 1)
    assert values["posted_on_weekend"] == 0


def test_without_a_date_everything_is_missing() -> None:
    assert all(math.isnan(value) for value in features(None).values())


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("edge", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar_are_scored(edge: datetime, zone: str) -> None:
    posted_at = edge.replace(tzinfo=UTC)

    for moment in (TUESDAY_NOON, datetime.min.replace(tzinfo=UTC)):
        values = features(posted_at, moment, zone)

        assert all(math.isfinite(value) for value in values.values())


def test_the_same_lead_scored_twice_within_an_hour_has_the_same_age() -> None:
    posted_at = datetime(2024, 1, 1, 12, tzinfo=UTC)

    ages = {
        temporal.values(posted_at, posted_at + timedelta(hours=5, seconds=second), UTC)[0]
        for second in (0, 1, 3599)
    }

    assert ages == {5.0}
