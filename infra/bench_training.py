"""Measure training at several sizes, the product beside the plain implementation.

Both sides train with the same parameters, those of the plain implementation; only ours finds its
number of trees by cross-validation. How long it also chooses among sets of parameters, as it does
by default, is measured apart. Each training is a process of its own, which is what `python -m
infra.bench_training` does alone: `... {given,chosen} {ours,plain} ROWS` on so many synthetic demo
leads, `... LEADS OUTCOMES` on files.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .bench_data import LabelledLeads, read_labelled, synthetic
from .bench_models import fit_ours, measuring_settings
from .bench_process import run_fresh
from .bench_progress import Steps
from .bench_timing import Pair
from .reference.plain_scorer import DEFAULT_PARAMETERS, PlainScorer

SIDES = ("ours", "plain")
# Of some synthetic leads the outcome is still open.
_MADE_FOR_EACH_ROW = 1.1


class Training(NamedTuple):
    """On how many synthetic leads to train, how often, and whether ours chooses its parameters."""

    rows: int
    rounds: int
    chosen: bool = False


def measure_trainings(wanted: Sequence[Training], steps: Steps) -> list[dict[str, Any]]:
    """Train both sides on synthetic leads; one step a training."""
    figures = []
    for rows, rounds, chosen in wanted:
        what = f"training on {rows:,} leads" + (", parameters chosen" if chosen else "")
        steps.doing(what)
        figures.append(_trainings(str(rows), rounds=rounds, chosen=chosen))
        steps.done(what)
    return figures


def training_on_files(leads: Path, outcomes: Path) -> dict[str, Any]:
    """Train both sides once on leads of your own, as they do by default."""
    return _trainings(str(leads), str(outcomes), rounds=1, chosen=True) | {"own": True}


def _trainings(*source: str, rounds: int, chosen: bool) -> dict[str, Any]:
    how = "chosen" if chosen else "given"
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else SIDES[::-1]:
            cost, output = run_fresh(["-m", "infra.bench_training", how, side, *source])
            said = json.loads(output) | {"peak_megabytes": cost.peak_megabytes}
            runs[side].append(said)
    measures = ("wall_seconds", "cpu_seconds", "peak_megabytes")
    pairs = {
        measure: Pair(*([run[measure] for run in runs[side]] for side in SIDES)).report()
        for measure in measures
    }
    trees = {side: runs[side][0]["trees"] for side in SIDES}
    return {"leads": runs["ours"][0]["leads"], "chosen": chosen, "trees": trees, **pairs}


def synthetic_rows(rows: int) -> LabelledLeads:
    """Return exactly so many synthetic leads whose outcome is known, the oldest ones."""
    data = synthetic(round(_MADE_FOR_EACH_ROW * rows) + 100)
    if len(data.leads) < rows:
        raise RuntimeError(f"only {len(data.leads)} synthetic leads have an outcome")
    return data.take(np.arange(rows))


def train(side: str, data: LabelledLeads, *, chosen: bool) -> int:
    """Train one side without any store; return its number of trees."""
    settings = measuring_settings()
    if side == "ours":
        return fit_ours(data, settings, None if chosen else DEFAULT_PARAMETERS).trees
    plain = PlainScorer(
        title_terms=settings.tfidf_max_features_title,
        description_terms=settings.tfidf_max_features_desc,
    )
    plain.fit(data.rows(), data.moments, data.labels)
    return int(plain.parameters["n_estimators"])


def main(how: str, side: str, *source: str) -> None:
    """Train once; print how many leads there were, and what it took without loading them."""
    if len(source) == 2:
        data = read_labelled(Path(source[0]), Path(source[1]))
    else:
        data = synthetic_rows(int(source[0]))
    began, began_cpu = time.perf_counter(), time.process_time()
    trees = train(side, data, chosen=how == "chosen")
    report = {
        "leads": len(data.leads),
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - began_cpu,
        "trees": trees,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
