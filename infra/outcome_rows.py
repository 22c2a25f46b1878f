"""Read what became of a lead from a row of a user's file, naming every fault at once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_scoring.api import fields
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import Fault, InvalidInputError

_BOOLEANS = {
    "true": True,
    "yes": True,
    "1": True,
    "1.0": True,
    "false": False,
    "no": False,
    "0": False,
    "0.0": False,
}


def read_outcome(row: Mapping[str, Any], now: datetime) -> Outcome:
    """Return the outcome of a row, further fields ignored; raise InvalidInputError.

    >>> read_outcome({"lead_id": 7, "converted": 1, "views": 12}, datetime.now(UTC)).converted
    True
    """
    faults: list[Fault] = []

    def take(name: str, read: Callable[[Any], Any]) -> Any:
        value = row.get(name)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as error:
            faults.append(Fault(f"/{name}", str(error)))
            return None

    id_field = "lead_id" if row.get("lead_id") is not None else "id"
    lead_id = take(id_field, fields.lead_id)
    converted = take("converted", _boolean)
    for name, field in (("lead_id", id_field), ("converted", "converted")):
        if row.get(field) is None:
            faults.append(Fault(f"/{name}", "is missing"))
    outcome = Outcome(
        lead_id=lead_id,
        converted=bool(converted),
        contacted=take("contacted", _boolean),
        user_rating=take("user_rating", _within(100)),
        conversion_value=take("conversion_value", _within(1e12)),
        occurred_at=take("occurred_at", lambda value: _moment(value, now)),
    )
    if faults:
        raise InvalidInputError(tuple(faults))
    return outcome


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | int | float | str):
        known = _BOOLEANS.get(str(value).strip().lower())
        if known is not None:
            return known
    raise ValueError("must be true or false, or 1 or 0")


def _within(most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError("must be a number")
        if not 0 <= value <= most:
            raise ValueError(f"must be from 0 to {most:g}")
        return float(value)

    return read


def _moment(value: Any, now: datetime) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 2024-01-31T12:00:00Z")
    try:
        parsed = datetime.fromisoformat(value.strip())
        moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2024-01-31T12:00:00Z") from None
    if moment > now + timedelta(days=1):
        raise ValueError("must not be in the future")
    return moment
