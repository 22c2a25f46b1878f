from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import WORKER_STOPPED, Job, Operation
from lead_scoring.errors import JobRunningError, NotFoundError, StoreUnavailableError
from lead_scoring.retraining import Retraining
from tests import builders
from tests.fakes import FakeClock, Outage
from tests.fakes_jobs import FakeJobStore, FakeTrainingWorker


class World:
    """The service on fakes."""

    def __init__(self, lease_seconds: int = 60) -> None:
        self.clock, self.worker = FakeClock(), FakeTrainingWorker()
        self.jobs: Any = FakeJobStore(Outage("dynamodb"))
        settings = builders.settings(retrain_lease_seconds=lease_seconds)
        self.retraining = Retraining(settings, self.clock, self.jobs, self.worker)

    def request(self, operation_id: str = "op", **changes: Any) -> Job:
        asked: dict[str, Any] = {
            "force_retrain": False,
            "validation_split": None,
            "params": None,
            "requested_by": "ann",
            "request_id": "r-1",
            "operation": Operation(operation_id, self.clock.now()),
        }
        return self.retraining.request(**asked | changes)


def test_a_request_opens_a_job_and_calls_the_worker_for_it() -> None:
    world = World()

    job = world.request(force_retrain=True, validation_split=0.3, params={"max_depth": 3})

    assert job == Job(
        job_id="op",
        status="queued",
        requested_by="ann",
        created_at=world.clock.now(),
        fence=1,
        force_retrain=True,
        validation_split=0.3,
        params={"max_depth": 3},
        request_id="r-1",
    )
    assert world.retraining.status("op") == job
    assert world.worker.called == ["op"]


def test_a_request_that_says_no_split_gets_the_usual_one() -> None:
    assert World().request().validation_split == 0.2


def test_a_second_request_is_refused_and_calls_nobody() -> None:
    world = World()
    world.request("one")

    with pytest.raises(JobRunningError) as refused:
        world.request("two")

    assert refused.value.job_id == "one"
    assert world.worker.called == ["one"]


def test_the_same_operation_again_goes_on_with_its_queued_job() -> None:
    world = World()
    first = world.request()

    again = world.request()

    assert again == first
    # The first call may never have been made; of two, only one starts the job.
    assert world.worker.called == ["op", "op"]


def test_the_same_operation_again_leaves_a_job_that_was_started_alone() -> None:
    world = World()
    job = world.request()
    world.jobs.start(job, world.clock.now(), world.clock.now() + timedelta(seconds=60))

    again = world.request()

    assert again.status == "running"
    assert world.worker.called == ["op"]


def test_a_worker_that_cannot_be_called_ends_the_job_and_frees_the_lease() -> None:
    world = World()
    world.worker.is_down = True

    with pytest.raises(StoreUnavailableError):
        world.request()

    job = world.retraining.status("op")
    assert (job.status, job.finished_at) == ("failed", world.clock.now())
    assert job.error == "the worker could not be called"
    world.worker.is_down = False
    assert world.request("another").status == "queued"


def test_the_operation_whose_worker_could_not_be_called_can_be_repeated() -> None:
    world = World()
    world.worker.is_down = True
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            world.request()
    world.worker.is_down = False

    job = world.request()
    again = world.request()

    assert (job.status, again) == ("queued", job)
    assert job.job_id not in ("op", "op-1")
    assert world.worker.called == [job.job_id] * 2


def test_a_call_that_arrived_although_it_failed_is_a_call() -> None:
    world = World()

    class LostAnswer(FakeTrainingWorker):
        def start(self, job_id: str) -> None:
            now = world.clock.now()
            world.jobs.start(world.jobs.get(job_id), now, now + timedelta(seconds=60))
            raise StoreUnavailableError("lambda")

    retraining = Retraining(builders.settings(), world.clock, world.jobs, LostAnswer())

    job = retraining.request(False, None, None, "ann", None, Operation("op", world.clock.now()))

    assert job.job_id == "op"
    assert retraining.status("op").status == "running"


def test_a_queued_job_waits_five_leases_for_its_worker() -> None:
    world = World(lease_seconds=60)
    world.request()

    world.clock.advance(seconds=299)
    waiting = world.retraining.status("op")
    world.clock.advance(seconds=1)
    dead = world.retraining.status("op")

    assert waiting.status == "queued"
    assert (dead.status, dead.error) == ("failed", "the worker never started")
    assert world.request("next").fence == 2


def test_a_queued_job_waits_at_least_half_a_minute() -> None:
    world = World(lease_seconds=1)
    world.request()

    world.clock.advance(seconds=29)

    assert world.retraining.status("op").status == "queued"


def test_a_job_whose_worker_died_is_found_by_whoever_looks() -> None:
    for look in ("status", "last"):
        world = World()
        job = world.request()
        now = world.clock.now()
        world.jobs.start(job, now, now + timedelta(seconds=60))
        world.clock.advance(seconds=60)

        found = world.retraining.status("op") if look == "status" else world.retraining.last()

        assert found == job._replace(
            status="failed", error=WORKER_STOPPED, finished_at=world.clock.now()
        )
        assert world.request("next").status == "queued"


def test_a_job_whose_worker_lives_is_left_alone() -> None:
    world = World()
    job = world.request()
    now = world.clock.now()
    world.jobs.start(job, now, now + timedelta(seconds=60))
    world.clock.advance(seconds=59)

    assert world.retraining.status("op").status == "running"
    assert world.retraining.last() == world.retraining.status("op")


def test_an_unknown_job_is_not_found_and_nobody_was_last() -> None:
    world = World()

    with pytest.raises(NotFoundError):
        world.retraining.status("op")
    assert world.retraining.last() is None
