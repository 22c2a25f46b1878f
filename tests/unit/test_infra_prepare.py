import time
from datetime import timedelta
from typing import Any

import pytest

from infra import prepare
from lead_scoring.adapters.clock import SystemClock
from lead_scoring.entities.models import WORKER_STOPPED, Job
from lead_scoring.errors import JobRunningError
from tests.trainings import ROWS, report_of, services_with

# What is measured is the layers; this is about what is beside them.
pytestmark = pytest.mark.untraced

LEASE_SECONDS = 1


@pytest.fixture
def services() -> Any:
    made = services_with(ROWS, retrain_lease_seconds=LEASE_SECONDS)
    made.__dict__["clock"] = SystemClock()
    return made


def killed_training(services: Any, seconds: float = LEASE_SECONDS) -> Job:
    """Open and begin a training that nobody goes on with."""
    now = services.clock.now()
    until = now + timedelta(seconds=seconds)
    job: Job = services.jobs.open(Job("killed", "queued", "make run", now, 0), until)
    services.jobs.start(job, now, until)
    return job


def test_a_first_training_says_what_was_activated_and_why(
    services: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare._train(services, "demo leads")

    told = capsys.readouterr().out
    version = services.models.pointer.model_version
    assert f"Trained and activated {version}; on the newest leads: AUC " in told
    assert report_of(services)["promotion_verdict"]["text"] in told
    assert report_of(services)["data_name"] == "demo leads"
    assert services.models.ledger[0].by == "make run"


def test_a_training_that_the_gate_refuses_claims_no_activation(
    services: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare._train(services, "demo leads")
    first = services.models.pointer
    time.sleep(1)  # A version carries its second.
    capsys.readouterr()

    prepare._train(services, "demo leads")

    told = capsys.readouterr().out
    # On a busy machine the training has said before how far it is.
    [ended] = [line for line in told.splitlines() if line.startswith("Trained")]
    assert ended.startswith("Trained, but did not activate, v")
    assert "Not promoted, because F1 does not improve" in told
    assert services.models.pointer == first


def test_the_lease_of_a_run_that_was_killed_is_outwaited_with_a_message(
    services: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    killed_training(services)

    prepare._train(services, "demo leads")

    told = capsys.readouterr().out
    assert told.count("Another training has not ended") == 1
    assert "Trained and activated" in told
    assert services.jobs.get("killed").error == WORKER_STOPPED


def test_a_training_that_lives_on_is_not_waited_for_without_end(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "LEASE_GRACE_SECONDS", -0.5)
    killed_training(services, seconds=3600)

    with pytest.raises(JobRunningError):
        prepare._train(services, "demo leads")

    assert services.models.records == {}
