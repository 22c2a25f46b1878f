"""The user's own history as a story: leads in their true order, outcomes when they came.

Times are moved by whole weeks, so that the history ends before now and weekdays stay. All outcomes
come back, whatever the scores say: they are history. So that there is something to compare, the
best-scored fifth of each step counts as worked.

| in an outcome row | as feedback |
|---|---|
| `converted` | `convert`, with `conversion_value` |
| not converted | a rating: `user_rating`, else 0 |
| `contacted` | a successful `contact`, besides |
| `occurred_at` | when it is sent; else 2 days after the lead came in |
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from infra.demo_periods import best
from infra.demo_story import Arrival, Scored, Step, Work
from infra.load_data import lead_and_moment
from infra.outcome_rows import read_outcome
from infra.rows import read_rows
from infra.state import RunError
from lead_scoring.entities import iso, lead_key
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import InvalidInputError

# More could not be played in minutes.
MOST_LEADS, MOST_CHECKS = 2_500, 15
WORKED_SHARE = 0.2
OUTCOME_DELAY = timedelta(days=2)
_DAY, _WEEK, _HOUR = timedelta(days=1), timedelta(weeks=1), timedelta(hours=1)
_CHECK_HOUR = timedelta(hours=3)


class Told(NamedTuple):
    """A lead of the file, when it came in, and what became of it."""

    moment: datetime
    lead: dict[str, Any]
    posted_at: datetime | None
    outcome: Outcome

    @property
    def known_at(self) -> datetime:
        """When the outcome was known: never before the lead."""
        known = self.outcome.occurred_at or self.moment + OUTCOME_DELAY
        return max(known, self.moment + timedelta(minutes=1))


class History:
    """The story of leads and outcomes in two files; its title says what was left out."""

    def __init__(
        self, data: Path, outcomes: Path, days: int | None = None, most_leads: int = MOST_LEADS
    ) -> None:
        """Read the files; `days` keeps only so many before the last lead. Raises RunError."""
        now = datetime.now(UTC)
        told, notes = _read(data, outcomes, now)
        if days is not None:
            told = [each for each in told if each.moment > told[-1].moment - days * _DAY]
        played = evenly(told, most_leads)
        if len(played) < len(told):
            notes.append(
                f"{len(told):,} leads are too many to play in minutes: "
                f"{len(played):,} of them are taken, evenly in their order."
            )
        shift = _shift(played, now)
        self._pending = sorted(_feedback(played, shift), key=lambda body: str(body["created_at"]))
        self.steps = list(_steps([_moved(each, shift) for each in played]))
        self.title = "\n".join([_title(played, shift), *notes])

    def work(self, step: Step, scored: Sequence[Scored]) -> Work:
        """Send the outcomes that became known; the best-scored leads count as worked."""
        end = iso(step.ends_at)
        due = [body for body in self._pending if body["created_at"] <= end]
        self._pending = self._pending[len(due) :]
        return Work([], due, best(scored, WORKED_SHARE) if scored else [])


def _read(data: Path, outcomes: Path, now: datetime) -> tuple[list[Told], list[str]]:
    """Return the leads with a time and an outcome, in their order, and what was left out."""
    known = dict(_good_outcomes(outcomes, now))
    told: dict[str, Told] = {}
    left_out = 0
    for row in read_rows(data):
        try:
            lead, moment = lead_and_moment(row.value, now, "only to check the row")
        except InvalidInputError:
            left_out += 1
            continue
        key = lead_key(lead.lead_id)
        if row.faults or moment is None or key not in known:
            left_out += 1
        else:
            told[key] = Told(moment, row.value, lead.posted_at, known[key])
    if not told:
        raise RunError(f"{data} and {outcomes} have no lead with a time and an outcome.")
    note = f"{left_out:,} rows of {data} are left out: no good lead, no time, or no outcome."
    return sorted(told.values(), key=lambda each: each.moment), [note] if left_out else []


def _good_outcomes(file: Path, now: datetime) -> Iterator[tuple[str, Outcome]]:
    for row in read_rows(file):
        try:
            outcome = read_outcome(row.value, now)
        except InvalidInputError:
            continue
        yield lead_key(outcome.lead_id), outcome


def evenly(items: Sequence[Told], most: int) -> list[Told]:
    """Return at most so many items, evenly spaced in their order."""
    if len(items) <= most:
        return list(items)
    return [items[number * len(items) // most] for number in range(most)]


def _shift(told: Sequence[Told], now: datetime) -> timedelta:
    """Return whole weeks that make the last outcome known before yesterday."""
    last = max(each.known_at for each in told)
    return ((now - _DAY - last) // _WEEK) * _WEEK


def _title(played: Sequence[Told], shift: timedelta) -> str:
    first, last = played[0].moment, played[-1].moment
    way = "ahead" if shift > timedelta(0) else "back"
    return (
        f"{len(played):,} leads in their own order, {first:%d %b %Y} to {last:%d %b %Y}, on a "
        f"calendar that is {abs(shift.days):,} days {way};\nof each step the best-scored fifth "
        "counts as worked."
    )


def _moved(told: Told, shift: timedelta) -> Arrival:
    dropped = {"scored_at", "as_of", "posted_at"}
    lead = {name: value for name, value in told.lead.items() if name not in dropped}
    if told.posted_at:
        lead["posted_at"] = iso(told.posted_at + shift)
    return Arrival(told.moment + shift, lead, told.outcome.converted)


def _feedback(told: Iterable[Told], shift: timedelta) -> Iterator[dict[str, Any]]:
    for each in told:
        outcome, at = each.outcome, iso(each.known_at + shift)
        said: list[dict[str, Any]] = []
        if outcome.contacted:
            said.append({"action_type": "contact", "contact_successful": True})
        if outcome.converted:
            value = outcome.conversion_value
            said.append({"action_type": "convert"} | ({"conversion_value": value} if value else {}))
        else:
            said.append({"action_type": "rate", "user_rating": outcome.user_rating or 0})
        for body in said:
            yield {"lead_id": outcome.lead_id, "created_at": at} | body


def _steps(arrivals: Sequence[Arrival]) -> Iterator[Step]:
    """Cut the history at times of the daily check, so that each step has about as many leads."""
    enough = -(-len(arrivals) // MOST_CHECKS)
    taken: list[Arrival] = []
    begins = _check_before(arrivals[0].moment)
    for arrival in arrivals:
        before = _check_before(arrival.moment)
        if len(taken) >= enough and before > _check_before(taken[-1].moment):
            yield _step(begins, before, taken)
            begins, taken = before, []
        taken.append(arrival)
    yield _step(begins, _check_before(arrivals[-1].moment) + _DAY, taken)


def _check_before(moment: datetime) -> datetime:
    midnight = (moment - _CHECK_HOUR).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + _CHECK_HOUR


def _step(begins: datetime, ends: datetime, arrivals: Sequence[Arrival]) -> Step:
    """Score the leads of an hour together, once the last of them is there."""
    hours: list[list[Arrival]] = []
    for arrival in arrivals:
        if not hours or arrival.moment - hours[-1][0].moment >= _HOUR:
            hours.append([])
        hours[-1].append(arrival)
    scorings = [(hour[-1].moment, hour) for hour in hours]
    return Step(begins + timedelta(seconds=30), scorings, ends - timedelta(minutes=1))
