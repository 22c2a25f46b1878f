from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from lead_scoring.alerting import Alert, Watch
from lead_scoring.entities.feedback import Feedback
from lead_scoring.entities.models import Activation
from lead_scoring.entities.training import Outcome
from lead_scoring.retraining_check import RetrainingCheck
from tests.builders import settings
from tests.contract.examples import model
from tests.evidence import (
    NOON,
    OTHER,
    VERSION,
    CountingTrainingStore,
    feedback,
    given,
    hundred_outcomes,
)
from tests.fakes import FakeClock, FakeModelRegistry, Outage
from tests.fakes_monitoring import FakeMonitoringStore

DEPLOYED = NOON - timedelta(days=2)
INSTANT = timedelta(microseconds=1)


def converted(count: int, at: datetime = NOON, version: str = VERSION) -> list[Feedback]:
    return [feedback(f"new-{n}", "convert", at, given=given(0.9, version)) for n in range(count)]


def registry(**changes: Any) -> FakeModelRegistry:
    """A registry whose active model was trained on 1,000 samples, and deployed, two days ago."""
    models = FakeModelRegistry()
    fields = {"created_at": DEPLOYED, "trained_until": DEPLOYED, "threshold": 0.5}
    fields |= {"metrics": {"f1_score": 0.75}, "data_fingerprint": "f", "training_duration": 0.0}
    models.register(model(VERSION, **(fields | changes)))
    models.activate(Activation(DEPLOYED, "tests", VERSION))
    return models


def check(
    rows: Iterable[Feedback | Outcome] = (),
    models: FakeModelRegistry | None = None,
    now: datetime = NOON,
    alerts: Sequence[Alert] = (),
    **changes: Any,
) -> dict[str, Any]:
    """What the check says about rows; by default nothing but new samples could be a reason."""
    store = CountingTrainingStore(rows)
    monitoring = FakeMonitoringStore(Outage("dynamodb"))
    monitoring.kept = [Watch(1, alerts, at=now)]
    return RetrainingCheck(
        settings(**changes), FakeClock(now), store, models or registry(), monitoring
    ).check()


def test_without_a_model_one_is_trained_as_soon_as_there_is_enough_to_train_on() -> None:
    result = check(converted(100), FakeModelRegistry())

    assert result["should_retrain"]
    assert result["reasons"] == ["No model is active yet."]
    assert (result["usable_samples"], result["missing_samples"]) == (100, 0)
    assert result["model_version"] is result["model_age_days"] is result["live_f1"] is None


def test_ninety_nine_samples_block_training_and_the_reasons_say_that_one_is_missing() -> None:
    result = check(converted(99), FakeModelRegistry())

    assert not result["should_retrain"]
    assert result["missing_samples"] == 1
    assert result["reasons"] == [
        "Training needs at least 100 usable samples: 99 are there, 1 are missing.",
        "No model is active yet.",
    ]


def test_imported_outcomes_are_samples_too() -> None:
    outcomes = [Outcome(n, converted=n % 2 == 0, occurred_at=NOON) for n in range(100)]

    assert check(outcomes, FakeModelRegistry())["should_retrain"]


def test_a_lead_counts_once_however_much_is_known_about_it() -> None:
    rows = [feedback(7, "convert", NOON - timedelta(hours=n)) for n in range(150)]

    assert check(rows, FakeModelRegistry())["usable_samples"] == 1


def test_views_that_may_still_become_more_are_no_samples_yet() -> None:
    young = [feedback(n, "view", NOON - timedelta(hours=23)) for n in range(100)]
    ripe = [feedback(n, "view", NOON - timedelta(hours=25)) for n in range(100)]

    assert check(young, FakeModelRegistry())["usable_samples"] == 0
    assert check(ripe, FakeModelRegistry())["usable_samples"] == 100


def test_a_view_that_was_unripe_at_the_training_is_new_when_it_is_ripe() -> None:
    view = feedback(1, "view", DEPLOYED - timedelta(hours=1))

    result = check([view])

    assert result["new_samples"] == 1


def test_views_that_were_ripe_at_the_training_are_not_new_however_little_else_was_known() -> None:
    ripe_then = [feedback(n, "view", DEPLOYED - timedelta(hours=25 + n)) for n in range(10)]
    models = registry(trained_until=ripe_then[0].created_at)

    result = check(
        [*ripe_then, feedback("late", "view", ripe_then[0].created_at + INSTANT)], models
    )

    assert result["new_samples"] == 1


