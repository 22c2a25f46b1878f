import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lead_scoring.bootstrap import Services
from lead_scoring.entities.models import Activation, Job
from lead_scoring.errors import StoreUnavailableError
from lead_scoring.feedback_analytics import counted
from lead_scoring.live_metrics import METRIC_NAMES
from lead_scoring.performance import Performance, next_time_of_day
from lead_scoring.retraining_check import RetrainingCheck
from tests.contract.examples import model
from tests.evidence import (
    NOON,
    VERSION,
    CountingTrainingStore,
    feedback,
    hundred_outcomes,
)
from tests.fakes import fake_services

DEPLOYED = NOON - timedelta(days=2)
PROJECT = Path(__file__).parents[2]
REPORT = """
import sys
from tests.unit.test_performance import hundred_outcomes, deploy, fake_services, counted, NOON
services = fake_services({folder!r})
deploy(services)
if {live}:
    services.feedback.add([counted(row) for row in hundred_outcomes(NOON)])
for name in set(sys.modules) & {{"numpy", "scipy", "sklearn", "xgboost"}}:
    raise SystemExit(f"{{name}} is there before")
assert services.performance.report()["live"]["samples"] == 100 * {live}
print(*sorted(set(sys.modules) & {{"numpy", "scipy", "sklearn", "xgboost"}}))
"""


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Services on fakes; it is noon."""
    services = fake_services(str(tmp_path_factory.mktemp("models")))
    assert services.clock.now() == NOON
    return services


def deploy(services: Services, **changes: Any) -> None:
    fields = {"created_at": DEPLOYED, "trained_until": DEPLOYED, "threshold": 0.5}
    fields |= {"metrics": {"f1_score": 0.8, "auc_roc": None}, "data_fingerprint": "f"}
    services.models.register(model(VERSION, **(fields | changes)))
    services.models.activate(Activation(DEPLOYED + timedelta(hours=1), "tests", VERSION))


def test_before_any_model_what_cannot_be_computed_is_null(services: Services) -> None:
    report = services.performance.report()

    assert report["active_model"] is None
    assert report["live"]["samples"] == 0
    assert report["live"]["metrics"] == dict.fromkeys(METRIC_NAMES)
    assert report["business"]["conversion_rate"] is None
    assert report["business"]["contact_success_rate"] is None
    assert report["training"]["last_job"] is None
    assert report["efficiency"]["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    for later in ("estimated", "drift", "data_quality", "monitored_at"):
        assert report[later] is None
    assert report["alerts"] == report["alert_history"] == []


def test_the_active_model_is_shown_with_what_was_registered(services: Services) -> None:
    deploy(services)

    active = services.performance.report()["active_model"]

    assert active == {
        "model_version": VERSION,
        "model_type": "xgboost",
        "metrics": {"f1_score": 0.8, "auc_roc": None},
        "threshold": 0.5,
        "training_samples": 800,
        "validation_samples": 200,
        "created_at": "2024-05-30T12:00:00.000000Z",
        "trained_until": "2024-05-30T12:00:00.000000Z",
        "deployed_at": "2024-05-30T13:00:00.000000Z",
        "previous_version": None,
    }


def test_what_became_of_leads_is_read_once_for_live_metrics_and_check(services: Services) -> None:
    deploy(services)
    store = CountingTrainingStore(hundred_outcomes(NOON - timedelta(hours=1)))
    check = RetrainingCheck(
        services.settings, services.clock, store, services.models, services.monitoring
    )

    report = Performance(
        services.settings,
        services.feedback,
        services.retraining,
        check,
        services.predictions,
        services.monitoring,
    ).report()

    assert len(store.reads) == 1
    assert (report["live"]["samples"], report["live"]["positives"]) == (100, 40)
    assert report["live"]["metrics"]["f1_score"] == report["training"]["live_f1"] == 0.75
    assert report["training"]["new_samples"] == 100
    assert report["training"]["should_retrain"]


def test_business_is_what_the_counters_of_the_last_thirty_days_say(services: Services) -> None:
    day = timedelta(days=1)
    rows = [
        feedback(1, "convert", NOON, conversion_value=1_000.5),
        feedback(2, "contact", NOON - day),
        feedback(3, "contact", NOON - 29 * day, contact_successful=False),
        feedback(4, "contact", NOON - 29 * day, contact_successful=None),
        feedback(5, "convert", NOON - 30 * day, conversion_value=9.0),
    ]
    services.feedback.add([counted(row) for row in rows])

    business = services.performance.report()["business"]

    assert business == {
        "days": 30,
        "feedback": 4,
        "conversions": 1,
        "contacts_with_known_outcome": 2,
        "conversion_rate": 0.25,
        "contact_success_rate": 0.5,
        "conversion_value": 1_000.5,
    }


def test_the_last_job_says_how_it_ended(services: Services) -> None:
    job = Job("job-1", "queued", "tests", NOON, fence=0)
    opened = services.jobs.open(job, NOON + timedelta(minutes=1))

    last = services.performance.report()["training"]["last_job"]

    assert last == {
        "job_id": "job-1",
        "status": "queued",
        "requested_by": "tests",
        "reasons": [],
        "created_at": "2024-06-01T12:00:00.000000Z",
        "finished_at": None,
        "model_version": None,
        "verdict": None,
        "error": None,
    }
    assert opened.job_id == "job-1"


@pytest.mark.parametrize(
    ("hour", "expected"), [(11, "2024-06-02T11"), (12, "2024-06-02T12"), (13, "2024-06-01T13")]
)
def test_the_next_check_is_the_next_time_that_the_clock_strikes(hour: int, expected: str) -> None:
    assert next_time_of_day(NOON, hour).isoformat().startswith(f"{expected}:00:00")


def test_the_next_check_follows_a_clock_that_is_set_ahead(services: Any) -> None:
    before = services.performance.report()["training"]["next_check"]
    services.clock.advance(days=8)

    after = services.performance.report()["training"]["next_check"]

    assert (before, after) == ("2024-06-02T03:00:00.000000Z", "2024-06-10T03:00:00.000000Z")


def test_a_store_that_is_down_is_said_not_papered_over(services: Any) -> None:
    services.models.outage.on = True

    with pytest.raises(StoreUnavailableError):
        services.performance.report()


@pytest.mark.parametrize(("live", "libraries"), [(0, []), (1, ["numpy"])])
def test_a_report_loads_numpy_only_for_live_outcomes_and_no_library_of_training(
    live: int, libraries: list[str], tmp_path: Path
) -> None:
    script = REPORT.format(folder=str(tmp_path), live=live)

    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == libraries
