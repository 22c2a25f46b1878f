"""Time two ways of doing the same work in turn, so that the machine's drift meets both alike."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both sides, taken in turn; equal lengths, same unit."""

    ours: list[float]
    plain: list[float]

    def report(self) -> dict[str, Any]:
        """Return percentiles of both sides, and the median and spread of the ratios pair by pair.

        `speedup` is plain over ours, `share` is ours over plain.

        >>> Pair([1.0, 2.0], [10.0, 20.0]).report()["speedup"]["median"]
        10.0
        """
        ours, plain = np.array(self.ours), np.array(self.plain)
        return {
            "ours": _percentiles(ours),
            "plain": _percentiles(plain),
            "speedup": _spread(plain / ours),
            "share": _spread(ours / plain),
            "pairs": len(ours),
        }


def in_turn(
    works: Sequence[tuple[Callable[[], Any], Callable[[], Any]]],
    clock: Callable[[], float] = time.perf_counter,
) -> Pair:
    """Time pairs of works (ours, plain), each pair right after another, first one then the other.

    >>> len(in_turn([(int, int), (int, int)]).ours)
    2
    """
    (pair,) = in_turn_by(works, clock)
    return pair


def in_turn_by(
    works: Sequence[tuple[Callable[[], Any], Callable[[], Any]]], *clocks: Callable[[], float]
) -> list[Pair]:
    """Time as `in_turn` does, by several clocks at once; return a pair a clock."""
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in clocks]
    gc.collect()
    for number, pair in enumerate(works):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            began = [clock() for clock in clocks]
            pair[side]()
            for each, clock, start in zip(times, clocks, began, strict=True):
                each[side].append(clock() - start)
    return [Pair(*each) for each in times]


def _percentiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values, p)) for p in PERCENTILES}


def _spread(ratios: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    low, median, high = np.percentile(ratios, [10, 50, 90])
    return {"median": float(median), "p10": float(low), "p90": float(high)}