def test_a_contact_that_waited_for_what_may_follow_is_new_when_nothing_did() -> None:
    contact = feedback(1, "contact", DEPLOYED - timedelta(hours=2))
    look = feedback(1, "view", DEPLOYED - timedelta(hours=1))

    result = check([contact, look])

    assert (result["new_samples"], result["usable_samples"]) == (1, 1001)


def test_what_arrives_later_but_happened_after_the_newest_that_was_trained_on_is_new() -> None:
    models = registry(trained_until=DEPLOYED - timedelta(hours=20))

    result = check([feedback(1, "convert", DEPLOYED - timedelta(hours=3))], models)

    assert result["new_samples"] == 1


def test_feedback_dated_ahead_does_not_hide_what_comes_after_a_training() -> None:
    models = registry(trained_until=DEPLOYED + timedelta(days=1))

    result = check(converted(50, at=DEPLOYED + timedelta(hours=2)), models)

    assert result["new_samples"] == 50


def test_imports_without_a_date_are_not_new_at_every_check() -> None:
    undated = [Outcome(n, converted=True) for n in range(60)]

    assert check(undated)["new_samples"] == 0
    assert check([*undated, *(feedback(n, "archive") for n in range(60))])["new_samples"] == 0
    assert check([Outcome(1, converted=True, occurred_at=NOON)])["new_samples"] == 1


def test_nothing_new_and_a_young_model_are_no_reason_and_the_sentences_say_so() -> None:
    result = check()

    assert not result["should_retrain"]
    assert result["reasons"] == [
        "The active model is 2.00 days old: 7 are allowed.",
        "0 new samples became known since the active model was trained: 50 are a reason to train.",
        "0 outcomes of leads that the active model scored became known since it was deployed:"
        " 100 are needed to judge it.",
        "No drift was found since the active model was trained.",
    ]
    assert (result["usable_samples"], result["model_age_days"]) == (1000, 2.0)


def test_a_model_of_exactly_seven_days_is_not_older_than_seven_days() -> None:
    models = registry(created_at=NOON - timedelta(days=7))

    exactly, longer = check(models=models), check(models=models, now=NOON + INSTANT)

    assert not exactly["should_retrain"]
    assert longer["should_retrain"]
    assert longer["reasons"] == ["The active model is 7.00 days old: more than 7."]


def test_the_age_is_that_of_the_training_not_of_the_activation() -> None:
    models = registry(created_at=NOON - timedelta(days=8))

    result = check(models=models)

    assert result["should_retrain"]
    assert result["model_age_days"] == 8.0


@pytest.mark.parametrize(("count", "is_due"), [(49, False), (50, True)])
def test_fifty_new_samples_are_a_reason_and_forty_nine_are_not(count: int, is_due: bool) -> None:
    result = check(converted(count, version=OTHER))

    assert result["should_retrain"] is is_due
    assert result["new_samples"] == count
    assert any(f"{count} new samples" in sentence for sentence in result["reasons"])


def test_what_the_model_was_trained_on_is_not_new() -> None:
    result = check(converted(60, at=DEPLOYED))

    assert result["new_samples"] == 0
    assert result["usable_samples"] == 1000


def test_a_sample_that_becomes_known_anew_is_new_but_counts_once_among_all() -> None:
    before = feedback("a", "contact", DEPLOYED - timedelta(hours=1))

    result = check([before, feedback("a", "convert", NOON), feedback("b", "convert", NOON)])

    assert result["new_samples"] == 2
    assert result["usable_samples"] == 1001


def registered(f1: float | None) -> FakeModelRegistry:
    return registry(metrics={"f1_score": f1})


def few_new(**changes: Any) -> dict[str, Any]:
    """Settings under which only a worse F1 can be a reason."""
    return {"retrain_min_new_samples": 1_000_000, **changes}


def test_an_f1_that_fell_by_exactly_the_allowed_is_no_reason() -> None:
    # As floating-point numbers, 0.8 - 0.75 is more than 0.05.
    result = check(hundred_outcomes(NOON), registered(0.8), **few_new())

    assert (result["registered_f1"], result["live_f1"]) == (0.8, 0.75)
    assert not result["should_retrain"]


def test_an_f1_that_fell_by_more_is_a_reason() -> None:
    result = check(hundred_outcomes(NOON), registered(0.800001), **few_new())

    assert result["should_retrain"]
    assert result["reasons"] == [
        "F1 is 0.7500 on 100 outcomes since the deployment and was 0.8000 at training:"
        " a fall by more than 0.05 is a reason to train."
    ]


