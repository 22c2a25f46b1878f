"""Whether numbers differ from each other, without what `np.unique` loads for it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def all_distinct(numbers: NDArray[np.integer[Any]]) -> bool:
    """Tell whether no two whole numbers are equal.

    `np.unique` asks whether they are masked, and loads `numpy.ma` for it: 10 ms of a cold start.

    >>> all_distinct(np.array([3, 1, 2])), all_distinct(np.array([3, 1, 3]))
    (True, False)
    """
    ordered = np.sort(numbers, axis=None)
    return not bool((ordered[1:] == ordered[:-1]).any())
