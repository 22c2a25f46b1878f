"""The table of what became of leads: one item a row of feedback, and one an imported outcome."""

import zlib
from collections.abc import Iterator
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from ..entities import iso, lead_key
from ..entities.feedback import Feedback
from ..entities.training import Outcome
from .columns import FloatColumn, FloatMapColumn, MomentColumn, WholeColumn
from .lead_item import IMPORT
from .queries import Query

# The partitions of the index. A partition of DynamoDB takes 1,000 writes a second; the embedded
# AWS sorts one anew for every page of it, so each should be a page or a few.
SHARDS = 64
BY_TIME = "by_time"


# What training and live metrics read: what became of a lead, and nothing about who said so.
_READ_BY_TIME = (
    "lead_id_is_number",
    "action_type",
    "feedback_source",
    "target_score",
    "confidence",
    "user_rating",
    "interaction_duration",
    "contact_successful",
    "contact_response_time",
    "score_key",
    "model_version",
    "prediction_score",
    "probability",
    "converted",
    "contacted",
    "conversion_value",
    "occurred_at",
    "feedback_id",
    "ab_test",
    "shadows",
)


class ByTime(GlobalSecondaryIndex["FeedbackItem"]):  # type: ignore[no-untyped-call] # PynamoDB's
    """What became of all leads, by shard and time: read whole without a scan."""

    class Meta:  # noqa: D106 (PynamoDB's way to say it)
        index_name = BY_TIME
        projection = IncludeProjection(list(_READ_BY_TIME))

    shard = WholeColumn(hash_key=True)
    created_at = MomentColumn(range_key=True)


class FeedbackItem(Model):
    """A row of feedback under its time and id; or what became of a lead, as imported."""

    lead_id = UnicodeAttribute(hash_key=True)
    feedback_key = UnicodeAttribute(range_key=True)
    shard = WholeColumn()
    created_at = MomentColumn()
    lead_id_is_number = BooleanAttribute()
    feedback_id = UnicodeAttribute(null=True)
    action_type = UnicodeAttribute(null=True)
    feedback_source = UnicodeAttribute(null=True)
    target_score = FloatColumn(null=True)
    confidence = FloatColumn(null=True)
    user_rating = FloatColumn(null=True)
    interaction_duration = FloatColumn(null=True)
    contact_successful = BooleanAttribute(null=True)
    contact_response_time = FloatColumn(null=True)
    conversion_value = FloatColumn(null=True)
    session_id = UnicodeAttribute(null=True)
    user_hash = UnicodeAttribute(null=True)
    ip_hash = UnicodeAttribute(null=True)
    user_agent_hash = UnicodeAttribute(null=True)
    score_key = UnicodeAttribute(null=True)
    model_version = UnicodeAttribute(null=True)
    prediction_score = WholeColumn(null=True)
    probability = FloatColumn(null=True)
    ab_test = UnicodeAttribute(null=True)
    variant = UnicodeAttribute(null=True)
    shadows = FloatMapColumn(null=True)
    converted = BooleanAttribute(null=True)
    contacted = BooleanAttribute(null=True)
    occurred_at = MomentColumn(null=True)
    updated_at = MomentColumn(null=True)
    by_time = ByTime()

    @classmethod
    def of_feedback(cls, row: Feedback) -> "FeedbackItem":
        """Make the item of a row of feedback."""
        key, given, sender = lead_key(row.lead_id), row.given, row.sender
        return cls(
            lead_id=key,
            feedback_key=feedback_key(row),
            shard=_shard(key),
            created_at=row.created_at,
            updated_at=row.created_at,
            lead_id_is_number=isinstance(row.lead_id, int),
            feedback_id=row.feedback_id,
            action_type=row.action_type,
            feedback_source=row.feedback_source,
            target_score=row.target_score,
            confidence=row.confidence,
            user_rating=row.user_rating,
            interaction_duration=row.interaction_seconds,
            contact_successful=row.contact_successful,
            contact_response_time=row.contact_response_seconds,
            conversion_value=row.conversion_value,
            session_id=sender.session_id,
            user_hash=sender.user_hash,
            ip_hash=sender.ip_hash,
            user_agent_hash=sender.user_agent_hash,
            score_key=given.score_key if given else None,
            model_version=given.model_version if given else None,
            prediction_score=given.score if given else None,
            probability=given.probability if given else None,
            ab_test=given.ab_test if given else None,
            variant=given.variant if given else None,
            shadows=given.shadows if given else None,
        )

    @classmethod
    def of_outcome(cls, outcome: Outcome, now: datetime) -> "FeedbackItem":
        """Make the item of an outcome; one of unknown date is filed under the present."""
        key = lead_key(outcome.lead_id)
        return cls(
            lead_id=key,
            feedback_key=IMPORT,
            shard=_shard(key),
            created_at=outcome.occurred_at or now,
            lead_id_is_number=isinstance(outcome.lead_id, int),
            converted=outcome.converted,
            contacted=outcome.contacted,
            user_rating=outcome.user_rating,
            conversion_value=outcome.conversion_value,
            occurred_at=outcome.occurred_at,
        )


def feedback_key(row: Feedback) -> str:
    """Return under which key of its lead a row of feedback is kept; keys sort by time."""
    return f"{iso(row.created_at)}#{row.feedback_id}"


def by_time(table: type[FeedbackItem], keys: Condition | None = None) -> Iterator[Query]:
    """Iterate over the queries that read all of the index, one a shard."""
    for shard in range(SHARDS):
        yield Query(table, str(shard), keys, index=BY_TIME)


def _shard(key: str) -> int:
    return zlib.crc32(key.encode()) % SHARDS
