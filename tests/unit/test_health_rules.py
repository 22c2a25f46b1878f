"""What monitoring says of the model and its training, at the edges of its rules."""

from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities import ActiveModel
from lead_scoring.entities.models import Job
from lead_scoring.health_rules import Worse, model_findings
from lead_scoring.labels import Label
from lead_scoring.retraining_rules import Deployed, Findings
from tests.builders import settings
from tests.contract.examples import model
from tests.evidence import NOON, OTHER, VERSION, given

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def job(hours_ago: float = 1, status: str = "succeeded", **changes: Any) -> Job:
    created = NOON - hours_ago * HOUR
    return Job("j-1", status=status, created_at=created, requested_by="tests", fence=1, **changes)


def found(
    live: int = 100,
    f1: float | None = 0.7,
    calibration: float | None = 0.02,
    interval: list[float] | None = None,
    age_days: float = 1,
    last_job: Job | None = None,
    worse: tuple[Worse, ...] = (),
    registered: float | None = 0.75,
    is_deployed: bool = True,
    **changes: Any,
) -> dict[str, Any]:
    record = model(
        VERSION, metrics={"f1_score": registered}, created_at=NOON - age_days * DAY, threshold=0.5
    )
    pointer = ActiveModel(VERSION, {}, NOON - DAY, OTHER)
    label = Label(1.0, 1.0, NOON, None, given(), True)
    metrics = {"f1_score": f1, "expected_calibration_error": calibration}
    deployed = Deployed(pointer, record) if is_deployed else None
    seen = Findings(NOON, deployed, 1000, 0, [label] * live, metrics)
    intervals = {"expected_calibration_error": interval}
    rules = model_findings(seen, last_job, worse, intervals, settings(**changes))
    return {each.code: each for each in rules}


@pytest.mark.parametrize(
    ("f1", "is_bad", "is_clear"),
    [(0.69, True, False), (0.70, False, False), (0.705, False, False), (0.71, False, True)],
)
def test_f1_that_fell_by_more_than_the_threshold_is_bad_and_clear_well_within(
    f1: float, is_bad: bool, is_clear: bool
) -> None:
    finding = found(f1=f1)["performance_degraded"]

    assert (finding.is_bad, finding.is_clear) == (is_bad, is_clear)
    assert (finding.figure, finding.threshold) == (pytest.approx(0.75 - f1), 0.05)
    assert f"F1 is {f1:.3f} on 100 outcomes since the deployment and was 0.750" in finding.text


def test_ninety_nine_outcomes_and_figures_that_are_not_defined_say_nothing_of_performance() -> None:
    codes = {"performance_degraded", "calibration_off"}

    assert not codes & found(live=99, f1=0.1).keys()
    assert not codes & found(f1=None).keys()
    assert not codes & found(registered=None).keys()
    assert "calibration_off" not in found(calibration=0.5, interval=None)


@pytest.mark.parametrize(
    ("error", "lower", "is_bad", "is_clear"),
    [
        (0.3, 0.101, True, False),
        (0.3, 0.099, False, False),
        (0.081, 0.0, False, False),
        (0.079, 0.0, False, True),
    ],
)
def test_calibration_is_off_when_its_whole_interval_is(
    error: float, lower: float, is_bad: bool, is_clear: bool
) -> None:
    finding = found(calibration=error, interval=[lower, 0.5])["calibration_off"]

    assert (finding.is_bad, finding.is_clear) == (is_bad, is_clear)


@pytest.mark.parametrize(("lower", "is_bad"), [(0.001, True), (0.0, False), (-0.001, False)])
def test_a_new_model_is_worse_when_the_interval_of_a_difference_lies_above_zero(
    lower: float, is_bad: bool
) -> None:
    surer = Worse("AUC", 0.08, lower, 300, 400)
    larger = Worse("relative log loss", 0.3, -0.2, 300, 400)

    finding = found(worse=(larger, surer))["new_model_worse"]

    assert (finding.is_bad, finding.is_clear) == (is_bad, not is_bad)
    assert f"{VERSION} does significantly worse than {OTHER} did: AUC by 0.080" in finding.text
    assert "on 300 outcomes against 400" in finding.text


def test_a_model_that_was_not_compared_is_not_called_worse() -> None:
    assert "new_model_worse" not in found()


@pytest.mark.parametrize(("days", "is_bad"), [(13.9, False), (14.1, True)])
def test_a_model_older_than_two_intervals_of_retraining_is_too_old(
    days: float, is_bad: bool
) -> None:
    assert found(age_days=days)["model_too_old"].is_bad is is_bad


def test_a_failed_training_is_bad_until_the_next_one_succeeds() -> None:
    failed = found(last_job=job(status="failed", error="the store is gone"))["training_failed"]
    succeeded = found(last_job=job())["training_failed"]

    assert (failed.is_bad, failed.is_clear) == (True, False)
    assert "the store is gone" in failed.text
    assert "GET /retrain/j-1" in failed.what_to_do
    assert (succeeded.is_bad, succeeded.is_clear) == (False, True)


@pytest.mark.parametrize(("hours", "is_bad"), [(49.9, False), (50.1, True)])
def test_two_missed_checks_are_overdue(hours: float, is_bad: bool) -> None:
    assert found(last_job=job(hours))["training_overdue"].is_bad is is_bad


def test_without_a_model_only_the_training_is_looked_at() -> None:
    assert found(is_deployed=False, last_job=job()).keys() == {
        "training_failed",
        "training_overdue",
    }
    assert found(is_deployed=False) == {}
