import json
import math
from typing import Any

import numpy as np
import pytest

from lead_scoring.entities import Feature
from lead_scoring.errors import ArtifactError
from lead_scoring.outliers import TrainingRange

FEATURES = (
    Feature("title_words", "Title Length", "text"),
    Feature("title_characters", "Title Length", "text"),
    Feature("price", "Price", "price"),
    Feature("age_hours", "Posting Age", "temporal"),
    Feature("hour", "Hour", "temporal"),
    Feature("title_digits", "Title Digits", "text"),
)
TRAINING = np.array(
    [[2, 10, 100, 0, 8, np.nan], [12, 110, np.nan, 100, 9, np.nan]], dtype=np.float32
)
ORDINARY = [5.0, 50.0, 100.0, 50.0, 8.0, math.nan]


def judged(unseen: tuple[str, ...] = (), **changes: float) -> tuple[list[str], bool]:
    names = [feature.name for feature in FEATURES]
    row = [changes.get(name, value) for name, value in zip(names, ORDINARY, strict=True)]
    rows = np.array([row], dtype=np.float32)
    fitted = TrainingRange.fit(TRAINING, FEATURES)
    return fitted.judge(fitted.outlying(rows)[0], rows[0], unseen)


def test_a_value_of_the_training_is_ordinary() -> None:
    assert judged() == ([], False)


def test_one_odd_value_is_told_but_makes_no_outlier() -> None:
    reasons, is_outlier = judged(title_words=99.0)

    assert reasons == ["Title Length 99 is outside the training range 2 to 12"]
    assert not is_outlier


def test_two_odd_values_make_an_outlier() -> None:
    reasons, is_outlier = judged(price=9e9, title_words=0.0)

    assert len(reasons) == 2
    assert is_outlier


def test_two_measures_of_the_same_thing_are_one_odd_value() -> None:
    reasons, is_outlier = judged(title_words=99.0, title_characters=900.0)

    assert len(reasons) == 1
    assert not is_outlier


@pytest.mark.parametrize(
    ("words", "is_told"), [(13.0, False), (13.1, True), (1.0, False), (0.9, True)]
)
def test_a_tenth_beyond_the_range_is_still_familiar(words: float, is_told: bool) -> None:
    assert bool(judged(title_words=words)[0]) == is_told


@pytest.mark.parametrize(("hours", "is_outlier"), [(268.0, False), (269.0, True)])
def test_an_age_a_week_beyond_the_training_makes_an_outlier_by_itself(
    hours: float, is_outlier: bool
) -> None:
    assert judged(age_hours=hours)[1] == is_outlier


def test_a_category_that_was_never_seen_makes_an_outlier_and_is_named() -> None:
    assert judged(("zoo",)) == (["Category 'zoo' was never seen in training"], True)


@pytest.mark.parametrize("name", ["hour", "title_digits"])
def test_codes_of_no_order_and_values_never_seen_are_not_checked(name: str) -> None:
    changes: Any = {name: 1e6}

    assert judged(**changes) == ([], False)


def test_a_missing_value_is_not_outside() -> None:
    assert judged(price=math.nan, title_words=math.nan, age_hours=math.nan) == ([], False)


def test_a_range_survives_json() -> None:
    fitted = TrainingRange.fit(TRAINING, FEATURES)

    again = TrainingRange.from_json(
        json.loads(json.dumps(fitted.to_json(), allow_nan=False)), FEATURES
    )

    rows = np.array([[99, 0, 1e9, 269, 0, 1], ORDINARY], dtype=np.float32)
    assert again.to_json() == fitted.to_json()
    assert again.outside(rows).tolist() == fitted.outside(rows).tolist()
    assert again.outside(rows).any()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"low": [None] * 6},
        {"low": [None] * 6, "high": 5},
        {"low": [None] * 6, "high": ["x"] * 6},
        {"low": [None] * 6, "high": [None] * 5},
        {"low": [None] * 5, "high": [None] * 5},
        {"low": [0.0] * 6, "high": [None] * 6},
        {"low": [1.0] * 6, "high": [0.0] * 6},
        {"low": [0.0] * 6, "high": [math.inf] * 6},
        {"low": [0.0] * 6, "high": [10**400] * 6},
    ],
)
def test_a_malformed_range_is_refused(broken: Any) -> None:
    with pytest.raises(ArtifactError):
        TrainingRange.from_json(broken, FEATURES)


def test_what_is_told_of_a_lead_is_bounded_however_odd_it_is() -> None:
    odd = {"title_words": 99.0, "price": 9e9, "age_hours": 9e9}

    reasons, is_outlier = judged(("a" * 41, "b" * 40), **odd)

    assert reasons[0] == f"Category '{'a' * 39}…' was never seen in training"
    assert reasons[1] == f"Category '{'b' * 40}' was never seen in training"
    assert reasons[4:] == ["and 1 more"]
    assert is_outlier


@pytest.mark.parametrize("high", [0.1, 3.0, 1e-3, 12_345.678])
def test_the_limits_are_exact_to_the_last_bit_of_a_value(high: float) -> None:
    feature = (Feature("price", "Price", "price"),)
    fitted = TrainingRange(np.array([-high]), np.array([high]), feature)
    limit = np.float32(1.2 * high)
    rows = np.array([limit], dtype=np.float32) + np.spacing(limit) * np.arange(-3, 4)
    rows = np.concatenate([rows, -rows]).astype(np.float32)[:, None]

    found = fitted.outside(rows)[:, 0]

    # The limits as they were before they were rounded, in double precision.
    expected = np.abs(rows[:, 0].astype(np.float64)) > high + 0.1 * (high + high)
    assert found.tolist() == expected.tolist()
    assert 0 < expected.sum() < len(expected)
