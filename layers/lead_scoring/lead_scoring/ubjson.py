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

# Numbers, by the byte that says which: single ones, arrays as stored, and as numpy has them.
# A start reads thousands of single ones: an array for each took a third of the time of loading.
_KINDS = {"i": "bi1", "U": "Bu1", "I": "hi2", "l": "ii4", "L": "qi8", "d": "ff4", "D": "df8"}
_FORMS = {ord(marker): struct.Struct(f">{kind[0]}") for marker, kind in _KINDS.items()}
_STORED = {ord(marker): np.dtype(f">{kind[1:]}") for marker, kind in _KINDS.items()}
_NATIVE = {marker: kind.newbyteorder("=") for marker, kind in _STORED.items()}
_LENGTHS = {marker: form for marker, form in _FORMS.items() if chr(marker) in "iUIlL"}
_CONSTANTS = {ord("Z"): None, ord("T"): True, ord("F"): False}
_TEXT, _KIND, _COUNT = ord("S"), ord("$"), ord("#")
_ARRAY, _ARRAY_END, _OBJECT, _OBJECT_END = map(ord, "[]{}")
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
    marker = {kind: marker for marker, kind in _STORED.items()}[stored.dtype]
    return b"[$%c#L" % marker + len(array).to_bytes(8) + stored.tobytes()


class _Reader:
    """Reads on from where it is. A start has thousands of members: a call less for each is felt."""

    def __init__(self, data: bytes) -> None:
        self._data, self._end = data, len(data)
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at == self._end

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _length(self) -> int:
        form = _LENGTHS[self._data[self._at]]
        (length,) = form.unpack_from(self._data, self._at + 1)
        self._at += 1 + form.size
        # Every element takes a byte or more, so that no count can ask for more than is there.
        if not 0 <= length <= self._end - self._at:
            raise ValueError("a length beyond the end")
        return int(length)

    def _text(self) -> str:
        length = self._length()
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def value(self, marker: int | None = None, depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if marker is None:
            marker = self._byte()
        if marker == _ARRAY:
            return self._array(depth + 1)
        if marker == _TEXT:
            return self._text()
        if marker == _OBJECT:
            return self._object(depth + 1)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        form = _FORMS[marker]
        (number,) = form.unpack_from(self._data, self._at)
        self._at += form.size
        return number

    def _header(self) -> tuple[int | None, int | None]:
        kind = count = None
        if self._data[self._at] == _KIND:
            self._at += 1
            kind = self._byte()
            if kind in _CONSTANTS:
                raise ValueError("elements without a byte of their own")
        if self._data[self._at] == _COUNT:
            self._at += 1
            count = self._length()
        return kind, count

    def _array(self, depth: int) -> Any:
        kind, count = self._header()
        if count is None:
            values = []
            while (marker := self._byte()) != _ARRAY_END:
                values.append(self.value(marker, depth))
            return values
        if kind not in _STORED:
            return [self.value(kind, depth) for _ in range(count)]
        numbers = np.frombuffer(self._data, _STORED[kind], count, self._at)
        self._at += numbers.nbytes
        return numbers.astype(_NATIVE[kind])

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._header()
        if count is not None:
            return {self._text(): self.value(kind, depth) for _ in range(count)}
        members = {}
        while self._data[self._at] != _OBJECT_END:
            name = self._text()
            members[name] = self.value(None, depth)
        self._at += 1
        return members
