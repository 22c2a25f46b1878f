"""The definitions of running A/B tests, read at most every so many seconds each."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from .errors import StoreUnavailableError
from .experiments import ABTest
from .ports import ABTestStore

_MOST_TESTS = 100


class Known(NamedTuple):
    """A test as it was when it was read; `is_degraded` if the store could not say how it is now."""

    test: ABTest
    is_degraded: bool = False


class ABTestCache:
    """Keeps tests as they were read: scoring needs nothing of them that changes while they run."""

    def __init__(
        self,
        tests: ABTestStore,
        refresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wire it; nothing is read yet."""
        self._tests, self._refresh_seconds, self._monotonic = tests, refresh_seconds, monotonic
        self._known: OrderedDict[str, tuple[Known, float]] = OrderedDict()

    def get(self, test_name: str) -> Known:
        """Return a test; raise NotFoundError, or StoreUnavailableError where none is known."""
        known, read_at = self._known.get(test_name, (None, 0.0))
        now = self._monotonic()
        if known is not None and now < read_at + self._refresh_seconds:
            return known
        try:
            fresh = Known(self._tests.get(test_name))
        except StoreUnavailableError:
            if known is None:
                raise
            # Not asked again at once: a store that hangs would cost every score its patience.
            fresh = known._replace(is_degraded=True)
        self._known[test_name] = (fresh, self._monotonic())
        while len(self._known) > _MOST_TESTS:
            self._known.popitem(last=False)
        return fresh

    def forget(self, test_name: str) -> None:
        """Have a test read anew when it is asked for next."""
        self._known.pop(test_name, None)
