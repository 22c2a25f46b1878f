"""Leads with outcomes for measurements: read from files, or synthetic."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lead_scoring.entities import Lead, iso, lead_key
from lead_scoring.entities.training import LeadSnapshot, Outcome, WantedSnapshot

from .demo_leads import demo_leads
from .load_data import lead_and_moment, load_leads, load_outcomes
from .outcome_rows import read_outcome
from .rows import read_rows

# Where the loader writes all of its complaints when they are too many for the screen.
REPORTS = Path(__file__).resolve().parents[1] / ".local" / "bench"


@dataclass(frozen=True, slots=True)
class LabelledLeads:
    """Leads, the moment each is scored for, what became of it, and its group.

    All four have the same length. `groups` holds one text a lead, such as its company; without a
    grouping every lead is a group of its own.
    """

    leads: Sequence[Lead]
    moments: Sequence[datetime]
    outcomes: Sequence[Outcome]
    groups: NDArray[np.str_]

    @property
    def labels(self) -> NDArray[np.float64]:
        """Whether each converted: 1.0 or 0.0, shape (n,)."""
        return np.array([float(outcome.converted) for outcome in self.outcomes])

    def take(self, rows: NDArray[np.intp]) -> "LabelledLeads":
        """Return some of the leads, by position."""
        return LabelledLeads(
            [self.leads[row] for row in rows],
            [self.moments[row] for row in rows],
            [self.outcomes[row] for row in rows],
            self.groups[rows],
        )

    def evidence(self) -> Sequence[Outcome]:
        """Return what became of the leads, as a training store does."""
        return self.outcomes

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        """Iterate over leads and their moments, as a training store does."""
        positions = {lead_key(lead.lead_id): n for n, lead in enumerate(self.leads)}
        for each in wanted:
            at = positions[each.lead]
            yield each.lead, LeadSnapshot(self.leads[at], self.moments[at])

    def rows(self) -> list[dict[str, Any]]:
        """Return the leads as a client would send them, JSON-like."""
        return [as_sent(lead) for lead in self.leads]


def as_sent(lead: Lead) -> dict[str, Any]:
    """Return a lead as JSON-like body; of an e-mail address only the domain is original.

    >>> as_sent(Lead(1, "Baker", email_domain="example.com"))["email"]
    'someone@example.com'
    """
    return {
        "lead_id": lead.lead_id,
        "title": lead.title,
        "description": lead.description,
        "category": lead.category,
        "location_name": lead.location_name,
        "price": lead.price,
        "email": f"someone@{lead.email_domain}" if lead.email_domain else None,
        "posted_at": iso(lead.posted_at) if lead.posted_at else None,
    }


class _Memory:
    """Keeps what is loaded from files, instead of a store."""

    def __init__(self) -> None:
        self.leads: dict[str, tuple[Lead, datetime]] = {}
        self.outcomes: dict[str, Outcome] = {}

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        self.leads.update((lead_key(lead.lead_id), (lead, moment)) for lead, moment in leads)

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        self.outcomes.update((lead_key(outcome.lead_id), outcome) for outcome in outcomes)


def read_labelled(
    leads_path: Path, outcomes_path: Path, group_column: str | None = None
) -> LabelledLeads:
    """Read leads and what became of them, as `make run` does: bad rows are named and left out.

    Leads without an outcome are left out. `group_column` is a column of the outcomes; a lead that
    lacks it is a group of its own. Raises ValueError if nothing is left or no row has the column,
    and FileError if a file cannot be read.
    """
    memory, now = _Memory(), datetime.now(UTC)
    loaded = load_leads(leads_path, memory, now, secrets.token_hex(16), REPORTS)
    load_outcomes(outcomes_path, memory, now, loaded.keys, REPORTS)
    keys = [key for key in memory.leads if key in memory.outcomes]
    if not keys:
        raise ValueError(f"no lead of {leads_path.name} has an outcome in {outcomes_path.name}")
    named = _groups(outcomes_path, group_column) if group_column else {}
    if group_column and not named:
        raise ValueError(f"no row of {outcomes_path.name} has the column {group_column}")
    return LabelledLeads(
        [memory.leads[key][0] for key in keys],
        [memory.leads[key][1] for key in keys],
        [memory.outcomes[key] for key in keys],
        np.array([named.get(key, f"lead {key}") for key in keys]),
    )


def _groups(outcomes_path: Path, column: str) -> dict[str, str]:
    rows = (row.value for row in read_rows(outcomes_path))
    return {
        str(row.get("lead_id", row.get("id"))): f"group {row[column]}"
        for row in rows
        if row.get(column) not in (None, "")
    }


def synthetic(count: int) -> LabelledLeads:
    """Return synthetic demo leads whose outcome is known, at most `count`."""
    now = datetime.now(UTC)
    known = [demo for demo in demo_leads(count) if demo.outcome is not None]
    read = [lead_and_moment(demo.lead, now, secrets.token_hex(16)) for demo in known]
    return LabelledLeads(
        [lead for lead, _ in read],
        [moment or now for _, moment in read],
        [read_outcome(demo.outcome or {}, now) for demo in known],
        np.array([f"lead {lead.lead_id}" for lead, _ in read]),
    )
