"""The charts of a report that show the holdout: each returns an SVG element."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from infra.report_curves import Band, Curve
from infra.report_figure import FIRST, HEIGHT, INK, MUTED, SECOND, THIRD, svg
from infra.report_html import PER_CENT
from infra.report_threshold import THRESHOLDS, Histogram, OverThresholds
from lead_scoring.significance import Proportion, wilson_interval

# A curve of more points looks the same.
_MOST_POINTS = 600
_BAND = 0.18


def reliability(bins: Sequence[Mapping[str, float]], counts: Histogram) -> str:
    """Draw what was predicted against what happened, over how often it was predicted."""
    predicted = [each["mean_prediction"] for each in bins]
    observed = [each["observed_rate"] for each in bins]
    limits = [_interval(each) for each in bins]

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, sharex=True, height_ratios=[3, 1])
        above.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1.2, label="as promised")
        above.vlines(predicted, *zip(*limits, strict=True), color=FIRST, alpha=0.55, linewidth=1.6)
        above.plot(predicted, observed, "o-", color=FIRST, markersize=5, label="this model")
        above.set(ylim=(-0.02, 1.02), ylabel="share that converted")
        _per_cent(above.yaxis)
        edges = counts.edges / 100
        below.bar(edges[:-1], counts.all, np.diff(edges), align="edge", color=FIRST, alpha=0.55)
        below.set(xlim=(-0.02, 1.02), xlabel="predicted probability", ylabel="leads")
        _per_cent(below.xaxis)
        _legend(figure, above)

    return svg("reliability", draw, height=4.4)


def gains_curve(curve: Curve, band: Band | None, rate: float) -> str:
    """Draw the share of the positives that is found by working so many of the leads."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        best = [0, rate, 1], [0, 1, 1]
        axes.plot(*best, color=THIRD, linestyle=":", linewidth=1.5, label="perfect")
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1.2, label="at random")
        _line(axes, curve, band)
        _shares(axes, "share of leads worked, best first", "share of conversions found")
        _legend(figure, axes)

    return svg("gains", draw)


def lift_curve(curve: Curve, band: Band | None) -> str:
    """Draw how many times as often the best of the leads convert as all of them."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(1, color=MUTED, linestyle="--", linewidth=1.2, label="at random")
        _line(axes, curve, band)
        axes.set(xlim=(-0.02, 1.02), xlabel="share of leads worked, best first", ylabel="lift")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g}×")
        _per_cent(axes.xaxis)
        _legend(figure, axes)

    return svg("lift", draw)


def roc_curve(curve: Curve, band: Band | None) -> str:
    """Draw the share of the negatives against that of the positives above each score."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1.2, label="at random")
        _line(axes, curve, band)
        _shares(axes, "false alarms: share of the others above", "share of conversions above")
        _legend(figure, axes)

    return svg("roc", draw)


def precision_recall_curve(curve: Curve, band: Band | None, rate: float) -> str:
    """Draw precision over recall, beside the rate of all leads."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(rate, color=MUTED, linestyle="--", linewidth=1.2, label="at random")
        # Where it begins by definition nothing was measured.
        _line(axes, Curve(curve.x[1:], curve.y[1:]), band)
        _shares(axes, "recall: share of conversions found", "precision")
        _legend(figure, axes)

    return svg("precision-recall", draw)


def distribution(counts: Histogram, threshold: float) -> str:
    """Draw which scores the leads had that converted, and the others."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        sides = (
            (counts.negatives, "others", SECOND, "////"),
            (counts.positives, "converted", FIRST, None),
        )
        for shares, label, colour, hatch in sides:
            axes.stairs(shares, counts.edges, fill=True, color=colour, alpha=0.22, linewidth=0)
            axes.stairs(shares, counts.edges, color=colour, linewidth=1.8, label=label, hatch=hatch)
        _mark(axes, 100 * threshold)
        axes.set(xlim=(0, 100), xlabel="score", ylabel="share of its group")
        axes.set_ylim(bottom=0)
        _per_cent(axes.yaxis)
        _legend(figure, axes)

    return svg("distribution", draw)


def threshold_curve(shares: OverThresholds, threshold: float) -> str:
    """Draw precision, recall and the share called positive over all thresholds."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(THRESHOLDS, shares.precision, color=FIRST, label="precision")
        axes.plot(THRESHOLDS, shares.recall, color=SECOND, linestyle="-.", label="recall")
        axes.plot(THRESHOLDS, shares.flagged, color=THIRD, linestyle=":", label="share called")
        _mark(axes, threshold)
        _shares(axes, "threshold", "share")
        _legend(figure, axes)

    return svg("threshold", draw, HEIGHT)


def _line(axes: Axes, curve: Curve, band: Band | None) -> None:
    if band is not None:
        axes.fill_between(*band, color=FIRST, alpha=_BAND, linewidth=0, label="95 % band")
    kept = np.unique(np.linspace(0, len(curve.x) - 1, _MOST_POINTS).astype(int))
    axes.plot(curve.x[kept], curve.y[kept], color=FIRST, label="this model")


def _mark(axes: Axes, place: float) -> None:
    axes.axvline(place, color=INK, linewidth=1.2, linestyle=(0, (2, 2)), label="threshold")


def _shares(axes: Axes, below: str, beside: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=below, ylabel=beside)
    _per_cent(axes.xaxis)
    _per_cent(axes.yaxis)


def _per_cent(axis: Any) -> None:
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=PER_CENT))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles[::-1],
        labels[::-1],
        loc="outside upper left",
        ncols=len(labels),
        columnspacing=1.0,
        handlelength=1.6,
        handletextpad=0.5,
        borderaxespad=0.2,
    )


def _interval(one: Mapping[str, float]) -> tuple[float, float]:
    count = max(1, round(one["count"]))
    low, high = wilson_interval(Proportion(round(one["observed_rate"] * count), count))
    return low, high
