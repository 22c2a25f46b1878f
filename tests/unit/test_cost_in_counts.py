"""What scoring costs, in counts that do not depend on the machine: calls, and memory at its peak.

Seconds jitter and stay in `make bench`. Whoever needs more changes the figure here, and says why.
Few words are counted by Python, which takes more calls than numpy, each a twentieth of one of its.
"""

import sys
import tracemalloc
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lead_scoring.entities import Lead
from lead_scoring.scoring_model import ScoringModel
from tests import builders, forests
from tests.builders import POSTED_AT

LEADS = builders.various_leads(40) * 25


@lru_cache
def model() -> ScoringModel:
    return forests.small_model().scoring_model


def calls_of(work: Callable[[], Any]) -> int:
    """Count the calls of Python's functions and of C's."""
    count = 0

    def see(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def score(leads: list[Lead], *, explain: bool) -> None:
    model().score(leads, [POSTED_AT] * len(leads), explain=explain).explanations()


def test_one_lead_with_reasons_takes_few_calls() -> None:
    score(LEADS, explain=True)

    calls = [calls_of(lambda one=one: score([one], explain=True)) for one in LEADS[:40]]

    assert sum(calls) / len(calls) < 480


def test_a_lead_among_a_thousand_takes_a_fraction_of_them() -> None:
    score(LEADS, explain=True)

    with_reasons = calls_of(lambda: score(LEADS, explain=True)) / len(LEADS)
    without = calls_of(lambda: score(LEADS, explain=False)) / len(LEADS)

    assert with_reasons < 220
    assert without < 163


def test_the_cost_of_a_lead_does_not_grow_with_the_batch() -> None:
    score(LEADS, explain=True)

    ten, hundred, thousand = (
        calls_of(lambda size=size: score(LEADS[:size], explain=True)) / size
        for size in (10, 100, 1000)
    )

    assert ten > hundred >= thousand


def test_a_thousand_leads_take_little_memory() -> None:
    score(LEADS, explain=True)

    tracemalloc.start()
    try:
        score(LEADS, explain=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak / len(LEADS) < 8_000
