"""What a scored lead is told, and what the audit log keeps of it."""

from collections.abc import Iterable
from datetime import datetime

from .entities import Lead, Prediction, ScoreRecord, iso
from .explanation import Explanation
from .rounding import six_decimals
from .scoring_model import Scored
from .settings import Settings


def prediction(
    lead: Lead,
    scored: Scored,
    model_version: str,
    prediction_time: str,
    settings: Settings,
    *,
    is_degraded: bool,
) -> Prediction:
    """Return the answer to one lead, without reasons."""
    # The score is that of the probability as it is sent, so that anyone can check it.
    probability = six_decimals(scored.probability)
    score = round(100 * probability)
    answer: Prediction = {
        "lead_id": lead.lead_id,
        "score": score,
        "confidence": probability if probability >= 0.5 else six_decimals(1 - probability),
        "probability": probability,
        "grade": _grade(score, settings),
        "model_version": model_version,
        "margin": six_decimals(scored.margin),
        "is_outlier": scored.is_outlier,
        "outlier_reasons": scored.outlier_reasons,
        "degraded": is_degraded,
        "prediction_time": prediction_time,
    }
    if lead.as_of is not None:
        answer["as_of"] = iso(lead.as_of)
    return answer


def add_reasons(answers: Iterable[Prediction], explanations: Iterable[Explanation]) -> None:
    """Tell with each answer why."""
    for answer, explanation in zip(answers, explanations, strict=True):
        answer["feature_importance"] = explanation.feature_importance
        answer["reasons"] = explanation.reasons
        answer["base_effect"] = explanation.base_effect


def score_of(scored: Scored) -> int:
    """Return the score from 0 to 100: that of the probability as it is sent."""
    return round(100 * six_decimals(scored.probability))


def score_record(
    lead: Lead, answer: Prediction, now: datetime, request_id: str, position: int, latency_ms: float
) -> ScoreRecord:
    """Return the audit record of an answer, with the model's time for a lead in milliseconds."""
    return ScoreRecord(
        lead=lead,
        scored_at=now,
        request_id=request_id,
        position=position,
        model_version=answer["model_version"],
        score=answer["score"],
        probability=answer["probability"],
        confidence=answer["confidence"],
        grade=answer["grade"],
        latency_ms=latency_ms,
    )


def _grade(score: int, settings: Settings) -> str:
    if score >= settings.grade_a_from:
        return "A"
    if score >= settings.grade_b_from:
        return "B"
    return "C" if score >= settings.grade_c_from else "D"
