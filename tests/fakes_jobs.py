"""In-memory fakes of the store of jobs and of the worker that trains."""

from datetime import UTC, datetime
from typing import Any

from lead_scoring.entities.models import WORKER_STOPPED, Job, Lease
from lead_scoring.errors import (
    JobRunningError,
    LeaseLostError,
    NotFoundError,
    StoreUnavailableError,
)

FREED = datetime(1970, 1, 1, tzinfo=UTC)
UNFINISHED = ("queued", "running")


class FakeJobStore:
    """Jobs in a dictionary, and the one lease."""

    def __init__(self, outage: Any) -> None:
        self.jobs: dict[str, Job] = {}
        self.lease: Lease | None = None
        self.outage = outage

    def open(self, job: Job, until: datetime) -> Job:
        self.outage.check()
        if job.job_id in self.jobs:
            return self.jobs[job.job_id]
        held = self.lease
        if held and held.expires_at > job.created_at:
            raise JobRunningError(held.job_id)
        if held and self.jobs[held.job_id].status in UNFINISHED:
            self._fail(held.job_id, job.created_at, WORKER_STOPPED)
        opened = job._replace(fence=held.fence + 1 if held else 1)
        self.jobs[job.job_id] = opened
        self.lease = Lease(job.job_id, opened.fence, until)
        return opened

    def start(self, job: Job, now: datetime, until: datetime) -> Lease:
        self.outage.check()
        lease = Lease(job.job_id, job.fence, until)
        if self.jobs[job.job_id].status != "queued":
            raise LeaseLostError("started already")
        self.demand(lease, now)
        self.jobs[job.job_id] = self.jobs[job.job_id]._replace(status="running")
        self.lease = lease
        return lease

    def renew(self, lease: Lease, now: datetime, until: datetime) -> Lease:
        self.outage.check()
        self.demand(lease, now)
        self.lease = lease._replace(expires_at=until)
        return self.lease

    def report(self, lease: Lease, step: str, fraction: float) -> None:
        self.outage.check()
        job = self.jobs.get(lease.job_id)
        if job is None or (job.status, job.fence) != ("running", lease.fence):
            raise LeaseLostError("no longer running")
        self.jobs[lease.job_id] = job._replace(step=step, fraction=fraction)

    def finish(self, lease: Lease, finished: Job) -> None:
        self.outage.check()
        if not self.may_finish(lease, finished):
            return
        self.jobs[lease.job_id] = finished
        self.lease = lease._replace(expires_at=FREED)

    def get(self, job_id: str) -> Job:
        self.outage.check()
        if job_id not in self.jobs:
            raise NotFoundError(f"there is no job {job_id}")
        return self.jobs[job_id]

    def newest(self) -> Job | None:
        self.outage.check()
        return self.jobs[self.lease.job_id] if self.lease else None

    def bury(self, job: Job, now: datetime, error: str) -> Job:
        stored, held = self.get(job.job_id), self.lease
        is_holder = held is not None and held.job_id == job.job_id
        if stored.status in UNFINISHED and not (held and is_holder and held.expires_at > now):
            self._fail(job.job_id, now, error)
            if held and is_holder:
                self.lease = held._replace(expires_at=FREED)
        return self.jobs[job.job_id]

    def demand(self, lease: Lease, now: datetime) -> None:
        """Raise LeaseLostError unless the lease holds."""
        held = self.lease
        if held is None or (held.job_id, held.fence) != (lease.job_id, lease.fence):
            raise LeaseLostError("the lease went to another")
        if held.expires_at <= now:
            raise LeaseLostError("the lease has expired")

    def may_finish(self, lease: Lease, finished: Job) -> bool:
        """Whether a job can be written as finished; not if it is so already."""
        stored = self.jobs.get(lease.job_id)
        if stored == finished:
            return False
        if stored is None or stored.status not in UNFINISHED or finished.finished_at is None:
            raise LeaseLostError("ended already")
        self.demand(lease, finished.finished_at)
        return True

    def _fail(self, job_id: str, now: datetime, error: str) -> None:
        self.jobs[job_id] = self.jobs[job_id]._replace(
            status="failed", error=error, finished_at=now
        )


class FakeTrainingWorker:
    """Notes which jobs it was called for; `is_down` makes it impossible to call."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.is_down = False

    def start(self, job_id: str) -> None:
        if self.is_down:
            raise StoreUnavailableError("lambda")
        self.called.append(job_id)
