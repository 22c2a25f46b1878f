"""Read UBJSON, the format in which XGBoost writes its models.

Typed arrays, which hold nearly all of a model, become numpy arrays without a loop.
Source: the Universal Binary JSON specification, draft 12 (ubjson.org), as far as XGBoost uses it.
"""

from typing import Any

import numpy as np

from .errors import ArtifactError

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
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
    except (IndexError, KeyError, ValueError) as fault:
        raise ArtifactError("the model is not valid UBJSON") from fault


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
        kind = np.dtype(_NUMBERS[marker])
        (number,) = np.frombuffer(self._data, kind, 1, self._at)
        self._at += kind.itemsize
        return number.item()

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
