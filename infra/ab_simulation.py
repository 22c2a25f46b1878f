"""Simulated A/B tests, read by the product's own rule of looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from lead_scoring.ab_looks import Rules, look_at, significant
from lead_scoring.ab_reading import Reading
from lead_scoring.ab_verdict import DECISIONS, Verdict, judge
from lead_scoring.experiments import ABTest, ArmCounts, Tally, Variant

RULES = Rules(min_samples=100, level=0.05, min_effect=0.02)
_STARTED = datetime(2024, 1, 1, tzinfo=UTC)

Counts = NDArray[np.int64]


class Histories(NamedTuple):
    """Simulated tests: units and conversions so far, each of shape (tests, looks, variants)."""

    samples: Counts
    conversions: Counts


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a test: the planned size, all that a look ever called significant, the end.

    Without a decision `verdict` is None. `samples` are those of the smallest variant at the end,
    `target` is the planned size, or before there is one the required.
    """

    planned: int | None
    ever_significant: frozenset[str]
    verdict: Verdict | None
    samples: int
    target: int | None

    @property
    def is_early(self) -> bool:
        """Whether it was decided before the planned size."""
        return self.verdict is not None and (self.planned is None or self.samples < self.planned)


def ab_test(shares: Sequence[float]) -> ABTest:
    """Return a test of v0, the control, v1, ... with these shares of the traffic."""
    arms = [
        Variant(f"v{place}", f"m{place}", share, is_control=place == 0)
        for place, share in enumerate(shares)
    ]
    return ABTest("simulated", arms, "conversion", _STARTED, "simulation", "simulation")


def even_looks(first: float, last: float, count: int) -> list[int]:
    """Return the units of all variants at so many looks, evenly spaced.

    >>> even_looks(200, 1000, 5)
    [200, 400, 600, 800, 1000]
    """
    return [round(total) for total in np.linspace(first, last, count)]


def simulate(
    test: ABTest,
    rates: Sequence[float],
    totals: Sequence[int],
    count: int,
    random: np.random.Generator,
) -> Histories:
    """Simulate a test so many times; `totals` are the units of all variants at each look."""
    shares = np.array([arm.traffic_percentage for arm in test.arms])
    arriving = np.diff(np.array([0, *totals]))
    samples = random.multinomial(arriving, shares / shares.sum(), size=(count, len(arriving)))
    conversions = random.binomial(samples, np.array(rates))
    return Histories(samples.cumsum(axis=1), conversions.cumsum(axis=1))


def tallies(histories: Histories) -> Iterator[Iterator[Tally]]:
    """Iterate over the tests, and within each over what its looks count."""
    for samples, conversions in zip(*(each.tolist() for each in histories), strict=True):
        yield map(_tally, samples, conversions)


def _tally(samples: Sequence[int], conversions: Sequence[int]) -> Tally:
    counts = map(ArmCounts, samples, conversions)
    return Tally({f"v{place}": each for place, each in enumerate(counts)}, {})


def play(test: ABTest, looks: Iterable[Tally], rules: Rules = RULES) -> Played:
    """Look at a test until it is decided, keeping what `ABTestManager.results` keeps.

    The plan is frozen at the first look that allows it; the look that decides is the last.
    """
    planned, ever = None, frozenset[str]()
    samples, target = 0, None
    for tally in looks:
        look = look_at(test, tally, rules)
        if planned is None and look.can_be_planned:
            planned = look.required_samples
        found = significant(look, planned, rules)
        reading = Reading(test, look, rules, planned, found, _STARTED)
        ever |= found
        samples = min(counts.samples for _, counts in look.arms)
        target = reading.target_samples
        verdict = judge(reading)
        if verdict.code in DECISIONS:
            return Played(planned, ever, verdict, samples, target)
    return Played(planned, ever, None, samples, target)


def plain_z_ever(histories: Histories, level: float = 0.05) -> NDArray[np.bool_]:
    """Tell of each test of two variants whether the plain z-test is below the level at any look."""
    (n, m), (c, x) = (np.moveaxis(counts, -1, 0) for counts in histories)
    pooled = (c + x) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(x / m - c / n, error, out=np.zeros(error.shape), where=error > 0)
    ever: NDArray[np.bool_] = (2 * norm.sf(np.abs(z)) < level).any(axis=1)
    return ever
