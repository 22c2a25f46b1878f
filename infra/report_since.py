"""The parts of a report about what a model looks at, and about what happened since."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra import report_trends as trends
from infra.report_drift import DriftPoint, Worst, drift_points, worst_by_feature
from infra.report_facts import DAYS, Facts
from infra.report_html import (
    NONE,
    Chart,
    Section,
    Table,
    count,
    day,
    day_and_time,
    number,
    share,
    side_by_side,
)
from infra.report_words import READING

MOST_FEATURES = 20
_NO_LOOKS = (
    "Nothing is known yet: monitoring looks every hour at the leads that this model scored, and"
    " says something once there are enough of them."
)


def importance(facts: Facts) -> Section:
    """Return which features move scores, and which way."""
    ranked = facts.card["global_importance"]
    rows, title = ranked[:MOST_FEATURES], "What does it look at?"
    if not rows:
        return Section("importance", title, "At nothing: no feature has an effect.", ())
    told = sum(each["importance"] for each in rows)
    chart = Chart(
        f"The {count(len(rows), 'feature')} that matter most",
        trends.importance_bars(rows),
        f"Bars of the share of each feature in all effects; first is {rows[0]['feature']} with"
        f" {share(rows[0]['importance'], 1)}. The table beside holds the same figures.",
        READING["importance"],
    )
    table = Table(
        "Shares of all effects",
        ("feature", "share", "more of it"),
        ((each["feature"], share(each["importance"], 1), each["direction"] or NONE)
         for each in rows),
    )  # fmt: skip
    opening = (
        f"These {len(rows)} of {count(len(ranked), 'feature')} make {share(told)} of all effects on"
        " the scores of the newest leads."
    )
    return Section("importance", title, opening, (side_by_side(chart.html(), table.html()),))


def drift(facts: Facts) -> Section:
    """Return whether leads and scores are still as in training."""
    version, title = facts.record.model_version, "Are leads still as in training?"
    points = drift_points(facts.reports, version)
    if not points:
        return Section("drift", title, _NO_LOOKS, ())
    last = points[-1]
    table = _furthest(worst_by_feature(facts.reports, version))
    moved = f"; {last.feature} moved most ({number(last.psi, '.2f')})" if last.feature else ""
    opening = (
        f"At the last look, on {day_and_time(last.at)}, the index of the score was"
        f" {number(last.score, '.2f')}{moved}."
    )
    return Section("drift", title, opening, (side_by_side(_drift_chart(points), table),))


def _drift_chart(points: Sequence[DriftPoint]) -> str:
    last = points[-1]
    return Chart(
        "How far leads and scores have moved",
        trends.drift_lines(points),
        f"Stability index of {count(len(points), 'look')} until {day(last.at)}: that of the score"
        f" ends at {number(last.score, '.2f')}, that of the feature that moved most at"
        f" {number(last.psi, '.2f')}.",
        READING["drift"],
    ).html()


def _furthest(worst: Sequence[Worst]) -> str:
    rows = (
        (each.feature, f"{each.psi:.2f}", number(each.threshold, ".2f"), each.level or NONE,
         day(each.at))
        for each in worst
    )  # fmt: skip
    headings = ("feature", "PSI", "alarm at", "was", "on")
    return Table("Furthest so far", headings, rows).html()


def feedback(facts: Facts) -> Section:
    """Return what people did with the leads of late, whichever model answered."""
    title, told = "What do people do with the leads?", facts.feedback
    if not told["total"]:
        return Section("feedback", title, f"No feedback came in the last {DAYS} days.", ())
    per_day, actions = told["temporal"]["per_day"], told["action_distribution"]
    busiest = max(per_day, key=per_day.__getitem__)
    days = Chart(
        "Feedback by day",
        trends.feedback_bars(per_day),
        f"Bars of the feedback of each of the last {DAYS} days; most was {per_day[busiest]:,} on"
        f" {busiest}.",
        READING["feedback"],
    )
    kinds = Chart(
        "By action",
        trends.action_bars(actions),
        "Feedback by action: " + ", ".join(f"{each} {n:,}" for each, n in actions.items()) + ".",
        READING["actions"],
    )
    return Section("feedback", title, _rates(told), (side_by_side(days.html(), kinds.html()),))


def _rates(told: Mapping[str, Any]) -> str:
    total = count(told["total"], "piece of feedback", "pieces of feedback")
    converted, succeeded = told["conversion_rate"], told["contact_success_rate"]
    sentence = (
        f"In the last {DAYS} days, whichever model answered, came {total}; {share(converted, 1)} of"
        " them say that a lead converted (conversion rate)."
    )
    if succeeded is None:
        return sentence
    return f"{sentence} Of the contacts with a known end {share(succeeded, 1)} succeeded."
