"""Score leads with the active model, keep the audit log, and follow activations."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from .active_model import ActiveModelCache, Answering
from .entities import Lead, LeadId, Prediction, ScoredHistory, ScoreRecord, iso
from .errors import NotFoundError, StoreUnavailableError
from .ports import Clock, PredictionStore, TrainingStore
from .scoring_model import Scored
from .settings import Settings
from .trend import TREND_SCORES, trend

logger = logging.getLogger(__name__)

_DECIMALS = 6
LeadLike = Lead | Mapping[str, Any]


class LeadScorer:
    """The scoring service: load, predict one, predict many, look back, erase."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        models: ActiveModelCache,
        predictions: PredictionStore,
        training_data: TrainingStore,
        read_lead: Callable[[Mapping[str, Any]], Lead],
    ) -> None:
        """Wire the scorer; `read_lead` validates what is not a Lead yet."""
        self._settings, self._clock, self._models = settings, clock, models
        self._predictions, self._training_data = predictions, training_data
        self._read_lead = read_lead

    def load_model(self) -> str:
        """Fetch the active model now; return the version that answers from here on.

        Raises StoreUnavailableError if a store is down and nothing is cached.
        """
        return self._models.refresh().version

    def predict_single(
        self, lead: LeadLike, *, explain: bool = True, request_id: str = ""
    ) -> Prediction:
        """Score one lead, and keep the score; a dict is read as the API reads a lead.

        Raises InvalidInputError, and StoreUnavailableError if no model can be had.
        """
        return self.predict_batch([lead], explain=explain, request_id=request_id)[0]

    def predict_batch(
        self,
        leads: Sequence[LeadLike],
        *,
        explain: bool = True,
        request_id: str = "",
        accept: Callable[[Sequence[Prediction]], object] | None = None,
    ) -> list[Prediction]:
        """Score leads in their order, each exactly as it would be scored alone.

        `accept` sees the answers before they are kept: if it raises, nothing is.
        """
        read = [lead if isinstance(lead, Lead) else self._read_lead(lead) for lead in leads]
        answering = self._models.current()
        now = self._clock.now()
        started = time.perf_counter()
        scored = answering.model.score(read, [lead.as_of or now for lead in read], explain=explain)
        latency_ms = 1000 * (time.perf_counter() - started) / max(1, len(read))
        answers = [
            self._prediction(lead, one, answering, now)
            for lead, one in zip(read, scored, strict=True)
        ]
        if accept is not None:
            accept(answers)
        request_id = request_id or str(uuid4())
        records = [
            _record(lead, answer, now, request_id, i, latency_ms)
            for i, (lead, answer) in enumerate(zip(read, answers, strict=True))
        ]
        if not self._keep(records, request_id):
            for answer in answers:
                answer["degraded"] = True
        return answers

    def history(self, lead_id: LeadId, limit: int = 50) -> ScoredHistory:
        """Return a lead's newest scores and the trend of its last ten.

        Scores as of another moment stand in the list, but are no part of the trend.
        Raises NotFoundError if the lead was never scored.
        """
        wanted = max(limit, TREND_SCORES)
        seen = list(islice(self._predictions.newest_first(lead_id), wanted))
        if not seen:
            raise NotFoundError("this lead was never scored")
        live = [record for record in seen if record.lead.as_of is None]
        if len(live) < TREND_SCORES and len(seen) == wanted:
            # However many backtests are in between, they are not read.
            newest_live = self._predictions.newest_first(lead_id, live_only=True)
            live = list(islice(newest_live, TREND_SCORES))
        in_order = [(record.scored_at, record.score) for record in reversed(live[:TREND_SCORES])]
        return ScoredHistory(
            seen[0].lead.lead_id, [_listed(record) for record in seen[:limit]], trend(in_order)
        )

    def erase(self, lead_id: LeadId) -> dict[str, int]:
        """Delete all that is stored about a lead; return how many rows of each kind went.

        Raises NotFoundError if nothing was stored. After StoreUnavailableError a part may be gone:
        asking again deletes the rest.
        """
        scores, imported = self._predictions.delete(lead_id)
        outcomes = self._training_data.delete(lead_id)
        if not scores + imported + outcomes:
            raise NotFoundError("nothing is stored about this lead")
        return {"scores": scores, "feedback": outcomes, "exposures": 0}

    def _prediction(
        self, lead: Lead, scored: Scored, answering: Answering, now: datetime
    ) -> Prediction:
        # The score is that of the probability as it is sent, so that anyone can check it.
        probability = round(scored.probability, _DECIMALS)
        score = round(100 * probability)
        answer: Prediction = {
            "lead_id": lead.lead_id,
            "score": score,
            "confidence": max(probability, round(1 - probability, _DECIMALS)),
            "probability": probability,
            "grade": self._grade(score),
            "model_version": answering.version,
            "margin": round(scored.margin, _DECIMALS),
            "is_outlier": scored.is_outlier,
            "outlier_reasons": scored.outlier_reasons,
            "degraded": answering.is_degraded,
            "prediction_time": iso(now),
        }
        if lead.as_of is not None:
            answer["as_of"] = iso(lead.as_of)
        if scored.explanation is not None:
            answer["feature_importance"] = scored.explanation.feature_importance
            answer["reasons"] = scored.explanation.reasons
            answer["base_effect"] = scored.explanation.base_effect
        return answer

    def _grade(self, score: int) -> str:
        settings = self._settings
        bounds = {
            "A": settings.grade_a_from,
            "B": settings.grade_b_from,
            "C": settings.grade_c_from,
        }
        return next((grade for grade, low in bounds.items() if score >= low), "D")

    def _keep(self, records: Sequence[ScoreRecord], request_id: str) -> bool:
        """Write the audit records; a store that is down costs the record, never the answer."""
        try:
            self._predictions.add(records)
        except StoreUnavailableError as error:
            logger.error(
                json.dumps(
                    {
                        "event": "audit_records_lost",
                        "count": len(records),
                        "store": error.store,
                        "request_id": request_id,
                    }
                )
            )
            return False
        return True


def _record(
    lead: Lead, answer: Prediction, now: datetime, request_id: str, position: int, latency_ms: float
) -> ScoreRecord:
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
        latency_ms=round(latency_ms, 3),
    )


def _listed(record: ScoreRecord) -> dict[str, Any]:
    listed = {
        "score": record.score,
        "probability": record.probability,
        "confidence": record.confidence,
        "grade": record.grade,
        "model_version": record.model_version,
        "prediction_time": iso(record.scored_at),
    }
    if record.lead.as_of is not None:
        listed["as_of"] = iso(record.lead.as_of)
    if record.ab_test is not None:
        listed |= {"ab_test": record.ab_test, "variant": record.variant}
    return listed
