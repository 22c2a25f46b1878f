"""Say whether the service can score, by asking everything that it needs, all at once."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from .alerting import CRITICAL
from .entities import BASELINE_VERSION, iso
from .entities.models import Job
from .errors import LeadScoringError
from .ports import JobStore, ModelRegistry, MonitoringStore

# Who watches over a service gives up after two seconds or so; the answer itself takes time too.
_PATIENCE_SECONDS = 1.5
_GRACE_SECONDS = 0.2
_STARTED = time.monotonic()


class Answering(Protocol):
    """What answers now, and why it is not what it should be."""

    @property
    def version(self) -> str:
        """The version that answers."""

    @property
    def is_degraded(self) -> bool:
        """Whether it answers from a cache because a store is down."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the model that should answer."""


class Models(Protocol):
    """Gives the model that answers."""

    def current(self) -> Answering:
        """Return what answers; raise StoreUnavailableError if nothing can."""


class Bucket(Protocol):
    """Holds the files of the models."""

    def ping(self) -> None:
        """Return if it answers; raise StoreUnavailableError if it does not."""


class HealthCheck:
    """Asks the model, DynamoDB, S3 and the last training, and answers within two seconds."""

    def __init__(
        self,
        models: Models,
        registry: ModelRegistry,
        bucket: Bucket,
        jobs: JobStore,
        monitoring: MonitoringStore,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Wire the check; nothing is asked yet."""
        self._models, self._registry = models, registry
        self._bucket, self._jobs, self._monitoring = bucket, jobs, monitoring
        self._patience_seconds = patience_seconds

    def report(self) -> dict[str, Any]:
        """Return the answer of `GET /health`.

        `healthy`: all is well; `degraded`: it scores, but something is wrong; `unhealthy`: it
        cannot score.
        """
        # One more thread than checks, for the second question about the model.
        pool = ThreadPoolExecutor(6, "health")
        try:
            checks = self._ask(pool)
            answering = self._answering(checks.pop("answering"), pool)
        finally:
            # A check that hangs ends by the time limits of its own client.
            pool.shutdown(wait=False, cancel_futures=True)
        listed = {"model": _model(answering)} | {
            name: _outcome(future) for name, future in checks.items()
        }
        return {
            "status": _overall(listed),
            "checks": listed,
            "model_version": answering.version if answering else None,
            "uptime_seconds": round(time.monotonic() - _STARTED, 3),
        }

    def _ask(self, pool: ThreadPoolExecutor) -> dict[str, Future[Any]]:
        questions: Mapping[str, Callable[[], Any]] = {
            "answering": self._models.current,
            "dynamodb": self._active,
            "s3": self._bucket_answers,
            "training": self._last_training,
            "alerts": self._open_alerts,
        }
        asked = {name: pool.submit(question) for name, question in questions.items()}
        wait(asked.values(), self._patience_seconds)
        return asked

    def _answering(self, first: Future[Answering], pool: ThreadPoolExecutor) -> Answering | None:
        # While one thread waits for a store that hangs, others get the model that is loaded.
        for future in (first, pool.submit(self._models.current)):
            wait([future], _GRACE_SECONDS)
            if future.done() and not isinstance(future.exception(), LeadScoringError):
                return future.result()
        return None

    def _active(self) -> dict[str, str]:
        active = self._registry.active()
        return _ok(f"active model: {active.model_version}" if active else "no model is active yet")

    def _bucket_answers(self) -> dict[str, str]:
        self._bucket.ping()
        return _ok("the bucket of the models answers")

    def _last_training(self) -> dict[str, str]:
        job = self._jobs.newest()
        return _training(job) if job else _ok("no model was trained yet")

    def _open_alerts(self) -> dict[str, str]:
        alerts = self._monitoring.watch().alerts
        if not alerts:
            return _ok("no alert is open")
        # Of one that is a warning only, GET /metrics tells.
        is_critical = any(each.severity == CRITICAL for each in alerts)
        codes = ", ".join(each.code for each in alerts)
        detail = f"open: {codes}; see GET /metrics"
        return {"status": "degraded" if is_critical else "ok", "detail": detail}


def _model(answering: Answering | None) -> dict[str, str]:
    if answering is None:
        return {"status": "failed", "detail": "no model can be had and none is cached"}
    if answering.is_degraded:
        detail = f"{answering.version} answers from the cache because a store is down"
        return {"status": "degraded", "detail": detail}
    if answering.fault:
        detail = f"{answering.version} answers because the active model cannot be used"
        return {"status": "degraded", "detail": detail}
    if answering.version == BASELINE_VERSION:
        return _ok("the baseline answers until a model is trained")
    return _ok(f"{answering.version} answers")


def _training(job: Job) -> dict[str, str]:
    ended = f", ended {iso(job.finished_at)}" if job.finished_at else ""
    detail = f"last training: {job.status}, begun {iso(job.created_at)}{ended}"
    # Scoring goes on with the model that there is; somebody should know all the same.
    return {"status": "degraded" if job.status == "failed" else "ok", "detail": detail}


def _ok(detail: str) -> dict[str, str]:
    return {"status": "ok", "detail": detail}


def _outcome(future: Future[dict[str, str]]) -> dict[str, str]:
    if not future.done() or future.cancelled():
        return {"status": "failed", "detail": "no answer in time"}
    if isinstance(future.exception(), LeadScoringError):
        return {"status": "failed", "detail": "unavailable"}
    return future.result()


def _overall(checks: Mapping[str, Mapping[str, str]]) -> str:
    if checks["model"]["status"] == "failed":
        return "unhealthy"
    return "healthy" if all(each["status"] == "ok" for each in checks.values()) else "degraded"
