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
    sizes = np.abs(effects)
    # Of one lead, numpy's own `take_along_axis` takes longer than everything else here.
    first = effects.shape[1] * np.arange(len(effects))[:, None]
    largest = np.argpartition(sizes, max(0, effects.shape[1] - LARGEST), axis=1)[:, -LARGEST:]
    # Equal ones in the order of their labels.
    largest.sort(axis=1)
    order = np.argsort(-sizes.take(largest + first), axis=1, kind="stable")
    largest = largest.take(order + largest.shape[1] * np.arange(len(effects))[:, None])
    places = largest + first
    listed = effects.take(places).round(_DECIMALS)
    rest = (effects.sum(axis=1) - listed.sum(axis=1)).round(_DECIMALS)
    totals = sizes.sum(axis=1, keepdims=True)
    shares = sizes.take(places) / np.where(totals > 0, totals, 1.0)
    # However small beside the others, a listed share is above 0.
    shares = np.maximum(shares.round(_DECIMALS), 10.0**-_DECIMALS)
    cells = columns.take(largest) + rows.shape[1] * np.arange(len(rows))[:, None]
    values = rows.take(cells).astype(np.float64).round(_DECIMALS)
    base = round(base_effect, _DECIMALS)
    return [
        _explanation(base, labels, *row)
        for row in zip(*map(_listed, (largest, listed, shares, values, rest)), strict=True)
    ]


def _listed(array: NDArray[Any]) -> list[Any]:
    listed: list[Any] = array.tolist()
    return listed


def _explanation(
    base_effect: float,
    labels: Sequence[str],
    largest: list[int],
    effects: list[float],
    shares: list[float],
    values: list[float],
    rest: float,
) -> Explanation:
    reasons: list[Reason] = []
    importance = {}
    for position, effect, share, value in zip(largest, effects, shares, values, strict=True):
        if effect:
            reasons.append(_reason(labels[position], effect, None if isnan(value) else value))
            importance[labels[position]] = share
    reasons.append(_reason(OTHER_FEATURES, rest, None))
    return Explanation(base_effect, reasons, importance)


def _reason(feature: str, effect: float, value: float | None) -> Reason:
    return {
        "feature": feature,
        "effect": effect,
        "direction": "raises" if effect >= 0 else "lowers",
        "value": value,
    }
