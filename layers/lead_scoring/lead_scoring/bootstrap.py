"""Settings to wired services: the only place that joins the domain with its adapters.

services = lead_scoring.bootstrap.connect()
services.lead_scorer.predict_single({"lead_id": 1, "title": "Senior Python developer"})
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property, lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from .adapters.clock import ShiftedClock, SystemClock
from .garbage import loading
from .settings import Settings

if TYPE_CHECKING:
    from .ab_scoring import ABScorer
    from .ab_test_cache import ABTestCache
    from .ab_testing import ABTestManager
    from .active_model import ActiveModelCache
    from .api.feedback_bodies import Session
    from .attribution import Attribution
    from .entities import Lead
    from .entities.feedback import Interaction, Sender
    from .experiments import WantedTest
    from .feedback_processor import FeedbackProcessor
    from .health import HealthCheck
    from .idempotency import Idempotency
    from .lead_scorer import LeadScorer
    from .model_fitting import Estimators
    from .model_releases import ModelReleases
    from .model_trainer import ModelTrainer
    from .monitoring import Monitor
    from .performance import Performance
    from .ports import (
        ABTestStore,
        ArtifactStore,
        Clock,
        ExposureStore,
        FeedbackStore,
        JobStore,
        ModelRegistry,
        MonitoringStore,
        PredictionStore,
        ReplyStore,
        TrainingStore,
        TrainingWorker,
    )
    from .retraining import Retraining
    from .retraining_check import RetrainingCheck
    from .variant_models import VariantModels


_Service = TypeVar("_Service")


def _loaded(load: Callable[[Any], _Service]) -> cached_property[_Service]:
    """Make a service of a function: loaded when it is first asked for, with all that it needs."""

    @wraps(load)
    def loaded(services: Any) -> _Service:
        with loading():
            return load(services)

    return cached_property(loaded)


def connect(settings: Settings | None = None) -> "Services":
    """Return the services for these settings (default: the environment's), always the same ones.

    Raises SettingsError. Nothing is connected to before it is used.
    """
    return _services(settings or Settings.from_environment(os.environ))


@lru_cache
def _services(settings: Settings) -> "Services":
    return Services(settings)


class Services:
    """Everything wired; each service, and the libraries that it needs, is loaded at first use."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is connected to yet."""
        self.settings = settings

    def prepare(self, *names: str) -> None:
        """Load services by name before they are asked for, and the client that their stores share.

        Nothing is connected to yet.
        """
        from .adapters.clients import client

        for name in names:
            getattr(self, name)
        client("dynamodb", self.settings.aws_endpoint_url)

    @_loaded
    def clock(self) -> "Clock":
        """The clock."""
        file = self.settings.clock_file
        return ShiftedClock(file) if file else SystemClock()

    @_loaded
    def predictions(self) -> "PredictionStore":
        """The audit log of scores."""
        from .adapters.prediction_store import DynamoPredictionStore

        return DynamoPredictionStore(self.settings, self.clock)

    @_loaded
    def training_data(self) -> "TrainingStore":
        """Leads and what became of them."""
        from .adapters.training_store import DynamoTrainingStore

        return DynamoTrainingStore(self.settings, self.clock)

    @_loaded
    def feedback(self) -> "FeedbackStore":
        """Feedback and its counters."""
        from .adapters.feedback_store import DynamoFeedbackStore

        return DynamoFeedbackStore(self.settings, self.clock)

    @_loaded
    def replies(self) -> "ReplyStore":
        """What answered requests with an idempotency key."""
        from .adapters.reply_store import DynamoReplyStore

        return DynamoReplyStore(self.settings, self.clock)

    @_loaded
    def ab_test_store(self) -> "ABTestStore":
        """A/B tests and their counters."""
        from .adapters.ab_test_store import DynamoABTestStore

        return DynamoABTestStore(self.settings)

    @_loaded
    def exposures(self) -> "ExposureStore":
        """Which unit met which variant."""
        from .adapters.exposure_store import DynamoExposureStore

        return DynamoExposureStore(self.settings)

    @_loaded
    def monitoring(self) -> "MonitoringStore":
        """Reports of monitoring, and alerts."""
        from .adapters.monitoring_store import DynamoMonitoringStore

        return DynamoMonitoringStore(self.settings)

    @_loaded
    def jobs(self) -> "JobStore":
        """Trainings and their lease."""
        from .adapters.job_store import DynamoJobStore

        return DynamoJobStore(self.settings)

    @_loaded
    def training_worker(self) -> "TrainingWorker":
        """The function that trains."""
        from .adapters.training_worker import LambdaTrainingWorker

        return LambdaTrainingWorker(self.settings)

    @_loaded
    def models(self) -> "ModelRegistry":
        """Registered models and the active pointer."""
        from .adapters.model_registry import DynamoModelRegistry

        return DynamoModelRegistry(self.settings)

    @_loaded
    def artifacts(self) -> "ArtifactStore":
        """The files of the models."""
        from .adapters.artifact_store import S3ArtifactStore

        return S3ArtifactStore(self.settings)

    @_loaded
    def active_model(self) -> "ActiveModelCache":
        """The model that answers."""
        from .active_model import ActiveModelCache
        from .adapters.model_directory import LocalModelDirectory

        return ActiveModelCache(
            self.models,
            self.artifacts,
            LocalModelDirectory(self.settings.model_dir),
            self.settings.model_refresh_seconds,
        )

    @_loaded
    def lead_scorer(self) -> "LeadScorer":
        """Scores leads."""
        from .lead_scorer import LeadScorer

        return LeadScorer(
            self.settings,
            self.clock,
            self.active_model,
            self.predictions,
            lambda: self.training_data,
            lambda: self.exposures,
            self.read_lead,
        )

    @_loaded
    def attribution(self) -> "Attribution":
        """Counts conversions of A/B tests."""
        from .attribution import Attribution

        window = timedelta(days=self.settings.ab_attribution_days)
        return Attribution(self.exposures, self.feedback, self.settings.hash_key, window)

    @_loaded
    def variant_models(self) -> "VariantModels":
        """The models that A/B tests compare."""
        from .adapters.model_directory import LocalModelDirectory
        from .model_files import ModelFiles
        from .variant_models import VariantModels

        directory = LocalModelDirectory(self.settings.model_dir)
        return VariantModels(ModelFiles(self.artifacts, directory))

    @_loaded
    def ab_test_cache(self) -> "ABTestCache":
        """The A/B tests that this process scores with."""
        from .ab_test_cache import ABTestCache

        return ABTestCache(self.ab_test_store, self.settings.model_refresh_seconds)

    @_loaded
    def ab_scorer(self) -> "ABScorer":
        """Scores leads by the variants of A/B tests."""
        from .ab_scoring import ABScorer

        return ABScorer(
            self.settings,
            self.clock,
            self.ab_test_cache,
            self.variant_models,
            self.predictions,
            self.exposures,
            self.attribution,
        )

    @_loaded
    def ab_tests(self) -> "ABTestManager":
        """Creates A/B tests, scores with them, reads their results, stops them."""
        from .ab_testing import ABTestManager

        return ABTestManager(
            self.settings,
            self.clock,
            self.ab_test_store,
            self.ab_test_cache,
            self.ab_scorer,
            self.models,
            self.model_releases,
            self.training_data,
            self.read_lead,
            self.read_ab_test,
        )

    @_loaded
    def health(self) -> "HealthCheck":
        """Says whether the service can score."""
        from .health import HealthCheck

        return HealthCheck(
            self.active_model, self.models, self.artifacts, self.jobs, self.monitoring
        )

    @_loaded
    def feedback_processor(self) -> "FeedbackProcessor":
        """Takes feedback, shows it, counts it."""
        from .feedback_processor import FeedbackProcessor

        return FeedbackProcessor(
            self.clock, self.feedback, self.predictions, self.attribution, self.read_feedback
        )

    @_loaded
    def idempotency(self) -> "Idempotency":
        """Does what one idempotency key stands for once."""
        from .idempotency import Idempotency

        return Idempotency(self.clock, self.replies, self.settings.hash_key)

    @_loaded
    def model_releases(self) -> "ModelReleases":
        """Activates models, rolls back, cleans up."""
        from .model_releases import ModelReleases

        return ModelReleases(self.clock, self.models, self.artifacts)

    @_loaded
    def retraining_check(self) -> "RetrainingCheck":
        """Says whether a new model should be trained."""
        from .retraining_check import RetrainingCheck

        return RetrainingCheck(
            self.settings, self.clock, self.training_data, self.models, self.monitoring
        )

    @_loaded
    def retraining(self) -> "Retraining":
        """Has models trained, and says how far that is."""
        from .retraining import Retraining

        return Retraining(self.settings, self.clock, self.jobs, self.training_worker)

    @_loaded
    def monitor(self) -> "Monitor":
        """Looks at what the model does of late, and opens alerts."""
        from .adapters.model_directory import LocalModelDirectory
        from .model_files import ModelFiles
        from .monitoring import Monitor

        directory = LocalModelDirectory(self.settings.model_dir)
        return Monitor(
            self.settings,
            self.clock,
            self.predictions,
            self.training_data,
            self.models,
            self.artifacts,
            ModelFiles(self.artifacts, directory),
            self.retraining_check,
            self.retraining,
            self.model_releases,
            self.monitoring,
        )

    @_loaded
    def performance(self) -> "Performance":
        """Says how the active model does."""
        from .performance import Performance

        return Performance(
            self.settings,
            self.feedback,
            self.retraining,
            self.retraining_check,
            self.predictions,
            self.monitoring,
        )

    @_loaded
    def model_trainer(self) -> "ModelTrainer":
        """Trains, compares and activates models."""
        from .model_trainer import ModelTrainer

        return ModelTrainer(
            self.settings,
            self.clock,
            self.training_data,
            self.models,
            self.artifacts,
            self.jobs,
            self.retraining_check,
            # A check that finds no reason to train does without these libraries.
            lambda: self.estimators,
        )

    @_loaded
    def estimators(self) -> "Estimators":
        """The fitting libraries: XGBoost, SciPy and scikit-learn."""
        from .adapters import estimators

        return estimators

    def read_lead(self, value: Mapping[str, Any]) -> "Lead":
        """Validate a lead as the API does; raise InvalidInputError with every fault."""
        from .api.bodies import read_lead

        return read_lead(value, now=self.clock.now(), hash_key=self.settings.hash_key)

    def read_ab_test(self, value: Any) -> "WantedTest":
        """Validate a new A/B test as the API does; raise InvalidInputError with every fault."""
        from .api.ab_test_bodies import read_ab_test

        return read_ab_test(value)

    def read_ab_score(self, value: Any, test_name: str) -> "tuple[Lead, str | None]":
        """Validate what a test is to score, and for whom; raise InvalidInputError."""
        from .api.ab_test_bodies import read_ab_score

        return read_ab_score(
            value, test_name, now=self.clock.now(), hash_key=self.settings.hash_key
        )

    def read_feedback(
        self, value: Any, source_ip: str | None = None, user_agent: str | None = None
    ) -> "tuple[Interaction, Sender]":
        """Validate feedback as the API does; raise InvalidInputError with every fault."""
        from .api.feedback_bodies import Origin, read_feedback

        origin = Origin(source_ip, user_agent)
        return read_feedback(
            value, now=self.clock.now(), hash_key=self.settings.hash_key, origin=origin
        )

    def read_session(
        self, value: Any, source_ip: str | None = None, user_agent: str | None = None
    ) -> "Session":
        """Validate what was observed in a session as the API does; raise InvalidInputError."""
        from .api.feedback_bodies import Origin, read_session

        origin = Origin(source_ip, user_agent)
        return read_session(
            value, now=self.clock.now(), hash_key=self.settings.hash_key, origin=origin
        )
