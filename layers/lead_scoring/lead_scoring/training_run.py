"""A job that is being done, from taking its lease to writing down how it ended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from .entities.models import Job
from .errors import LeadScoringError, LeaseLostError, StoreUnavailableError, TooFewSamplesError
from .job_progress import JobProgress
from .lease_keeper import LeaseKeeper
from .ports import Clock, JobStore

_UNFORESEEN = "something unforeseen went wrong; the log of the training has the details"


class NotNeededError(Exception):
    """There is nothing to train for; `reasons` say why."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


class TrainingRun:
    """A job under its lease; `job` is to be kept up to date by who does it."""

    def __init__(
        self,
        job: Job,
        jobs: JobStore,
        clock: Clock,
        lease_seconds: float,
        tell: Callable[[str, float], None],
    ) -> None:
        """Start a queued job; raise LeaseLostError if it was started, or ended, already."""
        self.job, self.started_at = job, clock.now()
        self._jobs, self._clock = jobs, clock
        lease = jobs.start(job, self.started_at, self.started_at + timedelta(seconds=lease_seconds))
        self.keeper = LeaseKeeper(jobs, clock, lease, lease_seconds)
        self.progress = JobProgress(jobs, lease, self.keeper, tell)

    def do(self, work: Callable[["TrainingRun"], Job]) -> Job:
        """Have the job done by `work`, which returns it as it ended.

        What `work` raises is written down as the job's end and raised again; but that there is
        nothing to train for is no error. A job whose lease is lost is left alone.
        """
        with self.keeper:
            try:
                return work(self)
            except NotNeededError as error:
                return self._end("skipped", reasons=error.reasons)
            except TooFewSamplesError as error:
                self._end("skipped", reasons=(sentence(error),))
                raise
            except LeaseLostError:
                raise
            except LeadScoringError as error:
                self._end("failed", error=sentence(error))
                raise
            except BaseException:
                self._end("failed", error=_UNFORESEEN)
                raise

    def seconds_until(self, moment: datetime) -> float:
        """Return how long the job has taken by then."""
        return round((moment - self.started_at).total_seconds(), 3)

    def _end(self, status: str, **changes: Any) -> Job:
        step, fraction = self.progress.step, self.progress.fraction
        with self.keeper.last() as lease:
            at = self._clock.now()
            done = self.job._replace(status=status, step=step, fraction=fraction, finished_at=at)
            done = done._replace(**changes)
            self._jobs.finish(lease, done)
        return done


def sentence(error: LeadScoringError) -> str:
    """Say what went wrong, for whoever asks after the job."""
    if isinstance(error, StoreUnavailableError):
        return f"{error}; nothing was changed, try again later"
    return str(error)
