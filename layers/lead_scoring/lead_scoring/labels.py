"""The label of a lead: what its strongest evidence says, by the rules of the domain.

| strength | evidence | target |
|---|---|---|
| 5 | conversion | 1, whatever rating came with it |
| 4 | rating | rating / 100 |
| 3 | imported end that is no conversion | 0 |
| 2 | contact | as its row says |
| 1 | view, archive | as its row says |

Within one strength the newest counts; at the same moment, the one whose id sorts last. An import
without a date is older than anything with one.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from .entities import GivenScore, lead_key
from .entities.feedback import Feedback
from .entities.training import Outcome

Evidence = Feedback | Outcome

_UNDATED = datetime.min.replace(tzinfo=UTC)


class Label(NamedTuple):
    """What became of a lead, as far as is known.

    `target` and `confidence` are in [0, 1]. `known_at` is the time of the strongest evidence, None
    for an undated import, and `given` the score that it answers to. `contact_succeeded` is None
    where nobody tried, or nobody knows.
    """

    target: float
    confidence: float
    known_at: datetime | None
    contact_succeeded: bool | None
    given: GivenScore | None
    converted: bool


class Revision(NamedTuple):
    """From `known_at` on, the strongest evidence of a lead said `target`."""

    known_at: datetime
    target: float


class _Strength(IntEnum):
    INTEREST = 1
    CONTACT = 2
    END = 3
    RATING = 4
    CONVERSION = 5


def by_lead(evidence: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    """Put together what is known about each lead, by its key."""
    leads: dict[str, list[Evidence]] = {}
    for one in evidence:
        leads.setdefault(lead_key(one.lead_id), []).append(one)
    return leads


def strongest(evidence: Sequence[Evidence]) -> Label:
    """Return what the strongest evidence of one lead says; there must be some.

    >>> label = strongest([Outcome(7, converted=False, user_rating=40.0)])
    >>> label.target, label.confidence
    (0.4, 1.0)
    """
    best = max(evidence, key=_rank)
    return Label(
        target=_target(best),
        confidence=best.confidence if isinstance(best, Feedback) else 1.0,
        known_at=_dated(best),
        contact_succeeded=_contact_succeeded(evidence),
        given=best.given if isinstance(best, Feedback) else None,
        converted=_strength(best) is _Strength.CONVERSION,
    )


def label(evidence: Sequence[Evidence], now: datetime, maturity_hours: float) -> Label | None:
    """Return what one lead can be used for, None while its outcome may still come.

    That is so while nothing is stronger than a contact and the newest evidence is a view or an
    open contact, younger than `maturity_hours` (one dated ahead is young).
    """
    newest = max(evidence, key=_time_order)
    if (
        is_open(newest)
        and now - _when(newest) < timedelta(hours=maturity_hours)
        and max(map(_strength, evidence)) <= _Strength.CONTACT
    ):
        return None
    return strongest(evidence)


def is_open(evidence: Evidence) -> bool:
    """Whether more is to come soon: it is a view, or a contact of which nothing was heard yet."""
    if not isinstance(evidence, Feedback) or evidence.user_rating is not None:
        return False
    if evidence.action_type == "contact":
        return evidence.contact_successful is None and evidence.contact_response_seconds is None
    return evidence.action_type == "view"


def oldest(evidence: Sequence[Evidence]) -> Evidence:
    """Return the first evidence of one lead."""
    return min(evidence, key=_time_order)


def revisions(
    evidence: Sequence[Evidence], undated_at: datetime, now: datetime, maturity_hours: float
) -> list[Revision]:
    """Return how the label of one lead came about, oldest first.

    What is said of a moment depends on nothing later. A view or an open contact counts once it is
    mature, if nothing better was known by then; an undated import counts from `undated_at` on.
    """
    found: list[Revision] = []
    best: Evidence | None = None
    for one in sorted(evidence, key=lambda one: (_dated(one) or undated_at, _rank(one))):
        if best is not None and _rank(one) < _rank(best):
            continue
        known_at = _dated(one) or undated_at
        if is_open(one):
            known_at += timedelta(hours=maturity_hours)
            if known_at > now:
                continue
        best = one
        while found and known_at <= found[-1].known_at:
            found.pop()
        if not found or found[-1].target != _target(one):
            found.append(Revision(known_at, _target(one)))
    return found


def _strength(evidence: Evidence) -> _Strength:
    if isinstance(evidence, Outcome):
        if evidence.converted:
            return _Strength.CONVERSION
        return _Strength.END if evidence.user_rating is None else _Strength.RATING
    if evidence.action_type == "convert":
        return _Strength.CONVERSION
    if evidence.user_rating is not None:
        return _Strength.RATING
    return _Strength.CONTACT if evidence.action_type == "contact" else _Strength.INTEREST


def _target(evidence: Evidence) -> float:
    if _strength(evidence) is _Strength.CONVERSION:
        return 1.0
    if isinstance(evidence, Feedback):
        return evidence.target_score
    return 0.0 if evidence.user_rating is None else evidence.user_rating / 100


def _dated(evidence: Evidence) -> datetime | None:
    return evidence.created_at if isinstance(evidence, Feedback) else evidence.occurred_at


def _when(evidence: Evidence) -> datetime:
    return _dated(evidence) or _UNDATED


def _rank(evidence: Evidence) -> tuple[int, datetime, str]:
    return (_strength(evidence), _when(evidence), _name(evidence))


def _time_order(evidence: Evidence) -> tuple[datetime, int, str]:
    return (_when(evidence), _strength(evidence), _name(evidence))


def _name(evidence: Evidence) -> str:
    return evidence.feedback_id if isinstance(evidence, Feedback) else ""


def _contact_succeeded(evidence: Sequence[Evidence]) -> bool | None:
    """Return how the newest contact with a known outcome ended; of an import, if it converted."""
    contacts = [
        one
        for one in evidence
        if isinstance(one, Feedback)
        and one.action_type == "contact"
        and one.contact_successful is not None
    ]
    if contacts:
        return max(contacts, key=_time_order).contact_successful
    imported = [one for one in evidence if isinstance(one, Outcome) and one.contacted]
    return imported[0].converted if imported else None
