"""The table of leads and their scores: one item a score, and one the imported copy of a lead."""

import zlib
from datetime import date, datetime, timedelta
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from ..entities import Lead, ScoreRecord, iso, lead_key
from .columns import FloatColumn, FloatMapColumn, MomentColumn, WholeColumn

# Live scores are kept under their time. Times start with a digit: these sort behind all of them,
# so that the last live score before a moment is one step to the left of that moment.
AS_OF = "as_of#"
IMPORT = "import"
BY_SAMPLE = "by_sample"
# Partitions a day: each takes 1,000 writes a second.
SAMPLE_PARTS = 16


class BySample(GlobalSecondaryIndex["LeadItem"]):  # type: ignore[no-untyped-call] # PynamoDB's
    """The live scores that monitoring may look at, by part of a day and time."""

    class Meta:  # noqa: D106 (PynamoDB's way to say it)
        index_name = BY_SAMPLE
        # Required, and not used: template.yaml says what the index holds.
        projection = AllProjection()

    sample_part = UnicodeAttribute(hash_key=True)
    scored_at = MomentColumn(range_key=True)


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
    sample_part = UnicodeAttribute(null=True)
    by_sample = BySample()

    @classmethod
    def of_score(cls, record: ScoreRecord, kept_for: timedelta, sample_rate: float) -> "LeadItem":
        """Make the item of a score, which expires after a while.

        `sample_rate` is the share of live scores that monitoring may look at.
        """
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
            sample_part=sample_part(record, sample_rate),
        )

    @classmethod
    def of_import(cls, lead: Lead, moment: datetime) -> "LeadItem":
        """Make the item of an imported lead, which stays."""
        return cls(score_key=IMPORT, **_columns(lead), moment=moment)


def sample_parts(day: date) -> list[str]:
    """Return the keys under which the index keeps the scores of a day (UTC)."""
    return [f"{day.isoformat()}#{part:02d}" for part in range(SAMPLE_PARTS)]


def sample_part(record: ScoreRecord, rate: float) -> str | None:
    """Return the part of its day that a score is in, None if monitoring is not to look at it."""
    if record.lead.as_of is not None:
        return None
    drawn = zlib.crc32(f"{record.lead.lead_id}#{record.request_id}#{record.position}".encode())
    if drawn >= rate * 2**32:
        return None
    return f"{record.scored_at.date().isoformat()}#{drawn % SAMPLE_PARTS:02d}"


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
