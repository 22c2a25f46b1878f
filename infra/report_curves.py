"""The curves of a report: ROC, precision-recall, gains and lift, each with a bootstrap band.

Leads of equal prediction stand at one place: no curve depends on the order in which leads came.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lead_scoring.evaluation import Ranked

Doubles = NDArray[np.float64]

RESAMPLES = 300
_SEED = 42
# Where a band is computed; a curve itself has a point for each prediction.
GRID: Doubles = np.linspace(0.0, 1.0, 101)
# The lift of a handful of leads is noise: its curve begins here.
LEAST_SHARE = 0.02


class Counted(NamedTuple):
    """By distinct prediction, best first: how many leads, and positives, up to and with it."""

    thresholds: Doubles
    hits: Doubles
    sizes: Doubles

    @property
    def has_both(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(0 < self.hits[-1] < self.sizes[-1])


class Curve(NamedTuple):
    """Points of a line, shape (n,) each."""

    x: Doubles
    y: Doubles


class Band(NamedTuple):
    """Where 95 % of the resampled curves run, over `x`."""

    x: Doubles
    low: Doubles
    high: Doubles


def counted(ranked: Ranked, weights: Doubles | None = None) -> Counted:
    """Count leads from the best down; `weights` (n,) say how often each was drawn."""
    counts = np.ones(len(ranked.labels)) if weights is None else weights
    hits = np.add.reduceat(counts * ranked.labels, ranked.groups)
    sizes = np.add.reduceat(counts, ranked.groups)
    return Counted(ranked.probabilities[ranked.groups], np.cumsum(hits), np.cumsum(sizes))


def roc(found: Counted) -> Curve:
    """Return the share of negatives against that of positives that are above each prediction."""
    misses = found.sizes - found.hits
    return Curve(_from(0.0, misses / misses[-1]), _from(0.0, found.hits / found.hits[-1]))


def precision_recall(found: Counted) -> Curve:
    """Return recall against precision; it begins at no recall with a precision of 1."""
    return Curve(
        _from(0.0, found.hits / found.hits[-1]),
        _from(1.0, _share(found.hits, found.sizes)),
    )


def gains(found: Counted) -> Curve:
    """Return the share of the leads that are worked against that of the positives among them."""
    return Curve(_from(0.0, found.sizes / found.sizes[-1]), _from(0.0, found.hits / found.hits[-1]))


def lift(found: Counted) -> Curve:
    """Return the share of the leads that are worked against how much richer they are."""
    share, found_share = gains(found)
    first = float(np.interp(LEAST_SHARE, share, found_share))
    kept = share > LEAST_SHARE
    x = _from(LEAST_SHARE, share[kept])
    return Curve(x, _from(first, found_share[kept]) / x)


def bands(ranked: Ranked, resamples: int = RESAMPLES) -> dict[str, Band]:
    """Return the band of every curve: what other leads of the same kind would have shown.

    Percentiles of a bootstrap at each place. Empty if most resamples have one class only. Source:
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    generator, size = np.random.default_rng(_SEED), len(ranked.labels)
    draws: dict[str, list[Doubles]] = {name: [] for name in _AT}
    for _ in range(resamples):
        drawn = np.bincount(generator.integers(0, size, size), minlength=size).astype(float)
        found = counted(ranked, drawn)
        if found.has_both:
            for name, (_, heights) in _AT.items():
                draws[name].append(heights(found))
    if len(draws["roc"]) < resamples / 2:
        return {}
    return {
        name: Band(x, *np.quantile(draws[name], [0.025, 0.975], axis=0))
        for name, (x, _) in _AT.items()
    }


def _roc_at(found: Counted) -> Doubles:
    return np.interp(_INSIDE, *roc(found))


def _precision_at(found: Counted) -> Doubles:
    recall, precision = precision_recall(found)
    places = np.searchsorted(recall, _INSIDE - 1e-12)
    return precision[np.minimum(places, len(precision) - 1)]


def _gains_at(found: Counted) -> Doubles:
    return np.interp(GRID, *gains(found))


def _lift_at(found: Counted) -> Doubles:
    return np.interp(_LIFT_GRID, *gains(found)) / _LIFT_GRID


def _from(start: float, values: Doubles) -> Doubles:
    return np.concatenate([[start], values])


def _share(part: Doubles, whole: Doubles) -> Doubles:
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)


_INSIDE: Doubles = GRID[1:]
_LIFT_GRID: Doubles = GRID[GRID >= LEAST_SHARE]
_AT: Mapping[str, tuple[Doubles, Callable[[Counted], Doubles]]] = {
    "roc": (_INSIDE, _roc_at),
    "precision_recall": (_INSIDE, _precision_at),
    "gains": (GRID, _gains_at),
    "lift": (_LIFT_GRID, _lift_at),
}
