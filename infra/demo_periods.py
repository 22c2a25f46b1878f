"""How well each model sorted the leads that came in while it answered, by the truth.

The simulation knows of every lead whether it converts if it is worked; the service has only seen
what the team learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from infra.demo_story import Scored


@dataclass
class Period:
    """The leads that one model scored, and those of them that were worked."""

    model_version: str
    scored: list[Scored] = field(default_factory=list)
    worked: list[Scored] = field(default_factory=list)

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of its scores."""
        return self.scored[0].at.date(), self.scored[-1].at.date()

    def auc(self) -> float | None:
        """Return the chance that a lead that converts has the higher probability."""
        return auc([(lead.probability, lead.arrival.converts) for lead in self.scored])

    def lift(self, share: float) -> float | None:
        """Return how many times as often the best-scored share of leads converts."""
        everywhere = conversion(self.scored)
        top = conversion(best(self.scored, share))
        return top / everywhere if top is not None and everywhere else None


class Day(NamedTuple):
    """A step of the story for the plot: when, with which model, how many worked leads convert."""

    at: date
    model_version: str
    worked: int
    converted: int


class Journal:
    """What happened, by model and by day."""

    def __init__(self) -> None:
        self.periods: list[Period] = []
        self.days: list[Day] = []
        self._of: dict[str, Period] = {}

    def add(self, at: date, scored: Sequence[Scored], worked: Sequence[Scored]) -> None:
        """Take down a step; a lead belongs to the model that scored it."""
        for lead in scored:
            self._period(lead.model_version).scored.append(lead)
        for lead in worked:
            self._period(lead.model_version).worked.append(lead)
        version = scored[-1].model_version if scored else self._last_version()
        converted = sum(lead.arrival.converts for lead in worked)
        self.days.append(Day(at, version, len(worked), converted))

    def _period(self, version: str) -> Period:
        if version not in self._of:
            self._of[version] = Period(version)
            self.periods.append(self._of[version])
        return self._of[version]

    def _last_version(self) -> str:
        return self.days[-1].model_version if self.days else ""


def conversion(leads: Sequence[Scored]) -> float | None:
    """Return the share of leads that convert, None of none."""
    return sum(lead.arrival.converts for lead in leads) / len(leads) if leads else None


def best(leads: Sequence[Scored], share: float) -> list[Scored]:
    """Return the best-scored share of leads, at least one; equals in the order of their ids."""
    ranked = sorted(leads, key=lambda lead: (-lead.probability, str(lead.arrival.lead["lead_id"])))
    return ranked[: max(1, round(share * len(ranked)))]


def auc(predictions: Sequence[tuple[float, bool]]) -> float | None:
    """Return the area under the ROC curve from (probability, truth); ties count half.

    None where one class is missing. Source: Hanley and McNeil, Radiology 143, 1982.

    >>> auc([(0.9, True), (0.6, False), (0.4, True), (0.4, False)])
    0.625
    """
    positives = sum(truth for _, truth in predictions)
    negatives = len(predictions) - positives
    if not positives or not negatives:
        return None
    won, below = 0.0, 0
    ranked = sorted(predictions)
    place = 0
    while place < len(ranked):
        tied = place
        while tied < len(ranked) and ranked[tied][0] == ranked[place][0]:
            tied += 1
        good = sum(truth for _, truth in ranked[place:tied])
        bad = tied - place - good
        won += good * (below + bad / 2)
        below += bad
        place = tied
    return won / (positives * negatives)
