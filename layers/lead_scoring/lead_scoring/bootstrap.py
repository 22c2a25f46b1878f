"""Settings to wired services: the only place that joins the domain with its adapters.

services = lead_scoring.bootstrap.connect()
services.lead_scorer.predict_single({"lead_id": 1, "title": "Senior Python developer"})
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from .adapters.clock import SystemClock
from .settings import Settings

if TYPE_CHECKING:
    from .active_model import ActiveModelCache
    from .entities import Lead
    from .health import HealthCheck
    from .lead_scorer import LeadScorer
    from .model_trainer import ModelTrainer
    from .ports import ArtifactStore, Clock, ModelRegistry, PredictionStore, TrainingStore


def connect(settings: Settings | None = None) -> "Services":
    """Return the services for these settings (default: the environment's), always the same ones.

    Raises SettingsError. Nothing is connected to before it is used.
    """
    return _services(settings or Settings.from_environment(os.environ))


@lru_cache
def _services(settings: Settings) -> "Services":
    return Services(settings)


@dataclass(frozen=True)
class Services:
    """Everything wired; each service, and the libraries that it needs, is loaded at first use."""

    settings: Settings

    @cached_property
    def clock(self) -> "Clock":
        """The clock."""
        return SystemClock()

    @cached_property
    def predictions(self) -> "PredictionStore":
        """The audit log of scores."""
        from .adapters.prediction_store import DynamoPredictionStore

        return DynamoPredictionStore(self.settings)

    @cached_property
    def training_data(self) -> "TrainingStore":
        """Imported leads and their outcomes."""
        from .adapters.training_store import DynamoTrainingStore

        return DynamoTrainingStore(self.settings, self.clock)

    @cached_property
    def models(self) -> "ModelRegistry":
        """Registered models and the active pointer."""
        from .adapters.model_registry import DynamoModelRegistry

        return DynamoModelRegistry(self.settings)

    @cached_property
    def artifacts(self) -> "ArtifactStore":
        """The files of the models."""
        from .adapters.artifact_store import S3ArtifactStore

        return S3ArtifactStore(self.settings)

    @cached_property
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

    @cached_property
    def lead_scorer(self) -> "LeadScorer":
        """Scores leads."""
        from .lead_scorer import LeadScorer

        return LeadScorer(
            self.settings,
            self.clock,
            self.active_model,
            self.predictions,
            self.training_data,
            self.read_lead,
        )

    @cached_property
    def health(self) -> "HealthCheck":
        """Says whether the service can score."""
        from .health import HealthCheck

        return HealthCheck(self.active_model, self.models, self.artifacts)

    @cached_property
    def model_trainer(self) -> "ModelTrainer":
        """Trains, registers and activates models; loads XGBoost, SciPy and scikit-learn."""
        from .adapters import estimators
        from .model_trainer import ModelTrainer

        return ModelTrainer(
            self.settings, self.clock, self.training_data, self.models, self.artifacts, estimators
        )

    def read_lead(self, value: Mapping[str, Any]) -> "Lead":
        """Validate a lead as the API does; raise InvalidInputError with every fault."""
        from .api.bodies import read_lead

        return read_lead(value, now=self.clock.now(), hash_key=self.settings.hash_key)
