"""Have models trained elsewhere, one at a time, and say how far that is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

from .entities.models import WORKER_STOPPED, Job, Lease, Operation
from .errors import StoreUnavailableError
from .ports import Clock, JobStore, TrainingWorker
from .settings import Settings

# A worker has this many leases of time to start, and at least so long: it loads its libraries.
_LEASES_IN_QUEUE = 5
_LEAST_QUEUE_SECONDS = 30
_NOT_CALLED = "the worker could not be called"
_NEVER_CAME = "the worker never started"


class Retraining:
    """Opens jobs, calls the worker, and finds the jobs whose worker died."""

    def __init__(
        self, settings: Settings, clock: Clock, jobs: JobStore, worker: TrainingWorker
    ) -> None:
        """Wire it; nothing is asked yet."""
        self._clock, self._jobs, self._worker = clock, jobs, worker
        self._queue_seconds = max(
            _LEAST_QUEUE_SECONDS, _LEASES_IN_QUEUE * settings.retrain_lease_seconds
        )

    def request(
        self,
        force_retrain: bool,
        validation_split: float | None,
        params: Mapping[str, float] | None,
        requested_by: str,
        request_id: str | None,
        operation: Operation,
    ) -> Job:
        """Open a job and call the worker; return the job as it was opened.

        `validation_split` and `params` None mean the usual ones. The same operation again goes on
        with its job. Raises JobRunningError while another trains; StoreUnavailableError if the
        worker cannot be called: then the job has failed, and the same operation opens another.
        """
        wanted = Job(
            job_id=operation.operation_id,
            status="queued",
            requested_by=requested_by,
            created_at=operation.at,
            fence=0,
            force_retrain=force_retrain,
            params=params,
            request_id=request_id,
        )
        if validation_split is not None:
            wanted = wanted._replace(validation_split=validation_split)
        for attempt in count(1):
            job = self._jobs.open(wanted, self._queued_until())
            if job.error != _NOT_CALLED:
                break
            wanted = wanted._replace(job_id=f"{operation.operation_id}-{attempt}")
        if job.status == "queued":
            self._call(job)
        return job

    def status(self, job_id: str) -> Job:
        """Return a job; one whose worker died is marked failed. Raises NotFoundError."""
        return self._judged(self._jobs.get(job_id))

    def last(self) -> Job | None:
        """Return the job that was begun last, judged likewise; None if there was none."""
        job = self._jobs.newest()
        return self._judged(job) if job else None

    def _call(self, job: Job) -> None:
        try:
            self._worker.start(job.job_id)
        except StoreUnavailableError:
            # A call whose answer was lost may have arrived. Should it arrive only now, the worker
            # finds that its job has ended.
            if self._jobs.get(job.job_id).status == "queued":
                now = self._clock.now()
                failed = job._replace(status="failed", error=_NOT_CALLED, finished_at=now)
                self._jobs.finish(Lease(job.job_id, job.fence, now), failed)
                raise

    def _judged(self, job: Job) -> Job:
        if job.status not in ("queued", "running"):
            return job
        error = _NEVER_CAME if job.status == "queued" else WORKER_STOPPED
        return self._jobs.bury(job, self._clock.now(), error)

    def _queued_until(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._queue_seconds)
