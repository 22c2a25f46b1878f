"""What XGBoost writes as UBJSON is read as what it writes as JSON."""

import json
import random
import struct
import tracemalloc
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from lead_scoring import ubjson
from lead_scoring.errors import ArtifactError
from tests.forests import random_rows, train


@lru_cache
def booster() -> xgboost.Booster:
    return train(random_rows(200, 4), trees=5, max_depth=4)


@lru_cache
def small_file() -> bytes:
    return bytes(train(random_rows(50, 2), trees=1, max_depth=1).save_raw("ubj"))


def assert_same(read: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(read) == list(expected)
        for name, value in expected.items():
            assert_same(read[name], value)
    elif isinstance(expected, list):
        assert len(read) == len(expected)
        for one, other in zip(read, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, str):
        assert read == expected
    else:
        assert np.float32(read) == np.float32(expected)


def test_a_model_is_read_as_its_json_is() -> None:
    expected = json.loads(bytes(booster().save_raw("json")))

    read = ubjson.loads(bytes(booster().save_raw("ubj")))

    assert_same(read, expected)
    assert len(read["learner"]["gradient_booster"]["model"]["trees"]) == 5


def test_typed_arrays_become_arrays_of_the_machines_byte_order() -> None:
    tree = ubjson.loads(small_file())["learner"]["gradient_booster"]["model"]["trees"][0]

    assert tree["split_conditions"].dtype == np.float32
    assert tree["split_conditions"].dtype.isnative
    assert tree["left_children"].dtype == np.int32


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"Z", None),
        (b"T", True),
        (b"F", False),
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"I\xff\xfe", -2),
        (b"l\x00\x01\x00\x00", 65536),
        (b"L" + struct.pack(">q", -(2**62)), -(2**62)),
        (b"d" + struct.pack(">f", 0.5), 0.5),
        (b"D" + struct.pack(">d", 0.1), 0.1),
        (b"Si\x03\xe2\x82\xac", "€"),
        (b"SU\x00", ""),
        (b"[]", []),
        (b"[i\x01T[Z]]", [1, True, [None]]),
        (b"[#i\x02i\x01i\x02", [1, 2]),
        (b"{}", {}),
        (b"{i\x01aZi\x01b[]}", {"a": None, "b": []}),
        (b"{#i\x01i\x01ai\x05", {"a": 5}),
        (b"{$i#i\x01i\x01a\x05", {"a": 5}),
    ],
)
def test_every_kind_of_value_is_read(written: bytes, value: Any) -> None:
    assert ubjson.loads(written) == value


def test_a_typed_array_is_read_with_its_values() -> None:
    read = ubjson.loads(b"[$I#i\x03\x00\x01\xff\xff\x01\x00")

    assert read.tolist() == [1, -1, 256]


def test_every_truncation_of_a_model_is_refused() -> None:
    whole = small_file()

    for end in range(len(whole)):
        with pytest.raises(ArtifactError):
            ubjson.loads(whole[:end])


def test_bytes_after_the_value_are_refused() -> None:
    with pytest.raises(ArtifactError):
        ubjson.loads(small_file() + b"Z")


def read_or_refuse(data: bytes) -> None:
    try:
        ubjson.loads(data)
    except ArtifactError:
        return


def test_flipped_bytes_are_refused_or_read_in_little_memory() -> None:
    whole, dice = small_file(), random.Random(0)
    tracemalloc.start()
    try:
        for _ in range(1500):
            broken = bytearray(whole)
            for _ in range(dice.choice((1, 1, 2, 5))):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
            read_or_refuse(bytes(broken))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


_MARKERS = b"[]{}$#ZTFiUIlLdDSN\x00\x01\x7f\xff"


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(_MARKERS)).map(bytes)))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    read_or_refuse(data)


_HUGE = b"L" + struct.pack(">q", 2**62)


@pytest.mark.parametrize(
    "bomb",
    [
        b"[$Z#l\x7f\xff\xff\xff",
        # Many such arrays, of elements that take no byte, could ask for far more than the file has.
        b"[[$T#i\x02i\x01]",
        b"[$T#" + _HUGE,
        b"[#" + _HUGE,
        b"[$d#" + _HUGE,
        b"[$D#" + _HUGE + b"\x00" * 64,
        b"[$[#" + _HUGE,
        b"{#" + _HUGE,
        b"{$Z#" + _HUGE,
        b"S" + _HUGE,
        b"S" + b"L" + struct.pack(">q", -1),
        b"[#d" + struct.pack(">f", float("inf")),
        b"[#d" + struct.pack(">f", float("nan")),
        b"[" * 100_000,
        b"{i\x01a" * 100_000,
        b"[$[#l\x00\x01\x00\x00" + b"[" * 70_000,
    ],
    ids=lambda bomb: repr(bomb[:12]),
)
def test_a_hostile_length_or_depth_is_refused_at_once(bomb: bytes) -> None:
    with pytest.raises(ArtifactError):
        ubjson.loads(bomb)
