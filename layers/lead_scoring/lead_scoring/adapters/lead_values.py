"""Reading leads and their scores from the attributes that DynamoDB keeps of them."""

from datetime import datetime

from ..entities import GivenScore, Lead, ScoreRecord
from ..entities.training import LeadSnapshot
from .queries import Values, moment, number, numbers

# What a GivenScore is made of: none of the texts.
GIVEN = ("score_key", "model_version", "score", "probability", "ab_test", "variant", "shadows")


def score_record(values: Values) -> ScoreRecord:
    """Read a score with its lead."""
    return ScoreRecord(
        lead=_lead(values, as_of=moment(values, "as_of")),
        scored_at=datetime.fromisoformat(values["scored_at"]),
        request_id=values["request_id"],
        position=int(values["position"]),
        model_version=values["model_version"],
        score=int(values["score"]),
        probability=float(values["probability"]),
        confidence=float(values["confidence"]),
        grade=values["grade"],
        latency_ms=float(values["latency_ms"]),
        ab_test=values.get("ab_test"),
        variant=values.get("variant"),
        shadows=numbers(values, "shadows"),
    )


def given_score(values: Values) -> GivenScore:
    """Read what feedback remembers of a score."""
    return GivenScore(
        score_key=values["score_key"],
        model_version=values["model_version"],
        score=int(values["score"]),
        probability=float(values["probability"]),
        ab_test=values.get("ab_test"),
        variant=values.get("variant"),
        shadows=numbers(values, "shadows"),
    )


def snapshot(values: Values) -> LeadSnapshot:
    """Read a lead as it was when it was scored, or at the moment for which it was imported."""
    at = moment(values, "scored_at") or datetime.fromisoformat(values["moment"])
    return LeadSnapshot(_lead(values, as_of=None), at)


def _lead(values: Values, as_of: datetime | None) -> Lead:
    """Read a lead, its id of the type it came with."""
    key: str = values["lead_id"]
    return Lead(
        lead_id=int(key) if values["lead_id_is_number"] else key,
        title=values["title"],
        description=values.get("description"),
        category=values.get("category"),
        location_name=values.get("location_name"),
        price=number(values, "price"),
        email_domain=values.get("email_domain"),
        email_hash=values.get("email_hash"),
        posted_at=moment(values, "posted_at"),
        as_of=as_of,
    )
