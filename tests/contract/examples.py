"""Leads, outcomes, scores and models that contract tests store and expect back."""

import itertools
from datetime import UTC, datetime
from typing import Any

from lead_scoring.entities import GivenScore, Lead, LeadId, ScoreRecord
from lead_scoring.entities.feedback import CountedFeedback, Feedback, Sender
from lead_scoring.entities.models import KeptReply, ModelRecord, Operation
from lead_scoring.entities.training import Outcome
from lead_scoring.experiments import ABScoring, ABTest, Conversion, Exposure, Variant
from lead_scoring.live_metrics import METRIC_NAMES

NOON = datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
_numbers = itertools.count(1)


def fresh(word: str = "lead") -> str:
    """A name that no other test has used."""
    return f"{word}-{next(_numbers)}"


def full_lead(lead_id: LeadId, **changes: Any) -> Lead:
    fields: dict[str, Any] = {
        "title": "Senior Engineer 工程师 👩‍💻",
        "description": "Python & <b>SQL</b>; '--",
        "category": "software/qa/dba",
        "location_name": "São Paulo",
        "price": 0.1 + 0.2,
        "email_domain": "example.com",
        "email_hash": "a" * 64,
        "posted_at": datetime(2024, 5, 1, 1, 2, 3, 4, tzinfo=UTC),
        "as_of": datetime(1, 1, 1, tzinfo=UTC),
    }
    return Lead(lead_id=lead_id, **fields | changes)


def bare_lead(lead_id: LeadId) -> Lead:
    return Lead(lead_id=lead_id, title="x")


def score(lead: Lead, **changes: Any) -> ScoreRecord:
    fields: dict[str, Any] = {
        "scored_at": NOON,
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "position": 0,
        "model_version": "v20240101_120000_abc12345",
        "score": 85,
        "probability": 0.8531234567890123,
        "confidence": 0.8531234567890123,
        "grade": "A",
        "latency_ms": 1.25,
    }
    return ScoreRecord(lead=lead, **fields | changes)


def full_outcome(lead_id: LeadId, **changes: Any) -> Outcome:
    fields: dict[str, Any] = {
        "converted": True,
        "contacted": False,
        "user_rating": 66.6,
        "conversion_value": 1e12,
        "occurred_at": datetime(2024, 5, 2, tzinfo=UTC),
    }
    return Outcome(lead_id=lead_id, **fields | changes)


def full_feedback(lead_id: LeadId, **changes: Any) -> Feedback:
    fields: dict[str, Any] = {
        "feedback_id": fresh("feedback"),
        "action_type": "contact",
        "feedback_source": "manual",
        "created_at": NOON,
        "target_score": 0.1 + 0.2,
        "confidence": 1 / 3,
        "user_rating": 66.6,
        "interaction_seconds": 604800.0,
        "contact_successful": False,
        "contact_response_seconds": 0.0,
        "conversion_value": 1e12,
        "sender": Sender("Sitzung 工程师", "a" * 64, "b" * 64, "c" * 64),
        "given": GivenScore("2024-06-01T11:00:00.000000Z#r#0000", "v1", 0, 2 / 3, "test", "b"),
    }
    return Feedback(lead_id=lead_id, **fields | changes)


def bare_feedback(lead_id: LeadId, **changes: Any) -> Feedback:
    fields: dict[str, Any] = {
        "feedback_id": fresh("feedback"),
        "action_type": "view",
        "feedback_source": "implicit",
        "created_at": NOON,
        "target_score": 0.4,
        "confidence": 0.3,
    }
    return Feedback(lead_id=lead_id, **fields | changes)


def counted(row: Feedback, **counts: float) -> CountedFeedback:
    """A row that counts as one, and whatever else is said."""
    return CountedFeedback(row, row.created_at.date(), {"rows": 1} | counts)


def reply(key: str, **changes: Any) -> KeptReply:
    fields: dict[str, Any] = {"fingerprint": "f" * 64, "status": 201, "body": '{"lead_id": "ä"}'}
    return KeptReply(key, **fields | changes)


def operation(at: datetime) -> Operation:
    return Operation(fresh("operation"), at)


def metrics(**known: float) -> dict[str, float | None]:
    """Every metric of a model; those that are not told are not defined."""
    return dict.fromkeys(METRIC_NAMES) | known


def model(model_version: str, **changes: Any) -> ModelRecord:
    fields: dict[str, Any] = {
        "model_type": "xgboost",
        "metrics": metrics(f1_score=0.1 + 0.2, auc_roc=1.0),
        "training_samples": 800,
        "validation_samples": 200,
        "feature_count": 321,
        "training_duration": 12.5,
        "size_bytes": 123456,
        "checksums": {"model.ubj": "0" * 64, "report.json": "1" * 64},
        "created_at": NOON,
        "threshold": 0.1 + 0.3,
        "trained_until": datetime(2024, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "data_fingerprint": "2" * 64,
    }
    return ModelRecord(model_version=model_version, **fields | changes)


def ab_test(test_name: str, *versions: str, **changes: Any) -> ABTest:
    """A test of two models, a third in the shadow."""
    control, other, shadow = versions or ("v1", "v2", "v3")
    fields: dict[str, Any] = {
        "variants": (
            Variant("control", control, 49.995, is_control=True, checksums={"model.ubj": "0" * 64}),
            Variant("other-1", other, 50.005, checksums={"model.ubj": "1" * 64}),
            Variant("shade", shadow, 0.0, is_shadow=True, checksums={"model.ubj": "2" * 64}),
        ),
        "metric": "conversion",
        "started_at": NOON,
        "created_by": "tests",
        "operation_id": fresh("operation"),
    }
    return ABTest(test_name=test_name, **fields | changes)


def scoring(test_name: str, unit: str, lead_id: LeadId, **changes: Any) -> ABScoring:
    """A score of a test for a unit; `lead` is how the stores of tests know the lead."""
    variant = changes.pop("variant", "control")
    shadow_scores = changes.pop("shadow_scores", {})
    fields = {"request_id": fresh("request"), "ab_test": test_name, "variant": variant}
    record = score(full_lead(lead_id, as_of=None), **fields | changes)
    exposure = Exposure(test_name, variant, "conversion", unit)
    return ABScoring(exposure, f"hash of {lead_id}", record, shadow_scores)


def conversion(lead: str, moment: datetime = NOON, **changes: Any) -> Conversion:
    """Feedback about a lead, by its hash, that nobody has counted."""
    return Conversion(lead, changes.pop("feedback_id", None) or fresh("feedback"), moment)
