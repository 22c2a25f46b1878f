"""Score leads with the active model, keep the audit log, and follow activations."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from .active_model import ActiveModelCache
from .circuit_breaker import CircuitBreaker
from .entities import Lead, LeadId, Prediction, ScoredHistory, ScoreRecord, iso
from .errors import NotFoundError, StoreUnavailableError
from .garbage import no_search
from .hashing import lead_hash
from .ports import Clock, ExposureStore, PredictionStore, TrainingStore
from .predictions import add_reasons, prediction, score_record
from .settings import Settings
from .trend import TREND_SCORES, trend

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)

# As many requests as one process answers at once in the local run; on Lambda it is one.
_MOST_WRITERS = 64
# Another thread gets its turn after 5 ms, in which the reasons of a few leads are worked out.
_FEWEST_BESIDE = 25

LeadLike = Lead | Mapping[str, Any]


class LeadScorer:
    """The scoring service: load, predict one, predict many, look back, erase."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        models: ActiveModelCache,
        predictions: PredictionStore,
        training_data: Callable[[], TrainingStore],
        exposures: Callable[[], ExposureStore],
        read_lead: Callable[[Mapping[str, Any]], Lead],
    ) -> None:
        """Wire the scorer; `read_lead` validates what is not a Lead yet.

        `training_data` and `exposures` give their stores, which only who erases a lead needs: no
        start waits for them.
        """
        self._settings, self._clock, self._models = settings, clock, models
        self._predictions, self._training_data = predictions, training_data
        self._exposures, self._read_lead = exposures, read_lead
        self._keeping = CircuitBreaker(settings.model_refresh_seconds)

    @cached_property
    def _writers(self) -> "ThreadPoolExecutor":
        # No start waits for what only a batch needs.
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(_MOST_WRITERS, thread_name_prefix="audit-log")

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

    @no_search
    def predict_batch(
        self,
        leads: Sequence[LeadLike],
        *,
        explain: bool = True,
        request_id: str = "",
        accept: Callable[[Sequence[Prediction]], object] | None = None,
    ) -> list[Prediction]:
        """Score leads in their order, each exactly as it would be scored alone.

        Scores of many are kept while their reasons are worked out, unless there is `accept`: it
        sees the whole answers before they are kept, and if it raises, nothing is.
        """
        read = [lead if isinstance(lead, Lead) else self._read_lead(lead) for lead in leads]
        answering = self._models.current()
        now = self._clock.now()
        started = time.perf_counter()
        moments = [lead.as_of or now for lead in read]
        found = answering.model.score(read, moments, explain=explain)
        latency_ms = round(1000 * (time.perf_counter() - started) / max(1, len(read)), 3)
        prediction_time = iso(now)
        answers = [
            prediction(
                lead,
                one,
                answering.version,
                prediction_time,
                self._settings,
                is_degraded=answering.is_degraded,
            )
            for lead, one in zip(read, found.scored, strict=True)
        ]
        request_id = request_id or _new_id()
        records = [
            score_record(lead, answer, now, request_id, i, latency_ms)
            for i, (lead, answer) in enumerate(zip(read, answers, strict=True))
        ]
        is_beside = explain and accept is None and len(records) >= _FEWEST_BESIDE
        keeping = self._writers.submit(self._keep, records, request_id) if is_beside else None
        if explain:
            add_reasons(answers, found.explanations())
        if accept is not None:
            accept(answers)
        is_kept = keeping.result() if keeping else self._keep(records, request_id)
        if not is_kept:
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
        outcomes = self._training_data().delete(lead_id)
        exposures = self._exposures().erase(lead_hash(lead_id, self._settings.hash_key))
        if not scores + imported + outcomes + exposures:
            raise NotFoundError("nothing is stored about this lead")
        return {"scores": scores, "feedback": outcomes, "exposures": exposures}

    def _keep(self, records: Sequence[ScoreRecord], request_id: str) -> bool:
        """Write the audit records; a store that is down costs the record, never the answer."""
        try:
            self._keeping.call(lambda: self._predictions.add(records))
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


def _new_id() -> str:
    # Requests come with an id of their own, where they are requests.
    from uuid import uuid4

    return str(uuid4())


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
