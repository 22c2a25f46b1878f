"""From additive effects to the reasons that people read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .entities import Reason
from .rounding import SCALE, six_decimals

LARGEST = 10
OTHER_FEATURES = "Other features"
_SIGN = np.iinfo(np.int64).min


class Explanation(NamedTuple):
    """What raised and lowered one score: base effect plus all effects is the margin."""

    base_effect: float
    reasons: list[Reason]
    feature_importance: dict[str, float]


class Explainer:
    """Explains scores by the labels of their effects.

    The value of label k is that of column `columns[k]` of a row.
    """

    def __init__(self, base_effect: float, labels: Sequence[str], columns: Sequence[int]) -> None:
        """Take the base effect, and labels with a column each."""
        self.labels, self.columns = labels, columns
        self._base = six_decimals(base_effect)
        mask = (1 << len(labels).bit_length()) - 1
        self._mask, self._signed_mask = mask, np.array(mask | _SIGN)
        self._order = ~mask ^ mask ^ np.arange(len(labels))

    def explain(
        self,
        effects: NDArray[np.float64],
        rows: NDArray[np.floating[Any]],
        margins: Sequence[float],
    ) -> list[Explanation]:
        """List, for each of n leads, the ten largest effects and one entry with the rest.

        `effects` has shape (n, labels), `rows` n rows, in which a missing value is NaN, and
        `margins` n margins.

        >>> explainer = Explainer(-1.0, ["Title Words"], [0])
        >>> (told,) = explainer.explain(np.array([[0.5]]), np.array([[3.0]]), [-0.5])
        >>> told.reasons[0]
        {'feature': 'Title Words', 'effect': 0.5, 'direction': 'raises', 'value': 3.0}
        >>> told.feature_importance
        {'Title Words': 1.0}
        """
        # One number to sort by: first the largest effects, without their signs, and in the last
        # bits the place of the label, so that equal ones come in the order of their labels.
        keys = effects.view(np.int64) | self._signed_mask
        keys ^= self._order
        keys.sort(axis=1)
        sizes = np.add.reduce(np.abs(effects), axis=1).tolist()
        each = zip(rows, effects, margins, keys[:, :LARGEST].tolist(), sizes, strict=True)
        return [self._explanation(*of_lead) for of_lead in each]

    def _explanation(
        self,
        row: NDArray[np.floating[Any]],
        effects: NDArray[np.float64],
        margin: float,
        largest: list[int],
        size: float,
    ) -> Explanation:
        """Explain one lead by its largest effects and the rest; `size` is that of all together."""
        # Thirty numbers of a lead are rounded, without a call each.
        reasons: list[Reason] = []
        importance = {}
        # The rest is what those listed lack to the margin as it is told.
        rest = six_decimals(margin) - self._base
        # Numbers of memory are read as Python's own, and not as an object of numpy each.
        values, exact = row.data, effects.data
        for key in largest:
            place = key & self._mask
            effect = round(exact[place] * SCALE) / SCALE
            if effect:
                label, value = self.labels[place], values[self.columns[place]]
                rest -= effect
                reasons.append(
                    {
                        "feature": label,
                        "effect": effect,
                        "direction": "raises" if effect > 0 else "lowers",
                        "value": None if value != value else round(value * SCALE) / SCALE,
                    }
                )
                # However small beside the others, a listed share is above 0.
                importance[label] = (round(abs(exact[place]) / size * SCALE) or 1) / SCALE
        rest = six_decimals(rest)
        direction = "raises" if rest >= 0 else "lowers"
        reasons.append(
            {"feature": OTHER_FEATURES, "effect": rest, "direction": direction, "value": None}
        )
        return Explanation(self._base, reasons, importance)
