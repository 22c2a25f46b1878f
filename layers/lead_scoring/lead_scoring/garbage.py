"""Python's search for garbage, and when it can only cost time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Search for no garbage meanwhile; also a decorator.

    Answers hold no cycles: to search ten thousand of them takes a fifth of the time of making them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def loading() -> Iterator[None]:
    """Search for no garbage while what stays is loaded.

    What is imported and wired stays as long as the process: to search it again and again, as it
    grows, takes a tenth of a start.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # What came meanwhile counts as old, and not as so much that a search is due at once.
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
