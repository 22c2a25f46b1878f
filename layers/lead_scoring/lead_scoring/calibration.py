"""From raw log-odds to a probability that means what it says."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError

Doubles = NDArray[np.float64]


class Calibration:
    """The beta calibration map p = sigmoid(a ln s - b ln(1 - s) + c), with s = sigmoid(margin).

    With a = b it is Platt's map sigmoid(a margin + c), which is what few samples get. `a` and `b`
    are above 0, so p rises strictly with the margin. Sources: Platt, "Probabilistic outputs for
    support vector machines", 1999; Kull, Silva Filho, Flach, "Beta calibration", AISTATS 2017.

    >>> Calibration("platt", a=1.0, b=1.0, c=0.0).probabilities(np.array([0.0])).tolist()
    [0.5]
    """

    def __init__(self, kind: str, a: float, b: float, c: float) -> None:
        """Take the map's three numbers; raise ArtifactError unless it rises with the margin."""
        self.kind, self.a, self.b, self.c = kind, a, b, c
        if not (a > 0 and b > 0 and np.isfinite([a, b, c]).all()):
            raise ArtifactError("a calibration must rise with the margin")

    def probabilities(self, margins: Doubles) -> Doubles:
        """Return the calibrated probability of each margin, in [0, 1]."""
        return np.array([self.probability(margin) for margin in margins.tolist()])

    def probability(self, margin: float) -> float:
        """Return the calibrated probability of a margin, in [0, 1]."""
        # One by one in a few steps, which a call of numpy for one of them takes as well.
        # -ln(1 - s) is softplus(margin), and ln s that subtracted from the margin.
        softplus = max(margin, 0.0) + math.log1p(math.exp(-abs(margin)))
        half = self.a / 2 * margin + (self.b - self.a) / 2 * softplus + self.c / 2
        return 0.5 + 0.5 * math.tanh(half)

    def to_json(self) -> dict[str, Any]:
        """Return the map for the artifact."""
        return {"kind": self.kind, "a": self.a, "b": self.b, "c": self.c}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Calibration":
        """Read the map back; raise ArtifactError if it is malformed."""
        try:
            return cls(str(value["kind"]), float(value["a"]), float(value["b"]), float(value["c"]))
        except (KeyError, TypeError, ValueError, OverflowError) as fault:
            raise ArtifactError("the calibration is malformed") from fault
