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


def explain(
    base_effect: float,
    labels: Sequence[str],
    effects: NDArray[np.float64],
    rows: NDArray[np.floating[Any]],
    columns: NDArray[np.intp],
) -> list[Explanation]:
    """List, for each of n leads, the ten largest effects and one entry with the rest.

    `effects` has shape (n, len(labels)). The value of a label is that of its column in `rows`, with
    n rows; a missing one is NaN.

    >>> one = np.array([[3.0]])
    >>> (told,) = explain(-1.0, ["Title Words"], np.array([[0.5]]), one, np.array([0]))
    >>> told.reasons[0]
    {'feature': 'Title Words', 'effect': 0.5, 'direction': 'raises', 'value': 3.0}
    >>> told.feature_importance
    {'Title Words': 1.0}
    """
    count, width = effects.shape
    sizes = np.abs(effects)
    # One number to sort by: the size of an effect, and in the last bits the place of its label, so
    # that equal ones come in the order of their labels.
    last = (1 << width.bit_length()) - 1
    keys = sizes.view(np.int64) & ~last
    keys |= np.arange(last, last - width, -1)
    keys.sort(axis=1)
    largest = last - (keys[:, : -LARGEST - 1 : -1] & last)
    places = largest + np.arange(0, effects.size, width)[:, None]
    told = np.empty((count, 3, largest.shape[1]))
    listed, shares, values = told[:, 0], told[:, 1], told[:, 2]
    listed[:] = effects.take(places)
    values[:] = rows.take(columns, axis=1).take(places)
    np.divide(np.abs(listed), np.maximum(sizes.sum(axis=1, keepdims=True), _SMALLEST), out=shares)
    told.round(_DECIMALS, out=told)
    rest = (effects.sum(axis=1) - listed.sum(axis=1)).round(_DECIMALS)
    base = round(base_effect, _DECIMALS)
    each = zip(largest.tolist(), told.tolist(), rest.tolist(), strict=True)
    return [_explanation(base, labels, *of_lead) for of_lead in each]


def _explanation(
    base_effect: float,
    labels: Sequence[str],
    largest: list[int],
    told: list[list[float]],
    rest: float,
) -> Explanation:
    """Explain one lead: for each of the largest its effect, its share and its value are told."""
    reasons: list[Reason] = []
    importance = {}
    for position, effect, share, value in zip(largest, *told, strict=True):
        if effect:
            reasons.append(_reason(labels[position], effect, None if isnan(value) else value))
            # However small beside the others, a listed share is above 0.
            importance[labels[position]] = share or 10.0**-_DECIMALS
    reasons.append(_reason(OTHER_FEATURES, rest, None))
    return Explanation(base_effect, reasons, importance)


def _reason(feature: str, effect: float, value: float | None) -> Reason:
    return {
        "feature": feature,
        "effect": effect,
        "direction": "raises" if effect >= 0 else "lowers",
        "value": value,
    }
