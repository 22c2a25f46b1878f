"""Read one field of a body each: the value that the domain wants, or ValueError saying what to do.

The messages complete a sentence that starts with the field: "price must be at most 1e12".
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ..entities import ACTION_TYPES

_MAX_ID = 128
_ID_BEYOND = 10**_MAX_ID
_DAY = timedelta(days=1)
_MAX_PRICE = 1e12
_MAX_EMAIL = 320
_MAX_RATING = 100
_MAX_SECONDS = 7 * 24 * 3600
_MAX_NAME = 255
# The shapes of ISO 8601 that say a day at least; what stands in them is checked by `datetime`.
_ISO_8601 = re.compile(
    r"\d{4}(-?)\d\d\1\d\d([Tt ]\d\d(:?\d\d(:?\d\d([.,]\d+)?)?)?([Zz]|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)


def lead_id(value: object) -> int | str:
    """Read a lead's id: a whole number of up to 128 digits, or 1 to 128 characters."""
    if isinstance(value, str):
        if not 1 <= len(value) <= _MAX_ID:
            raise ValueError(f"must have 1 to {_MAX_ID} characters, not {len(value)}")
        return _encodable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= _ID_BEYOND:
            raise ValueError(f"must have at most {_MAX_ID} digits")
        return value
    raise ValueError(f"must be a whole number or a text, not {_kind(value)}")


def title(value: object) -> str:
    """Read a title and trim it.

    >>> title("  Data engineer ")
    'Data engineer'
    """
    trimmed = _text(value).strip()
    if not trimmed:
        raise ValueError("must not be empty")
    return _at_most(500, trimmed)


def description(value: object) -> str | None:
    """Read a description of up to 50,000 characters."""
    return None if value is None else _at_most(50_000, _text(value, "a text or null"))


def short_text(value: object) -> str | None:
    """Read a text of up to 200 characters."""
    return None if value is None else _at_most(200, _text(value, "a text or null"))


def email(value: object) -> str | None:
    """Read an address, normalised; one that is blank is absent.

    >>> email(" Ann@Example.COM ")
    'ann@example.com'
    """
    if value is None:
        return None
    return _at_most(_MAX_EMAIL, _text(value, "a text or null")).strip().lower() or None


def price(value: object) -> float | None:
    """Read a price from 0 to 1e12."""
    return _number(value, _MAX_PRICE, "1e12")


def rating(value: object) -> float | None:
    """Read a rating from 0 to 100."""
    return _number(value, _MAX_RATING, "100")


def seconds(value: object) -> float | None:
    """Read a duration of up to a week."""
    return _number(value, _MAX_SECONDS, "604800 seconds")


def yes_or_no(value: object) -> bool | None:
    """Read true or false."""
    if value is None or isinstance(value, bool):
        return value
    raise ValueError(f"must be true, false or null, not {_kind(value)}")


def name(value: object) -> str | None:
    """Read the name of a session or of a user: 1 to 255 characters."""
    return None if value is None else required_name(value, "a text or null")


def required_name(value: object, wanted: str = "a text") -> str:
    """Read the name of a session, where there must be one: 1 to 255 characters."""
    text = _text(value, wanted)
    if not 1 <= len(text) <= _MAX_NAME:
        raise ValueError(f"must have 1 to {_MAX_NAME} characters, not {len(text):,}")
    return text


def action_type(value: object) -> str:
    """Read what was done with a lead."""
    return _one_of(ACTION_TYPES, value)


def observed_action(value: object) -> str:
    """Read what was done with a lead as far as it can be observed: nobody rates unawares."""
    return _one_of([each for each in ACTION_TYPES if each != "rate"], value)


def posted_at(value: object, now: datetime) -> datetime | None:
    """Read when a lead was posted: at most one day ahead, because clocks differ."""
    moment = _moment(value)
    if moment and moment > now + _DAY:
        raise ValueError("must not be more than 1 day in the future")
    return moment


def created_at(value: object, now: datetime) -> datetime | None:
    """Read when something was done: at most one day ahead, because clocks differ."""
    return posted_at(value, now)


def as_of(value: object, now: datetime) -> datetime | None:
    """Read the moment to score for: not in the future."""
    moment = _moment(value)
    if moment and moment > now:
        raise ValueError("must not be in the future")
    return moment


def _number(value: object, most: float, shown: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number or null, not {_kind(value)}")
    if not 0 <= value <= most:
        raise ValueError(f"must be from 0 to {shown}")
    # Adding zero makes zero of the negative zero.
    return float(value) + 0.0


def _one_of(choices: Sequence[str], value: object) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return value


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else _parsed(value)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


def _parsed(value: object) -> datetime:
    text = _text(value, "a time as text or null")
    wrong = "must be a time such as 2024-01-31T12:00:00Z"
    if not _ISO_8601.fullmatch(text):
        raise ValueError(wrong)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(wrong) from None


def _text(value: object, wanted: str = "a text") -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be {wanted}, not {_kind(value)}")
    return value if value.isascii() else _encodable(value)


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return text


def _at_most(limit: int, text: str) -> str:
    if len(text) > limit:
        raise ValueError(f"must have at most {limit:,} characters, not {len(text):,}")
    return text


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    if value is None:
        return "null"
    if isinstance(value, float) and not isinstance(value, bool):
        return "a fraction" if value % 1 else "a number with a decimal point"
    return kinds.get(type(value), "a number")
