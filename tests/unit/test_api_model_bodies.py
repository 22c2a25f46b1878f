import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.api.model_bodies import (
    PARAMS,
    RetrainRequest,
    read_nothing,
    read_reason,
    read_retrain,
)
from lead_scoring.errors import InvalidInputError

# As the contract has them.
RANGES = {
    "max_depth": (1, 12),
    "learning_rate": (0.001, 1),
    "n_estimators": (10, 1000),
    "subsample": (0.1, 1),
    "colsample_bytree": (0.1, 1),
    "min_child_weight": (0, 100),
    "gamma": (0, 100),
    "reg_alpha": (0, 1000),
    "reg_lambda": (0, 1000),
    "scale_pos_weight": (0.01, 100),
    "random_state": (0, 2147483647),
}
WHOLE = {"max_depth", "n_estimators", "random_state"}


def faults(read: Any, body: object) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read(body)
    return {fault.pointer: fault.message for fault in caught.value.faults}


def test_an_empty_body_asks_for_the_usual() -> None:
    assert read_retrain({}) == RetrainRequest(False, None, None)
    assert read_reason({}) is None


def test_null_means_absent() -> None:
    body = {"force_retrain": None, "validation_split": None, "params": None}

    assert read_retrain(body) == read_retrain({})
    assert read_reason({"reason": None}) is None


def test_every_hyperparameter_of_the_contract_is_taken_at_both_ends_of_its_range() -> None:
    assert PARAMS.keys() == RANGES.keys()
    for end in (0, 1):
        params = {name: ends[end] for name, ends in RANGES.items()}

        assert read_retrain({"params": params}).params == params


@pytest.mark.parametrize("name", RANGES)
def test_a_hyperparameter_beyond_its_range_is_refused(name: str) -> None:
    low, high = RANGES[name]
    step = 1 if name in WHOLE else 1e-9

    for value in (low - step, high + step, 1e308, -1e308, 10**400, float("inf")):
        found = faults(read_retrain, {"params": {name: value}})

        assert list(found) == [f"/params/{name}"]
        assert "must be from" in found[f"/params/{name}"]


@pytest.mark.parametrize("value", [True, "8", None, [8], {}])
def test_a_hyperparameter_is_a_number(value: object) -> None:
    assert (
        "must be a whole number, not"
        in (faults(read_retrain, {"params": {"max_depth": value}})["/params/max_depth"])
    )


def test_a_whole_number_may_be_written_with_a_decimal_point_but_not_be_a_fraction() -> None:
    params = read_retrain({"params": {"max_depth": 8.0}}).params

    assert params == {"max_depth": 8}
    assert params is not None
    assert isinstance(params["max_depth"], int)
    assert faults(read_retrain, {"params": {"max_depth": 8.5}}) == {
        "/params/max_depth": "must be a whole number"
    }


def test_the_share_of_the_holdout_has_limits() -> None:
    for split in (0.05, 0.2, 0.5):
        assert read_retrain({"validation_split": split}).validation_split == split
    for wrong in (0.049, 0.51, 0, 1, True, "0.2"):
        assert list(faults(read_retrain, {"validation_split": wrong})) == ["/validation_split"]


def test_force_is_a_boolean() -> None:
    assert read_retrain({"force_retrain": True}).force_retrain is True
    for wrong in (1, "true", []):
        assert list(faults(read_retrain, {"force_retrain": wrong})) == ["/force_retrain"]


def test_every_fault_is_named_at_once() -> None:
    body = {
        "force_retrain": "yes",
        "validation_split": 0.9,
        "params": {"max_depth": 13, "gamma": -1, "n_jobs": 64, "a/b": 1},
        "speed": 9,
    }

    assert faults(read_retrain, body).keys() == {
        "/force_retrain",
        "/validation_split",
        "/params/max_depth",
        "/params/gamma",
        "/params/n_jobs",
        "/params/a~1b",
        "/speed",
    }


@pytest.mark.parametrize("read", [read_retrain, read_reason, read_nothing])
@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_a_body_is_an_object(read: Any, body: object) -> None:
    assert list(faults(read, body)) == [""]


def test_params_are_an_object() -> None:
    assert list(faults(read_retrain, {"params": [1]})) == ["/params"]


def test_a_reason_has_up_to_500_characters() -> None:
    assert read_reason({"reason": "𝄞" * 500}) == "𝄞" * 500
    for wrong in ("x" * 501, 7, ["x"], "\ud800"):
        assert list(faults(read_reason, {"reason": wrong})) == ["/reason"]


def test_an_unknown_field_is_refused() -> None:
    assert list(faults(read_reason, {"because": "x"})) == ["/because"]
    assert list(faults(read_nothing, {"reason": "x"})) == ["/reason"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*RANGES, "params", "validation_split", "force_retrain", "reason"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_any_json_is_either_taken_or_refused_with_pointers(body: object) -> None:
    for read in (read_retrain, read_reason, read_nothing):
        pointers, taken = [], None
        try:
            taken = read(body)
        except InvalidInputError as refused:
            pointers = [fault.pointer for fault in refused.faults]

        assert all(pointer == "" or pointer.startswith("/") for pointer in pointers)
        json.dumps(taken, allow_nan=False)
