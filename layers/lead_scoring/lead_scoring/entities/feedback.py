"""The nouns of feedback: who did what with a lead."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from . import GivenScore, LeadId

FEEDBACK_SOURCES = ("manual", "implicit")


class Interaction(NamedTuple):
    """What somebody did with a lead, validated; None means not known.

    `action_type` is view, contact, convert, archive or rate; `user_rating` is 0 to 100;
    `created_at` None means now.
    """

    lead_id: LeadId
    action_type: str
    user_rating: float | None = None
    interaction_seconds: float | None = None
    contact_successful: bool | None = None
    contact_response_seconds: float | None = None
    conversion_value: float | None = None
    created_at: datetime | None = None


class Sender(NamedTuple):
    """Who sent feedback: a session as named by the client; of persons only keyed hashes."""

    session_id: str | None = None
    user_hash: str | None = None
    ip_hash: str | None = None
    user_agent_hash: str | None = None


class Feedback(NamedTuple):
    """One row of feedback: an interaction, what it says, and the score that it answers to.

    `target_score` and `confidence` are in [0, 1]; `feedback_source` is manual or implicit;
    `given` is the lead's last score before `created_at`, None if it had none.
    """

    feedback_id: str
    lead_id: LeadId
    action_type: str
    feedback_source: str
    created_at: datetime
    target_score: float
    confidence: float
    user_rating: float | None = None
    interaction_seconds: float | None = None
    contact_successful: bool | None = None
    contact_response_seconds: float | None = None
    conversion_value: float | None = None
    sender: Sender = Sender()
    given: GivenScore | None = None


class CountedFeedback(NamedTuple):
    """A row of feedback and what it adds to the counters of its day (UTC), by counter."""

    feedback: Feedback
    day: date
    counts: Mapping[str, float]


class FeedbackPage(NamedTuple):
    """Some of a lead's feedback, newest first; `next_cursor` is None at the end."""

    feedback: Sequence[Feedback]
    next_cursor: str | None
