"""Fitting with XGBoost and SciPy. Only training imports this module."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

# Threads that wait for each other spin by default: beside any other work on the machine training
# took ten times as long. Read when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..entities.training import TrainingMatrix
from .tfidf_fitting import fit_tfidf

__all__ = [
    "CrossValidation",
    "cross_validate",
    "fit_calibration",
    "fit_forest",
    "fit_tfidf",
    "predictions",
]

Doubles = NDArray[np.float64]

# Sums of gradients depend on how rows are shared among threads: a fixed number keeps a model the
# same, bit for bit, on any machine.
_THREADS = 2
_EARLY_STOPPING_ROUNDS = 30
# How hard a calibration is pulled towards "the margins are right already", in cases.
_PRIOR_CASES = 10.0
# XGBoost's own names of what the settings call otherwise.
_PARAMETER_NAMES = {"learning_rate": "eta", "random_state": "seed"}


class CrossValidation(NamedTuple):
    """Out-of-fold raw log-odds (n,), the number of trees that did best, and its log loss."""

    margins: Doubles
    trees: int
    log_loss: float


def fit_forest(data: TrainingMatrix, params: Mapping[str, Any], trees: int) -> bytes:
    """Train a forest on soft targets in [0, 1]; return it as UBJSON."""
    booster = xgboost.train(_native(params, data), _matrix(data, slice(None)), trees)
    return bytes(booster.save_raw("ubj"))


def predictions(model: bytes, rows: NDArray[np.float32]) -> tuple[Doubles, Doubles]:
    """Return XGBoost's margins (n,) and contributions (n, features + 1), the base last."""
    booster = xgboost.Booster({"nthread": _THREADS}, model_file=bytearray(model))
    matrix = xgboost.DMatrix(rows, nthread=_THREADS)
    margins, contributions = (
        booster.predict(matrix, output_margin=True),
        booster.predict(matrix, pred_contribs=True),
    )
    return margins.astype(np.float64), contributions.astype(np.float64)


def cross_validate(
    data: TrainingMatrix,
    params: Mapping[str, Any],
    folds: NDArray[np.intp],
    on_fold: Callable[[], None],
) -> CrossValidation:
    """Train with each fold left out; `folds` numbers each row's fold from 0.

    The number of trees is the mean over the folds of the number with the least validation loss.
    """
    boosters, held_out = [], []
    for fold in range(int(folds.max()) + 1):
        out = folds == fold
        valid = _matrix(data, out)
        booster = xgboost.train(
            _native(params, data),
            _matrix(data, ~out),
            int(params["n_estimators"]),
            evals=[(valid, "valid")],
            early_stopping_rounds=_EARLY_STOPPING_ROUNDS,
            verbose_eval=False,
        )
        boosters.append(booster)
        held_out.append((out, valid))
        on_fold()
    trees = max(1, round(np.mean([booster.best_iteration + 1 for booster in boosters])))
    margins = np.empty(len(folds))
    for booster, (out, valid) in zip(boosters, held_out, strict=True):
        last = min(trees, booster.num_boosted_rounds())
        margins[out] = booster.predict(valid, output_margin=True, iteration_range=(0, last))
    losses = np.logaddexp(0, margins) - data.targets * margins
    return CrossValidation(margins, trees, float(np.average(losses, weights=data.weights)))


def fit_calibration(
    margins: Doubles, labels: Doubles, symmetric: bool
) -> tuple[float, float, float]:
    """Fit (a, b, c) of `Calibration` by maximum likelihood; `symmetric` means a = b (Platt).

    Labels (0 or 1) are smoothed by one pseudo-case of either kind, as Platt proposes, so that
    separable data gives a finite slope.
    """
    total = len(labels)
    targets = (labels * total + labels.mean()) / (total + 1)
    rising, falling = np.logaddexp(0, margins), np.logaddexp(0, -margins)

    def loss(parameters: Doubles) -> tuple[float, Doubles]:
        a, b, c = parameters[[0, 0, 1]] if symmetric else parameters
        log_odds = b * rising - a * falling + c
        error = (0.5 * (1 + np.tanh(0.5 * log_odds)) - targets) / total
        slope_a, slope_b = -(error @ falling), error @ rising
        value = np.mean(np.logaddexp(0, log_odds) - targets * log_odds)
        pull = _PRIOR_CASES / total
        value += pull * ((a - 1) ** 2 + (b - 1) ** 2) / 2
        slope_a, slope_b = slope_a + pull * (a - 1), slope_b + pull * (b - 1)
        slopes = [slope_a + slope_b, error.sum()] if symmetric else [slope_a, slope_b, error.sum()]
        return float(value), np.array(slopes)

    rising_only = [(1e-3, 50.0)] * (1 if symmetric else 2)
    start = [1.0] * len(rising_only) + [0.0]
    found = minimize(
        loss, start, jac=True, bounds=[*rising_only, (-50.0, 50.0)], method="L-BFGS-B"
    ).x
    return float(found[0]), float(found[-2]), float(found[-1])


def _matrix(data: TrainingMatrix, chosen: Any) -> Any:
    return xgboost.DMatrix(
        data.rows[chosen],
        data.targets[chosen],
        weight=data.weights[chosen],
        feature_weights=data.column_weights,
        nthread=_THREADS,
    )


def _native(params: Mapping[str, Any], data: TrainingMatrix) -> dict[str, Any]:
    named = {_PARAMETER_NAMES.get(name, name): value for name, value in params.items()}
    named.pop("n_estimators")
    return {
        **named,
        "nthread": _THREADS,
        "tree_method": "hist",
        "monotone_constraints": tuple(map(int, data.directions)),
    }
