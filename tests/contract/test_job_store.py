"""Every store of jobs keeps the same promises: one lease, and nothing from who lost it."""

import multiprocessing
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import WORKER_STOPPED, Job, Lease
from lead_scoring.errors import JobRunningError, LeaseLostError, NotFoundError

from .conftest import Stores, local_credentials, real_stores
from .examples import NOON, fresh


def wanted(**changes: Any) -> Job:
    return Job(fresh("job"), "queued", "tests", NOON, 0)._replace(**changes)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ended(job: Job, **changes: Any) -> Job:
    return job._replace(**{"status": "failed", "finished_at": NOON, "error": "tests"} | changes)


@pytest.fixture
def jobs(stores: Stores) -> Iterator[Any]:
    """The store, with a lease that is free at the start and at the end of a test."""
    free(stores.jobs)
    yield stores.jobs
    free(stores.jobs)


def free(jobs: Any) -> None:
    newest = jobs.newest()
    if newest:
        jobs.bury(newest, datetime.max.replace(tzinfo=NOON.tzinfo), "tests")


def test_an_opened_job_comes_back_as_it_was_with_its_number(jobs: Any) -> None:
    job = wanted(
        force_retrain=True,
        validation_split=0.1 + 0.2,
        params={"max_depth": 8, "learning_rate": 0.1, "gamma": 0},
        data_name="somebody's leads",
        request_id="r-1",
        reasons=("asked for", "älter als 7 Tage"),
    )

    opened = jobs.open(job, after(60))

    assert opened == job._replace(fence=opened.fence)
    assert jobs.get(job.job_id) == opened
    assert isinstance(jobs.get(job.job_id).params["max_depth"], int)
    assert jobs.newest() == opened


def test_each_job_has_a_larger_number_than_the_one_before(jobs: Any) -> None:
    first = jobs.open(wanted(), after(60))
    jobs.finish(Lease(first.job_id, first.fence, after(60)), ended(first))

    second = jobs.open(wanted(), after(60))

    assert second.fence == first.fence + 1


def test_an_unknown_job_is_not_found(jobs: Any) -> None:
    with pytest.raises(NotFoundError):
        jobs.get(fresh("job"))


def test_a_second_job_is_told_which_one_runs(jobs: Any) -> None:
    first, second = jobs.open(wanted(), after(60)), wanted(created_at=after(59))

    with pytest.raises(JobRunningError) as refused:
        jobs.open(second, after(120))

    assert refused.value.job_id == first.job_id
    with pytest.raises(NotFoundError):
        jobs.get(second.job_id)


def test_opening_the_same_job_again_returns_it_as_it_is_now(jobs: Any) -> None:
    job = wanted()
    opened = jobs.open(job, after(60))
    jobs.start(opened, NOON, after(60))

    again = jobs.open(job, after(999))

    assert again == opened._replace(status="running")
    with pytest.raises(JobRunningError):
        jobs.open(wanted(created_at=after(59)), after(120))
    jobs.open(wanted(created_at=after(60)), after(120))


def test_an_expired_lease_is_taken_over_and_its_job_has_failed(jobs: Any) -> None:
    dead = jobs.open(wanted(), after(60))
    jobs.start(dead, NOON, after(60))

    successor = jobs.open(wanted(created_at=after(60)), after(120))

    assert successor.fence == dead.fence + 1
    assert jobs.newest() == successor
    assert jobs.get(dead.job_id) == dead._replace(
        status="failed", error=WORKER_STOPPED, finished_at=after(60)
    )


def test_a_job_starts_once(jobs: Any) -> None:
    job = jobs.open(wanted(), after(300))

    lease = jobs.start(job, after(1), after(61))

    assert lease == Lease(job.job_id, job.fence, after(61))
    assert jobs.get(job.job_id).status == "running"
    with pytest.raises(LeaseLostError):
        jobs.start(job, after(2), after(999))
    # The lease is that of the first start.
    jobs.open(wanted(created_at=after(61)), after(120))


def test_a_job_that_waited_too_long_does_not_start(jobs: Any) -> None:
    job = jobs.open(wanted(), after(300))

    with pytest.raises(LeaseLostError):
        jobs.start(job, after(300), after(400))

    assert jobs.get(job.job_id).status == "queued"


def test_a_buried_job_does_not_start(jobs: Any) -> None:
    job = jobs.open(wanted(), after(300))
    jobs.bury(job, after(300), "gone")

    with pytest.raises(LeaseLostError):
        jobs.start(job, NOON, after(400))

    assert jobs.get(job.job_id).status == "failed"


def test_a_renewed_lease_holds_longer(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))

    renewed = jobs.renew(lease, after(59), after(119))

    assert renewed == lease._replace(expires_at=after(119))
    with pytest.raises(JobRunningError):
        jobs.open(wanted(created_at=after(118)), after(200))


def test_a_lease_that_expired_or_went_on_cannot_be_renewed(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))

    with pytest.raises(LeaseLostError):
        jobs.renew(lease, after(60), after(120))

    jobs.open(wanted(created_at=after(60)), after(120))
    with pytest.raises(LeaseLostError):
        jobs.renew(lease, NOON, after(120))


def test_a_running_job_says_how_far_it_is(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))

    jobs.report(lease, "fitting trees", 0.1 + 0.2)

    assert jobs.get(job.job_id) == job._replace(
        status="running", step="fitting trees", fraction=0.1 + 0.2
    )


