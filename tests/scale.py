"""How much the longest tests do: less in `make test`, all of it in `make stress`."""

import os
from typing import TypeVar

THOROUGH = os.environ.get("THOROUGH", "") not in ("", "0", "no")

_Amount = TypeVar("_Amount")


def either(quick: _Amount, thorough: _Amount) -> _Amount:
    """Return what `make test` does, or what `make stress` does."""
    return thorough if THOROUGH else quick
