"""Train a model on what became of leads, measure it on the newest ones, and register it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import training_data
from .entities import Activation, ModelRecord
from .errors import TooFewSamplesError
from .model_card import model_card
from .model_fitting import Estimators, FittedModel, Progress, fit_model, ignore_progress
from .ports import ArtifactStore, Clock, ModelRegistry, TrainingStore
from .scoring_model import artifact_version, checksums
from .settings import Settings

MODEL_TYPE = "xgboost"
REPORT_FILE = "report.json"


class ModelTrainer:
    """Train on everything that is known, and register and activate the result."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        training_data: TrainingStore,
        models: ModelRegistry,
        artifacts: ArtifactStore,
        estimators: Estimators,
    ) -> None:
        """Wire the trainer to its stores; nothing is read yet."""
        self._settings, self._clock, self._estimators = settings, clock, estimators
        self._training_data, self._models, self._artifacts = training_data, models, artifacts

    def train_new_model(
        self,
        params: Mapping[str, Any] | None = None,
        validation_split: float = 0.2,
        progress: Progress = ignore_progress,
        activated_by: str = "training",
        data_name: str | None = None,
    ) -> dict[str, Any]:
        """Train on the older leads, measure on the newest, register and activate the model.

        `data_name` says on the card whose leads these are. Returns `model_version` and `metrics`.

        Raises TooFewSamplesError below `min_training_samples` usable outcomes.
        """
        started_at = self._clock.now()
        progress("reading outcomes", 0.0)
        examples = training_data.in_time_order(
            training_data.to_examples(
                self._training_data.labelled_leads(), self._settings.label_maturity_hours
            )
        )
        missing = self._settings.min_training_samples - len(examples)
        if missing > 0:
            raise TooFewSamplesError(
                f"{len(examples)} leads have an outcome; {missing} more are needed to train"
            )
        training, holdout = training_data.split_by_time(examples, validation_split)
        fitted = fit_model(
            training,
            self._settings,
            self._estimators,
            params,
            lambda step, fraction: progress(step, 0.05 + 0.8 * fraction),
            history=examples,
        )
        progress("measuring on the newest leads", 0.87)
        card = model_card(fitted, training, holdout)
        parent = self._models.active()
        card["data_name"] = data_name
        card["parent_version"] = parent.model_version if parent else None
        progress("publishing", 0.95)
        record = self._register(fitted, card, len(training), len(holdout), started_at)
        self._models.activate(
            Activation(self._clock.now(), activated_by, record.model_version, "newly trained")
        )
        progress("done", 1.0)
        return {"model_version": record.model_version, "metrics": card["metrics"]}

    def _register(
        self,
        fitted: FittedModel,
        card: Mapping[str, Any],
        training_samples: int,
        validation_samples: int,
        started_at: datetime,
    ) -> ModelRecord:
        """Write the artifact first, the registry row last: what is listed is whole."""
        report = json.dumps(card, allow_nan=False, indent=1, sort_keys=True).encode()
        files = {**fitted.artifact, REPORT_FILE: report}
        created_at = self._clock.now()
        record = ModelRecord(
            model_version=artifact_version(files, created_at),
            model_type=MODEL_TYPE,
            metrics=card["metrics"],
            training_samples=training_samples,
            validation_samples=validation_samples,
            feature_count=len(fitted.scoring_model.extractor.features),
            training_duration=round((created_at - started_at).total_seconds(), 3),
            size_bytes=sum(map(len, files.values())),
            checksums=checksums(files),
            created_at=created_at,
        )
        self._artifacts.write(record.model_version, files)
        self._models.register(record)
        return record