def test_a_better_f1_is_no_reason() -> None:
    assert not check(hundred_outcomes(NOON), registered(0.1), **few_new())["should_retrain"]


def test_ninety_nine_outcomes_do_not_judge_a_model() -> None:
    result = check(hundred_outcomes(NOON)[1:], registered(0.99), **few_new())

    assert not result["should_retrain"]
    assert result["live_samples"] == 99


def test_outcomes_of_another_models_scores_do_not_judge_the_active_one() -> None:
    rows = converted(200, version=OTHER)

    result = check(rows, registered(0.99), **few_new())

    assert (result["live_samples"], result["live_f1"]) == (0, None)
    assert not result["should_retrain"]


def test_an_f1_that_is_not_defined_is_no_reason() -> None:
    nothing_found = [feedback(n, "archive", NOON, given=given(0.1)) for n in range(100)]

    without_live = check(nothing_found, registered(0.9), **few_new())
    without_registered = check(hundred_outcomes(NOON), registered(None), **few_new())

    assert not without_live["should_retrain"]
    assert not without_registered["should_retrain"]
    assert "F1 is not defined on 100 outcomes since the deployment." in without_live["reasons"]


def test_every_reason_is_named_not_only_the_first() -> None:
    models = registry(metrics={"f1_score": 0.9}, created_at=NOON - timedelta(days=9))

    result = check(hundred_outcomes(NOON), models)

    assert [sentence.split(":")[0][:12] for sentence in result["reasons"]] == [
        "The active m",
        "100 new samp",
        "F1 is 0.7500",
    ]


def test_too_few_samples_block_a_model_that_is_due_as_well() -> None:
    models = registry(
        training_samples=40, validation_samples=10, created_at=NOON - timedelta(days=9)
    )

    result = check(converted(20, version=OTHER), models)

    assert not result["should_retrain"]
    assert (result["usable_samples"], result["missing_samples"]) == (70, 30)
    assert "70 are there, 30 are missing" in result["reasons"][0]
    assert "9.00 days old" in result["reasons"][1]


def test_a_clock_set_days_ahead_makes_the_model_old_and_views_ripe() -> None:
    rows = [feedback(n, "view", NOON, given=given(0.5, OTHER)) for n in range(50)]

    today, next_week = check(rows), check(rows, now=NOON + timedelta(days=6))

    assert not today["should_retrain"]
    assert next_week["new_samples"] == 50
    assert len(next_week["reasons"]) == 2
    assert next_week["model_age_days"] == 8.0


def test_a_clock_that_was_set_back_makes_nothing_due() -> None:
    result = check(now=DEPLOYED - timedelta(days=3))

    assert not result["should_retrain"]
    assert result["model_age_days"] == -3.0


def test_with_a_model_only_what_is_new_to_it_is_read_and_only_once() -> None:
    models = registry(trained_until=DEPLOYED - timedelta(days=1))
    store = CountingTrainingStore(converted(3))

    monitoring = FakeMonitoringStore(Outage("dynamodb"))
    RetrainingCheck(settings(), FakeClock(NOON), store, models, monitoring).check()

    # A day for views that had to ripen.
    assert store.reads == [DEPLOYED - timedelta(days=2)]


def test_after_a_rollback_all_is_read_that_the_older_model_has_not_seen() -> None:
    models = registry(trained_until=DEPLOYED - timedelta(days=30))

    result = check(converted(60, at=DEPLOYED - timedelta(days=20), version=OTHER), models)

    assert result["new_samples"] == 60
    assert result["live_samples"] == 0


def drift(code: str, since: datetime) -> Alert:
    return Alert(code, "warning", since, 0.4, 0.25, "Price drifted.", "Look.")


@pytest.mark.parametrize("code", ["feature_drift", "score_drift"])
def test_drift_that_was_found_since_the_training_is_a_reason(code: str) -> None:
    result = check(alerts=[drift(code, DEPLOYED + INSTANT)])

    assert result["should_retrain"]
    assert result["reasons"] == [
        "Leads have changed since the active model was trained: Price drifted."
    ]


@pytest.mark.parametrize(
    ("code", "since"),
    [("feature_drift", DEPLOYED), ("missing_values", NOON), ("performance_degraded", NOON)],
)
def test_drift_that_the_model_was_trained_on_and_other_alerts_are_none(
    code: str, since: datetime
) -> None:
    result = check(alerts=[drift(code, since)])

    assert not result["should_retrain"]
    assert "No drift was found since the active model was trained." in result["reasons"]
