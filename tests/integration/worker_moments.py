"""The process of a worker that trains, and what befalls it at a moment of its training.

Every training passes the same moments: each step that it tells, each file that it writes, and what
comes before, in and after the transactions that begin and end it. Nothing is simulated: the process
sends itself a signal that it cannot refuse.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import botocore.awsrequest

from lead_scoring import bootstrap
from lead_scoring.adapters import estimators
from lead_scoring.entities.models import Job
from lead_scoring.job_progress import JobProgress
from lead_scoring.model_fitting import FittedModel, fit_model
from tests import builders, forests
from tests.artifacts import with_threshold
from tests.trainings import ROWS, services_with

# Few and shallow trees: the tests are about what surrounds them.
PARAMS: Mapping[str, Any] = {"n_estimators": 3, "max_depth": 2}
START_BEGINS, START_ENDS = "start: begins", "start: ends"
PUBLICATION_BEGINS, PUBLICATION_ENDS = "publication: begins", "publication: ends"
# DynamoDB was asked to publish, and nothing is known of its answer. Fakes have no such moment.
PUBLICATION_SENT = "publication: sent"


class Fate(NamedTuple):
    """A signal, and the moment at which the process gets it."""

    signal: signal.Signals
    moment: str


class Moments:
    """The moments that passed, each under a name of its own; at one the process meets its fate."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.passed: list[str] = []
        self._fate = fate

    def __call__(self, name: str) -> None:
        count = sum(each.partition(" #")[0] == name for each in self.passed)
        moment = f"{name} #{count + 1}" if count else name
        self.passed.append(moment)
        if self._fate and self._fate.moment == moment:
            os.kill(os.getpid(), self._fate.signal)


def work(environment: Mapping[str, str], job_id: str, fate: Fate | None, told: Connection) -> None:
    """Do a job as the training function does; tell which moments passed, if any are left to."""
    os.environ.update(environment)
    services, moments = bootstrap.connect(), Moments(fate)
    _watch(services, moments)
    services.model_trainer.run_job(job_id)
    told.send(moments.passed)


def rehearse(told: Connection) -> None:
    """Tell which moments a training on the embedded AWS is to pass, by one on fakes."""
    services, moments = services_with(ROWS), Moments()
    _watch(services, moments)
    now = services.clock.now()
    job = Job("rehearsal", "queued", "a test", now, 0, params=PARAMS)
    services.jobs.open(job, now + timedelta(minutes=1))
    services.model_trainer.run_job(job.job_id)
    passed = moments.passed
    passed.insert(passed.index(PUBLICATION_ENDS), PUBLICATION_SENT)
    told.send(passed)


def furnish(environment: Mapping[str, str], told: Connection) -> None:
    """Import leads with their outcomes, and activate a poor model; tell its version."""
    os.environ.update(environment)
    services = bootstrap.connect()
    services.training_data.add_leads((lead, moment) for lead, moment, _ in ROWS)
    services.training_data.add_outcomes(outcome for _, _, outcome in ROWS)
    told.send(forests.publish(services, _poor_model()))


def _poor_model() -> FittedModel:
    """Make a model that learned the opposite of what is true, and finds nobody."""
    wrong = [each._replace(target=1 - each.target) for each in forests.training_examples(60)]
    params = {"n_estimators": 1, "max_depth": 1}
    fitted = fit_model(wrong, builders.settings(), estimators, params)
    return replace(fitted, artifact=with_threshold(fitted.artifact, 0.999))


class _Watched:
    """A store, some of whose methods are others."""

    def __init__(self, store: Any, **methods: Callable[..., Any]) -> None:
        self._store, self._methods = store, methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._store, name)


class _Announced(dict[str, bytes]):
    """Files; who goes through them passes a moment before each."""

    def __init__(self, files: Mapping[str, bytes], passes: Moments) -> None:
        super().__init__(files)
        self._passes = passes

    def items(self) -> Any:
        def one_by_one() -> Any:
            for name, content in super(_Announced, self).items():
                self._passes(f"file: {name}")
                yield name, content

        return one_by_one()


def _watch(services: Any, passes: Moments) -> None:
    """Have the services of this process pass the moments; it trains nothing else ever after."""
    artifacts, jobs, models = services.artifacts, services.jobs, services.models

    def write(version: str, files: Mapping[str, bytes]) -> None:
        artifacts.write(version, _Announced(files, passes))
        passes("files: written")

    def start(*given: Any) -> Any:
        passes(START_BEGINS)
        lease = jobs.start(*given)
        passes(START_ENDS)
        return lease

    def publish(*given: Any) -> None:
        passes(PUBLICATION_BEGINS)
        _watch_answers(passes)
        models.publish(*given)
        passes(PUBLICATION_ENDS)

    services.__dict__.update(
        artifacts=_Watched(artifacts, write=write),
        jobs=_Watched(jobs, start=start),
        models=_Watched(models, publish=publish),
    )
    tell = JobProgress.__call__

    def tell_and_pass(progress: JobProgress, step: str, fraction: float) -> None:
        tell(progress, step, fraction)
        passes(f"step: {step}")

    setattr(JobProgress, "__call__", tell_and_pass)  # noqa: B010 (mypy takes it for bound)


def _watch_answers(passes: Moments) -> None:
    """Pass a moment when the next request has been sent, and no answer was read."""
    connection = botocore.awsrequest.AWSHTTPConnection
    read = connection.getresponse

    def sent(self: Any) -> Any:
        connection.getresponse = read
        passes(PUBLICATION_SENT)
        return read(self)

    connection.getresponse = sent
