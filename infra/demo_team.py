"""A small sales team that works with the scores, and the weeks that `make demo` plays.

| what | how |
|---|---|
| leads | of `demo_leads`, with its odds and seed; they start on Monday, 1 January 2024 |
| scoring | each morning at 08:30 UTC, all that came in since the morning before |
| capacity | 32 leads a day, of those that are at most 3 days old and untouched |
| choice | 24 with the highest probability, 8 at random |
| working a lead | it is looked at for 20 to 400 seconds (median 90), and contacted at once |
| outcome | it converts or not as `demo_leads` drew it, after its delay (median 2.7 days) |
| closing a lead | converted: `convert` with its value; lost: a rating of 0 to 20 |
| at a glance | 6 more leads, at random: red flags (unpaid, fees) are archived in 4 to 25 seconds |

The random quarter is the price of learning: a model that is trained only on what the last one
liked never sees its mistakes. Nobody learns what would have become of a lead that nobody worked.
The service is told that outcomes may take ten days (LABEL_MATURITY_HOURS), so that an open
contact is not taken for an outcome.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from infra.demo_leads import SEED, SPAN_DAYS, DemoLead, demo_leads
from infra.demo_story import Arrival, Scored, Step, Work
from infra.demo_vocabulary import RED_FLAG_SENTENCES
from lead_scoring.entities import iso

START = datetime(2024, 1, 1, tzinfo=UTC)
DEFAULT_DAYS, DEFAULT_LEADS_A_DAY = 28, 80
BEST, AT_RANDOM, AT_A_GLANCE = 24, 8, 6
OPEN_DAYS = 3
# The leads of `demo_leads` span 120 days, and the last of them have no outcome yet.
MOST_DAYS = 90
MATURITY_HOURS = 240
_DAY = timedelta(days=1)
# The seconds keep ages in whole hours from depending on how fast this machine is.
_CHECK, _SCORING, _EVENING = (
    timedelta(hours=3, seconds=30),
    timedelta(hours=8, minutes=30, seconds=5),
    timedelta(hours=20),
)


class _Outcome(NamedTuple):
    """What becomes of a lead that is worked."""

    after: timedelta
    reached: bool
    value: float | None


class Team:
    """The story of a team that works the leads of `demo_leads`."""

    def __init__(
        self,
        days: int = DEFAULT_DAYS,
        leads_a_day: int = DEFAULT_LEADS_A_DAY,
        seed: int = SEED,
        effort: float = 1.0,
    ) -> None:
        """Make the leads; `effort` multiplies the team's capacity."""
        self.title = (
            f"{days} days of a small sales team: {leads_a_day} synthetic leads a day (odds and "
            f"seed {seed}: infra/demo_leads.py),\nof which it works the best "
            f"{round(BEST * effort)} and {round(AT_RANDOM * effort)} at random "
            "(infra/demo_team.py)."
        )
        self._best, self._at_random = round(BEST * effort), round(AT_RANDOM * effort)
        self._chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        self._outcomes: dict[str, _Outcome] = {}
        self._open: list[Scored] = []
        self._pending: list[dict[str, Any]] = []
        # Three days earlier, so that the first day is as full as any other.
        end = START - OPEN_DAYS * _DAY + SPAN_DAYS * _DAY
        made = demo_leads(leads_a_day * SPAN_DAYS, end, seed)
        self.steps = self._steps([self._arrival(each) for each in made if each.outcome], days)

    def work(self, step: Step, scored: Sequence[Scored]) -> Work:
        """Work the best open leads and some at random; close those whose outcome is due."""
        oldest = step.ends_at - OPEN_DAYS * _DAY
        self._open = [lead for lead in (*self._open, *scored) if lead.at > oldest]
        self._open.sort(key=lambda lead: (-lead.probability, lead.arrival.lead["lead_id"]))
        best, rest = self._open[: self._best], self._open[self._best :]
        self._chance.shuffle(rest)
        worked = [*best, *rest[: self._at_random]]
        glanced = rest[self._at_random :][:AT_A_GLANCE]
        self._open = rest[self._at_random + len(glanced) :]
        morning = step.ends_at.replace(hour=9, minute=0, second=0)
        sessions = [self._session(morning, worked, glanced)]
        for number, lead in enumerate(worked):
            self._contact(lead, morning + number * timedelta(minutes=15))
        due = [body for body in self._pending if body["created_at"] <= iso(step.ends_at)]
        self._pending = [body for body in self._pending if body["created_at"] > iso(step.ends_at)]
        return Work(sessions, due, worked)

    def _arrival(self, made: DemoLead) -> Arrival:
        outcome = made.outcome or {}
        lead = {name: value for name, value in made.lead.items() if name != "scored_at"}
        moment = datetime.fromisoformat(made.lead["scored_at"])
        after = datetime.fromisoformat(outcome["occurred_at"]) - moment
        key = str(lead["lead_id"])
        self._outcomes[key] = _Outcome(after, outcome["contacted"], outcome["conversion_value"])
        posted_at = datetime.fromisoformat(lead["posted_at"]).replace(second=0)
        return Arrival(moment, lead | {"posted_at": iso(posted_at)}, outcome["converted"])

    def _steps(self, arrivals: Sequence[Arrival], days: int) -> list[Step]:
        steps = []
        for day in (START + number * _DAY for number in range(days)):
            morning = day + _SCORING
            new = [each for each in arrivals if morning - _DAY < each.moment <= morning]
            steps.append(Step(day + _CHECK, [(morning, new)], day + _EVENING))
        return steps

    def _session(
        self, morning: datetime, worked: Sequence[Scored], glanced: Sequence[Scored]
    ) -> dict[str, Any]:
        seen = []
        for number, lead in enumerate(worked):
            seconds = min(400.0, max(20.0, self._chance.lognormvariate(4.5, 0.6)))
            at = morning + number * timedelta(minutes=15) - timedelta(minutes=8)
            seen.append(_interaction(lead, "view", seconds, at))
        for number, lead in enumerate(glanced):
            bad = any(
                flag in (lead.arrival.lead["description"] or "") for flag in RED_FLAG_SENTENCES
            )
            seconds = self._chance.uniform(4, 25 if bad else 60)
            at = morning + timedelta(hours=8, minutes=number)
            seen.append(_interaction(lead, "archive" if bad else "view", seconds, at))
        return {"session_id": f"{morning:%Y-%m-%d}", "interactions": seen}

    def _contact(self, lead: Scored, at: datetime) -> None:
        """Get in touch, and note what will be sent once the outcome is known."""
        lead_id = lead.arrival.lead["lead_id"]
        outcome = self._outcomes[lead_id]
        closed_at = at + outcome.after
        answered = at + min(outcome.after, timedelta(hours=self._chance.uniform(1, 8)))
        rating = self._chance.randint(0, 20)
        reached: dict[str, Any] = {"contact_successful": outcome.reached}
        if outcome.reached:
            reached["contact_response_time"] = round((answered - at).total_seconds())
        end: dict[str, Any] = {"action_type": "rate", "user_rating": rating}
        if lead.arrival.converts:
            end = {"action_type": "convert"}
            end |= {"conversion_value": outcome.value} if outcome.value else {}
        for when, said in (
            (at, {"action_type": "contact"}),
            (closed_at, {"action_type": "contact"} | reached),
            (closed_at + timedelta(minutes=1), end),
        ):
            self._pending.append({"lead_id": lead_id, "created_at": iso(when)} | said)


def _interaction(lead: Scored, kind: str, seconds: float, at: datetime) -> dict[str, Any]:
    return {
        "lead_id": lead.arrival.lead["lead_id"],
        "type": kind,
        "duration": round(seconds, 1),
        "at": iso(at),
    }
