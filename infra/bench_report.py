"""The benchmark's figures as a table to read, each beside what it must reach."""

from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from .bench_machine import machine_line


class Row(NamedTuple):
    """One line: what, both sides as p50/p90/p99, the ratio with its spread, the target."""

    what: str
    ours: str
    plain: str
    ratio: str
    target: str
    is_met: bool | None


def comparison_rows(report: dict[str, Any]) -> list[Row]:
    """Return the lines that compare both sides."""
    batch, without = report["batch_with_reasons"], report["batch_without_reasons"]
    fresh = report["fresh_process"]
    return [
        _faster("one lead with reasons, ms", report["one_lead"], 1000, 10.0),
        _smaller("  in an A/B test, against without, ms", report["ab_scoring"], 1.3, 1000),
        _smaller("  what monitoring adds, against it, ms", report["monitoring"], 0.03, 1000),
        _faster("1,000 with reasons, s", batch["wall_seconds"], 1, 1.3),
        _faster("  processor, s", batch["cpu_seconds"], 1, None),
        _faster("1,000 without reasons, s", without["wall_seconds"], 1, None),
        _faster("  processor, s", without["cpu_seconds"], 1, None),
        _smaller("fresh process to first score, s", fresh["wall_seconds"], 0.5),
        _smaller("  processor, s", fresh["cpu_seconds"], None),
        _smaller("  peak memory, MB", fresh["peak_megabytes"], 0.5),
    ]


def absolute_rows(report: dict[str, Any]) -> list[Row]:
    """Return the lines that have a limit of their own."""
    rows = []
    for name, cost in report["memory"].items():
        peak = cost["peak_megabytes"]
        count, _, reasons = name.replace("_", " ").partition(" ")
        what = f"{int(count):,} leads {reasons}, peak MB"
        rows.append(Row(what, f"{peak:.0f}", "", "", "at most 512", peak <= 512))
    if "training" in report:
        train = report["training"]
        cost = train["process"]
        wall, peak = cost["wall_seconds"], cost["peak_megabytes"]
        what = f"training on {train['leads']:,} leads"
        rows.append(Row(f"{what}, s", f"{wall:.0f}", "", "", "at most 300", wall <= 300))
        rows.append(Row("  peak memory, MB", f"{peak:.0f}", "", "", "at most 1536", peak <= 1536))
    return rows + reading_rows(report)


def reading_rows(report: dict[str, Any]) -> list[Row]:
    """Return the lines of reading feedback; the largest number of rows has a limit of its own."""
    rows = []
    for read in report.get("reading", []):
        what = f"reading {read['rows']:,} rows of feedback, s"
        pace = f"{read['seconds_per_1000']:.3f} a thousand"
        is_met = read["seconds"] <= 60 if read["rows"] >= 100_000 else None
        target = "" if is_met is None else "at most 60"
        rows.append(Row(what, f"{read['seconds']:.2f}", "", pace, target, is_met))
        rows.append(Row("  peak memory, MB", f"{read['peak_megabytes']:.0f}", "", "", "", None))
    return rows


def print_report(report: dict[str, Any], written_to: Path, console: Console) -> None:
    """Print the table, what it was measured on, and where the figures are."""
    if not console.is_terminal:
        console.width = 150
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("p50 / p90 / p99", "ours", "plain", "ratio [p10, p90]", "target", ""):
        table.add_column(heading, no_wrap=True)
    for row in [*comparison_rows(report), *absolute_rows(report)]:
        verdict = {None: "", True: "met", False: "NOT MET"}[row.is_met]
        table.add_row(row.what, row.ours, row.plain, row.ratio, row.target, verdict)
    console.print(table, markup=False)
    trees = {side: given["n_estimators"] for side, given in report["parameters"].items()}
    for line in (
        f"Trained on {report['trained_on']:,} leads of {report['data']}; trees: ours "
        f"{trees['ours']}, plain {trees['plain']}. Without storage, both sides in turn.",
        "Ratios are medians of ratios pair by pair. Rows of feedback are synthetic, and read from"
        " the embedded AWS in a process of its own.",
        machine_line(report["machine"]),
        f"Written to {written_to}",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _faster(what: str, pair: dict[str, Any], scale: float, target: float | None) -> Row:
    ratio = pair["speedup"]
    is_met = None if target is None else ratio["median"] >= target
    wanted = "" if target is None else f"at least {target:g} x"
    return Row(what, *_sides(pair, scale), f"{_spread(ratio)} x", wanted, is_met)


def _smaller(what: str, pair: dict[str, Any], target: float | None, scale: float = 1) -> Row:
    ratio = pair["share"]
    is_met = None if target is None else ratio["median"] <= target
    wanted = "" if target is None else f"at most {target:g}"
    return Row(what, *_sides(pair, scale), _spread(ratio), wanted, is_met)


def _sides(pair: dict[str, Any], scale: float) -> tuple[str, str]:
    ours, plain = (
        " / ".join(f"{scale * value:.3g}" for value in pair[side].values())
        for side in ("ours", "plain")
    )
    return ours, plain


def _spread(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.2f} [{ratio['p10']:.2f}, {ratio['p90']:.2f}]"
