from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.schedules import Schedules, event_of, read_timer
from infra.template import Schedule, Template, TemplateError

TEXT = """
Parameters:
  Hour: {Type: Number, Default: 3}
Resources:
  Training:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/training/
      Handler: app.train
      Events:
        Daily:
          Type: ScheduleV2
          Properties: {ScheduleExpression: !Sub "cron(0 ${Hour} * * ? *)"}
        Weekly:
          Type: Schedule
          Properties: {Schedule: rate(7 days), Input: '{"kind": "weekly"}'}
        Get: {Type: Api, Properties: {Path: /x, Method: get}}
"""
START = datetime(2024, 1, 1, 12, tzinfo=UTC)


class World:
    """A clock that a test moves, and what was called."""

    def __init__(self, text: str = TEXT) -> None:
        self.now = START
        self.calls: list[tuple[str, Any]] = []
        self.schedules = Schedules(
            Template.parse(text).schedules(),
            lambda: self.now,
            lambda function, event: self.calls.append((function, event)),
        )

    def look_after(self, **passed: float) -> int:
        self.now += timedelta(**passed)
        return self.schedules.look()


def daily(expression: str, time_zone: str = "UTC") -> Schedule:
    return Schedule("Training", "Daily", expression, time_zone, None)


def test_schedules_are_read_from_the_template_with_their_parameters() -> None:
    found = Template.parse(TEXT).schedules()

    assert [(each.function, each.name, each.expression) for each in found] == [
        ("Training", "Daily", "cron(0 3 * * ? *)"),
        ("Training", "Weekly", "rate(7 days)"),
    ]


def test_a_daily_check_is_made_once_a_day_when_its_time_passes() -> None:
    world = World()

    called = [world.look_after(hours=1) for _ in range(48)]

    # From noon on the first check is at 3 in the night, 15 hours later.
    assert [hour for hour, count in enumerate(called, start=1) if count] == [15, 39]


def test_nothing_is_called_for_times_before_the_start() -> None:
    world = World()

    assert world.schedules.look() == 0
    assert world.look_after(minutes=1) == 0


def test_a_clock_that_jumps_over_several_times_calls_once() -> None:
    world = World()

    called = world.look_after(days=5)

    assert called == 1
    assert world.look_after(hours=1) == 0


def test_a_clock_that_is_set_back_calls_nothing_and_goes_on_from_there() -> None:
    world = World()
    world.look_after(days=1)

    back = world.look_after(days=-20)
    next_night = world.look_after(days=1)

    assert (back, next_night) == (0, 1)


def test_a_rate_counts_from_the_start() -> None:
    world = World()

    called = [world.look_after(days=1) for _ in range(15)]

    assert [day for day, count in enumerate(called, start=1) if count == 2] == [7, 14]
    assert world.calls.count(("Training", {"kind": "weekly"})) == 2


def test_it_says_when_each_schedule_is_due_next() -> None:
    times = [due for _, due in World().schedules.next_times()]

    assert times == [datetime(2024, 1, 2, 3, tzinfo=UTC), datetime(2024, 1, 8, 12, tzinfo=UTC)]


def test_the_event_is_the_one_that_eventbridge_sends() -> None:
    event = event_of(daily("cron(0 3 * * ? *)"), START)

    assert event["detail-type"] == "Scheduled Event"
    assert event["source"] == "aws.scheduler"
    assert event["time"] == "2024-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("expression", "time_zone"),
    [
        ("cron(0 3 ? * MON *)", "UTC"),
        ("cron(0/5 3 * * ? *)", "UTC"),
        ("cron(0 24 * * ? *)", "UTC"),
        ("cron(0 3 * * ? *)", "Europe/Berlin"),
        ("rate(0 days)", "UTC"),
        ("at(2024-01-01T00:00:00)", "UTC"),
    ],
)
def test_what_the_local_run_cannot_keep_is_an_error_and_not_silently_left_out(
    expression: str, time_zone: str
) -> None:
    with pytest.raises(TemplateError, match="the local run knows"):
        read_timer(daily(expression, time_zone), START)


def test_the_products_own_schedule_is_one_that_the_local_run_can_keep() -> None:
    schedules = Template.load().schedules()

    timers = [read_timer(each, START) for each in schedules]

    assert [each.next_after(START) for each in timers] == [
        datetime(2024, 1, 2, 3, tzinfo=UTC),
        START + timedelta(hours=1),
    ]
