"""Fit a model on what became of leads: extractor, forest, calibration and threshold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import evaluation
from .calibration import Calibration
from .entities import Feature
from .entities.training import TrainingExample, TrainingMatrix
from .errors import TooFewSamplesError
from .feature_extractor import FeatureExtractor
from .features.historical import KnownTarget
from .outliers import TrainingRange
from .parity import require_parity
from .scoring_model import ScoringModel, packed
from .settings import Settings

Doubles = NDArray[np.float64]
Progress = Callable[[str, float], None]

FOLDS = 5
# Blocks shorter than one lead would leave folds without any.
_BLOCKS_PER_FOLD, _FEWEST_IN_A_BLOCK = 20, 2
# Platt's two parameters for few samples, beta calibration's three for more.
PLATT_BELOW = 1000
DEFAULT_PARAMS: Mapping[str, Any] = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "max_depth": 6,
    "learning_rate": 0.1,
    "n_estimators": 100,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "random_state": 42,
}
# What cross-validation chooses from when nobody asked for certain parameters: the defaults, the
# same with smaller steps and fewer features a tree, and shallow trees for small or noisy data.
CANDIDATES: tuple[Mapping[str, Any], ...] = (
    {},
    {"learning_rate": 0.05, "n_estimators": 400, "min_child_weight": 5, "colsample_bytree": 0.4},
    {
        "learning_rate": 0.05,
        "n_estimators": 400,
        "min_child_weight": 10,
        "colsample_bytree": 0.1,
        "max_depth": 3,
    },
)


class CrossValidated(Protocol):
    """What cross-validation found out; margins out of fold, shape (n,)."""

    @property
    def margins(self) -> Doubles:
        """Raw log-odds of each row by the model that did not see it."""

    @property
    def trees(self) -> int:
        """The number of trees with the least validation loss."""

    @property
    def log_loss(self) -> float:
        """The out-of-fold log loss."""


class Estimators(Protocol):
    """The fitting libraries, which scoring never loads; see `adapters.estimators`."""

    def fit_tfidf(
        self, texts: Sequence[str], token_pattern: str, max_features: int
    ) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Learn terms and their inverse document frequencies."""

    def fit_forest(self, data: TrainingMatrix, params: Mapping[str, Any], trees: int) -> bytes:
        """Train a forest; return it as UBJSON."""

    def cross_validate(
        self,
        data: TrainingMatrix,
        params: Mapping[str, Any],
        folds: NDArray[np.intp],
        on_fold: Callable[[], None],
    ) -> CrossValidated:
        """Train with each fold left out."""

    def predictions(self, model: bytes, rows: NDArray[np.float32]) -> tuple[Doubles, Doubles]:
        """Return a forest's own margins (n,) and contributions (n, features + 1)."""

    def fit_calibration(
        self, margins: Doubles, labels: Doubles, symmetric: bool
    ) -> tuple[float, float, float]:
        """Fit a, b and c of a calibration map."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model and how it was found: parameters, number of trees, out-of-fold log loss."""

    scoring_model: ScoringModel
    params: Mapping[str, Any]
    trees: int
    cross_validated_log_loss: float
    artifact: dict[str, bytes] = field(repr=False)


def ignore_progress(_step: str, _fraction: float) -> None:
    """Report to nobody."""


