"""Train a model on what became of leads, and let it take over if it is better than what answers.

Every training is a job under the one lease. What it makes takes effect in one transaction, at its
end; a training that is cut off anywhere before leaves nothing but files that nobody looks for.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

from . import training_data
from .candidate import Candidate
from .entities.models import Job
from .errors import JobRunningError, LeadScoringError, TooFewSamplesError
from .model_fitting import Estimators, Progress, fit_model, ignore_progress
from .ports import ArtifactStore, Clock, JobStore, ModelRegistry, TrainingStore
from .publishing import Publisher
from .settings import Settings
from .training_data import TrainingSet, training_set
from .training_run import NotNeededError, TrainingRun, sentence

logger = logging.getLogger(__name__)


class Check(Protocol):
    """Says whether a new model should be trained."""

    def check(self) -> dict[str, Any]:
        """Return `should_retrain`, `reasons` and the figures behind them."""


class ModelTrainer:
    """Trains on all that is known; registers the result, and activates it if it is better."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        training_data: TrainingStore,
        models: ModelRegistry,
        artifacts: ArtifactStore,
        jobs: JobStore,
        check: Check,
        estimators: Callable[[], Estimators],
    ) -> None:
        """Wire the trainer to its stores; nothing is read, and no library of fitting loaded yet."""
        self._settings, self._clock, self._estimators = settings, clock, estimators
        self._training_data, self._models, self._jobs = training_data, models, jobs
        self._check = check
        self._publisher = Publisher(models, artifacts, settings.hash_key, clock.now)

    def check_retraining_needed(self) -> dict[str, Any]:
        """Return `should_retrain`, the `reasons` for or against, and the figures behind them."""
        return self._check.check()

    def train_new_model(
        self,
        params: Mapping[str, Any] | None = None,
        validation_split: float = 0.2,
        progress: Progress = ignore_progress,
        activated_by: str = "python",
        data_name: str | None = None,
    ) -> dict[str, Any]:
        """Train now, whether or not there is a reason to; return how it ended.

        `params` are hyperparameters by the names of DEFAULT_PARAMS; `data_name` says on the card
        whose leads these are. Returns `model_version`, `metrics`, `promoted` and the `verdict`.

        Raises TooFewSamplesError below `min_training_samples` usable leads; JobRunningError while
        another training runs.
        """
        job = self._open(
            requested_by=activated_by,
            force_retrain=True,
            validation_split=validation_split,
            params=params,
            data_name=data_name,
        )
        try:
            done = self._run(job, progress)
        except LeadScoringError:
            # It may have been published although the answer was lost.
            done = self._jobs.get(job.job_id)
            if done.status != "succeeded":
                raise
        return _told(done)

    def run_job(self, job_id: str) -> dict[str, Any]:
        """Do a job that was opened elsewhere, once; return how it ended.

        A job that was begun or ended already is left alone. Raises NotFoundError.
        """
        job = self._jobs.get(job_id)
        try:
            return _told(self._run(job, ignore_progress))
        except LeadScoringError as error:
            event = {"event": "training_ended", "job_id": job_id, "fault": sentence(error)}
            logger.warning(json.dumps(event))
            return _told(self._jobs.get(job_id))

    def run_scheduled(self) -> dict[str, Any]:
        """Train if there is a reason to; return how it ended, or which job runs already."""
        try:
            job = self._open(requested_by="schedule")
        except JobRunningError as error:
            return {"job_id": error.job_id, "status": "running", "reasons": [str(error)]}
        return self.run_job(job.job_id)

    def _open(self, **wishes: Any) -> Job:
        now = self._clock.now()
        job = Job(job_id=uuid4().hex, status="queued", created_at=now, fence=0, **wishes)
        return self._jobs.open(job, now + timedelta(seconds=self._settings.retrain_lease_seconds))

    def _run(self, job: Job, tell: Progress) -> Job:
        seconds = self._settings.retrain_lease_seconds
        return TrainingRun(job, self._jobs, self._clock, seconds, tell).do(self._train)

    def _train(self, run: TrainingRun) -> Job:
        job, progress = run.job, run.progress
        if not job.force_retrain:
            progress("checking whether to train", 0.0)
            run.job = job = job._replace(reasons=self._reasons_to_train())
        progress("reading outcomes", 0.0)
        now = self._clock.now()
        data = training_set(self._training_data, self._settings, now)
        missing = self._settings.min_training_samples - len(data.examples)
        if missing > 0:
            raise TooFewSamplesError(
                f"{len(data.examples)} leads have an outcome; {missing} more are needed to train"
            )
        fingerprint = training_data.fingerprint(data, self._recipe(job))
        if not job.force_retrain:
            self._demand_news(fingerprint)
        candidate = self._fit(run, data, fingerprint)
        return self._publisher.publish(run, candidate, data.known_until(now))

    def _reasons_to_train(self) -> tuple[str, ...]:
        found = self._check.check()
        reasons = tuple(map(str, found["reasons"]))
        if not found["should_retrain"]:
            raise NotNeededError(reasons)
        return reasons

    def _recipe(self, job: Job) -> dict[str, Any]:
        """Return what a model depends on besides its data."""
        settings = self._settings
        return {
            "params": dict(job.params or {}),
            "validation_split": job.validation_split,
            "terms": [settings.tfidf_max_features_title, settings.tfidf_max_features_desc],
            "time_zone": settings.business_time_zone,
        }

    def _demand_news(self, fingerprint: str) -> None:
        newest = next(iter(self._models.newest_first()), None)
        if newest and newest.data_fingerprint == fingerprint:
            raise NotNeededError(
                (f"{newest.model_version} was trained on the same data in the same way already",)
            )

    def _fit(self, run: TrainingRun, data: TrainingSet, fingerprint: str) -> Candidate:
        job, progress = run.job, run.progress
        older, holdout = training_data.split_by_time(data.examples, job.validation_split)
        fitted = fit_model(
            older,
            self._settings,
            self._estimators(),
            job.params,
            lambda step, fraction: progress(step, 0.05 + 0.8 * fraction),
            history=data.history,
        )
        progress("measuring on the newest leads", 0.87)
        facts = {"data_name": job.data_name, "data_fingerprint": fingerprint}
        return Candidate.measure(fitted, older, holdout, self._clock.now(), facts)


def _told(job: Job) -> dict[str, Any]:
    """Return how a job stands, as JSON can hold it."""
    return {
        "job_id": job.job_id,
        "status": job.status,
        "reasons": list(job.reasons),
        "model_version": job.model_version,
        "metrics": job.metrics,
        "promoted": job.promoted,
        "verdict": job.verdict,
        "error": job.error,
    }
