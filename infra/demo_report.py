"""What `make demo` prints at its end: a table by model, the gate's sentences, a plot by day."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from infra.demo_periods import Day, Journal, Period, conversion

_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS = " .:-=+*#@"
_PLOT_ROWS = 6
# The share of some thirty leads jumps: the plot shows the mean of so many.
SMOOTHED_DAYS = 3


class Training(NamedTuple):
    """What one training came to: on which day, which model, and the sentence of the gate."""

    day: str
    model_version: str | None
    promoted: bool
    text: str


def show(console: Console, journal: Journal, trainings: Sequence[Training]) -> None:
    """Print the whole report."""
    console.print(_table(journal.periods))
    console.print(
        "AUC and lift are of all leads that came in while that model answered, by what becomes of "
        "them in\ntruth, which the service sees only as far as feedback tells. Conversion is that "
        "of worked leads."
    )
    console.print(_from_to(journal.periods), highlight=False)
    console.print("\nWhat the gate said:" if trainings else "\nNothing was trained.")
    for each in trainings:
        console.print(f"  {each.day}  {each.text}", highlight=False, markup=False)
    blocks = _BLOCKS if _can_draw(console) else _PLAIN_BLOCKS
    console.print("\n".join(plot(journal.days, blocks)), highlight=False, markup=False)


def _table(periods: Iterable[Period]) -> Table:
    table = Table(title="\nFrom the baseline to the last model", title_justify="left")
    for name in ("", "model", "dates", "leads", "AUC", "lift, top 10 %", "worked", "converted"):
        table.add_column(name, justify="left" if name in ("", "model", "dates") else "right")
    for number, period in enumerate(periods):
        if period.scored:
            first, last = period.days
            dates = f"{first:%d %b %Y} - {last:%d %b %Y}"
            table.add_row(str(number), period.model_version, dates, *_figures(period))
    return table


def _from_to(periods: Sequence[Period]) -> str:
    """Compare the first period to the time of the third model, or of the last, and on."""
    start = min(3, len(periods) - 1)
    if start < 1:
        return ""
    later = Period("")
    for period in periods[start:]:
        later.scored += period.scored
        later.worked += period.worked
    told = []
    for who, period in ((periods[0].model_version, periods[0]), (f"model {start} and on", later)):
        _, auc, lift, worked, converted = _figures(period)
        told.append(f"{who}: AUC {auc}, lift {lift}, {converted} of {worked} worked leads convert")
    return "\n".join(["", *told])


def _figures(period: Period) -> list[str]:
    return [
        f"{len(period.scored):,}",
        _figure(period.auc(), "{:.3f}"),
        _figure(period.lift(0.1), "{:.2f}"),
        f"{len(period.worked):,}",
        _figure(conversion(period.worked), "{:.0%}"),
    ]


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def plot(days: Sequence[Day], blocks: str = _BLOCKS) -> list[str]:
    """Draw the share of worked leads that converted, a column a step, and where models changed.

    A step is a day of the team's; a column is the mean over SMOOTHED_DAYS steps up to it.
    """
    shares = [_smoothed(days[: place + 1]) for place in range(len(days))]
    top = max((share for share in shares if share is not None), default=0.0) or 1.0
    lines = ["", f"Conversion of worked leads, step by step (mean of {SMOOTHED_DAYS})"]
    for row in reversed(range(_PLOT_ROWS)):
        heights = (_PLOT_ROWS * (share or 0.0) / top - row for share in shares)
        cells = (blocks[round(min(1.0, max(0.0, height)) * 8)] * 2 for height in heights)
        scale = f"{top * (row + 1) / _PLOT_ROWS:4.0%}"
        lines.append(f"  {scale} |{''.join(cells)}".rstrip())
    lines.append(f"       +{'--' * len(days)}")
    lines.append(f"        {_changes(days)}".rstrip())
    return lines


def _smoothed(days: Sequence[Day]) -> float | None:
    window = days[-SMOOTHED_DAYS:]
    worked = sum(day.worked for day in window)
    return sum(day.converted for day in window) / worked if worked else None


def _changes(days: Sequence[Day]) -> str:
    """Mark the first day of each model: 0 is the baseline, 1 the first model."""
    marks, versions = [], list[str]()
    for day in days:
        is_new = day.model_version not in versions
        if is_new:
            versions.append(day.model_version)
        marks.append(f"{versions.index(day.model_version):<2}" if is_new else "  ")
    return "".join(marks)


def _can_draw(console: Console) -> bool:
    return (console.encoding or "").lower().replace("-", "") == "utf8"
