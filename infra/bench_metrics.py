"""Metrics of the evaluation, and intervals for them and for their differences.

The figures come from scikit-learn where it has them, so that they do not rest on the code that
they judge. A bootstrap takes thousands of them: for that, `Curve` sorts once and works on weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

Doubles = NDArray[np.float64]
METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "lift_10", "lift_20")
HIGHER_IS_BETTER = {"auc", "average_precision", "lift_10", "lift_20"}
BINS = 10
TOPS = np.array([0.1, 0.2])


class Curve:
    """Predictions of one model on one set of leads, sorted once, best first.

    Leads with the same prediction stand in random order; each figure is the mean over that order,
    so that a constant predictor is neither lucky nor unlucky.
    """

    def __init__(self, labels: Doubles, probabilities: Doubles) -> None:
        self._order = np.argsort(-probabilities, kind="stable")
        self._labels = labels[self._order]
        self._probabilities = probabilities[self._order]
        self._starts = np.flatnonzero(np.diff(self._probabilities, prepend=np.inf))
        clipped = np.clip(self._probabilities, 1e-15, 1 - 1e-15)
        self._losses = -np.log(np.where(self._labels == 1, clipped, 1 - clipped))
        self._squares = (self._probabilities - self._labels) ** 2

    def figures(self, weights: Doubles | None = None) -> dict[str, float]:
        """Return every metric under weights of shape (n,); NaN where one class has no weight.

        >>> curve = Curve(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1]))
        >>> curve.figures()["auc"], curve.figures()["lift_20"]
        (0.75, 2.0)
        """
        w = np.ones(len(self._labels)) if weights is None else weights[self._order]
        mass = np.add.reduceat(w, self._starts)
        hits = np.add.reduceat(w * self._labels, self._starts)
        total, positives = float(mass.sum()), float(hits.sum())
        if not 0 < positives < total:
            return dict.fromkeys(METRICS, float("nan"))
        hits_above, mass_above = np.cumsum(hits), np.cumsum(mass)
        precision = hits_above / np.maximum(mass_above, 1e-300)
        pairs_won = float((mass - hits) @ (hits_above - hits / 2))
        lifts = _at(TOPS, mass_above, hits_above) / (TOPS * positives)
        expected = np.cumsum(mass * self._probabilities[self._starts])
        return {
            "auc": pairs_won / (positives * (total - positives)),
            "average_precision": float(hits @ precision) / positives,
            "log_loss": float(w @ self._losses) / total,
            "brier": float(w @ self._squares) / total,
            "ece": _calibration_error(mass_above, hits_above, expected),
            "lift_10": float(lifts[0]),
            "lift_20": float(lifts[1]),
        }


def _at(fractions: Doubles, mass: Doubles, values: Doubles) -> Doubles:
    """Return a cumulative value at fractions of the mass, linear between the leads."""
    result: Doubles = np.interp(fractions * mass[-1], np.append(0, mass), np.append(0, values))
    return result


def _calibration_error(mass: Doubles, hits: Doubles, expected: Doubles) -> float:
    """Return the expected calibration error over ten bins of equal mass."""
    edges = np.linspace(0, 1, BINS + 1)
    gaps = np.diff(_at(edges, mass, expected)) - np.diff(_at(edges, mass, hits))
    return float(np.abs(gaps).sum() / mass[-1])


def figures(labels: Doubles, probabilities: Doubles) -> dict[str, float]:
    """Return every metric of one model; labels are 0 or 1.

    Raises ValueError if all labels are the same: there is nothing to rank then.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError("all outcomes are the same: nothing can be ranked")
    curve = Curve(labels, probabilities).figures()
    return {
        "auc": float(sklearn_metrics.roc_auc_score(labels, probabilities)),
        "average_precision": float(sklearn_metrics.average_precision_score(labels, probabilities)),
        "log_loss": float(sklearn_metrics.log_loss(labels, probabilities, labels=[0, 1])),
        "brier": float(sklearn_metrics.brier_score_loss(labels, probabilities)),
        "ece": curve["ece"],
        "lift_10": curve["lift_10"],
        "lift_20": curve["lift_20"],
    }


@dataclass(frozen=True, slots=True)
class Trial:
    """The test leads of one split: labels, whose leads belong together, every model's prediction.

    Arrays have shape (n,); `clusters` are whole numbers from 0, one number each for leads that
    are resampled together (those of a company).
    """

    labels: Doubles
    clusters: NDArray[np.intp]
    probabilities: Mapping[str, Doubles]


def bootstrap(parts: Sequence[Trial], resamples: int, seed: int) -> dict[str, dict[str, Doubles]]:
    """Return, per model and metric, `resamples` draws of the mean over the splits.

    Clusters are drawn with replacement within each split. All models see the same draws, so that
    differences between them are paired. What another training sample would change is not in it:
    the spread over the splits shows that.
    """
    generator = np.random.default_rng(seed)
    names = list(parts[0].probabilities)
    sums = {name: {metric: np.zeros(resamples) for metric in METRICS} for name in names}
    for part in parts:
        curves = {name: Curve(part.labels, part.probabilities[name]) for name in names}
        count = int(part.clusters.max()) + 1
        for draw in range(resamples):
            drawn = np.bincount(generator.integers(0, count, count), minlength=count)
            weights = drawn[part.clusters].astype(float)
            for name, curve in curves.items():
                for metric, value in curve.figures(weights).items():
                    sums[name][metric][draw] += value / len(parts)
    return sums


def interval(draws: Doubles, figure: float) -> tuple[float, float]:
    """Return the 95 % percentile interval, moved so that the draws centre on the figure itself.

    A resample is noisier than the sample, and a calibration error counts noise as error: unmoved,
    its interval may lie wholly above the figure. Draws that are not defined are left out.
    """
    low, high = np.nanquantile(draws - np.nanmean(draws), [0.025, 0.975])
    return figure + float(low), figure + float(high)
