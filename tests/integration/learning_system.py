"""A system of its own on the embedded AWS, whose trainings run in processes that one may stop."""

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from infra.provision import provision
from infra.template import Template
from lead_scoring.bootstrap import Services
from lead_scoring.entities.models import Activation, Job, Operation
from lead_scoring.scoring_model import ScoringModel, checksums
from lead_scoring.settings import Settings

from . import worker_moments
from .worker_moments import PARAMS, Fate

PATIENCE_SECONDS = 60.0
# A worker in the queue is given five leases to start, see `Retraining`.
LEASE_SECONDS, QUEUE_SECONDS = 30, 150
# Its children have all libraries loaded, and it has never trained: OpenMP does not survive a fork.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([worker_moments.__name__])


def start_process(target: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """Call a function in a process of its own; return it, and where it tells something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        multiprocessing.forkserver.ensure_running()
    hears, tells = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=target, args=(*arguments, tells), daemon=True)
    process.start()
    tells.close()
    return process, hears


def told_by(target: Callable[..., None], *arguments: Any) -> Any:
    """Call a function in a process of its own; return what it tells."""
    process, hears = start_process(target, *arguments)
    assert hears.poll(PATIENCE_SECONDS), "it told nothing"
    told = hears.recv()
    process.join()
    return told


@contextmanager
def credentials() -> Iterator[None]:
    """Have this process sign with credentials that are made up."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in LOCAL_CREDENTIALS.items():
            patch.setenv(name, value)
        yield


class Worker:
    """A process that does a job, and meets its fate."""

    def __init__(self, environment: Mapping[str, str], job_id: str, fate: Fate | None) -> None:
        given = (environment, job_id, fate)
        self._process, self._hears = start_process(worker_moments.work, *given)

    def end(self) -> int | None:
        """Wait until it has ended; return its exit code, which is -n for signal n."""
        self._process.join(PATIENCE_SECONDS)
        code: int | None = self._process.exitcode
        return code

    def passed(self) -> list[str]:
        """Return the moments that passed, once it has ended well."""
        moments: list[str] = self._hears.recv()
        return moments

    def wait_until_it_stands_still(self) -> None:
        """Wait until it has met a fate of being stopped."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _state(self._process.pid) != "T":
            assert self._process.is_alive(), "it ended before that moment"
            assert time.monotonic() < deadline, "it never stood still"
            time.sleep(0.005)

    def wake_up(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it, even where it stands still."""
        self._process.kill()
        self._process.join()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return "gone"


class LearningSystem:
    """A hundred and fifty leads with outcomes, and a poor model that any training beats."""

    def __init__(self, endpoint_url: str, folder: Path) -> None:
        template = Template.load(stack=folder.name.replace("_", "-").lower())
        provision(template, endpoint_url, expire=False)
        self._clock_file, self._ahead_seconds = folder / "clock", 0.0
        fixed = {
            "HASH_KEY": "a key of the tests",
            "MODEL_DIR": str(folder / "models"),
            "AWS_ENDPOINT_URL": endpoint_url,
            "CLOCK_FILE": str(self._clock_file),
            "RETRAIN_LEASE_SECONDS": str(LEASE_SECONDS),
            "TFIDF_MAX_FEATURES_TITLE": "5",
            "TFIDF_MAX_FEATURES_DESC": "5",
        }
        self._environment = template.environment(fixed) | LOCAL_CREDENTIALS
        self.services: Any = Services(Settings.from_environment(self._environment))
        # In its place: what it is asked for is started by `begin`.
        self.services.__dict__["training_worker"] = _Asked()
        self._poor_version: str = told_by(worker_moments.furnish, self._environment)
        self._workers: list[Worker] = []
        self._trainings = 0

    def advance(self, seconds: float) -> None:
        """Set the clock of all processes ahead."""
        self._ahead_seconds += seconds
        partial = self._clock_file.with_suffix(".partial")
        partial.write_text(str(self._ahead_seconds))
        partial.replace(self._clock_file)

    def request(self, force: bool = False, random_state: int | None = None) -> Job:
        """Ask for a training as the API does; by default, no two are the same."""
        self._trainings += 1
        params = {**PARAMS, "random_state": random_state or self._trainings}
        operation = Operation(uuid4().hex, self.services.clock.now())
        job: Job = self.services.retraining.request(
            force, None, params, "a test", "a request", operation
        )
        return job

    def begin(self, fate: Fate | None = None, **wishes: Any) -> "Training":
        """Ask for a training, and start a worker for it, which meets its fate."""
        job = self.request(**wishes)
        self._workers.append(Worker(self._environment, job.job_id, fate))
        return Training(job, self._workers[-1], self)

    def reached_through(self, endpoint_url: str) -> Any:
        """Return services of this process that reach their stores through another address."""
        environment = {**self._environment, "AWS_ENDPOINT_URL": endpoint_url}
        return Services(Settings.from_environment(environment))

    def train(self, **wishes: Any) -> Job:
        """Train to the end; return the job."""
        training = self.begin(**wishes)
        assert training.worker.end() == 0
        return training.stored()

    def end(self) -> None:
        """Leave no worker behind, least of all one that stands still: it would never end."""
        while self._workers:
            self._workers.pop().kill()

    def begin_anew(self) -> None:
        """Forget what an earlier test has left behind; the poor model answers."""
        self.end()
        last = self.services.retraining.last()
        if last and last.status in ("queued", "running"):
            self.advance(QUEUE_SECONDS)
        self.go_back()

    def go_back(self) -> None:
        """Have the poor model answer again."""
        now = self.services.clock.now()
        self.services.models.activate(Activation(now, "a test", self._poor_version))

    def shown(self) -> dict[str, Any]:
        """Return all that anybody is shown of the models."""
        models = self.services.models
        return {
            "active": models.active(),
            "listed": models.newest_first(),
            "history": models.history(1000),
        }

    def assert_whole(self, newest: int | None = 3) -> None:
        """Whatever is listed can be used, and pointer, ledger and registry agree.

        The files of so many are looked at (None: of all).
        """
        shown = self.shown()
        for record in shown["listed"][:newest]:
            version = record.model_version
            files = {name: self.services.artifacts.read(version, name) for name in record.checksums}
            assert checksums(files) == record.checksums
            ScoringModel.load(files.__getitem__)
        listed = {record.model_version: record for record in shown["listed"]}
        active, history = shown["active"], shown["history"]
        assert active.checksums == listed[active.model_version].checksums
        assert active.activated_at == listed[active.model_version].deployed_at
        assert (history[0].to_version, history[0].at) == (active.model_version, active.activated_at)
        assert history[0].from_version == active.previous_version
        for later, earlier in pairwise(history):
            assert later.from_version == earlier.to_version


@contextmanager
def learning_system(folder: Path) -> Iterator[LearningSystem]:
    """Give a system on an embedded AWS of its own, which ends with it."""
    with credentials(), embedded_aws() as endpoint_url:
        system = LearningSystem(endpoint_url, folder)
        try:
            yield system
        finally:
            system.end()


class _Asked:
    """A worker that is called for in vain."""

    def start(self, job_id: str) -> None:
        pass


class Training:
    """A job and the process that does it."""

    def __init__(self, job: Job, worker: Worker, system: LearningSystem) -> None:
        self.job, self.worker, self._system = job, worker, system

    def stored(self) -> Job:
        """Return the job as it is stored, by no means judged."""
        job: Job = self._system.services.jobs.get(self.job.job_id)
        return job

    def shown(self) -> Job:
        """Return the job as the API shows it."""
        job: Job = self._system.services.retraining.status(self.job.job_id)
        return job

    def let_its_lease_expire(self) -> None:
        """Let so much time pass as it takes until somebody else may train."""
        waits = self.stored().status == "queued"
        self._system.advance(QUEUE_SECONDS if waits else LEASE_SECONDS)
