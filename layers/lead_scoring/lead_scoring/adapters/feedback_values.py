"""Reading what became of leads from the attributes that DynamoDB keeps of it."""

from datetime import datetime

from ..entities import GivenScore
from ..entities.feedback import Feedback, Sender
from ..entities.training import Outcome
from .lead_item import IMPORT
from .queries import Values, number, numbers

_NOBODY = Sender()


def evidence(values: Values) -> Feedback | Outcome:
    """Read what an item says about its lead, and nothing about who said so.

    The lead's id is of the type it came with.
    """
    if values["feedback_key"] == IMPORT:
        return _outcome(values)
    return _feedback(values, _NOBODY)


def feedback(values: Values) -> Feedback:
    """Read a row of feedback with its sender."""
    return _feedback(values, _sender(values))


def _feedback(values: Values, sender: Sender) -> Feedback:
    return Feedback(
        feedback_id=values["feedback_id"],
        lead_id=_lead_id(values),
        action_type=values["action_type"],
        feedback_source=values["feedback_source"],
        created_at=datetime.fromisoformat(values["created_at"]),
        target_score=float(values["target_score"]),
        confidence=float(values["confidence"]),
        user_rating=number(values, "user_rating"),
        interaction_seconds=number(values, "interaction_duration"),
        contact_successful=values.get("contact_successful"),
        contact_response_seconds=number(values, "contact_response_time"),
        conversion_value=number(values, "conversion_value"),
        sender=sender,
        given=_given(values),
    )


def _outcome(values: Values) -> Outcome:
    occurred_at = values.get("occurred_at")
    return Outcome(
        lead_id=_lead_id(values),
        converted=values["converted"],
        contacted=values.get("contacted"),
        user_rating=number(values, "user_rating"),
        conversion_value=number(values, "conversion_value"),
        occurred_at=datetime.fromisoformat(occurred_at) if occurred_at else None,
    )


def _lead_id(values: Values) -> int | str:
    key: str = values["lead_id"]
    return int(key) if values["lead_id_is_number"] else key


def _sender(values: Values) -> Sender:
    return Sender(
        session_id=values.get("session_id"),
        user_hash=values.get("user_hash"),
        ip_hash=values.get("ip_hash"),
        user_agent_hash=values.get("user_agent_hash"),
    )


def _given(values: Values) -> GivenScore | None:
    score_key = values.get("score_key")
    if score_key is None:
        return None
    return GivenScore(
        score_key=score_key,
        model_version=values["model_version"],
        score=int(values["prediction_score"]),
        probability=float(values["probability"]),
        ab_test=values.get("ab_test"),
        variant=values.get("variant"),
        shadows=numbers(values, "shadows"),
    )
