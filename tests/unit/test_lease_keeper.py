import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import Job, Lease
from lead_scoring.errors import LeaseLostError
from lead_scoring.job_progress import JobProgress
from lead_scoring.lease_keeper import LeaseKeeper
from tests.fakes import FakeClock, Outage
from tests.fakes_jobs import FREED, FakeJobStore

SECONDS = 0.3
PATIENCE_SECONDS = 5.0


class RenewingJobs(FakeJobStore):
    """Counts renewals, and notes which thread they came from."""

    def __init__(self) -> None:
        super().__init__(Outage("dynamodb"))
        self.threads: list[threading.Thread] = []
        self.is_broken = False

    def renew(self, lease: Lease, now: Any, until: Any) -> Lease:
        if self.is_broken:
            raise ZeroDivisionError
        self.threads.append(threading.current_thread())
        return super().renew(lease, now, until)


class Training:
    """A job that was just started, with its clock, store and keeper."""

    def __init__(self) -> None:
        self.clock, self.jobs = FakeClock(), RenewingJobs()
        now = self.clock.now()
        self.until = now + timedelta(seconds=SECONDS)
        job = self.jobs.open(Job("one", "queued", "a test", now, 0), self.until)
        self.lease = self.jobs.start(job, now, self.until)
        self.keeper = LeaseKeeper(self.jobs, self.clock, self.lease, SECONDS)

    def open_another(self) -> Job:
        """Let the lease expire, and open the next job."""
        self.clock.advance(seconds=2 * SECONDS)
        now = self.clock.now()
        return self.jobs.open(Job("two", "queued", "a test", now, 0), now + timedelta(hours=1))


@pytest.fixture
def training() -> Training:
    return Training()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def is_lost(keeper: LeaseKeeper) -> bool:
    try:
        keeper.check()
    except LeaseLostError:
        return True
    return False


def test_a_thread_renews_the_lease_about_three_times_in_its_life(training: Training) -> None:
    with training.keeper:
        began = time.monotonic()
        training.clock.advance(seconds=0.1)
        wait_until(lambda: len(training.jobs.threads) >= 3)
        took = time.monotonic() - began

    assert training.jobs.lease is not None
    assert training.jobs.lease.expires_at == training.until + timedelta(seconds=0.1)
    assert took >= 0.9 * SECONDS
    assert threading.current_thread() not in training.jobs.threads


def test_nothing_renews_a_lease_that_is_kept_no_longer(training: Training) -> None:
    with training.keeper:
        wait_until(lambda: len(training.jobs.threads) >= 1)
    count = len(training.jobs.threads)

    time.sleep(SECONDS)

    assert len(training.jobs.threads) == count


def test_an_error_in_what_is_done_ends_the_renewing_too(training: Training) -> None:
    with pytest.raises(ZeroDivisionError), training.keeper:
        raise ZeroDivisionError
    count = len(training.jobs.threads)

    time.sleep(SECONDS)

    assert len(training.jobs.threads) == count


def test_a_lease_that_went_to_another_is_lost_for_good(training: Training) -> None:
    with training.keeper:
        training.keeper.check()
        training.open_another()

        assert is_lost(training.keeper)
        wait_until(lambda: not training.keeper._thread.is_alive())
        training.clock.advance(seconds=-60)
        assert is_lost(training.keeper)


def test_who_was_stopped_for_too_long_notices_before_anything_is_renewed(
    training: Training,
) -> None:
    training.clock.advance(seconds=SECONDS)

    with pytest.raises(LeaseLostError, match="expired"):
        training.keeper.check()


def test_a_store_that_fails_for_a_while_costs_nothing(training: Training) -> None:
    with training.keeper:
        training.jobs.outage.on = True
        wait_until(lambda: len(training.jobs.threads) >= 2)
        training.jobs.outage.on = False
        training.clock.advance(seconds=0.1)
        wait_until(lambda: training.jobs.lease.expires_at > training.until)  # type: ignore[union-attr]

        training.keeper.check()


