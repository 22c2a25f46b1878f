"""The benchmark's figures as a table on the screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .bench_machine import machine_line
from .bench_rows import all_rows

VERDICTS = {None: "", True: "met", False: "NOT MET"}


def print_report(report: Mapping[str, Any], written_to: Path, console: Console) -> None:
    """Print the table, what it was measured on, and where the figures are."""
    if not console.is_terminal:
        console.width = 200
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("p50 / p90 / p99", "ours", "plain", "ratio [p10, p90]", "target", ""):
        table.add_column(heading, no_wrap=not console.is_terminal)
    for row in all_rows(report):
        sides = (" / ".join(side) for side in (row.ours, row.plain))
        table.add_row(row.what, *sides, row.ratio, row.target, VERDICTS[row.is_met])
    console.print(table, markup=False)
    for line in (*notes(report), machine_line(report["machine"]), f"Written to {written_to}"):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def notes(report: Mapping[str, Any]) -> list[str]:
    """Return what one must know to read the figures, a sentence or two each."""
    trees = {side: given["n_estimators"] for side, given in report["parameters"].items()}
    before, after = report["load_averages"]
    old = "The build is older than the code: `make build`, then measure its starts and sizes again."
    return [
        *([old] if report.get("build_is_old") else []),
        f"Scoring: both sides trained on {report['trained_on']:,} leads of {report['data']}, "
        f"trees: ours {trees['ours']}, plain {trees['plain']}; without storage, in turn.",
        "Ratios are medians of ratios pair by pair; those of training and of starts are ours to "
        "plain. A batch of more than 1,000 leads has the held-out ones in turn.",
        "A cold start is that of a built function in Lambda's runtime (Python 3.13), with SDK and "
        "the model from an embedded S3, beside a fresh process of the plain implementation.",
        "Training is on synthetic demo leads with the same parameters, of which ours finds the "
        "number of trees by cross-validation: five folds, then all. `parameters chosen`: ours also "
        "chooses among three sets of them, as it does by default. Feedback is synthetic too.",
        f"It took {report['minutes']:.0f} minutes, at a load average of {before:.1f} before it and "
        f"{after:.1f} at its end: milliseconds count on a quiet machine only, ratios on any.",
    ]
