"""Measure fresh processes, both sides in turn: start, import, load, and score once."""

import json
from typing import Any

from .bench_arena import Arena
from .bench_process import ProcessCost, run_fresh
from .bench_timing import Pair


def fresh_processes(arena: Arena, rounds: int) -> dict[str, Pair]:
    """Start both sides in turn to import, load, and score one lead with reasons."""
    costs: dict[str, list[ProcessCost]] = {"ours": [], "plain": []}
    for number in range(rounds + 1):
        for side in ("ours", "plain") if number % 2 == 0 else ("plain", "ours"):
            costs[side].append(fresh_child(side, arena, 1, explain=True)[0])
    # The first round reads files that are not in the page cache yet.
    return {
        measure: Pair(*([getattr(cost, measure) for cost in costs[side][1:]] for side in costs))
        for measure in ProcessCost._fields
    }


def request_memory(arena: Arena) -> dict[str, Any]:
    """Measure the largest requests, each in a fresh process of the product."""
    sizes = {"5000_without_reasons": (5000, False), "2000_with_reasons": (2000, True)}
    return {
        name: fresh_child("ours", arena, count, explain=explain)[0]._asdict()
        for name, (count, explain) in sizes.items()
    }


def fresh_child(
    side: str, arena: Arena, count: int, *, explain: bool
) -> tuple[ProcessCost, dict[str, int]]:
    """Score so many leads in one call of a fresh process; return its cost and what it said."""
    folder = arena.ours if side == "ours" else arena.plain
    reasons = "reasons" if explain else "no-reasons"
    cost, output = run_fresh(
        ["-m", "infra.bench_child", side, str(folder), str(arena.leads_file), str(count), reasons]
    )
    said: dict[str, int] = json.loads(output)
    if said["scored"] != count:
        raise RuntimeError(f"{side} scored {said['scored']} leads instead of {count}")
    return cost, said
