from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sklearn.metrics import roc_auc_score

from infra.demo_periods import Day, Journal, auc, best
from infra.demo_report import Training, plot, show
from infra.demo_story import Arrival, Scored

AT = datetime(2024, 1, 2, tzinfo=UTC)


def scored(lead_id: str, probability: float, converts: bool, version: str = "baseline") -> Scored:
    return Scored(Arrival(AT, {"lead_id": lead_id}, converts), AT, probability, version)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.9]), st.booleans()), min_size=2))
def test_auc_is_that_of_scikit_learn(predictions: list[tuple[float, bool]]) -> None:
    truths = [truth for _, truth in predictions]
    if len(set(truths)) < 2:
        assert auc(predictions) is None
    else:
        expected = roc_auc_score(np.array(truths), [each for each, _ in predictions])
        assert auc(predictions) == pytest.approx(expected)


def test_a_lead_belongs_to_the_model_that_scored_it_whenever_it_is_worked() -> None:
    journal, old = Journal(), scored("a", 0.9, converts=True)

    journal.add(date(2024, 1, 2), [old], [])
    journal.add(date(2024, 1, 3), [scored("b", 0.5, False, "v1")], [old])

    baseline, first = journal.periods
    assert [len(baseline.worked), len(first.worked)] == [1, 0]
    assert journal.days[1] == Day(date(2024, 1, 3), "v1", worked=1, converted=1)


def test_lift_compares_the_best_tenth_to_all() -> None:
    journal = Journal()
    leads = [scored(str(n), n / 20, converts=n in (0, 18, 19)) for n in range(20)]

    journal.add(date(2024, 1, 2), leads, [])

    # Both of the best two convert, of all 3 in 20.
    assert journal.periods[0].lift(0.1) == pytest.approx(1 / (3 / 20))


def test_lift_of_leads_that_never_convert_is_unknown() -> None:
    journal = Journal()

    journal.add(date(2024, 1, 2), [scored("a", 0.5, converts=False)], [])

    assert journal.periods[0].lift(0.1) is None
    assert journal.periods[0].auc() is None


def test_equals_are_in_the_order_of_their_ids() -> None:
    leads = [scored(name, 0.5, converts=False) for name in "cab"]

    assert [lead.arrival.lead["lead_id"] for lead in best(leads, 0.67)] == ["a", "b"]


def test_the_plot_has_a_column_a_day_and_marks_each_new_model() -> None:
    days = [
        Day(date(2024, 1, 1), "baseline", worked=10, converted=2),
        Day(date(2024, 1, 2), "baseline", worked=10, converted=4),
        Day(date(2024, 1, 3), "v1", worked=0, converted=0),
    ]

    lines = plot(days, " .:-=+*#@")

    # Means of up to three days: 20 %, 30 %, 30 %; two characters a day.
    assert lines[2] == "   30% |  @@@@"
    assert lines[7].endswith("|@@@@@@")
    assert lines[-2:] == ["       +------", "        0   1"]


def test_nothing_worked_is_an_empty_plot_and_no_error() -> None:
    assert plot([Day(date(2024, 1, 1), "baseline", worked=0, converted=0)])[2].endswith("|")


def test_the_report_says_what_the_gate_said_word_by_word() -> None:
    journal, console = Journal(), Console(width=120)
    journal.add(date(2024, 1, 2), [scored("a", 0.5, converts=True)], [])
    refused = Training("09 Jan", "v2", promoted=False, text="Not promoted: AUC [0.1, 0.2] fell.")

    with console.capture() as captured:
        show(console, journal, [refused])

    said = captured.get()
    assert "09 Jan  Not promoted: AUC [0.1, 0.2] fell." in said
    assert "baseline" in said
