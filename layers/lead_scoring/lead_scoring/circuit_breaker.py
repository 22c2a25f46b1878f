"""A store that is down is asked now and then, not by every request.

Source: Nygard, "Release It!", 2007, chapter "Stability Patterns", Circuit Breaker.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from .errors import StoreUnavailableError

_SHORTEST_PAUSE_SECONDS = 1.0
# One that is refused now and then, as a table that throttles does, is no store that is down.
_FAILURES_IN_A_ROW = 2

_Result = TypeVar("_Result")


def pause_after(failed_for: float, longest: float) -> float:
    """Return for how long to leave a store alone that took `failed_for` to fail, in seconds.

    Twice as long as the failure took: of the time, at most a third is spent waiting for it.

    >>> pause_after(0.01, 30), pause_after(7.5, 30), pause_after(60, 30)
    (1.0, 15.0, 30)
    """
    return min(longest, max(_SHORTEST_PAUSE_SECONDS, 2 * failed_for))


class CircuitBreaker:
    """Lets calls of a store through while it answers, and one at a time while it does not."""

    def __init__(
        self, longest_pause_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Wire it; the store counts as well until a call fails."""
        self._longest_pause_seconds, self._monotonic = longest_pause_seconds, monotonic
        # What it failed of last, while it is left alone.
        self._failure: StoreUnavailableError | None = None
        self._failures, self._next_try = 0, 0.0
        self._trying = threading.Lock()

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Do the work; raise StoreUnavailableError, at once if the store is being left alone."""
        failure = self._failure
        if failure is None:
            return self._try(work)
        if self._monotonic() < self._next_try or not self._trying.acquire(blocking=False):
            raise StoreUnavailableError(failure.store) from failure
        try:
            return self._try(work)
        finally:
            self._trying.release()

    def _try(self, work: Callable[[], _Result]) -> _Result:
        started = self._monotonic()
        try:
            result = work()
        except StoreUnavailableError as failure:
            now = self._monotonic()
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                self._next_try = now + pause_after(now - started, self._longest_pause_seconds)
                self._failure = failure
            raise
        self._failure, self._failures = None, 0
        return result
