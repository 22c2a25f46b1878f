"""Arrays of numbers as text for JSON: base64 of their little-endian bytes."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(numbers: NDArray[Any], kind: str) -> str:
    """Return numbers as text; `kind` is numpy's name of how each is stored, such as `<i4`.

    >>> unpacked(packed(np.array([1, 2]), "<i4"), "<i4").tolist()
    [1, 2]
    """
    return base64.b64encode(np.asarray(numbers, kind).tobytes()).decode()


def unpacked(text: str, kind: str) -> NDArray[Any]:
    """Return the numbers; raise TypeError or ValueError if the text holds none."""
    return np.frombuffer(base64.b64decode(text, validate=True), kind)
