"""Compare the product's model with references on leads it has not seen.

`python -m infra.evaluate --data leads.jsonl --outcomes outcomes.jsonl --group company` trains the
product, the plain implementation, a logistic regression on words and the constant on the same
splits, and prints what each reaches, with 95 % intervals.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import GroupKFold

from .bench_data import LabelledLeads, read_labelled
from .bench_machine import machine, machine_line
from .bench_metrics import HIGHER_IS_BETTER, METRICS, Trial, bootstrap, figures, interval
from .bench_models import MODELS, OURS
from .bench_progress import Steps
from .rows import FileError

Doubles = NDArray[np.float64]
Rows = NDArray[np.intp]
NEWEST_FRACTION = 0.2
SEED = 42


@dataclass(slots=True)
class Results:
    """What was measured: the figures of each model in each split, draws of the bootstrap, time."""

    per_split: dict[str, list[dict[str, float]]]
    draws: dict[str, dict[str, Doubles]]
    seconds: dict[str, float]
    test_sizes: list[int] = field(default_factory=list)


def group_splits(data: LabelledLeads, folds: int) -> Iterator[tuple[Rows, Rows]]:
    """Split so that no group is in both parts; each lead is in the test part once."""
    yield from GroupKFold(folds).split(data.labels, groups=data.groups)


def newest_split(data: LabelledLeads) -> Iterator[tuple[Rows, Rows]]:
    """Split off the newest fifth as the test part, once."""
    order = np.argsort(np.array([moment.timestamp() for moment in data.moments]), kind="stable")
    cut = len(order) - round(NEWEST_FRACTION * len(order))
    yield order[:cut], order[cut:]


def evaluate(
    data: LabelledLeads,
    splits: Sequence[tuple[Rows, Rows]],
    models: Sequence[str],
    resamples: int,
    steps: Steps,
) -> Results:
    """Train and try every model on every split; `models` are names in `bench_models.MODELS`."""
    trials: list[Trial] = []
    seconds = dict.fromkeys(models, 0.0)
    for number, (train_rows, test_rows) in enumerate(splits, start=1):
        train, test = data.take(train_rows), data.take(test_rows)
        predicted: dict[str, Doubles] = {}
        for name in models:
            steps.doing(f"split {number}, {name}")
            began = time.perf_counter()
            predicted[name] = MODELS[name](train, test)
            seconds[name] += time.perf_counter() - began
            steps.done(f"split {number}, {name}")
        clusters = np.unique(test.groups, return_inverse=True)[1]
        trials.append(Trial(test.labels, clusters, predicted))
    steps.doing("bootstrap")
    draws = bootstrap(trials, resamples, SEED)
    steps.done("bootstrap")
    per_split = {
        name: [figures(trial.labels, trial.probabilities[name]) for trial in trials]
        for name in models
    }
    return Results(per_split, draws, seconds, [len(trial.labels) for trial in trials])


def summary(results: Results, models: Sequence[str]) -> dict[str, Any]:
    """Return means, spreads, intervals, and the paired differences ours minus reference."""
    report: dict[str, Any] = {"models": {}, "differences": {}}
    for name in models:
        report["models"][name] = {"seconds": round(results.seconds[name], 1)}
        for metric in METRICS:
            values = [figure[metric] for figure in results.per_split[name]]
            report["models"][name][metric] = {
                "mean": float(np.mean(values)),
                "spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "interval": interval(results.draws[name][metric], float(np.mean(values))),
                "per_split": values,
            }
    for name in models if OURS in models else ():
        if name != OURS:
            report["differences"][name] = {
                metric: _difference(results, name, metric) for metric in METRICS
            }
    return report


def _difference(results: Results, reference: str, metric: str) -> dict[str, Any]:
    ours, other = (
        float(np.mean([figure[metric] for figure in results.per_split[name]]))
        for name in (OURS, reference)
    )
    draws = results.draws[OURS][metric] - results.draws[reference][metric]
    low, high = interval(draws, ours - other)
    better = (low > 0) if metric in HIGHER_IS_BETTER else (high < 0)
    worse = (high < 0) if metric in HIGHER_IS_BETTER else (low > 0)
    return {
        "mean": ours - other,
        "interval": (low, high),
        "ours_is": "better" if better else "worse" if worse else "not significantly different",
    }


def results_table(report: dict[str, Any]) -> Table:
    """Return the report as a table: one row a metric and model."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in (
        "metric",
        "model",
        "mean",
        "95 % interval",
        "spread",
        "ours minus it",
        "ours is",
    ):
        table.add_column(heading, no_wrap=True)
    for metric in METRICS:
        for position, (name, figures_of_model) in enumerate(report["models"].items()):
            figure = figures_of_model[metric]
            difference = report["differences"].get(name, {}).get(metric)
            table.add_row(
                metric if position == 0 else "",
                name,
                f"{figure['mean']:.4f}",
                _span(figure["interval"]),
                "" if figure["spread"] is None else f"{figure['spread']:.4f}",
                f"{difference['mean']:+.4f} {_span(difference['interval'])}" if difference else "",
                difference["ours_is"] if difference else "",
            )
        table.add_section()
    return table