def test_only_a_running_job_says_how_far_it_is(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = Lease(job.job_id, job.fence, after(60))

    with pytest.raises(LeaseLostError):
        jobs.report(lease, "too early", 0.5)
    with pytest.raises(LeaseLostError):
        jobs.report(Lease(fresh("job"), job.fence, after(60)), "of no job", 0.5)
    jobs.start(job, NOON, after(60))
    with pytest.raises(LeaseLostError):
        jobs.report(lease._replace(fence=job.fence + 1), "of another", 0.5)
    jobs.finish(lease, ended(job))
    with pytest.raises(LeaseLostError):
        jobs.report(lease, "too late", 0.5)

    assert jobs.get(job.job_id) == ended(job)


def test_a_finished_job_keeps_how_it_ended_and_frees_the_lease(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))
    finished = job._replace(
        status="succeeded",
        step="done",
        fraction=1.0,
        reasons=("50 new samples",),
        model_version="v20240101_120000_abc12345",
        metrics={"f1_score": 0.5, "contact_success_rate": None},
        promoted=False,
        verdict="It is no better.",
        finished_at=after(30),
    )

    jobs.finish(lease, finished)

    assert jobs.get(job.job_id) == finished
    assert jobs.open(wanted(created_at=after(31)), after(90)).status == "queued"


def test_finishing_twice_in_the_same_way_changes_nothing(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))
    jobs.finish(lease, ended(job))
    successor = jobs.open(wanted(created_at=after(1)), after(60))

    jobs.finish(lease, ended(job))

    assert jobs.get(job.job_id) == ended(job)
    assert jobs.newest() == successor


@pytest.mark.parametrize("change", ["expired", "another number", "taken over"])
def test_who_lost_the_lease_finishes_nothing(jobs: Any, change: str) -> None:
    job = jobs.open(wanted(), after(60))
    lease, finished_at = jobs.start(job, NOON, after(60)), after(59)
    if change == "expired":
        finished_at = after(60)
    elif change == "another number":
        lease = lease._replace(fence=lease.fence - 1)
    else:
        jobs.open(wanted(created_at=after(60)), after(120))
    before = jobs.get(job.job_id)

    with pytest.raises(LeaseLostError):
        jobs.finish(lease, ended(job, status="succeeded", finished_at=finished_at))

    assert jobs.get(job.job_id) == before


def test_a_job_whose_lease_holds_is_not_buried(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))

    assert jobs.bury(job, after(59), "gone") == job

    jobs.start(job, after(59), after(120))


def test_a_job_whose_lease_expired_is_buried_and_stays_so(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))

    buried = jobs.bury(job, after(60), "gone")

    assert buried == job._replace(status="failed", error="gone", finished_at=after(60))
    assert jobs.get(job.job_id) == buried
    # Even by a clock that is behind, its worker has lost the lease.
    with pytest.raises(LeaseLostError):
        jobs.renew(lease, NOON, after(120))
    with pytest.raises(LeaseLostError):
        jobs.finish(lease, ended(job, status="succeeded", error=None))


def test_a_job_that_has_ended_is_not_buried(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    finished = ended(job, error="of its own")
    jobs.finish(Lease(job.job_id, job.fence, after(60)), finished)

    assert jobs.bury(job, after(999), "gone") == finished


def test_a_lease_is_renewed_under_its_own_number_only(jobs: Any) -> None:
    job = jobs.open(wanted(), after(60))
    lease = jobs.start(job, NOON, after(60))

    with pytest.raises(LeaseLostError):
        jobs.renew(lease._replace(fence=lease.fence + 1), NOON, after(120))


def test_a_job_that_came_and_went_while_another_opens_has_a_number_of_its_own(
    embedded_stores: Stores, embedded_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, others = embedded_stores.jobs, real_stores(embedded_endpoint).jobs
    free(jobs)
    real, between = jobs._find, list[Job]()

    def find_after_another(job_id: str) -> Job | None:
        if not between:
            between.append(others.open(wanted(), after(60)))
            lease = Lease(between[0].job_id, between[0].fence, after(60))
            others.finish(lease, ended(between[0]))
        found: Job | None = real(job_id)
        return found

    monkeypatch.setattr(jobs, "_find", find_after_another)

    opened = jobs.open(wanted(created_at=after(1)), after(60))

    assert opened.fence == between[0].fence + 1
    free(jobs)


def open_one(endpoint_url: str, number: int, gate: Any, results: Any) -> None:
    with local_credentials():
        jobs = real_stores(endpoint_url).jobs
        jobs.newest()
        gate.wait()
        for turn in range(5):
            try:
                jobs.open(
                    Job(f"race-{turn}-{number}", "queued", "tests", after(100 * turn), 0),
                    after(100 * turn + 99),
                )
                results.put((turn, "opened", f"race-{turn}-{number}"))
            except JobRunningError as error:
                results.put((turn, "refused", error.job_id))
            gate.wait()


def test_of_eight_processes_that_open_at_once_one_does(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    free(embedded_stores.jobs)
    before = embedded_stores.jobs.newest()
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(8), context.Queue()
    processes = [
        context.Process(target=open_one, args=(embedded_endpoint, number, gate, results))
        for number in range(8)
    ]
    for process in processes:
        process.start()
    told = [results.get(timeout=60) for _ in range(5 * 8)]
    for process in processes:
        process.join(60)

    for turn in range(5):
        opened = [job_id for each, what, job_id in told if (each, what) == (turn, "opened")]
        refused = [job_id for each, what, job_id in told if (each, what) == (turn, "refused")]
        assert (len(opened), refused) == (1, opened * 7)
    newest = embedded_stores.jobs.newest()
    # Every turn's lease had expired at the next: each job but the last has failed.
    assert newest.fence == (before.fence if before else 0) + 5
    winners = [job_id for _, what, job_id in told if what == "opened"]
    statuses = sorted(embedded_stores.jobs.get(job_id).status for job_id in winners)
    assert statuses == ["failed"] * 4 + ["queued"]
    free(embedded_stores.jobs)
