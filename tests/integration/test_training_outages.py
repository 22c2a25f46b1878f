"""Stores that fail in the middle of a training, at every call of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from lead_scoring.adapters import clients
from lead_scoring.errors import JobRunningError, StoreUnavailableError

from .faulty_aws import CUT, LATE, LOST, THROTTLED, Call, Faults, faulty_aws
from .learning_system import (
    LEASE_SECONDS,
    PATIENCE_SECONDS,
    QUEUE_SECONDS,
    LearningSystem,
    learning_system,
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearningSystem]:
    with learning_system(tmp_path_factory.mktemp("outages")) as made:
        yield made
        made.assert_whole(newest=None)


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def proxy(system: LearningSystem, faults: Faults) -> Iterator[str]:
    endpoint_url = system.services.settings.aws_endpoint_url
    with faulty_aws(endpoint_url, faults) as address:
        yield address


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt only: what is tried again, and for how long, is not what this is about."""
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    # None that was made before, and none for those who come after.
    monkeypatch.setattr(clients, "_CLIENTS", clients._Clients())


def calls_of_a_training(
    system: LearningSystem, faults: Faults, worker: Any, operations: tuple[str, ...] = ("",)
) -> list[Call]:
    """Return calls of a training to these operations (by their beginnings), in their order.

    Of calls to the same operation, the first and the last: of 64 queries, one is like the other.
    """
    system.go_back()
    faults.clear()
    job = system.request(force=True)
    assert worker.model_trainer.run_job(job.job_id)["status"] == "succeeded"
    last = {call.operation: call for call in faults.calls}
    ends = [call for call in faults.calls if call.number == 1 or call == last[call.operation]]
    return [call for call in ends if call.operation.startswith(operations)]


def train_with(
    system: LearningSystem, faults: Faults, worker: Any, fault: str, at: Call, lasting: bool
) -> str:
    """Train with a fault at a call; return how the job is stored, having checked what must hold.

    `spared` where the call never came: how often progress is reported depends on the time.
    """
    system.go_back()
    before, job = system.shown(), system.request(force=True)
    faults.set(fault, at, lasting)
    try:
        told = worker.model_trainer.run_job(job.job_id)["status"]
    except StoreUnavailableError:
        told = None
    if fault == LATE:
        assert faults.has_arrived.wait(PATIENCE_SECONDS)
    has_struck = faults.has_struck
    faults.clear()
    stored, now = system.services.jobs.get(job.job_id), system.shown()
    assert told in (None, stored.status)
    if stored.status == "succeeded":
        assert now["active"].model_version == now["history"][0].to_version == stored.model_version
        assert now["history"][1:] == before["history"]
        assert len(now["listed"]) == len(before["listed"]) + 1
        system.assert_whole(newest=1)
    else:
        assert now == before
    if stored.status in ("queued", "running"):
        assert_it_ends_with_its_lease(system, job.job_id)
    status: str = stored.status
    return status if has_struck else "spared"


def assert_it_ends_with_its_lease(system: LearningSystem, job_id: str) -> None:
    with pytest.raises(JobRunningError):
        system.request()
    stored = system.services.jobs.get(job_id)
    system.advance(QUEUE_SECONDS if stored.status == "queued" else LEASE_SECONDS)
    assert system.services.retraining.status(job_id).status == "failed"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [LOST, THROTTLED])
def test_a_store_that_fails_from_a_call_on_leaves_a_job_that_failed_or_a_model_that_is_whole(
    system: LearningSystem, faults: Faults, proxy: str, fault: str
) -> None:
    worker = system.reached_through(proxy)

    ends = {
        call: train_with(system, faults, worker, fault, call, lasting=True)
        for call in calls_of_a_training(system, faults, worker)
    }

    # Only an answer that was lost can hide a success.
    publication = max(call for call in ends if call.operation == "TransactWriteItems")
    succeeded = {call for call, status in ends.items() if status == "succeeded"}
    assert succeeded == ({publication} if fault == LOST else set())


@pytest.mark.usefixtures("impatient")
def test_a_write_that_fails_once_fails_the_job_at_once(
    system: LearningSystem, faults: Faults, proxy: str
) -> None:
    worker = system.reached_through(proxy)
    start, *others = calls_of_a_training(system, faults, worker, ("TransactWriteItems", "PUT "))

    assert train_with(system, faults, worker, CUT, start, lasting=False) == "queued"
    for call in others:
        assert train_with(system, faults, worker, CUT, call, lasting=False) == "failed", call


@pytest.mark.usefixtures("impatient")
def test_a_step_that_cannot_be_told_costs_nothing(
    system: LearningSystem, faults: Faults, proxy: str
) -> None:
    worker = system.reached_through(proxy)
    first, last = calls_of_a_training(system, faults, worker, ("UpdateItem",))

    # The last is no step, but renews the lease.
    assert train_with(system, faults, worker, CUT, first, lasting=False) == "succeeded"
    assert train_with(system, faults, worker, CUT, last, lasting=False) == "failed"


def test_an_answer_that_is_lost_once_costs_nothing(
    system: LearningSystem, faults: Faults, proxy: str
) -> None:
    worker = system.reached_through(proxy)
    operations = ("TransactWriteItems", "UpdateItem", "PUT model.ubj", "GetItem")

    for call in calls_of_a_training(system, faults, worker, operations):
        assert train_with(system, faults, worker, LOST, call, lasting=False) == "succeeded", call


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("operation", ["TransactWriteItems", "PUT model.ubj"])
def test_a_write_that_arrives_after_the_worker_gave_it_up_changes_nothing(
    system: LearningSystem, faults: Faults, proxy: str, operation: str
) -> None:
    worker = system.reached_through(proxy)
    last = calls_of_a_training(system, faults, worker, (operation,))[-1]

    assert train_with(system, faults, worker, LATE, last, lasting=False) == "failed"
