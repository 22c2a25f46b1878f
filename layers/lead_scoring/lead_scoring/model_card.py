"""The model card: what a person should know before trusting a model, as data."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import evaluation
from .entities import iso, lead_key
from .entities.training import TrainingExample
from .scoring_model import Scores, ScoringModel

Doubles = NDArray[np.float64]

# Effects cost a third of a millisecond a lead; this many give a stable ranking of features.
_IMPORTANCE_SAMPLE = 2000
_BOOTSTRAP_SEED = 42


class Fitted(Protocol):
    """What the card tells of how the model was found."""

    @property
    def scoring_model(self) -> ScoringModel:
        """The model."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Its hyperparameters."""

    @property
    def trees(self) -> int:
        """Its number of trees."""

    @property
    def cross_validated_log_loss(self) -> float:
        """The out-of-fold log loss of its parameters."""


def predicted(model: Scores, examples: Sequence[TrainingExample]) -> Doubles:
    """Return what a model says of leads as of their moments: probabilities, shape (n,)."""
    leads, moments = [e.lead for e in examples], [e.moment for e in examples]
    return np.array([one.probability for one in model.score(leads, moments).scored])


def model_card(
    fitted: Fitted,
    training: Sequence[TrainingExample],
    holdout: Sequence[TrainingExample],
    probabilities: Doubles,
) -> dict[str, Any]:
    """Measure a model on a holdout that it never saw; examples are in time order."""
    model = fitted.scoring_model
    ranked = evaluation.rank(
        probabilities,
        np.array([example.target for example in holdout]),
        [example.contact_succeeded for example in holdout],
    )
    return {
        "metrics": evaluation.flatten(evaluation.metrics(ranked, model.threshold)),
        "metric_intervals": evaluation.with_intervals(ranked, model.threshold, _BOOTSTRAP_SEED),
        "threshold": model.threshold,
        "calibration": model.calibration.to_json(),
        "calibration_bins": evaluation.calibration_bins(ranked),
        "lift_table": evaluation.lift_table(ranked),
        "global_importance": global_importance(model, holdout),
        "training_window": _window(training),
        "holdout_window": _window(holdout),
        "hyperparameters": {**fitted.params, "n_estimators": fitted.trees},
        "cross_validated_log_loss": fitted.cross_validated_log_loss,
    }


def holdout_table(
    holdout: Sequence[TrainingExample], probabilities: Doubles, hash_key: str
) -> dict[str, list[Any]]:
    """Return what the metrics were computed from, column by column, one entry a lead.

    `lead` is the HMAC-SHA-256 of its id under `hash_key`, so that who knows an id can find it.
    """
    key = hash_key.encode()
    return {
        "lead": [_keyed_hash(key, lead_key(example.lead.lead_id)) for example in holdout],
        "moment": [iso(example.moment) for example in holdout],
        "target": [example.target for example in holdout],
        "label": [int(example.target >= 0.5) for example in holdout],
        "probability": probabilities.tolist(),
        "contact_succeeded": [example.contact_succeeded for example in holdout],
    }


def _keyed_hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def global_importance(
    model: ScoringModel, examples: Sequence[TrainingExample]
) -> list[dict[str, Any]]:
    """Return each feature's share of all absolute effects, largest first, with its direction.

    `direction` is the sign of the correlation between the feature's value and its effect: `raises`
    if more of it raises scores; None where that has no meaning.
    """
    newest = examples[-_IMPORTANCE_SAMPLE:]
    rows = model.extractor.extract([e.lead for e in newest], [e.moment for e in newest])
    _, effects = model.forest.margins_and_effects(rows)
    sizes = np.abs(effects).mean(axis=0)
    total = float(sizes.sum())
    labels, columns = model.explainer.labels, model.explainer.columns
    return [
        {
            "feature": labels[i],
            "importance": round(float(sizes[i]) / total, 6),
            "direction": _direction(rows[:, columns[i]].astype(float), effects[:, i]),
        }
        for i in np.argsort(-sizes, kind="stable").tolist()
        if sizes[i] > 0
    ]


def _direction(values: Doubles, effects: Doubles) -> str | None:
    known = ~np.isnan(values)
    if known.sum() < 2 or np.ptp(values[known]) == 0 or np.ptp(effects[known]) == 0:
        return None
    slope = np.corrcoef(values[known], effects[known])[0, 1]
    return "raises" if slope >= 0 else "lowers"


def _window(examples: Sequence[TrainingExample]) -> dict[str, Any]:
    return {
        "from": iso(examples[0].moment),
        "to": iso(examples[-1].moment),
        "leads": len(examples),
        "positives": sum(example.target >= 0.5 for example in examples),
    }
