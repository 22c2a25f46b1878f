import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from numpy.typing import NDArray

from lead_scoring.explanation import LARGEST, OTHER_FEATURES, Explainer, Explanation


def explained(effects: list[float], base: float = -1.0) -> Explanation:
    labels = [f"Feature {number}" for number in range(len(effects))]
    values = np.arange(len(effects), dtype=float)
    margins = [base + sum(effects)]
    (told,) = explainer(labels, base).explain(np.array([effects]), values[None], margins)
    return told


def explainer(labels: list[str], base: float = 0.0) -> Explainer:
    return Explainer(base, labels, range(len(labels)))


def test_the_ten_largest_effects_come_first_and_the_rest_last() -> None:
    effects = [0.1 * (number + 1) * (-1) ** number for number in range(15)]

    told = explained(effects)

    assert [reason["feature"] for reason in told.reasons] == [
        *(f"Feature {number}" for number in range(14, 4, -1)),
        OTHER_FEATURES,
    ]
    assert told.reasons[-1]["effect"] == pytest.approx(sum(effects[:5]))
    assert told.reasons[-1]["value"] is None


def test_direction_is_the_sign_of_the_effect() -> None:
    directions = [reason["direction"] for reason in explained([0.5, -0.7]).reasons]

    assert directions == ["lowers", "raises", "raises"]


def test_a_feature_without_effect_is_not_listed() -> None:
    told = explained([0.0, 0.4, 4e-7])

    assert [reason["feature"] for reason in told.reasons] == ["Feature 1", OTHER_FEATURES]
    assert list(told.feature_importance) == ["Feature 1"]


def test_a_missing_value_is_null() -> None:
    (told,) = explainer(["Price"]).explain(np.array([[0.2]]), np.array([[np.nan]]), [0.2])

    assert told.reasons[0]["value"] is None


def test_importance_is_the_share_of_all_absolute_effects() -> None:
    told = explained([0.5, -1.0, *[0.05] * 10])

    assert told.feature_importance["Feature 1"] == pytest.approx(0.5)
    assert told.feature_importance["Feature 0"] == pytest.approx(0.25)
    assert len(told.feature_importance) == LARGEST
    assert OTHER_FEATURES not in told.feature_importance
    assert sum(told.feature_importance.values()) == pytest.approx(1 - 2 * 0.05 / 2)


def test_the_smallest_listed_effect_still_has_a_share() -> None:
    told = explained([9.0, 1e-6])

    assert 0 < told.feature_importance["Feature 1"] <= 1e-6


def test_the_only_feature_has_the_whole_share_however_small_its_effect() -> None:
    told = explained([6.27298653e-05])

    assert told.feature_importance == {"Feature 0": 1.0}


def test_a_lead_has_the_same_reasons_alone_and_among_others() -> None:
    random = np.random.default_rng(5)
    effects = random.normal(size=(64, 40)).round(1) * (1 + random.integers(0, 9, (64, 40)) * 2e-13)
    values, to_all = np.zeros((64, 40)), explainer([f"Feature {number}" for number in range(40)])

    margins = effects.sum(axis=1).tolist()
    together = to_all.explain(effects, values, margins)

    alone = [
        to_all.explain(effects[[row]], values[[row]], margins[row : row + 1]) for row in range(64)
    ]
    assert [[one] for one in together] == alone


def test_no_effects_at_all_leave_only_the_rest() -> None:
    told = explained([0.0, 0.0])

    assert told.reasons == [
        {"feature": OTHER_FEATURES, "effect": 0.0, "direction": "raises", "value": None}
    ]
    assert told.feature_importance == {}


def test_nobody_to_explain_to_needs_no_explanation() -> None:
    assert explainer(["a"]).explain(np.zeros((0, 1)), np.zeros((0, 1)), []) == []


many_effects: Any = hypothesis_numpy.arrays(
    float, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=st.floats(-20, 20)
)


@given(many_effects, st.floats(-10, 10))
def test_what_is_told_adds_up_and_is_ordered(effects: NDArray[np.float64], base: float) -> None:
    labels = [f"Feature {number}" for number in range(effects.shape[1])]

    margins = [base + float(own.sum()) for own in effects]
    explanations = explainer(labels, base).explain(effects, np.zeros_like(effects), margins)

    assert len(explanations) == len(effects)
    for told, margin in zip(explanations, margins, strict=True):
        total = told.base_effect + sum(reason["effect"] for reason in told.reasons)
        sizes = [abs(reason["effect"]) for reason in told.reasons[:-1]]
        shares = list(told.feature_importance.values())
        assert total == pytest.approx(round(margin, 6), abs=1e-9)
        assert sizes == sorted(sizes, reverse=True)
        assert shares == sorted(shares, reverse=True)
        assert all(share > 0 for share in shares)
        assert sum(shares) <= 1 + 2e-5
        assert list(told.feature_importance) == [each["feature"] for each in told.reasons[:-1]]
        json.dumps([told.reasons, told.feature_importance], allow_nan=False)
