"""Time zones by their IANA names."""

from datetime import UTC, tzinfo


def time_zone(name: str) -> tzinfo:
    """Return a time zone; raise KeyError, ValueError or OSError where there is none of that name.

    UTC, the default, comes without the module that knows the others, which takes a start 4 ms.

    >>> time_zone("UTC") is UTC
    True
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