def fit_model(
    examples: Sequence[TrainingExample],
    settings: Settings,
    estimators: Estimators,
    params: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
    history: Sequence[KnownTarget] | None = None,
) -> FittedModel:
    """Fit extractor, forest, threshold and calibration on examples in time order.

    `params` overrides defaults one by one and switches the choice among CANDIDATES off.
    `history` is what later leads may look back on (default: the examples' own outcomes).
    Deterministic. Raises TooFewSamplesError where the examples cannot be learned from, and
    ArtifactError where what scores would say something else than XGBoost does.
    """
    _require_two_classes(examples)
    progress("reading texts", 0.0)
    extractor = FeatureExtractor.fit(
        [example.lead for example in examples],
        known=history or examples,
        fit_tfidf=estimators.fit_tfidf,
        settings=settings,
    )
    progress("extracting features", 0.1)
    weights = np.array([example.weight for example in examples])
    data = TrainingMatrix(
        extractor.extract([e.lead for e in examples], [e.moment for e in examples]),
        np.array([example.target for example in examples]),
        # Penalties and least sizes of leaves count in leads, however much these weigh.
        weights / weights.mean(),
        np.array([_column_weight(feature) for feature in extractor.features]),
        np.array([int(_is_rate(feature)) for feature in extractor.features]),
    )
    progress("cross-validating", 0.3)
    chosen, found = _choose(data, estimators, params, progress)
    progress("training", 0.9)
    booster = estimators.fit_forest(data, chosen, found.trees)
    symmetric = len(examples) < PLATT_BELOW
    # A probability is that of a positive, as it is measured: however sure of each lead one is.
    labels = (data.targets >= 0.5).astype(float)
    a, b, c = estimators.fit_calibration(found.margins, labels, symmetric)
    calibration = Calibration("platt" if symmetric else "beta", a, b, c)
    threshold = evaluation.best_f1_threshold(calibration.probabilities(found.margins), data.targets)
    training_range = TrainingRange.fit(data.rows, extractor.features)
    scoring_model = ScoringModel(packed(booster, extractor, calibration, training_range, threshold))
    require_parity(scoring_model, booster, data.rows, estimators.predictions)
    progress("trained", 1.0)
    return FittedModel(scoring_model, chosen, found.trees, found.log_loss, scoring_model.files())


def _is_rate(feature: Feature) -> bool:
    """Tell whether a feature says how comparable leads did: doing well never lowers a score."""
    return feature.name.endswith("_success_rate")


def _column_weight(feature: Feature) -> float:
    """Return how often a tree may look at a feature: rarely at one of hundreds of single terms,
    often at how comparable leads did.
    """
    if _is_rate(feature):
        return 3.0
    return 0.2 if feature.group == "tfidf" else 1.0


def _choose(
    data: TrainingMatrix,
    estimators: Estimators,
    params: Mapping[str, Any] | None,
    progress: Progress,
) -> tuple[Mapping[str, Any], CrossValidated]:
    """Return the parameters with the least out-of-fold loss, and what was found with them."""
    candidates = (_whole(params),) if params else CANDIDATES
    folds = _time_blocks(len(data.targets))
    steps = len(candidates) * FOLDS
    done = 0

    def on_fold() -> None:
        nonlocal done
        done += 1
        progress("cross-validating", 0.3 + 0.6 * done / steps)

    tried = []
    for candidate in candidates:
        full = {**DEFAULT_PARAMS, **candidate}
        tried.append((full, estimators.cross_validate(data, full, folds, on_fold)))
    return min(tried, key=lambda entry: entry[1].log_loss)


def _whole(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give whole parameters as whole numbers, which stores and JSON need not do."""
    whole = ("max_depth", "n_estimators", "random_state")
    return {name: int(value) if name in whole else value for name, value in params.items()}


def _time_blocks(size: int) -> NDArray[np.intp]:
    """Number folds in turn over short blocks of time: twins posted together stay together.

    Every fold has leads of all times. With five long blocks the first one knew no history, and the
    number of trees and the calibration were those of another task.
    """
    rounds = max(1, min(_BLOCKS_PER_FOLD, size // (FOLDS * _FEWEST_IN_A_BLOCK)))
    return np.arange(size) * (FOLDS * rounds) // size % FOLDS


def _require_two_classes(examples: Sequence[TrainingExample]) -> None:
    if len(examples) < FOLDS:
        raise TooFewSamplesError(f"{len(examples)} outcomes are too few to train on")
    positives = sum(example.target >= 0.5 for example in examples)
    if not 0 < positives < len(examples):
        raise TooFewSamplesError(
            f"all {len(examples)} outcomes of the training part are alike;"
            " a model needs leads that converted and leads that did not"
        )