def _span(bounds: Sequence[float]) -> str:
    return f"[{bounds[0]:.4f}, {bounds[1]:.4f}]"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="leads, JSON Lines or CSV")
    parser.add_argument("--outcomes", type=Path, required=True, help="what became of them")
    split = parser.add_mutually_exclusive_group()
    split.add_argument("--group", help="column of the outcomes; no value is in both parts")
    split.add_argument(
        "--by-time", action="store_true", help="test on the newest fifth (the default)"
    )
    parser.add_argument("--folds", type=int, default=5, help="splits with --group")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--resamples", type=int, default=500, help="of the bootstrap")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    arguments = parser.parse_args(given)
    if arguments.folds < 2 or arguments.resamples < 100:
        parser.error("--folds must be at least 2, --resamples at least 100")
    return arguments


def main(given: Sequence[str] | None = None, output: Console | None = None) -> int:
    """Run the command; return 0, or 2 if the data cannot be used."""
    arguments = _arguments(given)
    console = output or Console()
    if not console.is_terminal:
        console.width = 120
    try:
        data = read_labelled(arguments.data, arguments.outcomes, arguments.group)
        splits = list(
            group_splits(data, arguments.folds) if arguments.group else newest_split(data)
        )
        for train, test in splits:
            if len(set(data.labels[train])) < 2 or len(set(data.labels[test])) < 2:
                raise ValueError(
                    "a part of a split holds one kind of outcome only: use fewer folds"
                )
    except (FileError, ValueError) as fault:
        print(f"cannot evaluate: {fault}", file=sys.stderr)
        return 2
    with Steps("evaluate", len(splits) * len(arguments.models) + 1) as steps:
        results = evaluate(data, splits, arguments.models, arguments.resamples, steps)
    report = _description(data, arguments, results) | summary(results, arguments.models)
    _print(report, console)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _description(
    data: LabelledLeads, arguments: argparse.Namespace, results: Results
) -> dict[str, Any]:
    split = f"{arguments.folds} folds by {arguments.group}" if arguments.group else "newest fifth"
    return {
        "machine": machine(),
        "data": [arguments.data.name, arguments.outcomes.name],
        "leads": len(data.leads),
        "converted_share": float(data.labels.mean()),
        "split": split,
        "test_sizes": results.test_sizes,
        "resamples": arguments.resamples,
    }


def _print(report: dict[str, Any], console: Console) -> None:
    console.print(
        f"{report['data'][0]}: {report['leads']} leads, {report['converted_share']:.1%} converted. "
        f"Test: {report['split']}, {sum(report['test_sizes'])} leads, each as of its posting.",
        soft_wrap=True,
    )
    console.print(results_table(report))
    seconds = ", ".join(f"{name} {row['seconds']}" for name, row in report["models"].items())
    console.print(f"Seconds to train and predict, all splits: {seconds}.")
    console.print(
        "Spread: standard deviation over the splits. Intervals: bootstrap of the test leads "
        f"({report['resamples']} draws, leads of a group together; differences paired).",
        soft_wrap=True,
    )
    console.print(machine_line(report["machine"]), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
