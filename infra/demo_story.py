"""What the player plays: leads that arrive in their order, and people who work on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Arrival(NamedTuple):
    """A lead that comes in: the body for the API, and whether it converts if it is worked.

    The service never sees `converts`; it learns of it, if at all, by feedback.
    """

    moment: datetime
    lead: dict[str, Any]
    converts: bool


class Scored(NamedTuple):
    """A lead that has come in, and what the service said about it."""

    arrival: Arrival
    at: datetime
    probability: float
    model_version: str


class Step(NamedTuple):
    """A stretch of time: the schedule's check, then leads by the moment they are scored at."""

    check_at: datetime
    scorings: Sequence[tuple[datetime, Sequence[Arrival]]]
    ends_at: datetime


class Work(NamedTuple):
    """What people did in a step: bodies of feedback, and which leads they worked."""

    sessions: Sequence[dict[str, Any]]
    feedback: Sequence[dict[str, Any]]
    worked: Sequence[Scored]


class Story(Protocol):
    """Leads and the people who work on them."""

    @property
    def title(self) -> str:
        """What is played, in some sentences."""

    @property
    def steps(self) -> Sequence[Step]:
        """The stretches of time, in order."""

    def work(self, step: Step, scored: Sequence[Scored]) -> Work:
        """Return what people do in a step, given the leads that were scored in it."""
