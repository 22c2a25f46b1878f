"""Python's search for garbage, while what stays is loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_search() -> Iterator[None]:
    """Search for no garbage meanwhile.

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
