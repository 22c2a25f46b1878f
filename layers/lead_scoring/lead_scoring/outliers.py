"""Is a lead like those that the model was trained on?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entities import Feature
from .errors import ArtifactError

# One odd value is a quirk; two different ones say that the lead is of another kind.
_SEVERAL = 2
# A tenth beyond what training saw is still familiar; so is a week more of age.
_SLACK = 0.1
_AGE, _AGE_SLACK_HOURS = "age_hours", 168.0
# Checked are amounts. Weights of terms and historical rates are bounded and say nothing of the lead
# itself, a code has no order, an unseen category is reported by name, and a season comes anew.
_CHECKED_GROUPS = ("text", "price")
# So much is told of one lead that the answer for 5,000 of them stays below Lambda's 6 MB.
_MOST_TOLD = 4
_LONGEST_NAME = 40


class TrainingRange:
    """The lowest and highest training value of every feature, NaN where it is not checked."""

    def __init__(
        self, low: NDArray[np.float64], high: NDArray[np.float64], features: Sequence[Feature]
    ) -> None:
        """Widen the range by the slack; `low` and `high` have shape (len(features),)."""
        self.low, self.high, self._features = low, high, features
        slack = _SLACK * (high - low)
        for i, feature in enumerate(features):
            if feature.name == _AGE:
                slack[i] = max(slack[i], _AGE_SLACK_HOURS)
        self._ranges: dict[int, str] = {}
        # What is checked stands first, mostly.
        self._end = 1 + int(np.flatnonzero(~np.isnan(low)).max(initial=-1))
        self._least, self._most = _rounded(low - slack, np.inf), _rounded(high + slack, -np.inf)

    @classmethod
    def fit(cls, rows: NDArray[np.float32], features: Sequence[Feature]) -> "TrainingRange":
        """Take the range from training rows of shape (n, len(features))."""
        missing = np.isnan(rows)
        low = np.where(missing, np.inf, rows).min(axis=0).astype(np.float64)
        high = np.where(missing, -np.inf, rows).max(axis=0).astype(np.float64)
        unchecked = ~np.isfinite(low)
        for i, feature in enumerate(features):
            unchecked[i] |= feature.group not in _CHECKED_GROUPS and feature.name != _AGE
        low[unchecked] = high[unchecked] = np.nan
        return cls(low, high, features)

    def outside(self, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which values lie outside, shape (n, features); a missing one does not."""
        return self._outside(rows, rows.shape[1])

    def _outside(self, rows: NDArray[np.float32], end: int) -> NDArray[np.bool_]:
        first = rows[:, :end]
        # Nothing is below NaN, nor above it.
        result: NDArray[np.bool_] = (first < self._least[:end]) | (first > self._most[:end])
        return result

    def outlying(self, rows: NDArray[np.float32]) -> list[list[int]]:
        """Return for each row the features whose values lie outside, in order."""
        found: list[list[int]] = [[] for _ in rows]
        places, features = self._outside(rows, self._end).nonzero()
        for row, feature in zip(places.tolist(), features.tolist(), strict=True):
            found[row].append(feature)
        return found

    def judge(
        self, outside: Sequence[int], row: NDArray[np.float32], unseen: Sequence[str]
    ) -> tuple[list[str], bool]:
        """Return what is unusual about one lead, shortened, and whether it is an outlier.

        It is one if several features lie outside, its category was never seen, or it is scored
        far longer after its posting than any lead of the training was.
        """
        reasons: dict[str, str] = {}
        is_outlier = bool(unseen)
        for i in outside:
            feature, value = self._features[i], float(row[i])
            is_outlier |= feature.name == _AGE
            if feature.label not in reasons:
                reasons[feature.label] = f"{feature.label} {value:.6g} is outside {self._range(i)}"
        told = [f"Category {_shortened(name)!r} was never seen in training" for name in unseen]
        told += reasons.values()
        if len(told) > _MOST_TOLD:
            told[_MOST_TOLD:] = [f"and {len(told) - _MOST_TOLD} more"]
        return told, is_outlier or len(reasons) >= _SEVERAL

    def _range(self, feature: int) -> str:
        told = self._ranges.get(feature)
        if told is None:
            low, high = float(self.low[feature]), float(self.high[feature])
            told = self._ranges[feature] = f"the training range {low:.6g} to {high:.6g}"
        return told

    def to_json(self) -> dict[str, Any]:
        """Return the range for the artifact; null where a feature is not checked."""
        return {"low": _with_null(self.low), "high": _with_null(self.high)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], features: Sequence[Feature]) -> "TrainingRange":
        """Read the range back; raise ArtifactError if it is malformed."""
        try:
            low, high = (
                np.array([np.nan if x is None else float(x) for x in value[name]])
                for name in ("low", "high")
            )
        except (KeyError, TypeError, ValueError, OverflowError) as fault:
            raise ArtifactError("the training range is malformed") from fault
        if not len(low) == len(high) == len(features):
            raise ArtifactError("the training range does not fit the features")
        checked = ~(np.isnan(low) & np.isnan(high))
        if not np.all(low[checked] <= high[checked]) or np.isinf([low, high]).any():
            raise ArtifactError("the training range is none")
        return cls(low, high, features)


def _rounded(limits: NDArray[np.float64], towards: float) -> NDArray[np.float32]:
    """Return limits in the rows' own precision, within which lies what lies within these."""
    with np.errstate(over="ignore"):
        single = limits.astype(np.float32)
    beyond = single < limits if towards > 0 else single > limits
    return np.where(beyond, np.nextafter(single, np.float32(towards)), single)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _with_null(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
