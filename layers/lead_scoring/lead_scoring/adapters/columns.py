"""Kinds of DynamoDB columns: moments, exact numbers, and maps of them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pynamodb.attributes import Attribute

from ..entities import iso

# DynamoDB's numbers end at this magnitude (Developer Guide, "Naming rules and data types").
_SMALLEST = 1e-130


class MomentColumn(Attribute[datetime]):
    """An aware UTC time as text that sorts by time, to the microsecond."""

    attr_type = "S"

    def serialize(self, value: datetime) -> str:
        """Write the moment with microseconds and `Z`."""
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        """Read what `serialize` wrote."""
        return datetime.fromisoformat(value)


class FloatColumn(Attribute[float]):
    """A finite double, kept exactly; what is too small for DynamoDB is kept as zero."""

    attr_type = "N"

    def serialize(self, value: float) -> str:
        """Write the shortest text that reads back as the same number.

        >>> FloatColumn().serialize(0.1), FloatColumn().serialize(5e-324)
        ('0.1', '0.0')
        """
        return _number(value)

    def deserialize(self, value: str) -> float:
        """Read any of the ways in which DynamoDB writes a number."""
        return float(value)


class WholeColumn(Attribute[int]):
    """A whole number."""

    attr_type = "N"

    def serialize(self, value: int) -> str:
        """Write the digits."""
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """Read the digits."""
        return int(value)


class FloatMapColumn(Attribute[Mapping[str, float | None]]):
    """Named numbers, None where one could not be computed."""

    attr_type = "M"

    def serialize(self, value: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
        """Write each as a number or as null."""
        return {
            name: {"NULL": True} if number is None else {"N": _number(number)}
            for name, number in value.items()
        }

    def deserialize(self, value: dict[str, dict[str, Any]]) -> dict[str, float | None]:
        """Read each back."""
        return {name: float(entry["N"]) if "N" in entry else None for name, entry in value.items()}


class TextMapColumn(Attribute[Mapping[str, str]]):
    """Named texts."""

    attr_type = "M"

    def serialize(self, value: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Write each as a text."""
        return {name: {"S": text} for name, text in value.items()}

    def deserialize(self, value: dict[str, dict[str, str]]) -> dict[str, str]:
        """Read each back."""
        return {name: entry["S"] for name, entry in value.items()}


def _number(value: float) -> str:
    if abs(value) < _SMALLEST:
        return "0.0"
    # JSON has no NaN and no infinity; neither has DynamoDB.
    return json.dumps(float(value), allow_nan=False)
