"""The benchmark's newest figures in README.md and docs/performance.md, between marks."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .bench_breakdown import STAGES
from .bench_machine import machine_line
from .bench_report import VERDICTS, notes
from .bench_rows import Row, all_rows
from .marks import with_part

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / ".local" / "bench"
README, PERFORMANCE = PROJECT / "README.md", PROJECT / "docs" / "performance.md"


def write_pages(
    results: Path | None = None, readme: Path = README, performance: Path = PERFORMANCE
) -> None:
    """Write the newest whole measurement into both pages.

    Raises ValueError if there is none or a page lacks its marks, and OSError.
    """
    report = newest(results or RESULTS)
    pages = {
        readme: {"benchmark": main_table(report)},
        performance: {"breakdown": breakdown_table(report), "all figures": full_table(report)},
    }
    written = {}
    for page, parts in pages.items():
        text = page.read_text(encoding="utf-8")
        for name, part in parts.items():
            text = with_part(text, name, part)
        written[page] = text
    for page, text in written.items():
        page.write_text(text, encoding="utf-8")


def newest(results: Path) -> dict[str, Any]:
    """Return the newest results that are no quick ones; raise ValueError if there are none."""
    for file in sorted(results.glob("bench-*.json"), reverse=True):
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not report["quick"]:
            if "load_averages" not in report:
                break
            return report
    raise ValueError(f"there are no whole results of this version in {results}: run `make bench`")


def main_table(report: Mapping[str, Any]) -> str:
    """Return the README's table: medians, and p99 of one lead."""
    lines = [
        f"Medians of `make bench`: {machine_line(report['machine'])}; {report['data']}.",
        "",
        "| | this one | plain | ratio [p10, p90] | target | |",
        "|---|---|---|---|---|---|",
    ]
    rows = [row for row in all_rows(report) if row.is_main]
    for number, row in enumerate(rows):
        sides = (_short(side, with_p99=number == 0) for side in (row.ours, row.plain))
        lines.append(_line(row, *sides))
    return "\n".join([*lines, "", *notes(report)])


def full_table(report: Mapping[str, Any]) -> str:
    """Return every row, with percentiles 50, 90 and 99 of both sides."""
    lines = [
        f"{machine_line(report['machine'])}; {report['data']}.",
        "",
        "| p50 / p90 / p99 | this one | plain | ratio [p10, p90] | target | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(row, " / ".join(row.ours), " / ".join(row.plain)) for row in all_rows(report)]
    return "\n".join([*lines, "", *notes(report)])


def breakdown_table(report: Mapping[str, Any]) -> str:
    """Return where the time of one lead and of a thousand goes, in microseconds a lead."""
    taken = report["breakdown"]
    one = {stage: 1e6 * seconds for stage, seconds in taken["one"].items()}
    many = {stage: 1e3 * seconds for stage, seconds in taken["thousand"].items()}
    rows = [
        (what, stage_cells(one, stage) + stage_cells(many, stage)) for stage, what in STAGES.items()
    ]
    total = [f"{sum(one.values()):,.0f}", "100 %", f"{sum(many.values()):,.0f}", "100 %"]
    lines = [
        f"{machine_line(report['machine'])}; {report['data']}. Medians.",
        "",
        "| | one lead, µs | | of a thousand, µs a lead | |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join([what, *cells])} |" for what, cells in [*rows, ("together", total)]),
        "",
        f"Loading this model's {taken['artifact_bytes'] / 2**20:.1f} MB, once when a function "
        f"starts: {1e3 * taken['loading']:.0f} ms.",
    ]
    return "\n".join(lines)


def stage_cells(taken: Mapping[str, float], stage: str) -> list[str]:
    """Return a stage's time and its share of all, as text.

    >>> stage_cells({"reading": 30.0, "features": 90.0}, "reading")
    ['30', '25 %']
    """
    return [f"{taken[stage]:,.0f}", f"{100 * taken[stage] / sum(taken.values()):.0f} %"]


def _short(side: tuple[str, ...], with_p99: bool) -> str:
    return f"{side[0]}, p99 {side[-1]}" if with_p99 and side else "".join(side[:1])


def _line(row: Row, ours: str, plain: str) -> str:
    # Markdown drops the blanks that say what belongs to the line above.
    indent = "&nbsp;&nbsp;" if row.what.startswith(" ") else ""
    cells: Iterable[str] = (
        indent + row.what.strip(),
        ours,
        plain,
        row.ratio,
        row.target,
        VERDICTS[row.is_met].lower(),
    )
    return f"| {' | '.join(cells)} |"
