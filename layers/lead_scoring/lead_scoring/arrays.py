"""What is asked of arrays when a model is loaded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def are_distinct(numbers: NDArray[Any]) -> bool:
    """Tell whether no number occurs twice.

    `numpy.unique` imports masked arrays, which took as long as all else that is asked of a model.

    >>> are_distinct(np.array([3, 1, 2])), are_distinct(np.array([3, 1, 3]))
    (True, False)
    """
    ordered = np.sort(numbers)
    return not np.any(ordered[1:] == ordered[:-1])
