"""How far a distribution has moved: histograms and the population stability index (PSI)."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError

WARNING_PSI, ALARM_PSI = 0.1, 0.25
FEWEST_SAMPLES = 200
# Quantiles of the training make the bins; few distinct values have a bin each.
_BINS = 10
# Added to every bin's count, so that an empty bin is rare and not impossible.
_PRIOR = 0.5
# A distribution that did not move exceeds this bound once in a million looks at it.
_CHANCE = 1e-6

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Binning:
    """Where the bins of several features lie: the upper ends of all but the last, ascending.

    A value equal to an end belongs below it; what is missing has a bin of its own, the last.
    """

    ends: Sequence[NDArray[np.float64]]

    @classmethod
    def fit(cls, rows: NDArray[np.floating[Any]]) -> "Binning":
        """Choose bins by rows of shape (n, features), NaN where missing."""
        return cls([_ends(column) for column in rows.T])

    def count(self, rows: NDArray[np.floating[Any]]) -> list[Counts]:
        """Count rows of shape (n, features) by bin, one array a feature."""
        return [_count(column, ends) for column, ends in zip(rows.T, self.ends, strict=True)]

    def empty(self) -> list[Counts]:
        """Return counts of nothing."""
        return [np.zeros(len(ends) + 2) for ends in self.ends]

    def to_json(self) -> list[list[float]]:
        """Return the ends for an artifact."""
        return [ends.tolist() for ends in self.ends]

    @classmethod
    def from_json(cls, value: Any) -> "Binning":
        """Read ends back; raise ArtifactError."""
        try:
            return cls([np.array(ends, dtype=np.float64) for ends in value])
        except (TypeError, ValueError) as fault:
            raise ArtifactError("the bins are malformed") from fault


def psi(expected: Counts, actual: Counts) -> float:
    """Return the population stability index of two histograms over the same bins.

    The sum of (a - e) ln(a / e) over the shares of the bins, each count raised by one half. Source:
    Siddiqi, "Credit Risk Scorecards", 2006; Yurdakul and Naranjo, Journal of Risk Model Validation,
    2020.

    >>> round(psi(np.array([100.0, 100.0]), np.array([150.0, 50.0])), 3)
    0.272
    """
    used = (expected > 0) | (actual > 0)
    e, a = expected[used] + _PRIOR, actual[used] + _PRIOR
    e, a = e / e.sum(), a / a.sum()
    return float(np.sum((a - e) * np.log(a / e)))


def noise(expected: Counts, actual: Counts) -> float:
    """Return what the index of two samples of one distribution exceeds once in a million times.

    The index divided by 1/n + 1/m is about chi-square with as many degrees of freedom as there are
    bins less one (Yurdakul and Naranjo 2020); the quantile is that of Wilson and Hilferty (1931).
    """
    degrees = max(1, int(np.sum((expected > 0) | (actual > 0))) - 1)
    z = NormalDist().inv_cdf(1 - _CHANCE)
    spread = 2 / (9 * degrees)
    quantile = float(degrees * (1 - spread + z * spread**0.5) ** 3)
    return quantile * float(1 / max(1.0, expected.sum()) + 1 / max(1.0, actual.sum()))


def _ends(column: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    known = column[np.isfinite(column)].astype(np.float64)
    if not len(known):
        return np.empty(0)
    distinct = np.unique(known)
    if len(distinct) <= _BINS:
        return distinct[:-1]
    return np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS, method="inverted_cdf"))


def _count(column: NDArray[np.floating[Any]], ends: NDArray[np.float64]) -> Counts:
    values = column.astype(np.float64)
    places = np.searchsorted(ends, values, side="left")
    places[np.isnan(values)] = len(ends) + 1
    return np.bincount(places, minlength=len(ends) + 2).astype(float)
