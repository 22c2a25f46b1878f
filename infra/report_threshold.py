"""What a threshold decides: the confusion table at one, and shares over all of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infra.report_curves import Counted

Doubles = NDArray[np.float64]

BINS = 20
THRESHOLDS: Doubles = np.linspace(0.0, 1.0, 101)


class Confusion(NamedTuple):
    """How many leads were called positive or not, and were or were not."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float | None:
        """The share of those called positive that were."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """The share of the positives that were called so."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def flagged(self) -> float | None:
        """The share of all leads that were called positive."""
        return _ratio(self.true_positives + self.false_positives, sum(self))


class OverThresholds(NamedTuple):
    """Shares by threshold, NaN where there is none; shape (101,) each."""

    precision: Doubles
    recall: Doubles
    flagged: Doubles


class Histogram(NamedTuple):
    """Where the bins begin and end, and the share of each class in each bin."""

    edges: Doubles
    positives: Doubles
    negatives: Doubles
    all: NDArray[np.int64]


def confusion(probabilities: Doubles, labels: Doubles, threshold: float) -> Confusion:
    """Count leads by what a threshold says of them and what they were.

    >>> confusion(np.array([0.9, 0.6, 0.4, 0.1]), np.array([1.0, 0.0, 1.0, 0.0]), 0.5)
    Confusion(true_positives=1, false_positives=1, false_negatives=1, true_negatives=1)
    """
    called, were = probabilities >= threshold, labels > 0
    return Confusion(
        int(np.sum(called & were)),
        int(np.sum(called & ~were)),
        int(np.sum(~called & were)),
        int(np.sum(~called & ~were)),
    )


def over_thresholds(found: Counted) -> OverThresholds:
    """Return precision, recall and the share called positive at each of THRESHOLDS."""
    above = np.searchsorted(-found.thresholds, -THRESHOLDS, side="right")
    hits, sizes = (np.append(0.0, counts)[above] for counts in (found.hits, found.sizes))
    return OverThresholds(
        _divide(hits, sizes),
        _divide(hits, np.full_like(hits, found.hits[-1])),
        sizes / found.sizes[-1],
    )


def histogram(probabilities: Doubles, labels: Doubles) -> Histogram:
    """Count scores, 0 to 100, by outcome."""
    edges: Doubles = np.linspace(0.0, 100.0, BINS + 1)
    both = [
        np.histogram(100 * probabilities[labels == label], edges)[0].astype(float)
        for label in (1, 0)
    ]
    positives, negatives = (counts / max(1.0, float(counts.sum())) for counts in both)
    return Histogram(edges, positives, negatives, (both[0] + both[1]).astype(np.int64))


def _divide(part: Doubles, whole: Doubles) -> Doubles:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
