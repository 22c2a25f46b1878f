"""The figures of a model card in words: their names, how they are written, what they mean."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from infra.report_html import NONE, PER_CENT, Table, number, share, text


class Metric(NamedTuple):
    """A figure of the card; `better` is which way, `form` how it is written."""

    key: str
    name: str
    better: str
    meaning: str
    form: str = ".3f"

    def write(self, value: float | None) -> str:
        """Write a value of this figure."""
        return share(value, 1) if self.form == "%" else number(value, self.form)

    def span(self, interval: list[float] | None) -> str:
        """Write its 95 % interval."""
        if not interval:
            return NONE
        low, high = map(self.write, interval)
        return f"{low.rstrip(PER_CENT)} to {high}"


METRICS = (
    Metric("auc_roc", "AUC", "higher", "How often a lead that converts is above one that does not;"
           " 0.5 is chance"),
    Metric("average_precision", "Average precision", "higher", "Mean precision down the list;"
           " chance gives the conversion rate"),
    Metric("log_loss", "Log loss", "lower", "How far the probabilities are from what happened,"
           " hard on those that were sure and wrong"),
    Metric("brier", "Brier score", "lower", "Mean squared distance of probability and outcome"),
    Metric("expected_calibration_error", "Calibration error", "lower",
           "By how much probabilities are off, on average; chance adds to it, so its interval lies"
           " high", "%"),
    Metric("lift_at_10", "Lift, top 10 %", "higher", "How many times as often the best tenth"
           " converts as all leads", ".2f"),
    Metric("lift_at_20", "Lift, top 20 %", "higher", "The same of the best fifth", ".2f"),
    Metric("recall_at_10", "Found in top 10 %", "higher", "Share of all conversions in the best"
           " tenth", "%"),
    Metric("recall_at_20", "Found in top 20 %", "higher", "Share of all conversions in the best"
           " fifth", "%"),
    Metric("ndcg", "NDCG", "higher", "How close the whole order is to the ideal one"),
    Metric("f1_score", "F1", "higher", "Precision and recall at the threshold in one figure"),
    Metric("precision", "Precision", "higher", "At the threshold: share of the called that"
           " converted", "%"),
    Metric("recall", "Recall", "higher", "At the threshold: share of the conversions that were"
           " called", "%"),
    Metric("accuracy", "Accuracy", "higher", "At the threshold: share of the leads that were"
           " called right", "%"),
    Metric("conversion_rate", "Conversion rate", "", "Share of the holdout that converted", "%"),
    Metric("contact_success_rate", "Contact success", "", "Share of known contacts that"
           " succeeded", "%"),
    Metric("avg_prediction_score", "Mean score", "", "Mean score of the holdout, 0 to 100", ".1f"),
)  # fmt: skip
HEADLINE = (
    "auc_roc",
    "lift_at_10",
    "recall_at_20",
    "expected_calibration_error",
    "log_loss",
    "f1_score",
)

AT_THRESHOLD = ("precision", "recall", "f1_score", "accuracy")


def cards(card: Mapping[str, Any]) -> str:
    """Return the headline figures, large, each with its interval."""
    by_key = {metric.key: metric for metric in METRICS}
    shown = "".join(_card(by_key[key], card) for key in HEADLINE)
    return f'<dl class="cards">{shown}</dl>'


def metrics_table(card: Mapping[str, Any]) -> str:
    """Return all figures with their intervals and what they mean."""
    rows = [
        (metric.name, *_written(metric, card), metric.better or NONE, metric.meaning)
        for metric in METRICS
        if metric.key in card["metrics"]
    ]
    headings = ("figure", "value", "95 % interval", "better", "what it says")
    return Table("All figures of the holdout", headings, rows).html()


def threshold_figures(card: Mapping[str, Any]) -> str:
    """Return the figures that depend on the threshold, with their intervals."""
    rows = [
        (metric.name, *_written(metric, card))
        for metric in METRICS
        if metric.key in AT_THRESHOLD and metric.key in card["metrics"]
    ]
    headings = ("figure", "value", "95 % interval")
    return Table("Figures at the threshold", headings, rows).html()


def _card(metric: Metric, card: Mapping[str, Any]) -> str:
    value, span = _written(metric, card)
    better = f"{metric.better} is better" if metric.better else ""
    return (
        f"<div><dt>{text(metric.name)}</dt><dd><b>{text(value)}</b>"
        f"<span>95 %: {text(span)}</span><small>{text(metric.meaning)}; {text(better)}.</small>"
        "</dd></div>"
    )


def _written(metric: Metric, card: Mapping[str, Any]) -> tuple[str, str]:
    value = card["metrics"].get(metric.key)
    return metric.write(value), metric.span(card["metric_intervals"].get(metric.key))
