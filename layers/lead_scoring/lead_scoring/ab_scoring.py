"""Score a lead in an A/B test: by the variant of its unit, with the shadows beside."""

import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from .ab_assignment import assign_variant
from .ab_test_cache import ABTestCache, Known
from .attribution import Attribution
from .circuit_breaker import CircuitBreaker
from .entities import Lead, Prediction, ScoreRecord, iso
from .errors import StoreUnavailableError, TestStoppedError
from .experiments import ABScoring, ABTest, Exposure, Variant
from .hashing import keyed_hash, lead_hash
from .ports import Clock, ExposureStore, PredictionStore
from .predictions import add_reasons, prediction, score_of, score_record
from .rounding import six_decimals
from .settings import Settings
from .variant_models import VariantModels

logger = logging.getLogger(__name__)


class _Shadowed(NamedTuple):
    """What one shadow would have said; `score` and `probability` are None if it failed."""

    variant_name: str
    score: int | None
    probability: float | None


class ABScorer:
    """Scores leads by the variants of running tests, and keeps who was exposed to what."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        tests: ABTestCache,
        models: VariantModels,
        predictions: PredictionStore,
        exposures: ExposureStore,
        attribution: Attribution,
    ) -> None:
        """Wire it; nothing is read yet."""
        self._settings, self._clock, self._tests, self._models = settings, clock, tests, models
        self._predictions, self._exposures = predictions, exposures
        self._attribution = attribution
        self._keeping = CircuitBreaker(settings.model_refresh_seconds)

    def score(
        self, test_name: str, lead: Lead, user_id: str | None, *, explain: bool, request_id: str
    ) -> Prediction:
        """Score a lead for a user, or for the lead itself, and keep the score and the exposure.

        A lead as of another moment is scored by the same variant, and counts nowhere. Raises
        NotFoundError, TestStoppedError, StoreUnavailableError, ArtifactError.
        """
        known = self._tests.get(test_name)
        if known.test.ending:
            raise TestStoppedError(test_name)
        key = self._settings.hash_key
        own_hash = lead_hash(lead.lead_id, key)
        unit = keyed_hash(user_id, key, "user") or own_hash
        variant = assign_variant(known.test, unit, key)
        now = self._clock.now()
        answer, latency_ms = self._answer(known, variant, lead, now, explain=explain)
        record = score_record(lead, answer, now, request_id, 0, latency_ms)._replace(
            ab_test=test_name,
            variant=variant.variant_name,
        )
        exposure = Exposure(test_name, variant.variant_name, known.test.metric, unit)
        scoring = self._beside(known.test, ABScoring(exposure, own_hash, record))
        if not self._keep(scoring):
            answer["degraded"] = True
        return answer

    def _answer(
        self, known: Known, variant: Variant, lead: Lead, now: datetime, *, explain: bool
    ) -> tuple[Prediction, float]:
        """Return the answer of a variant, and how long the model took, in milliseconds."""
        model = self._models.answering(variant)
        started = time.perf_counter()
        found = model.score([lead], [lead.as_of or now], explain=explain)
        explanations = found.explanations()
        latency_ms = round(1000 * (time.perf_counter() - started), 3)
        answer = prediction(
            lead,
            found.scored[0],
            variant.model_version,
            iso(now),
            self._settings,
            is_degraded=known.is_degraded,
        )
        add_reasons([answer] if explain else [], explanations)
        answer["ab_test"] = known.test.test_name
        answer["ab_test_variant"] = variant.variant_name
        return answer, latency_ms

    def _beside(self, test: ABTest, scoring: ABScoring) -> ABScoring:
        """Have the shadows score the same lead; a backtest is none of their business."""
        record = scoring.record
        if not test.shadows or record.lead.as_of is not None:
            return scoring
        said = [self._shadowed(each, record) for each in test.shadows]
        probabilities: Mapping[str, float] = {
            each.variant_name: each.probability for each in said if each.probability is not None
        }
        return scoring._replace(
            record=record._replace(shadows=probabilities or None),
            shadow_scores={each.variant_name: each.score for each in said},
        )

    def _shadowed(self, shadow: Variant, record: ScoreRecord) -> _Shadowed:
        try:
            model = self._models.beside(shadow)
            [scored] = model.score([record.lead], [record.scored_at]).scored
        except Exception as error:  # noqa: BLE001 (whatever goes wrong is the shadow's alone)
            fault = {"event": "shadow_failed", "variant": shadow.variant_name}
            logger.error(json.dumps(fault | {"error": type(error).__name__}))
            return _Shadowed(shadow.variant_name, None, None)
        return _Shadowed(shadow.variant_name, score_of(scored), six_decimals(scored.probability))

    def _keep(self, scoring: ABScoring) -> bool:
        """Keep a score; a store that is down costs the record, never the answer.

        Raises TestStoppedError if the test was stopped meanwhile: nothing is kept then.
        """
        record = scoring.record
        lost = "audit_records_lost"
        try:
            if record.lead.as_of is not None:
                self._keeping.call(lambda: self._predictions.add([record]))
            else:
                self._keeping.call(lambda: self._exposures.record(scoring))
                lost = "conversions_not_looked_for"
                self._keeping.call(lambda: self._attribution.count_after(scoring))
        except TestStoppedError:
            self._tests.forget(scoring.exposure.test_name)
            raise
        except StoreUnavailableError as error:
            event = {"event": lost, "count": 1, "store": error.store}
            logger.error(json.dumps(event | {"request_id": record.request_id}))
            return False
        return True
