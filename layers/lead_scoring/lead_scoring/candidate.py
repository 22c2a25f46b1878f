"""A candidate: a model fitted and measured, as files and as a row of the registry."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entities.models import ModelRecord
from .entities.training import TrainingExample
from .incumbent import REPORT_FILE
from .model_card import holdout_table, model_card, predicted
from .model_fitting import FittedModel
from .monitoring_reference import REFERENCE_FILE, Reference
from .promotion import Contender, Verdict
from .scoring_model import artifact_version, checksums

MODEL_TYPE = "xgboost"
HOLDOUT_FILE = "holdout.json"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fitted model with its holdout, what it says of it, and its card so far."""

    model_version: str
    created_at: datetime
    fitted: FittedModel
    holdout: list[TrainingExample]
    probabilities: NDArray[np.float64]
    training_samples: int
    card: Mapping[str, Any]
    reference: bytes = field(repr=False)

    @classmethod
    def measure(
        cls,
        fitted: FittedModel,
        training: list[TrainingExample],
        holdout: list[TrainingExample],
        created_at: datetime,
        facts: Mapping[str, Any],
    ) -> "Candidate":
        """Try a model on its holdout; `facts` are entries of the card that others know."""
        model = fitted.scoring_model
        probabilities = predicted(model, holdout)
        return cls(
            artifact_version(fitted.artifact, created_at),
            created_at,
            fitted,
            holdout,
            probabilities,
            len(training),
            {**model_card(fitted, training, holdout, probabilities), **facts},
            Reference.of(model, training, holdout, probabilities).to_bytes(),
        )

    def made_at(self, moment: datetime) -> "Candidate":
        """Return the same candidate as if it had been made then, which is part of its name."""
        version = artifact_version(self.fitted.artifact, moment)
        return replace(self, model_version=version, created_at=moment)

    @property
    def contender(self) -> Contender:
        """The candidate's side of a comparison."""
        threshold = self.fitted.scoring_model.threshold
        return Contender(self.model_version, self.probabilities, threshold)

    @property
    def targets(self) -> NDArray[np.float64]:
        """The targets of the holdout, shape (n,)."""
        return np.array([example.target for example in self.holdout])

    def files(
        self, verdict: Verdict, parent_version: str | None, hash_key: str
    ) -> dict[str, bytes]:
        """Return the artifact: what scores, the card, and what the card was computed from."""
        report = {
            **self.card,
            "parent_version": parent_version,
            "promotion_verdict": verdict.to_json(),
            "holdout_file": HOLDOUT_FILE,
        }
        table = holdout_table(self.holdout, self.probabilities, hash_key)
        return {
            **self.fitted.artifact,
            REPORT_FILE: _json_bytes(report, indent=1),
            HOLDOUT_FILE: _json_bytes(table),
            REFERENCE_FILE: self.reference,
        }

    def record(
        self, files: Mapping[str, bytes], training_seconds: float, trained_until: datetime
    ) -> ModelRecord:
        """Return what the registry is to know."""
        return ModelRecord(
            model_version=self.model_version,
            model_type=MODEL_TYPE,
            metrics=self.card["metrics"],
            training_samples=self.training_samples,
            validation_samples=len(self.holdout),
            feature_count=len(self.fitted.scoring_model.extractor.features),
            training_duration=training_seconds,
            size_bytes=sum(map(len, files.values())),
            checksums=checksums(files),
            created_at=self.created_at,
            threshold=self.card["threshold"],
            trained_until=trained_until,
            data_fingerprint=self.card["data_fingerprint"],
        )


def _json_bytes(value: Any, indent: int | None = None) -> bytes:
    return json.dumps(value, allow_nan=False, indent=indent, sort_keys=True).encode()
