"""The parts of a report about the holdout: probabilities, ranking, and what a threshold decides."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from infra import report_plots as plots
from infra.report_curves import Band, Counted, bands, counted, gains, lift, precision_recall, roc
from infra.report_facts import Facts
from infra.report_html import Chart, Section, Table, count, number, share, side_by_side
from infra.report_metrics import threshold_figures
from infra.report_threshold import Confusion, Histogram, confusion, histogram, over_thresholds
from infra.report_words import READING
from lead_scoring.evaluation import Ranked, rank

_ONE_CLASS = "All leads of the holdout ended alike, so there is nothing to tell apart."


class Tried(NamedTuple):
    """The holdout, ranked and counted once for all charts; the bands are empty if undefined."""

    facts: Facts
    ranked: Ranked
    found: Counted
    bands: dict[str, Band]
    histogram: Histogram

    @classmethod
    def of(cls, facts: Facts) -> "Tried":
        """Rank and count the holdout."""
        ranked = rank(facts.probabilities, facts.targets)
        counts = histogram(ranked.probabilities, ranked.labels)
        return cls(facts, ranked, counted(ranked), bands(ranked), counts)

    @property
    def rate(self) -> float:
        """The share of the leads that converted."""
        return float(self.found.hits[-1] / self.found.sizes[-1])


def calibration(tried: Tried) -> Section:
    """Return whether probabilities can be believed."""
    bins = tried.facts.card["calibration_bins"]
    error = tried.facts.card["metrics"].get("expected_calibration_error")
    points = number(None if error is None else 100 * error, ".1f")
    chart = Chart(
        "Predicted and observed",
        plots.reliability(bins, tried.histogram),
        f"Reliability diagram of {count(len(bins), 'group')}: predicted probabilities are off by"
        f" {points} percentage points on average. Below it, how many leads had which probability.",
        READING["reliability"],
    )
    return Section(
        "calibration",
        "Can its probabilities be believed?",
        f"On average they are off by {points} percentage points.",
        (side_by_side(chart.html(), _bins_table(bins)),),
    )


def ranking(tried: Tried) -> Section:
    """Return what working the best leads first brings."""
    tenths = tried.facts.card["lift_table"]
    rows = [
        (f"top {share(each['top_fraction'])}", f"{each['leads']:,.0f}", f"{each['positives']:,.0f}",
         share(each["recall"]), number(each["lift"], ".2f"))
        for each in tenths
    ]  # fmt: skip
    headings = ("leads worked", "leads", "convert", "of all", "lift")
    table = Table("What the best leads bring", headings, rows).html()
    title = "What does working the best leads first bring?"
    if not tried.found.has_both:
        return Section("ranking", title, _ONE_CLASS, (table,))
    first = tenths[0]
    opening = (
        f"The best tenth ({count(first['leads'], 'lead')}) holds {share(first['recall'])} of all"
        f" conversions; it converts {number(first['lift'], '.1f')} times as often as all leads."
    )
    return Section("ranking", title, opening, (_ranking_charts(tried), table))


def separation(tried: Tried) -> Section:
    """Return how well it tells the leads apart."""
    title = "How well does it tell leads apart?"
    if not tried.found.has_both:
        return Section("separation", title, _ONE_CLASS, ())
    values = tried.facts.card["metrics"]
    auc, precision = number(values["auc_roc"]), number(values["average_precision"])
    charts = side_by_side(_roc_chart(tried, auc), _precision_recall_chart(tried, precision))
    opening = f"AUC is {auc}, average precision {precision}."
    return Section("separation", title, opening, (charts,))


def threshold(tried: Tried) -> Section:
    """Return scores by outcome, and what the threshold decides."""
    cut = float(tried.facts.card["threshold"])
    table = confusion(tried.ranked.probabilities, tried.ranked.labels, cut)
    opening = (
        f"A lead counts as promising from a probability of {share(cut, 1)} on, which gave the best"
        f" F1 in training. Of the leads called promising {share(table.precision)} convert"
        f" (precision); of those that convert {share(table.recall)} are called so (recall)."
    )
    charts = _threshold_charts(tried, table, cut)
    tables = (_confusion_table(table), threshold_figures(tried.facts.card))
    parts = (side_by_side(*charts, *tables),)
    return Section("threshold", "Scores, outcomes and the threshold", opening, parts)


def _bins_table(bins: Sequence[Mapping[str, float]]) -> str:
    rows = (
        (f"{place}", share(each["mean_prediction"], 1), share(each["observed_rate"], 1),
         f"{each['count']:,.0f}")
        for place, each in enumerate(bins, 1)
    )  # fmt: skip
    headings = ("tenth", "predicted", "observed", "leads")
    return Table("By tenth, lowest first", headings, rows).html()


def _ranking_charts(tried: Tried) -> str:
    curve = gains(tried.found)
    return side_by_side(
        Chart(
            "Cumulative gain",
            plots.gains_curve(curve, tried.bands.get("gains"), tried.rate),
            "Share of the conversions found by the share of leads worked, best first, with its"
            " 95 % band, against chance and a perfect order.",
            READING["gains"],
        ).html(),
        Chart(
            "Lift",
            plots.lift_curve(lift(tried.found), tried.bands.get("lift")),
            "Lift by the share of leads worked, best first, with its 95 % band; it ends at 1.",
            READING["lift"],
        ).html(),
    )


def _roc_chart(tried: Tried, auc: str) -> str:
    return Chart(
        "ROC curve",
        plots.roc_curve(roc(tried.found), tried.bands.get("roc")),
        f"ROC curve with its 95 % band; the area below it is {auc}.",
        READING["roc"],
    ).html()


def _precision_recall_chart(tried: Tried, precision: str) -> str:
    curve, band = precision_recall(tried.found), tried.bands.get("precision_recall")
    return Chart(
        "Precision and recall",
        plots.precision_recall_curve(curve, band, tried.rate),
        f"Precision-recall curve with its 95 % band; average precision is {precision}.",
        READING["precision_recall"],
    ).html()


def _threshold_charts(tried: Tried, table: Confusion, cut: float) -> tuple[str, str]:
    return (
        Chart(
            "Scores by outcome",
            plots.distribution(tried.histogram, cut),
            f"Histograms of the scores of {count(tried.found.hits[-1], 'lead')} that converted and"
            f" of the {count(tried.found.sizes[-1] - tried.found.hits[-1], 'other')}.",
            READING["distribution"],
        ).html(),
        Chart(
            "Over all thresholds",
            plots.threshold_curve(over_thresholds(tried.found), cut),
            f"Precision, recall and the share called promising by threshold; at {share(cut, 1)}:"
            f" {share(table.precision)}, {share(table.recall)} and {share(table.flagged)}.",
            READING["threshold"],
        ).html(),
    )


def _confusion_table(table: Confusion) -> str:
    called = (table.true_positives, table.false_positives)
    not_called = (table.false_negatives, table.true_negatives)
    both = tuple(map(sum, zip(called, not_called, strict=True)))
    rows = (
        (name, *(f"{n:,}" for n in (*row, sum(row))), share(row[0] / max(1, sum(row))))
        for name, row in (("promising", called), ("not promising", not_called), ("all", both))
    )
    headings = ("called", "converted", "did not", "all", "rate")
    return Table("Called and converted, in leads", headings, rows).html()
