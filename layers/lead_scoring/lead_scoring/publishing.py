"""Publish a candidate: its files first, then all that makes them count, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .candidate import Candidate
from .entities.models import Activation, Job
from .errors import ConflictError, PointerMovedError
from .incumbent import incumbent
from .ports import ArtifactStore, ModelRegistry
from .promotion import Verdict, judge
from .training_run import TrainingRun

# How often to compare anew because somebody activated another model meanwhile.
_TRIES = 3
# Names of models tell seconds.
_NEXT_NAME = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Compares candidates with what answers, and publishes them; `now` tells the time."""

    models: ModelRegistry
    artifacts: ArtifactStore
    hash_key: str
    now: Callable[[], datetime]

    def publish(self, run: TrainingRun, candidate: Candidate, trained_until: datetime) -> Job:
        """Register a candidate, activate it if it is promoted, and end its job; return that.

        Raises LeaseLostError; ConflictError if others keep changing what it is compared with.
        """
        candidate = self._named_apart(candidate)
        seconds = run.seconds_until(candidate.created_at)
        for _ in range(_TRIES):
            run.progress("comparing with what answers now", 0.9)
            active = self.models.active()
            other = incumbent(active, self.models, self.artifacts, candidate.holdout)
            verdict = judge(candidate.contender, other.contender, candidate.targets, other.remarks)
            parent = active.model_version if active else None
            files = candidate.files(verdict, parent, self.hash_key)
            run.progress("publishing", 0.95)
            self.artifacts.write(candidate.model_version, files)
            record = candidate.record(files, seconds, trained_until)
            try:
                with run.keeper.last() as lease:
                    done = _succeeded(run.job, candidate, verdict, self.now())
                    activation = _activation(done, verdict) if verdict.promoted else None
                    self.models.publish(record, activation, active, lease, done)
            except PointerMovedError:
                continue
            run.progress.tell_end()
            return done
        raise ConflictError("others kept changing the active model while this one was compared")

    def _named_apart(self, candidate: Candidate) -> Candidate:
        """Return the candidate under a name of its own.

        The same data make the same model, and within one second the same name: then its files
        would be written over those of the model that has it.
        """
        taken = {record.model_version for record in self.models.newest_first()}
        while candidate.model_version in taken:
            candidate = candidate.made_at(candidate.created_at + _NEXT_NAME)
        return candidate


def _succeeded(job: Job, candidate: Candidate, verdict: Verdict, now: datetime) -> Job:
    return job._replace(
        status="succeeded",
        step="done",
        fraction=1.0,
        model_version=candidate.model_version,
        metrics=candidate.card["metrics"],
        promoted=verdict.promoted,
        verdict=verdict.text,
        finished_at=now,
    )


def _activation(done: Job, verdict: Verdict) -> Activation:
    return Activation(
        at=done.finished_at or done.created_at,
        by=done.requested_by,
        model_version=done.model_version,
        reason=verdict.short,
        request_id=done.request_id,
        operation_id=done.job_id,
    )
