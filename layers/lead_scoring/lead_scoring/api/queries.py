"""Query parameters: each read by its own rule, every fault at once, none unknown, none twice."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..errors import Fault, InvalidInputError, json_pointer


class Reader(Protocol):
    """Reads one parameter, None where it was not given; raises ValueError."""

    def __call__(self, text: str | None) -> Any:
        """Return the value."""

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""


class WholeNumber(NamedTuple):
    """Reads a whole number in a range.

    >>> WholeNumber(1, 1000, 50)("7"), WholeNumber(1, 1000, 50)(None)
    (7, 50)
    """

    low: int
    high: int
    default: int

    def __call__(self, text: str | None) -> int:
        """Return the number."""
        if text is None:
            return self.default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not self.low <= int(text) <= self.high:
            raise ValueError(f"must be a whole number from {self.low} to {self.high}")
        return int(text)

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        return {
            "type": "integer",
            "minimum": self.low,
            "maximum": self.high,
            "default": self.default,
        }


class Flag(NamedTuple):
    """Reads `true` and `false`.

    >>> Flag(True)("false")
    False
    """

    default: bool

    def __call__(self, text: str | None) -> bool:
        """Return the flag."""
        if text is None:
            return self.default
        if text.lower() not in ("true", "false"):
            raise ValueError("must be true or false")
        return text.lower() == "true"

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        return {"type": "boolean", "default": self.default}


class Text(NamedTuple):
    """Reads a text that may be absent.

    >>> Text(3)("abc"), Text(3)(None)
    ('abc', None)
    """

    longest: int

    def __call__(self, text: str | None) -> str | None:
        """Return the text."""
        if text is not None and not 1 <= len(text) <= self.longest:
            raise ValueError(f"must have 1 to {self.longest:,} characters")
        return text

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        return {"type": "string", "minLength": 1, "maxLength": self.longest}


def read_query(given: Mapping[str, Sequence[str]], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read all parameters; raise InvalidInputError with every fault.

    >>> read_query({"limit": ["7"]}, {"limit": WholeNumber(1, 1000, 50)})
    {'limit': 7}
    """
    faults = [
        Fault(json_pointer((name,)), "is not known here; leave it out")
        for name in given
        if name not in readers
    ]
    values = {}
    for name, read in readers.items():
        try:
            values[name] = read(_single(given.get(name, ())))
        except ValueError as error:
            faults.append(Fault(json_pointer((name,)), str(error)))
    if faults:
        raise InvalidInputError(tuple(faults))
    return values


def _single(texts: Sequence[str]) -> str | None:
    if len(texts) > 1:
        raise ValueError("must be given once only")
    return texts[0] if texts else None
