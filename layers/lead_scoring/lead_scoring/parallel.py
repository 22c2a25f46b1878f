"""Several calls of a store at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# So many at once.
THREADS = 8

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")


def in_threads(call: Callable[[_Value], _Result], values: Sequence[_Value]) -> list[_Result]:
    """Call a function with each value, several at once; return the results in order.

    The first error is raised at once, and what has not begun is given up: hundreds of further
    attempts at a store that is down would outlast the request.
    """
    # The first one alone: it makes the store's client, which must not happen in two threads.
    results = [call(value) for value in values[:1]]
    if len(values) < 2:
        return results
    with ThreadPoolExecutor(THREADS) as pool:
        rest = pool.map(call, values[1:])
        try:
            return results + list(rest)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
