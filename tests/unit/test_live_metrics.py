from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from lead_scoring import evaluation
from lead_scoring.entities.feedback import Feedback
from lead_scoring.entities.training import Outcome
from lead_scoring.labels import Label
from lead_scoring.live_metrics import (
    FEWEST_FOR_INTERVALS,
    METRIC_NAMES,
    live_intervals,
    live_labels,
    live_metrics,
    live_report,
)
from tests.evidence import NOON, OTHER, VERSION, feedback, given, hundred_outcomes, pointer

DEPLOYED = NOON - timedelta(days=1)


def labels(*rows: Feedback | Outcome, now: datetime = NOON) -> list[Label]:
    """Live labels of one lead with these rows."""
    return live_labels([rows], pointer(activated_at=DEPLOYED), now, maturity_hours=24)


def hundred() -> list[Label]:
    leads = [[row] for row in hundred_outcomes(NOON - timedelta(hours=1))]
    return live_labels(leads, pointer(activated_at=DEPLOYED), NOON, maturity_hours=24)


def test_an_outcome_counts_with_what_its_lead_was_told() -> None:
    (outcome,) = labels(feedback(1, "convert", given=given(0.31)))

    assert outcome.target == 1.0
    assert outcome.given == given(0.31)


def test_an_outcome_of_the_very_moment_of_deployment_counts() -> None:
    assert len(labels(feedback(1, "convert", DEPLOYED))) == 1


def test_an_outcome_from_before_the_deployment_does_not_count() -> None:
    assert labels(feedback(1, "convert", DEPLOYED - timedelta(microseconds=1))) == []


def test_what_happened_before_the_deployment_does_not_colour_what_happened_since() -> None:
    before = feedback(1, "contact", DEPLOYED - timedelta(hours=1), given=given(0.2, OTHER))

    (outcome,) = labels(before, feedback(1, "archive", given=given(0.7)))

    assert (outcome.target, outcome.given) == (0.3, given(0.7))


def test_a_lead_that_another_model_scored_says_nothing_about_this_one() -> None:
    assert labels(feedback(1, "convert", given=given(0.9, OTHER))) == []
    assert labels(feedback(1, "convert", given=given(0.9, "baseline"))) == []


def test_a_lead_that_was_never_scored_is_not_live() -> None:
    assert labels(feedback(1, "convert", given=None)) == []


def test_an_imported_outcome_answers_to_no_score_and_is_not_live() -> None:
    assert labels(Outcome(1, converted=True, occurred_at=NOON)) == []


def test_a_conversion_of_another_models_lead_is_not_turned_into_a_view_of_this_one() -> None:
    converted = feedback(1, "convert", NOON - timedelta(hours=2), given=given(0.9, OTHER))
    viewed = feedback(1, "archive", NOON - timedelta(hours=1), given=given(0.9, VERSION))

    assert labels(converted, viewed) == []


def test_a_view_that_may_still_become_more_does_not_count_yet() -> None:
    view = feedback(1, "view", DEPLOYED + timedelta(hours=1))

    assert labels(view, now=DEPLOYED + timedelta(hours=24)) == []
    assert len(labels(view, now=DEPLOYED + timedelta(hours=26))) == 1


def test_the_metrics_have_the_names_of_the_registered_ones() -> None:
    ranked = evaluation.rank(np.array([0.9, 0.1]), np.array([1.0, 0.0]))

    assert set(METRIC_NAMES) == set(evaluation.metrics(ranked, 0.5))
    assert set(live_metrics(hundred(), 0.5)) == set(METRIC_NAMES)


def test_the_metrics_are_those_of_scikit_learn() -> None:
    outcomes = hundred()
    actual = [each.target >= 0.5 for each in outcomes]
    predicted = [each.given.probability for each in outcomes if each.given]

    live = live_metrics(outcomes, threshold=0.5)

    chosen = [probability >= 0.5 for probability in predicted]
    assert live["f1_score"] == pytest.approx(reference.f1_score(actual, chosen), abs=1e-6)
    assert live["f1_score"] == 0.75
    assert live["accuracy"] == pytest.approx(reference.accuracy_score(actual, chosen), abs=1e-6)
    assert live["auc_roc"] == pytest.approx(reference.roc_auc_score(actual, predicted), abs=1e-6)
    assert live["log_loss"] == pytest.approx(reference.log_loss(actual, predicted), abs=1e-6)
    assert live["brier"] == pytest.approx(reference.brier_score_loss(actual, predicted), abs=1e-6)


def test_the_threshold_is_the_one_that_was_registered() -> None:
    strict = live_metrics(hundred(), threshold=0.85)

    assert strict["precision"] == 1.0
    assert strict["recall"] == 0.75


def test_the_contact_success_rate_is_of_those_that_were_contacted() -> None:
    rows = [
        feedback(1, "contact", contact_successful=True),
        feedback(2, "contact", contact_successful=False, target_score=0.6),
        feedback(3, "archive"),
    ]

    outcomes = live_labels([[row] for row in rows], pointer(), NOON, maturity_hours=24)

    assert live_metrics(outcomes, 0.5)["contact_success_rate"] == 0.5


def test_nothing_arrived_is_no_figure_at_all() -> None:
    report = live_report([], None, 0.5)

    assert report == {
        "since": None,
        "samples": 0,
        "positives": 0,
        "metrics": dict.fromkeys(METRIC_NAMES),
        "metric_intervals": None,
    }


def test_the_report_says_since_when_and_of_how_many() -> None:
    report = live_report(hundred(), pointer(activated_at=DEPLOYED), 0.5)

    assert report["since"] == "2024-05-31T12:00:00.000000Z"
    assert (report["samples"], report["positives"]) == (100, 40)


def test_a_target_of_a_half_is_positive_and_anything_below_is_not() -> None:
    rows = [feedback(1, "archive", target_score=0.5), feedback(2, "archive", target_score=0.499999)]

    outcomes = live_labels([[row] for row in rows], pointer(), NOON, maturity_hours=24)

    report = live_report(outcomes, pointer(), 0.5)
    assert (report["samples"], report["positives"]) == (2, 1)
    assert report["metrics"]["conversion_rate"] == 0.5


def test_intervals_hold_their_figure_and_come_with_enough_outcomes() -> None:
    outcomes = hundred()

    few = live_intervals(outcomes[: FEWEST_FOR_INTERVALS - 1], 0.5)
    enough: Any = live_intervals(outcomes[:FEWEST_FOR_INTERVALS], 0.5)
    all_of_them: Any = live_intervals(outcomes, 0.5)

    assert few is None
    assert enough is not None
    low, high = all_of_them["f1_score"]
    assert 0.5 < low < 0.75 < high < 0.95


def test_the_same_outcomes_have_the_same_intervals() -> None:
    assert live_intervals(hundred(), 0.5) == live_intervals(hundred(), 0.5)