def test_a_store_that_fails_until_the_lease_expires_loses_it(training: Training) -> None:
    with training.keeper:
        training.jobs.outage.on = True
        training.keeper.check()
        training.clock.advance(seconds=SECONDS)

        assert is_lost(training.keeper)


def test_what_nobody_foresaw_in_the_thread_is_raised_by_the_next_check(training: Training) -> None:
    training.jobs.is_broken = True
    with training.keeper:
        wait_until(lambda: not training.keeper._thread.is_alive())

        with pytest.raises(ZeroDivisionError):
            training.keeper.check()


def test_the_last_renewal_gives_all_of_the_time_and_nothing_renews_after_it(
    training: Training,
) -> None:
    with training.keeper:
        training.clock.advance(seconds=0.2)
        with training.keeper.last() as lease:
            count = len(training.jobs.threads)
            time.sleep(SECONDS)
            assert len(training.jobs.threads) == count
            training.jobs.lease = Lease("one", 1, FREED)
        time.sleep(SECONDS)

    assert lease.expires_at == training.until + timedelta(seconds=0.2)
    assert len(training.jobs.threads) == count


def test_after_a_last_renewal_that_failed_the_lease_is_kept_on(training: Training) -> None:
    with training.keeper:
        with pytest.raises(ZeroDivisionError), training.keeper.last():
            raise ZeroDivisionError
        count = len(training.jobs.threads)

        wait_until(lambda: len(training.jobs.threads) > count)
        training.keeper.check()


def test_a_lost_lease_has_no_last_renewal(training: Training) -> None:
    training.open_another()

    with training.keeper, pytest.raises(LeaseLostError), training.keeper.last():
        raise AssertionError("nothing may be written now")


# Progress.


class Watch:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class ReportedJobs(RenewingJobs):
    """Notes every report."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[tuple[str, float]] = []

    def report(self, lease: Lease, step: str, fraction: float) -> None:
        self.outage.check()
        assert lease.job_id == "one"
        self.reports.append((step, fraction))


def progress_of(training: Training) -> tuple[JobProgress, ReportedJobs, Watch, list[Any]]:
    jobs, watch, told = ReportedJobs(), Watch(), list[Any]()

    def tell(step: str, fraction: float) -> None:
        told.append((step, fraction))

    return JobProgress(jobs, training.lease, training.keeper, tell, watch), jobs, watch, told


def test_a_new_step_is_reported_at_once_and_within_a_step_at_most_every_second(
    training: Training,
) -> None:
    progress, jobs, watch, told = progress_of(training)

    for seconds, step, fraction in (
        (0, "a", 0.1), (0.5, "a", 0.2), (0.6, "b", 0.3), (1.5, "b", 0.4), (1.6, "b", 0.5),
    ):  # fmt: skip
        watch.seconds = 100 + seconds
        progress(step, fraction)

    assert jobs.reports == [("a", 0.1), ("b", 0.3), ("b", 0.5)]
    assert [fraction for _, fraction in told] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_progress_never_falls(training: Training) -> None:
    progress, jobs, _, told = progress_of(training)

    for step, fraction in (("a", 0.9), ("b", 0.2), ("c", 0.95)):
        progress(step, fraction)

    assert jobs.reports == told == [("a", 0.9), ("b", 0.9), ("c", 0.95)]


def test_a_report_that_cannot_be_written_stops_nothing(
    training: Training, caplog: pytest.LogCaptureFixture
) -> None:
    progress, jobs, _, told = progress_of(training)
    jobs.outage.on = True

    progress("a", 0.1)

    assert told == [("a", 0.1)]
    assert "progress_not_written" in caplog.text


def test_a_lost_lease_stops_the_next_step_before_anything_is_told(training: Training) -> None:
    progress, jobs, _, told = progress_of(training)
    training.open_another()

    with pytest.raises(LeaseLostError):
        progress("a", 0.1)
    assert jobs.reports == told == []
