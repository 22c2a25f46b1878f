"""The model card: what a person should know before trusting a model, as data."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from . import evaluation, training_data
from .entities import TrainingExample, iso
from .scoring_model import ScoringModel

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


def model_card(
    fitted: Fitted, training: Sequence[TrainingExample], holdout: Sequence[TrainingExample]
) -> dict[str, Any]:
    """Measure a model on a holdout that it never saw; examples are in time order."""
    model = fitted.scoring_model
    scored = model.score([e.lead for e in holdout], [e.moment for e in holdout], explain=False)
    ranked = evaluation.rank(
        np.array([one.probability for one in scored]),
        np.array([example.target for example in holdout]),
        [example.contacted for example in holdout],
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
        "data_fingerprint": training_data.fingerprint([*training, *holdout]),
        "promotion_verdict": {
            "promoted": True,
            "text": "Activated when it was trained, without a comparison to the model before.",
        },
    }


def global_importance(
    model: ScoringModel, examples: Sequence[TrainingExample]
) -> list[dict[str, Any]]:
    """Return each feature's share of all absolute effects, largest first, with its direction.

    `direction` is the sign of the correlation between the feature's value and its effect: `raises`
    if more of it raises scores; None where that has no meaning.
    """
    newest = examples[-_IMPORTANCE_SAMPLE:]
    rows = model.extractor.extract([e.lead for e in newest], [e.moment for e in newest])
    effects = model.forest.effects(rows)
    sizes = np.abs(effects).mean(axis=0)
    total = float(sizes.sum())
    order = [i for i in np.argsort(-sizes, kind="stable") if sizes[i] > 0]
    return [
        {
            "feature": model.labels[i],
            "importance": round(float(sizes[i]) / total, 6),
            "direction": _direction(model.values(rows)[:, i], effects[:, i]),
        }
        for i in order
    ]


def _direction(
    values: np.ndarray[Any, np.dtype[np.float64]], effects: np.ndarray[Any, np.dtype[np.float64]]
) -> str | None:
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
