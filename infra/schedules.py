"""EventBridge's schedules in the local run: `cron(minute hour * * ? *)` and `rate(value unit)`.

A schedule is due when the services' clock passes its time, and is never made up for times before
the start. If the clock jumps over several due times, the function is called once.
"""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from infra.template import Schedule, TemplateError

_CRON = re.compile(r"cron\((\d{1,2}) (\d{1,2}) (?:\* \* \?|\? \* \*) \*\)")
_RATE = re.compile(r"rate\(([1-9]\d{0,3}) (minute|hour|day)s?\)")
_DAY = timedelta(days=1)


class Timer(NamedTuple):
    """Every `period`, counted from `first`."""

    first: datetime
    period: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due time after a moment.

        >>> daily = Timer(datetime(2024, 1, 1, 3, tzinfo=UTC), timedelta(days=1))
        >>> daily.next_after(datetime(2024, 5, 7, 3, tzinfo=UTC)).isoformat()
        '2024-05-08T03:00:00+00:00'
        """
        return self.first + ((moment - self.first) // self.period + 1) * self.period


def read_timer(schedule: Schedule, start: datetime) -> Timer:
    """Read an expression; `rate` counts from `start`. Raise TemplateError for any other.

    >>> daily = Schedule("Training", "Check", "cron(0 3 * * ? *)", "UTC", None)
    >>> read_timer(daily, datetime(2024, 1, 1, tzinfo=UTC)).next_after(
    ...     datetime(2024, 1, 9, 3, 1, tzinfo=UTC)
    ... ).isoformat()
    '2024-01-10T03:00:00+00:00'
    """
    if found := _CRON.fullmatch(schedule.expression):
        minute, hour = int(found.group(1)), int(found.group(2))
        if minute < 60 and hour < 24 and schedule.time_zone == "UTC":
            return Timer(datetime(2000, 1, 1, hour, minute, tzinfo=UTC), _DAY)
    elif found := _RATE.fullmatch(schedule.expression):
        return Timer(start, timedelta(**{f"{found.group(2)}s": int(found.group(1))}))
    raise TemplateError(
        f"{schedule.function}: the local run knows daily cron(...) in UTC and rate(...), "
        f"not {schedule.expression} ({schedule.time_zone})"
    )


class Schedules:
    """The schedules of one local system, by the clock of its services."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        now: Callable[[], datetime],
        invoke: Callable[[str, Any], object],
    ) -> None:
        """Begin now; `invoke` calls a function, by logical id, with an event."""
        self._now, self._invoke = now, invoke
        self._looked_at = now()
        self._timers = [(each, read_timer(each, self._looked_at)) for each in schedules]

    def next_times(self) -> list[tuple[Schedule, datetime]]:
        """Return each schedule and when it is due next."""
        now = self._now()
        return [(schedule, timer.next_after(now)) for schedule, timer in self._timers]

    def look(self) -> int:
        """Call the functions that became due since the last look; return how many."""
        now, before = self._now(), self._looked_at
        # A clock that was set back begins anew from there.
        self._looked_at = now
        due = [each for each, timer in self._timers if before < now and _passed(timer, before, now)]
        for schedule in due:
            self._invoke(schedule.function, event_of(schedule, now))
        return len(due)


def _passed(timer: Timer, before: datetime, now: datetime) -> bool:
    return timer.next_after(before) <= now


def event_of(schedule: Schedule, now: datetime) -> Any:
    """Return what EventBridge Scheduler sends: the schedule's own input, else its usual event."""
    if schedule.input is not None:
        return json.loads(schedule.input)
    arn = f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{schedule.name}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [arn],
        "detail": "{}",
    }
