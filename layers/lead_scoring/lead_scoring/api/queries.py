"""Query parameters: each read by its own rule, every fault at once, none unknown, none twice."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import Fault, InvalidInputError
from .problems import json_pointer

Reader = Callable[[str | None], Any]


def whole_number(low: int, high: int, default: int) -> Reader:
    """Make a reader of a whole number in a range.

    >>> whole_number(1, 1000, 50)("7"), whole_number(1, 1000, 50)(None)
    (7, 50)
    """

    def read(text: str | None) -> int:
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def flag(default: bool) -> Reader:
    """Make a reader of `true` and `false`.

    >>> flag(True)("false")
    False
    """

    def read(text: str | None) -> bool:
        if text is None:
            return default
        if text.lower() not in ("true", "false"):
            raise ValueError("must be true or false")
        return text.lower() == "true"

    return read


def text(longest: int) -> Reader:
    """Make a reader of a text that may be absent.

    >>> text(3)("abc"), text(3)(None)
    ('abc', None)
    """

    def read(given: str | None) -> str | None:
        if given is not None and not 1 <= len(given) <= longest:
            raise ValueError(f"must have 1 to {longest:,} characters")
        return given

    return read


def read_query(given: Mapping[str, Sequence[str]], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read all parameters; raise InvalidInputError with every fault.

    >>> read_query({"limit": ["7"]}, {"limit": whole_number(1, 1000, 50)})
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
