"""The table of leads and their scores: one item a score, and one the imported copy of a lead."""

from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.models import Model

from ..entities import Lead, ScoreRecord, iso, lead_key
from .columns import FloatColumn, FloatMapColumn, MomentColumn, WholeColumn

# Live scores are kept under their time. Times start with a digit: these sort behind all of them,
# so that the last live score before a moment is one step to the left of that moment.
AS_OF = "as_of#"
IMPORT = "import"


class LeadItem(Model):
    """A lead as it was scored, with its score; or as it was imported, with its moment."""

    lead_id = UnicodeAttribute(hash_key=True)
    score_key = UnicodeAttribute(range_key=True)
    lead_id_is_number = BooleanAttribute()
    title = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    category = UnicodeAttribute(null=True)
    location_name = UnicodeAttribute(null=True)
    price = FloatColumn(null=True)
    email_domain = UnicodeAttribute(null=True)
    email_hash = UnicodeAttribute(null=True)
    posted_at = MomentColumn(null=True)
    as_of = MomentColumn(null=True)
    moment = MomentColumn(null=True)
    scored_at = MomentColumn(null=True)
    request_id = UnicodeAttribute(null=True)
    position = WholeColumn(null=True)
    model_version = UnicodeAttribute(null=True)
    score = WholeColumn(null=True)
    probability = FloatColumn(null=True)
    confidence = FloatColumn(null=True)
    grade = UnicodeAttribute(null=True)
    latency_ms = FloatColumn(null=True)
    ab_test = UnicodeAttribute(null=True)
    variant = UnicodeAttribute(null=True)
    shadows = FloatMapColumn(null=True)
    expires_at = WholeColumn(null=True)

    @classmethod
    def of_score(cls, record: ScoreRecord, kept_for: timedelta) -> "LeadItem":
        """Make the item of a score, which expires after a while."""
        return cls(
            score_key=score_key(record),
            **_columns(record.lead),
            scored_at=record.scored_at,
            request_id=record.request_id,
            position=record.position,
            model_version=record.model_version,
            score=record.score,
            probability=record.probability,
            confidence=record.confidence,
            grade=record.grade,
            latency_ms=record.latency_ms,
            ab_test=record.ab_test,
            variant=record.variant,
            shadows=record.shadows,
            expires_at=int((record.scored_at + kept_for).timestamp()),
        )

    @classmethod
    def of_import(cls, lead: Lead, moment: datetime) -> "LeadItem":
        """Make the item of an imported lead, which stays."""
        return cls(score_key=IMPORT, **_columns(lead), moment=moment)


def score_key(record: ScoreRecord) -> str:
    """Return under which key of its lead a score is kept; keys of one kind sort by time."""
    kind = "" if record.lead.as_of is None else AS_OF
    # One batch shares a moment and a request; the position tells its scores apart.
    return f"{kind}{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"


def _columns(lead: Lead) -> dict[str, Any]:
    return {
        "lead_id": lead_key(lead.lead_id),
        "lead_id_is_number": isinstance(lead.lead_id, int),
        "title": lead.title,
        "description": lead.description,
        "category": lead.category,
        "location_name": lead.location_name,
        "price": lead.price,
        "email_domain": lead.email_domain,
        "email_hash": lead.email_hash,
        "posted_at": lead.posted_at,
        "as_of": lead.as_of,
    }
