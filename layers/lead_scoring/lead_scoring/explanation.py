"""From additive effects to the reasons that people read."""

from collections.abc import Sequence
from math import isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .entities import Reason

LARGEST = 10
OTHER_FEATURES = "Other features"
# Six decimals: eleven rounded effects still add up to within 1e-5.
_DECIMALS = 6
# No sum of effects that are listed is smaller.
_SMALLEST = 1e-300


class Explanation(NamedTuple):
    """What raised and lowered one score: base effect plus all effects is the margin."""

    base_effect: float
    reasons: list[Reason]
    feature_importance: dict[str, float]


class Explainer:
    """Explains scores by the labels of their effects.

    The value of label k is that of column `columns[k]` of a row.
    """

    def __init__(
        self, base_effect: float, labels: Sequence[str], columns: NDArray[np.intp]
    ) -> None:
        """Take the base effect, and labels with a column each."""
        self._base, self._labels = round(base_effect, _DECIMALS), labels
        self._columns = columns
        self._mask = np.array((1 << len(labels).bit_length()) - 1)
        self._size, self._order = ~self._mask, self._mask - np.arange(len(labels))

    def explain(
        self, effects: NDArray[np.float64], rows: NDArray[np.floating[Any]]
    ) -> list[Explanation]:
        """List, for each of n leads, the ten largest effects and one entry with the rest.

        `effects` has shape (n, labels), and `rows` n rows, in which a missing value is NaN.

        >>> explainer = Explainer(-1.0, ["Title Words"], np.array([0]))
        >>> (told,) = explainer.explain(np.array([[0.5]]), np.array([[3.0]]))
        >>> told.reasons[0]
        {'feature': 'Title Words', 'effect': 0.5, 'direction': 'raises', 'value': 3.0}
        >>> told.feature_importance
        {'Title Words': 1.0}
        """
        count, width = effects.shape
        sizes = np.abs(effects)
        # One number to sort by: the size of an effect, and in the last bits the place of its label,
        # so that equal ones come in the order of their labels.
        keys = sizes.view(np.int64) & self._size
        keys |= self._order
        keys.sort(axis=1)
        largest = self._mask - (keys[:, : -LARGEST - 1 : -1] & self._mask)
        lead = np.arange(count)[:, None]
        told = np.empty((3, *largest.shape))
        listed, shares, values = told
        listed[:] = effects.take(largest + lead * width)
        values[:] = rows.take(self._columns.take(largest) + lead * rows.shape[1])
        all_sizes = np.maximum(np.add.reduce(sizes, axis=1), _SMALLEST)
        np.divide(np.abs(listed), all_sizes[:, None], out=shares)
        told.round(_DECIMALS, out=told)
        rest = (np.add.reduce(effects, axis=1) - np.add.reduce(listed, axis=1)).round(_DECIMALS)
        each = zip(largest.tolist(), *told.tolist(), rest.tolist(), strict=True)
        return [_explanation(self._base, self._labels, *of_lead) for of_lead in each]


def _explanation(
    base_effect: float,
    labels: Sequence[str],
    largest: list[int],
    effects: list[float],
    shares: list[float],
    values: list[float],
    rest: float,
) -> Explanation:
    """Explain one lead by its largest effects and the rest."""
    reasons: list[Reason] = []
    importance = {}
    for position, effect, share, value in zip(largest, effects, shares, values, strict=True):
        if effect:
            reasons.append(
                {
                    "feature": labels[position],
                    "effect": effect,
                    "direction": "raises" if effect > 0 else "lowers",
                    "value": None if isnan(value) else value,
                }
            )
            # However small beside the others, a listed share is above 0.
            importance[labels[position]] = share or 10.0**-_DECIMALS
    direction = "raises" if rest >= 0 else "lowers"
    reasons.append(
        {"feature": OTHER_FEATURES, "effect": rest, "direction": direction, "value": None}
    )
    return Explanation(base_effect, reasons, importance)
