"""From additive effects to the reasons that people read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .entities import Reason

LARGEST = 10
OTHER_FEATURES = "Other features"
# Six decimals: eleven rounded effects still add up to within 1e-5.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Explanation:
    """What raised and lowered one score: base effect plus all effects is the margin."""

    base_effect: float
    reasons: list[Reason]
    feature_importance: dict[str, float]


def explain(
    base_effect: float,
    labels: Sequence[str],
    effects: NDArray[np.float64],
    values: NDArray[np.float64],
) -> Explanation:
    """List the ten largest effects and one entry with the rest.

    `effects` and `values` have shape (len(labels),); a missing value is NaN.

    >>> told = explain(-1.0, ["Title Words"], np.array([0.5]), np.array([3.0]))
    >>> told.reasons[0]
    {'feature': 'Title Words', 'effect': 0.5, 'direction': 'raises', 'value': 3.0}
    >>> told.feature_importance
    {'Title Words': 1.0}
    """
    sizes = np.abs(effects)
    largest = np.argsort(-sizes, kind="stable")[:LARGEST]
    rounded = [(i, round(float(effects[i]), _DECIMALS)) for i in largest]
    listed = [(i, effect) for i, effect in rounded if effect]
    rest = round(float(effects.sum()) - sum(effect for _, effect in listed), _DECIMALS)
    total = float(sizes.sum())
    return Explanation(
        round(base_effect, _DECIMALS),
        [
            *(_reason(labels[i], effect, float(values[i])) for i, effect in listed),
            _reason(OTHER_FEATURES, rest, None),
        ],
        {labels[i]: round(abs(effect) / total, _DECIMALS) for i, effect in listed},
    )


def _reason(feature: str, effect: float, value: float | None) -> Reason:
    return {
        "feature": feature,
        "effect": effect,
        "direction": "raises" if effect >= 0 else "lowers",
        "value": None if value is None or np.isnan(value) else round(value, _DECIMALS),
    }
