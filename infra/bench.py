"""Measure the product against a plain implementation of the same work, in one run.

`python -m infra.bench` trains both on the same leads with the same tree parameters and compares
one lead with reasons, a thousand leads, and a fresh process; it also measures peak memory. With
`--data` and `--outcomes` it takes leads of your own instead of synthetic ones, and measures the
training on them too. What is compared is scoring, without storage; how long training waits for
its feedback is measured on an embedded AWS.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console

from . import bench_ours, bench_plain
from .bench_data import LabelledLeads, read_labelled, synthetic
from .bench_machine import machine
from .bench_models import fit_ours, measuring_settings
from .bench_process import ProcessCost, run_fresh
from .bench_progress import Steps
from .bench_reading import measure_reading
from .bench_report import print_report
from .bench_timing import Pair, in_turn
from .reference.plain_scorer import PlainScorer
from .rows import FileError

RESULTS = Path(__file__).resolve().parents[1] / ".local" / "bench"
BATCH = 1000
WARM_UP = 10
SEED = 42
# Depth, step, rows and columns of the domain's default; the product's cross-validation is left
# to choose the number of trees up to 100, and the plain implementation gets the same number.
DEFAULT_TREES: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Effort:
    """On how many leads, unless they are your own, and how often each thing is measured."""

    synthetic_leads: int
    single: int
    batch: int
    fresh: int
    feedback_rows: Sequence[int]


FULL = Effort(
    synthetic_leads=6000, single=300, batch=9, fresh=11, feedback_rows=(10_000, 30_000, 100_000)
)
QUICK = Effort(
    synthetic_leads=2000, single=60, batch=3, fresh=3, feedback_rows=(1_000, 3_000, 10_000)
)


@dataclass(frozen=True, slots=True)
class Arena:
    """Both models, saved, and leads that neither was trained on, as JSON-like bodies."""

    ours: Path
    plain: Path
    leads_file: Path
    leads: list[dict[str, Any]]
    trained_on: int
    parameters: dict[str, Any]


def prepare(data: LabelledLeads, folder: Path, params: Mapping[str, Any] | None) -> Arena:
    """Train both sides on all but a thousand leads and save them below `folder`.

    `params` go to both; None leaves ours to its cross-validation and the plain to its defaults.
    """
    settings = measuring_settings()
    order = np.random.default_rng(SEED).permutation(len(data.leads))
    held_out = min(BATCH, len(order) // 4)
    train, tried = data.take(np.sort(order[held_out:])), data.take(order[:held_out])
    fitted = fit_ours(train, settings, params)
    bench_ours.save(fitted.artifact, folder / "ours")
    same = {} if params is None else {**fitted.params, "n_estimators": fitted.trees}
    plain = PlainScorer(
        same,
        title_terms=settings.tfidf_max_features_title,
        description_terms=settings.tfidf_max_features_desc,
    )
    plain.fit(train.rows(), train.moments, train.labels).save(folder / "plain")
    # Scored as they come in: now.
    leads = [dict(row) for row in tried.rows()]
    # The largest request holds 5,000 leads: held-out ones in turn, each with a number of its own.
    many = [{**row, "lead_id": i} for i, row in enumerate(islice(cycle(leads), 5000))]
    (folder / "leads.json").write_text(json.dumps(many), encoding="utf-8")
    parameters = {
        "ours": {**fitted.params, "n_estimators": fitted.trees},
        "plain": plain.parameters,
    }
    return Arena(
        folder / "ours",
        folder / "plain",
        folder / "leads.json",
        leads,
        len(train.leads),
        parameters,
    )


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
    return {
        "wall_seconds": in_turn([work] * rounds),
        "cpu_seconds": in_turn([work] * rounds, time.process_time),
    }


def fresh_processes(arena: Arena, rounds: int) -> dict[str, Pair]:
    """Start both sides in turn to import, load, and score one lead with reasons."""
    costs: dict[str, list[ProcessCost]] = {"ours": [], "plain": []}
    for number in range(rounds + 1):
        for side in ("ours", "plain") if number % 2 == 0 else ("plain", "ours"):
            costs[side].append(_child(side, arena, 1, explain=True)[0])
    # The first round reads files that are not in the page cache yet.
    return {
        measure: Pair(*([getattr(cost, measure) for cost in costs[side][1:]] for side in costs))
        for measure in ProcessCost._fields
    }


def request_memory(arena: Arena) -> dict[str, Any]:
    """Measure the largest requests, each in a fresh process of the product."""
    sizes = {"5000_without_reasons": (5000, False), "2000_with_reasons": (2000, True)}
    return {
        name: _child("ours", arena, count, explain=explain)[0]._asdict()
        for name, (count, explain) in sizes.items()
    }


def _child(
    side: str, arena: Arena, count: int, *, explain: bool
) -> tuple[ProcessCost, dict[str, int]]:
    folder = arena.ours if side == "ours" else arena.plain
    reasons = "reasons" if explain else "no-reasons"
    cost, output = run_fresh(
        ["-m", "infra.bench_child", side, str(folder), str(arena.leads_file), str(count), reasons]
    )
    said: dict[str, int] = json.loads(output)
    if said["scored"] != count:
        raise RuntimeError(f"{side} scored {said['scored']} leads instead of {count}")
    return cost, said


def training(leads: Path, outcomes: Path) -> dict[str, Any]:
    """Measure training the product on files, as it does by default, in a fresh process."""
    cost, output = run_fresh(["-m", "infra.bench_training", str(leads), str(outcomes)])
    report: dict[str, Any] = json.loads(output)
    return report | {"process": cost._asdict()}


def measure(data: LabelledLeads, arguments: argparse.Namespace, steps: Steps) -> dict[str, Any]:
    """Take all measurements; return them as JSON-like data."""
    effort = QUICK if arguments.quick else FULL
    report: dict[str, Any] = {"machine": machine(), "quick": arguments.quick}
    with tempfile.TemporaryDirectory(prefix="lead-scoring-bench-") as folder:
        steps.doing("training both")
        arena = prepare(data, Path(folder), None if arguments.as_trained else DEFAULT_TREES)
        report |= {"trained_on": arena.trained_on, "parameters": arena.parameters}
        steps.done("trained both")
        steps.doing("one lead")
        report["one_lead"] = single_leads(arena, effort.single).report()
        steps.done("one lead")
        steps.doing("one lead in an A/B test")
        report["ab_scoring"] = ab_scoring(arena, effort.single).report()
        steps.done("one lead in an A/B test")
        report["monitoring"] = monitoring(arena, effort.single).report()
        steps.done("what monitoring adds")
        for name, explain in (("batch_with_reasons", True), ("batch_without_reasons", False)):
            steps.doing(name)
            pairs = batches(arena, effort.batch, explain)
            report[name] = {what: pair.report() for what, pair in pairs.items()}
            steps.done(name)
        steps.doing("fresh processes")
        fresh = fresh_processes(arena, effort.fresh)
        report["fresh_process"] = {what: pair.report() for what, pair in fresh.items()}
        steps.done("fresh processes")
        report["memory"] = request_memory(arena)
        steps.done("memory")
    report["reading"] = measure_reading(effort.feedback_rows, steps)
    if arguments.data:
        steps.doing("training")
        report["training"] = training(arguments.data, arguments.outcomes)
        steps.done("training")
    return report


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
    arguments = parser.parse_args(given)
    if bool(arguments.data) != bool(arguments.outcomes):
        parser.error("--data and --outcomes belong together")
    return arguments


def main(given: Sequence[str] | None = None, output: Console | None = None) -> int:
    """Run the command; return 0, or 2 if the data cannot be used."""
    arguments = _arguments(given)
    effort = QUICK if arguments.quick else FULL
    try:
        data = (
            read_labelled(arguments.data, arguments.outcomes)
            if arguments.data
            else synthetic(effort.synthetic_leads)
        )
    except (FileError, ValueError) as fault:
        print(f"cannot measure: {fault}", file=sys.stderr)
        return 2
    with Steps("bench", 12 if arguments.data else 11) as steps:
        report = measure(data, arguments, steps)
    report["data"] = arguments.data.name if arguments.data else "synthetic demo leads"
    name = f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target = arguments.json or RESULTS / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report, target, output or Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
