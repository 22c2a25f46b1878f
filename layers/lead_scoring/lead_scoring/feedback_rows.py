"""Rows of feedback: made of interactions, shown as the API shows them, summed up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .entities import ACTION_TYPES, GivenScore, iso
from .entities.feedback import Feedback, Interaction, Sender
from .entities.training import Outcome
from .feedback import confidence, target_score
from .labels import strongest


def row_of(
    interaction: Interaction,
    *,
    feedback_id: str,
    source: str,
    moment: datetime,
    sender: Sender,
    given: GivenScore | None,
    actions_in_session: int = 1,
) -> Feedback:
    """Make the row of an interaction that was done at a moment.

    Raises InvalidInputError for `rate` without a rating.
    """
    return Feedback(
        feedback_id=feedback_id,
        lead_id=interaction.lead_id,
        action_type=interaction.action_type,
        feedback_source=source,
        created_at=moment,
        target_score=target_score(interaction),
        confidence=confidence(interaction, source, actions_in_session),
        user_rating=interaction.user_rating,
        interaction_seconds=interaction.interaction_seconds,
        contact_successful=interaction.contact_successful,
        contact_response_seconds=interaction.contact_response_seconds,
        conversion_value=interaction.conversion_value,
        sender=sender,
        given=given,
    )


def listed(row: Feedback) -> dict[str, Any]:
    """Return a row of feedback as the API shows it when it comes in."""
    given = row.given
    shown: dict[str, Any] = {
        "feedback_id": row.feedback_id,
        "lead_id": row.lead_id,
        "action_type": row.action_type,
        "target_score": row.target_score,
        "confidence": row.confidence,
        "feedback_source": row.feedback_source,
        "model_version": given.model_version if given else None,
        "prediction_score": given.score if given else None,
        "created_at": iso(row.created_at),
    }
    if given and given.ab_test is not None:
        shown |= {"ab_test": given.ab_test, "variant": given.variant}
    return shown


def details(row: Feedback) -> dict[str, Any]:
    """Return what was said in a row of feedback, as far as anything was."""
    said = {
        "user_rating": row.user_rating,
        "interaction_duration": row.interaction_seconds,
        "contact_successful": row.contact_successful,
        "contact_response_time": row.contact_response_seconds,
        "conversion_value": row.conversion_value,
        "session_id": row.sender.session_id,
    }
    return {name: value for name, value in said.items() if value is not None}


def summary(evidence: Sequence[Feedback | Outcome]) -> dict[str, Any]:
    """Sum up all that is known about what became of a lead; imported outcomes are no feedback.

    `target_score` is the lead's: that of its strongest evidence, None without any.
    """
    rows = [each for each in evidence if isinstance(each, Feedback)]
    actions = [row.action_type for row in rows]
    last = max((row.created_at for row in rows), default=None)
    return {
        "count": len(rows),
        "by_action": {action: actions.count(action) for action in ACTION_TYPES},
        "last_at": iso(last) if last else None,
        "mean_confidence": sum(row.confidence for row in rows) / len(rows) if rows else None,
        "target_score": strongest(evidence).target if evidence else None,
    }
