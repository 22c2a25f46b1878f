"""The table of leads and their scores: one item a score, and one the imported copy of a lead."""

from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.models import Model

from ..entities import Lead, ScoreRecord, iso, lead_key
from .columns import FloatColumn, MomentColumn, WholeColumn

# Sorts behind every time, which starts with a digit.
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
    expires_at = WholeColumn(null=True)

    @classmethod
    def of_score(cls, record: ScoreRecord, kept_for: timedelta) -> "LeadItem":
        """Make the item of a score, which expires after a while."""
        # One batch shares a moment and a request; the position tells its scores apart.
        key = f"{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"
        return cls(
            score_key=key,
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
            expires_at=int((record.scored_at + kept_for).timestamp()),
        )

    @classmethod
    def of_import(cls, lead: Lead, moment: datetime) -> "LeadItem":
        """Make the item of an imported lead, which stays."""
        return cls(score_key=IMPORT, **_columns(lead), moment=moment)

    def lead(self) -> Lead:
        """Return the lead, its id of the type it came with."""
        return Lead(
            lead_id=int(self.lead_id) if self.lead_id_is_number else self.lead_id,
            title=self.title,
            description=self.description,
            category=self.category,
            location_name=self.location_name,
            price=self.price,
            email_domain=self.email_domain,
            email_hash=self.email_hash,
            posted_at=self.posted_at,
            as_of=self.as_of,
        )

    def score_record(self) -> ScoreRecord:
        """Return the score that the item holds."""
        return ScoreRecord(
            lead=self.lead(),
            scored_at=self.scored_at,
            request_id=self.request_id,
            position=self.position,
            model_version=self.model_version,
            score=self.score,
            probability=self.probability,
            confidence=self.confidence,
            grade=self.grade,
            latency_ms=self.latency_ms,
        )


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
