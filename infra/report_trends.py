"""The charts of a report that show what a model looks at, and what happened since."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from infra.report_drift import DriftPoint
from infra.report_figure import FIRST, INK, MUTED, SECOND, plain, svg
from infra.report_html import share
from lead_scoring.drift import ALARM_PSI, WARNING_PSI

_ARROWS = {"raises": "▲", "lowers": "▼"}
_COLOURS = {"raises": FIRST, "lowers": SECOND}
_ROW = 0.32
# The dots of more looks than that run into each other.
_MOST_MARKED = 50
# Between little and a lot is a factor, not a difference: the scale of the index is logarithmic.
_LEAST_PSI, _TICKS = 0.01, (0.01, 0.03, 0.1, 0.25, 1, 3, 10)
_DAY, _EPOCH = 86_400, date(1970, 1, 1).toordinal()


def importance_bars(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw the share of each feature in all effects, its name above its bar."""
    largest = max((float(each["importance"]) for each in rows), default=1.0) or 1.0

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            colour = _COLOURS.get(row["direction"], MUTED)
            value = float(row["importance"])
            axes.barh(place + 0.13, value, height=0.26, color=colour)
            name = f"{_ARROWS.get(row['direction'], '●')} {plain(row['feature'], 44)}"
            axes.text(0, place - 0.02, name, va="bottom", ha="left", fontsize=9.5)
            axes.text(largest, place - 0.02, share(value, 1), va="bottom", ha="right", fontsize=9.5)
        axes.set(ylim=(len(rows) - 0.6, -0.7), xlim=(0, largest))
        axes.set_axis_off()

    return svg("importance", draw, height=0.3 + _ROW * max(1, len(rows)))


def drift_lines(points: Sequence[DriftPoint]) -> str:
    """Draw how far the score, and the feature that moved most, were from the training."""
    days = [each.at.timestamp() / _DAY for each in points]
    worst, score = [_shown(each.psi) for each in points], [_shown(each.score) for each in points]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _levels(axes)
        size = 4 if len(points) <= _MOST_MARKED else 0
        axes.plot(days, worst, "s-", color=SECOND, markersize=size, label="feature moved most")
        axes.plot(days, score, "o-", color=FIRST, markersize=size, label="score")
        axes.set_yscale("log")
        axes.set_yticks(_TICKS, [f"{each:g}" for each in _TICKS])
        axes.set_yticks([], minor=True)
        axes.set_ylim(_LEAST_PSI, 1.2 * max(1.0, *worst, *score))
        axes.set(ylabel="PSI", xlim=(min(days) - 1, max(days) + 1))
        _days(axes)
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2)

    return svg("drift", draw)


def feedback_bars(per_day: Mapping[str, int]) -> str:
    """Draw how much feedback came each day."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        days = [date.fromisoformat(day).toordinal() - _EPOCH for day in per_day]
        axes.bar(days, list(per_day.values()), width=0.9, align="edge", color=FIRST)
        axes.set_ylabel("feedback a day")
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.grid(axis="x", visible=False)
        _days(axes)

    return svg("feedback", draw, height=3.2)


def action_bars(actions: Mapping[str, int]) -> str:
    """Draw how the feedback divides into actions."""
    total = sum(actions.values()) or 1
    shares = {name: count / total for name, count in actions.items()}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.barh(list(shares), list(shares.values()), color=FIRST, height=0.6)
        for place, (name, part) in enumerate(shares.items()):
            told = f"{share(part, 1)} ({actions[name]:,})"
            _beside(axes, told, (part, place), (5, 0), va="center")
        axes.set_xlim(0, 1.4 * max(shares.values(), default=1.0))
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    return svg("actions", draw, height=3.2)


def _shown(psi: float | None) -> float:
    """Return an index as the chart shows it, which begins a little above nothing."""
    return math.nan if psi is None else max(psi, _LEAST_PSI)


def _levels(axes: Axes) -> None:
    for level, name in ((WARNING_PSI, "warning"), (ALARM_PSI, "alarm")):
        axes.axhline(level, color=MUTED, linestyle="--", linewidth=1.1)
        _beside(axes, name, (1, level), (4, 0), xycoords=("axes fraction", "data"), va="center")


def _beside(
    axes: Axes, told: str, place: tuple[float, float], away: tuple[float, float], **style: Any
) -> None:
    """Write something so many points away from a place."""
    axes.annotate(told, place, away, textcoords="offset points", color=INK, **style)


def _days(axes: Axes) -> None:
    """Name some of the days, which are counted from 1970 on."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(lambda day, _: _day(datetime.fromtimestamp(_DAY * day, UTC)))


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"
