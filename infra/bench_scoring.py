"""Time scoring in one warm process, both sides in turn: one lead, and batches of many sizes."""

import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any
from unittest import mock

from . import bench_ours, bench_plain
from .bench_arena import BATCH, Arena
from .bench_ours import Score
from .bench_timing import Pair, in_turn, in_turn_by

WARM_UP = 10
# As many as one request may hold, with reasons and without.
SIZES = {True: (1, 10, 100, 1000, 2000), False: (1, 10, 100, 1000, 5000)}
# Small batches are timed so many leads or calls at a time.
_LEADS_AT_A_TIME, _MOST_CALLS = 1000, 20


def single_leads(arena: Arena, rounds: int) -> Pair:
    """Time one lead with reasons, each time another lead."""
    ours, plain = bench_ours.connect(arena.ours), bench_plain.connect(arena.plain)
    leads = list(islice(cycle(arena.leads), rounds + WARM_UP))
    works = [(partial(ours, [lead], True), partial(plain, [lead], True)) for lead in leads]
    pair = in_turn(works)
    return Pair(pair.ours[WARM_UP:], pair.plain[WARM_UP:])


def ab_scoring(arena: Arena, rounds: int) -> Pair:
    """Time one lead with reasons in an A/B test, beside the same lead scored without one."""
    in_test, alone = bench_ours.connect_ab_test(arena.ours), bench_ours.connect(arena.ours)
    leads = list(islice(cycle(arena.leads), rounds + WARM_UP))
    pair = in_turn([(partial(in_test, lead), partial(alone, [lead], True)) for lead in leads])
    return Pair(pair.ours[WARM_UP:], pair.plain[WARM_UP:])


def monitoring(arena: Arena, rounds: int) -> Pair:
    """Time what monitoring adds to one lead with reasons, beside the scoring itself.

    As on Lambda, where each request is a line of metrics in the log.
    """
    score = bench_ours.connect(arena.ours)
    leads = list(islice(cycle(arena.leads), rounds + WARM_UP))
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        mock.patch.dict(os.environ, {"AWS_LAMBDA_FUNCTION_NAME": "bench"}),
    ):
        added = bench_ours.monitored()
        pair = in_turn([(added, partial(score, [lead], True)) for lead in leads])
    return Pair(pair.ours[WARM_UP:], pair.plain[WARM_UP:])


def batches(arena: Arena, rounds: int, explain: bool) -> dict[str, Pair]:
    """Time a thousand leads in one call: wall and processor seconds."""
    ours, plain = bench_ours.connect(arena.ours), bench_plain.connect(arena.plain)
    leads = list(islice(cycle(arena.leads), BATCH))
    work = (partial(ours, leads, explain), partial(plain, leads, explain))
    in_turn([work])
    wall, cpu = in_turn_by([work] * rounds, time.perf_counter, time.process_time)
    return {"wall_seconds": wall, "cpu_seconds": cpu}


def batch_sizes(arena: Arena, rounds: int, explain: bool) -> dict[str, Any]:
    """Time calls of ever more leads: processor seconds a lead, by size.

    `growth` is what a lead costs us in the largest call, beside what it costs in calls of ten.
    """
    ours, plain = bench_ours.connect(arena.ours), bench_plain.connect(arena.plain)
    largest = SIZES[explain][-1]
    sizes = []
    for size in SIZES[explain]:
        few = max(size, min(_MOST_CALLS * size, _LEADS_AT_A_TIME))
        works = (
            _in_calls(ours, arena, size, few, explain),
            _in_calls(plain, arena, size, few, explain),
        )
        pair = _cost_a_lead(works, few, rounds)
        sizes.append({"leads": size, "cpu_seconds_a_lead": pair.report()})
    works = (
        _in_calls(ours, arena, largest, largest, explain),
        _in_calls(ours, arena, 10, largest, explain),
    )
    growth = _cost_a_lead(works, largest, rounds)
    return {"sizes": sizes, "growth": growth.report()}


def _in_calls(
    score: Score, arena: Arena, size: int, count: int, explain: bool
) -> Callable[[], None]:
    """Return the scoring of so many leads, in calls of a size."""
    leads = list(islice(cycle(arena.leads), count))
    calls = [leads[start : start + size] for start in range(0, count, size)]

    def score_all() -> None:
        for each in calls:
            score(each, explain)

    return score_all


def _cost_a_lead(
    works: tuple[Callable[[], None], Callable[[], None]], leads: int, rounds: int
) -> Pair:
    pair = in_turn([works] * (1 + rounds), time.process_time)
    # The first ones only warm up.
    return Pair([each / leads for each in pair.ours[1:]], [each / leads for each in pair.plain[1:]])
