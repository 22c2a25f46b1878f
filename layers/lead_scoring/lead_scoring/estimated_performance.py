"""How well a model does before anything became of the leads, by its own probabilities.

Confidence-based performance estimation: a lead scored with a calibrated probability p is a positive
with probability p, so it counts as p of a positive and 1 - p of a negative. Source: NannyML,
"Confidence-based Performance Estimation (CBPE)", documentation, How it works. It holds as far as
the probabilities are calibrated on the leads as they are now.
"""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
# Leads by probability, in steps of a thousandth: scores of months fit, and none is kept.
STEPS = 1000


def estimated_metrics(counts: Doubles, threshold: float) -> dict[str, float | None]:
    """Return expected AUC, F1, precision, recall and accuracy at a threshold.

    `counts` has shape (STEPS + 1,): how many leads had the probability i / STEPS, to the nearest.
    None is what is not defined, as AUC without any expected negative.

    >>> found = estimated_metrics(np.bincount([200, 900], minlength=1001).astype(float), 0.5)
    >>> found["precision"], found["recall"]
    (0.9, 0.818182)
    """
    p = np.arange(STEPS + 1) / STEPS
    positives, negatives = counts * p, counts * (1 - p)
    above = p >= threshold
    hits, false = float(positives[above].sum()), float(negatives[above].sum())
    missed, rest = float(positives[~above].sum()), float(negatives[~above].sum())
    return {
        "auc_roc": _auc(positives, negatives),
        "f1_score": _ratio(2 * hits, 2 * hits + false + missed),
        "precision": _ratio(hits, hits + false),
        "recall": _ratio(hits, hits + missed),
        "accuracy": _ratio(hits + rest, hits + rest + false + missed),
        "conversion_rate": _ratio(hits + missed, float(counts.sum())),
    }


def step_of(probabilities: Doubles) -> NDArray[np.intp]:
    """Return the step of each probability."""
    steps: NDArray[np.intp] = np.rint(probabilities * STEPS).astype(np.intp)
    return steps


def _auc(positives: Doubles, negatives: Doubles) -> float | None:
    """Return the chance that an expected positive stands above an expected negative."""
    below = np.cumsum(negatives) - negatives
    won = float(positives @ (below + negatives / 2))
    return _ratio(won, float(positives.sum()) * float(negatives.sum()))


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole > 0 else None
