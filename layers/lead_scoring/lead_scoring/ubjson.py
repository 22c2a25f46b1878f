"""Read UBJSON, the format in which XGBoost writes its models, and add arrays to it.

Typed arrays, which hold nearly all of a model, become numpy arrays without a loop.
Source: the Universal Binary JSON specification, draft 12 (ubjson.org), as far as XGBoost uses it.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
# Single numbers: making an array for each took a third of the time of loading a model.
_FORMS = {
    marker: struct.Struct(form)
    for marker, form in {
        "i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"
    }.items()
}  # fmt: skip
_LENGTHS = "iUIlL"
_CONSTANTS = {"Z": None, "T": True, "F": False}
# Ten times as deep as any model; keeps a hostile file from exhausting the stack.
_MAX_DEPTH = 64


def loads(data: bytes) -> Any:
    """Return the value that `data` encodes; raise ArtifactError if it is not UBJSON.

    >>> loads(b"{i\\x01aL\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x07}")
    {'a': 7}
    """
    try:
        reader = _Reader(data)
        value = reader.value()
        if not reader.is_at_end():
            raise ValueError("something follows the value")
        return value
    except (IndexError, KeyError, ValueError, struct.error) as fault:
        raise ArtifactError("the model is not valid UBJSON") from fault


def with_arrays(data: bytes, name: str, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the object that `data` encodes with one more member: named arrays of numbers.

    >>> loads(with_arrays(b"{}", "more", {"a": np.array([1, 2], np.int32)}))["more"]["a"].tolist()
    [1, 2]
    """
    members = b"".join(_text(each) + _array(array) for each, array in arrays.items())
    return data[:-1] + _text(name) + b"{" + members + b"}}"


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"L" + len(encoded).to_bytes(8) + encoded


def _array(array: NDArray[Any]) -> bytes:
    stored = array.astype(array.dtype.newbyteorder(">"))
    marker = {np.dtype(kind): marker for marker, kind in _NUMBERS.items()}[stored.dtype]
    return b"[$" + marker.encode() + b"#L" + len(array).to_bytes(8) + stored.tobytes()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at == len(self._data)

    def _byte(self) -> str:
        self._at += 1
        return chr(self._data[self._at - 1])

    def _number(self, marker: str) -> Any:
        form = _FORMS[marker]
        (number,) = form.unpack_from(self._data, self._at)
        self._at += form.size
        return number

    def _length(self) -> int:
        marker = self._byte()
        if marker not in _LENGTHS:
            raise ValueError("a length must be a whole number")
        length = int(self._number(marker))
        # Every element takes a byte or more, so that no count can ask for more than is there.
        if not 0 <= length <= len(self._data) - self._at:
            raise ValueError("a length beyond the end")
        return length

    def _text(self) -> str:
        length = self._length()
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def value(self, marker: str | None = None, depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        marker = marker or self._byte()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self._number(marker)
        if marker == "S":
            return self._text()
        if marker == "[":
            return self._array(depth + 1)
        if marker == "{":
            return self._object(depth + 1)
        raise ValueError(f"unknown marker {marker!r}")

    def _header(self) -> tuple[str | None, int | None]:
        kind = count = None
        if self._data[self._at] == ord("$"):
            self._at += 1
            kind = self._byte()
            if kind in _CONSTANTS:
                raise ValueError("elements without a byte of their own")
        if self._data[self._at] == ord("#"):
            self._at += 1
            count = self._length()
        return kind, count

    def _array(self, depth: int) -> Any:
        kind, count = self._header()
        if kind in _NUMBERS and count is not None:
            numbers = np.frombuffer(self._data, _NUMBERS[kind], count, self._at)
            self._at += numbers.nbytes
            return numbers.astype(numbers.dtype.newbyteorder("="))
        if count is not None:
            return [self.value(kind, depth) for _ in range(count)]
        values = []
        while (marker := self._byte()) != "]":
            values.append(self.value(marker, depth))
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._header()
        if count is not None:
            return {self._text(): self.value(kind, depth) for _ in range(count)}
        members = {}
        while self._data[self._at] != ord("}"):
            name = self._text()
            members[name] = self.value(None, depth)
        self._at += 1
        return members
