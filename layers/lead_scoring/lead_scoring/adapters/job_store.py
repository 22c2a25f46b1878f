"""Trainings and their lease, in DynamoDB."""

from datetime import datetime

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ..entities.models import WORKER_STOPPED, Job, Lease
from ..errors import JobRunningError, LeaseLostError, NotFoundError
from ..settings import Settings
from .aws import unavailable_on_failure
from .dynamodb import bound
from .job_item import (
    FREED,
    JOB,
    LEASE,
    UNFINISHED,
    JobItem,
    LeaseItem,
    ended_at,
    has_ended_as,
    holds,
    is_unfinished,
    item_of,
    write_end,
)
from .transactions import committed, until_settled, written


class DynamoJobStore:
    """A JobStore in the table of jobs.

    Whether a lease has expired is judged by the caller's clock, against the moment in its item.
    """

    def __init__(self, settings: Settings) -> None:
        self._jobs = bound(JobItem, settings.jobs_table, settings)
        self._leases = bound(LeaseItem, settings.jobs_table, settings)

    def open(self, job: Job, until: datetime) -> Job:
        """Keep a new job and take the lease for it, in one transaction; return it with its fence.

        Opening the same job again returns it as it is now. A lease that had expired when the job
        was created is taken over, and its job marked failed. Raises JobRunningError.
        """
        return until_settled(lambda: self._open(job, until))

    def start(self, job: Job, now: datetime, until: datetime) -> Lease:
        """Turn a queued job into a running one, once; raise LeaseLostError."""
        return until_settled(lambda: self._start(job, now, until))

    def renew(self, lease: Lease, now: datetime, until: datetime) -> Lease:
        """Prolong a lease that has not expired; raise LeaseLostError."""
        return until_settled(lambda: self._renew(lease, now, until))

    def report(self, lease: Lease, step: str, fraction: float) -> None:
        """Write down how far a running job is; raise LeaseLostError if it no longer runs."""
        until_settled(lambda: self._report(lease, step, fraction))

    def finish(self, lease: Lease, finished: Job) -> None:
        """Write how a job ended and free its lease, in one transaction; raise LeaseLostError.

        Finishing again in the same way changes nothing.
        """
        until_settled(lambda: self._finish(lease, finished))

    def get(self, job_id: str) -> Job:
        """Return a job; raise NotFoundError."""
        found = self._find(job_id)
        if found is None:
            raise NotFoundError(f"there is no job {job_id}")
        return found

    def newest(self) -> Job | None:
        """Return the job that took the lease last."""
        held = self._lease()
        return self._find(held.job_id) if held else None

    def bury(self, job: Job, now: datetime, error: str) -> Job:
        """Mark a queued or running job failed if its lease has expired or went on; return it."""
        return until_settled(lambda: self._bury(job.job_id, now, error))

    def has_finished(self, lease: Lease, finished: Job) -> bool:
        """Say whether a job has ended in just this way already; if not, whether it still may.

        Raises LeaseLostError if it has ended otherwise or its lease is lost.
        """
        stored = self._find(lease.job_id)
        if stored and has_ended_as(stored, finished):
            return True
        if stored is None or stored.status not in UNFINISHED:
            raise LeaseLostError(f"job {lease.job_id} has ended already")
        self._demand(lease, ended_at(finished))
        return False

    def _open(self, job: Job, until: datetime) -> Job | None:
        held = self._lease()
        stored = self._find(job.job_id)
        if stored:
            return stored
        if held and held.lease_until > job.created_at:
            raise JobRunningError(held.job_id)
        opened = job._replace(fence=held.fence + 1 if held else 1)
        before = self._find(held.job_id) if held else None

        def fill(write: TransactWrite) -> None:
            write.save(item_of(self._jobs, opened), self._jobs.job_key.does_not_exist())
            self._take_lease(write, held, opened, until)
            if before and before.status in UNFINISHED:
                self._write_failed(write, before, job.created_at, WORKER_STOPPED)

        return opened if committed(self._jobs, fill) else None

    def _take_lease(
        self, write: TransactWrite, held: LeaseItem | None, job: Job, until: datetime
    ) -> None:
        # Only from the hands in which it was seen: the fence of the job depends on it.
        free = self._leases.job_key.does_not_exist()
        if held:
            expired = self._leases.lease_until <= job.created_at
            free = (self._leases.fence == held.fence) & expired
        taken: list[Action] = [
            self._leases.job_id.set(job.job_id),
            self._leases.fence.set(job.fence),
            self._leases.lease_until.set(until),
        ]
        write.update(self._leases(LEASE), taken, free)

    def _start(self, job: Job, now: datetime, until: datetime) -> Lease | None:
        is_queued = (self._jobs.status == "queued") & (self._jobs.fence == job.fence)

        def fill(write: TransactWrite) -> None:
            running: list[Action] = [self._jobs.status.set("running")]
            write.update(self._jobs(JOB + job.job_id), running, is_queued)
            renewed: list[Action] = [self._leases.lease_until.set(until)]
            own = holds(self._leases, job.job_id, job.fence, now)
            write.update(self._leases(LEASE), renewed, own)

        if committed(self._jobs, fill):
            return Lease(job.job_id, job.fence, until)
        stored = self._find(job.job_id)
        if stored is None or stored.status != "queued" or stored.fence != job.fence:
            raise LeaseLostError(f"job {job.job_id} has been started or ended already")
        self._demand(Lease(job.job_id, job.fence, until), now)
        return None

    def _renew(self, lease: Lease, now: datetime, until: datetime) -> Lease | None:
        own = holds(self._leases, lease.job_id, lease.fence, now)
        prolonged: list[Action] = [self._leases.lease_until.set(until)]
        if written(lambda: self._leases(LEASE).update(prolonged, own)):
            return lease._replace(expires_at=until)
        self._demand(lease, now)
        return None

    def _report(self, lease: Lease, step: str, fraction: float) -> bool | None:
        is_running = (self._jobs.status == "running") & (self._jobs.fence == lease.fence)
        seen: list[Action] = [self._jobs.step.set(step), self._jobs.fraction.set(fraction)]
        item = self._jobs(JOB + lease.job_id)
        if written(lambda: item.update(seen, is_running)):
            return True
        stored = self._find(lease.job_id)
        if stored is None or stored.status != "running" or stored.fence != lease.fence:
            raise LeaseLostError(f"job {lease.job_id} has ended")
        return None

    def _finish(self, lease: Lease, finished: Job) -> bool | None:
        def fill(write: TransactWrite) -> None:
            write_end(write, self._jobs, self._leases, lease, finished)

        return True if committed(self._jobs, fill) or self.has_finished(lease, finished) else None

    def _bury(self, job_id: str, now: datetime, error: str) -> Job | None:
        held, job = self._lease(), self.get(job_id)
        is_holder = held is not None and (held.job_id, held.fence) == (job_id, job.fence)
        if job.status not in UNFINISHED or (held and is_holder and held.lease_until > now):
            return job

        def fill(write: TransactWrite) -> None:
            self._write_failed(write, job, now, error)
            if is_holder:
                # So that a worker that comes back to life cannot renew it any more.
                still = (self._leases.fence == job.fence) & (self._leases.lease_until <= now)
                write.update(self._leases(LEASE), [self._leases.lease_until.set(FREED)], still)

        committed(self._jobs, fill)
        # Either way, what is stored now says how it went.
        return None

    def _write_failed(self, write: TransactWrite, job: Job, now: datetime, error: str) -> None:
        failed: list[Action] = [
            self._jobs.status.set("failed"),
            self._jobs.error.set(error),
            self._jobs.finished_at.set(now),
        ]
        write.update(self._jobs(JOB + job.job_id), failed, is_unfinished(self._jobs, job.fence))

    def _demand(self, lease: Lease, now: datetime) -> None:
        """Raise LeaseLostError unless the lease holds."""
        held = self._lease()
        if held is None or (held.job_id, held.fence) != (lease.job_id, lease.fence):
            raise LeaseLostError(f"the lease of job {lease.job_id} went to another")
        if held.lease_until <= now:
            raise LeaseLostError(f"the lease of job {lease.job_id} has expired")

    def _lease(self) -> LeaseItem | None:
        with unavailable_on_failure("dynamodb"):
            try:
                return self._leases.get(LEASE, consistent_read=True)
            except self._leases.DoesNotExist:
                return None

    def _find(self, job_id: str) -> Job | None:
        with unavailable_on_failure("dynamodb"):
            try:
                return self._jobs.get(JOB + job_id, consistent_read=True).job()
            except self._jobs.DoesNotExist:
                return None
