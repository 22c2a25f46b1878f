"""Measure the product against a plain implementation of the same work, in one run.

`python -m infra.bench` trains both on the same leads with the same tree parameters, and compares
one lead, batches, fresh processes, cold starts of the built functions, and training. With `--data`
and `--outcomes` it takes leads of your own instead of synthetic ones, and trains on them too. What
has no plain counterpart, such as keeping scores in an embedded AWS, is measured alone, or beside
the obvious other way. `--readme` writes the newest figures into README.md and docs/performance.md.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from .bench_arena import DEFAULT_TREES, Arena, prepare_apart
from .bench_breakdown import breakdown
from .bench_cold_starts import measure_cold_starts
from .bench_data import read_labelled, synthetic
from .bench_effort import FULL, QUICK, Effort
from .bench_fresh import fresh_processes, request_memory
from .bench_machine import machine
from .bench_pages import RESULTS, write_pages
from .bench_progress import Steps
from .bench_reading import measure_reading
from .bench_report import print_report
from .bench_scoring import ab_scoring, batch_sizes, batches, monitoring, single_leads
from .bench_storage import measure_storage
from .bench_timing import Pair
from .bench_training import measure_trainings, training_on_files
from .lambda_runtime import built_template
from .rows import FileError
from .sizes import built_sizes, is_older_than_its_code
from .state import RunError

Take = Callable[[Arena, Effort], Any]
# Name in the results, what is said of it while it is measured, and how it is.
SCORING: tuple[tuple[str, str, Take], ...] = (
    ("one_lead", "one lead", lambda a, e: single_leads(a, e.single).report()),
    ("ab_scoring", "one lead in an A/B test", lambda a, e: ab_scoring(a, e.single).report()),
    ("monitoring", "what monitoring adds", lambda a, e: monitoring(a, e.single).report()),
    ("breakdown", "where the time goes", lambda a, e: breakdown(a, e.single, e.batch)),
    (
        "batch_with_reasons",
        "1,000 leads with reasons",
        lambda a, e: _reports(batches(a, e.batch, explain=True)),
    ),
    (
        "batch_without_reasons",
        "1,000 leads without reasons",
        lambda a, e: _reports(batches(a, e.batch, explain=False)),
    ),
    (
        "sizes_with_reasons",
        "batches with reasons, by size",
        lambda a, e: batch_sizes(a, e.sizes, explain=True),
    ),
    (
        "sizes_without_reasons",
        "batches without reasons, by size",
        lambda a, e: batch_sizes(a, e.sizes, explain=False),
    ),
    ("fresh_process", "fresh processes", lambda a, e: _reports(fresh_processes(a, e.fresh))),
    ("memory", "memory of the largest requests", lambda a, _: request_memory(a)),
    ("storage", "a batch that is kept", lambda a, e: measure_storage(a, e.stored, e.storage)),
)


def _reports(pairs: dict[str, Pair]) -> dict[str, Any]:
    return {measure: pair.report() for measure, pair in pairs.items()}


def step_count(effort: Effort, own_data: bool) -> int:
    """Return in how many steps `measure` tells how far it is."""
    listed = len(effort.trainings) + len(effort.feedback_rows)
    return 1 + len(SCORING) + effort.cold + 1 + listed + int(own_data)


def measure(effort: Effort, arguments: argparse.Namespace, steps: Steps) -> dict[str, Any]:
    """Take all measurements; return them as JSON-like data. Raises FileError."""
    report: dict[str, Any] = {
        "machine": machine(),
        "quick": arguments.quick,
        "effort": asdict(effort),
    }
    with tempfile.TemporaryDirectory(prefix="lead-scoring-bench-") as folder:
        steps.doing("training both")
        read = partial(synthetic, effort.synthetic_leads)
        if arguments.data:
            read = partial(read_labelled, arguments.data, arguments.outcomes)
        trees = None if arguments.as_trained else DEFAULT_TREES
        arena = prepare_apart(read, Path(folder), trees)
        report |= {"trained_on": arena.trained_on, "parameters": arena.parameters}
        steps.done("trained both")
        for name, label, take in SCORING:
            steps.doing(label)
            report[name] = take(arena, effort)
            steps.done(label)
        report["cold_starts"] = measure_cold_starts(arena, effort.cold, steps)
    report |= _build()
    report["reading"] = measure_reading(effort.feedback_rows, steps)
    report["trainings"] = measure_trainings(effort.trainings, steps)
    if arguments.data:
        steps.doing("training on your leads")
        report["training"] = training_on_files(arguments.data, arguments.outcomes)
        steps.done("training on your leads")
    return report


def _build() -> dict[str, Any]:
    try:
        sizes = [each._asdict() for each in built_sizes(built_template())]
    except RunError:
        # The cold starts have said so.
        return {"built_sizes": []}
    return {"built_sizes": sizes, "build_is_old": is_older_than_its_code()}


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    parser.add_argument("--data", type=Path, help="leads of your own, JSON Lines or CSV")
    parser.add_argument("--outcomes", type=Path, help="what became of them")
    parser.add_argument(
        "--as-trained",
        action="store_true",
        help="ours with the trees that its cross-validation chooses, plain with the defaults",
    )
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument(
        "--readme",
        action="store_true",
        help="measure nothing: write the newest figures into README.md and docs/performance.md",
    )
    arguments = parser.parse_args(given)
    if bool(arguments.data) != bool(arguments.outcomes):
        parser.error("--data and --outcomes belong together")
    return arguments


def main(given: Sequence[str] | None = None, output: Console | None = None) -> int:
    """Run the command; return 0, or 2 if the data or the pages cannot be used."""
    arguments = _arguments(given)
    effort = QUICK if arguments.quick else FULL
    if arguments.readme:
        try:
            write_pages()
        except (OSError, ValueError) as fault:
            print(f"cannot write the figures: {fault}", file=sys.stderr)
            return 2
        return 0
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        with Steps("bench", step_count(effort, bool(arguments.data))) as steps:
            report = measure(effort, arguments, steps)
    except FileError as fault:
        print(f"cannot measure: {fault}", file=sys.stderr)
        return 2
    report["minutes"] = (time.monotonic() - began) / 60
    report["load_averages"] = [load, os.getloadavg()[0]]
    report["data"] = arguments.data.name if arguments.data else "synthetic demo leads"
    name = f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target = arguments.json or RESULTS / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report, target, output or Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
