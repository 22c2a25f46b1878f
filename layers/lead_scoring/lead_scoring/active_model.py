"""The model that answers: loaded once, swapped whole when another is activated."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .baseline import Baseline
from .circuit_breaker import pause_after
from .entities import BASELINE_VERSION
from .errors import ArtifactError, StoreUnavailableError
from .model_files import ModelDirectory, ModelFiles
from .ports import ArtifactStore, ModelRegistry
from .scoring_model import Scores, ScoringModel

logger = logging.getLogger(__name__)


class Answering(NamedTuple):
    """What answers now; `fault` says why it is not what the pointer names, None if it is."""

    version: str
    model: Scores
    is_degraded: bool = False
    fault: str | None = None


class ActiveModelCache:
    """Follows the active pointer, which it reads at most every `refresh_seconds`.

    While one thread looks, the others go on with what is loaded. Nothing that goes wrong with a
    new model takes the old one away.
    """

    def __init__(
        self,
        models: ModelRegistry,
        artifacts: ArtifactStore,
        directory: ModelDirectory,
        refresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wire the cache; nothing is read before it is asked for."""
        self._models, self._directory = models, directory
        self._files = ModelFiles(artifacts, directory)
        self._refresh_seconds, self._monotonic = refresh_seconds, monotonic
        self._answering: Answering | None = None
        self._failure: StoreUnavailableError | None = None
        self._next_look = 0.0
        self._lock = threading.Lock()

    def current(self) -> Answering:
        """Return what answers, after a look at the pointer if one is due.

        Raises StoreUnavailableError if a store is down and nothing is cached.
        """
        answering = self._answering
        if answering is not None:
            if self._monotonic() < self._next_look or not self._lock.acquire(blocking=False):
                return answering
            try:
                return self._look()
            finally:
                self._lock.release()
        with self._lock:
            # Whoever waited for a look that failed is told so, and does not look once more.
            if self._failure is not None and self._monotonic() < self._next_look:
                raise StoreUnavailableError(self._failure.store) from self._failure
            return self._answering or self._look()

    def refresh(self) -> Answering:
        """Look at the pointer now, and return what answers."""
        with self._lock:
            return self._look()

    def _look(self) -> Answering:
        started, is_down = self._monotonic(), True
        try:
            self._answering, self._failure = self._follow_or_fall_back(), None
            is_down = self._answering.is_degraded
        except StoreUnavailableError as failure:
            self._failure = failure
            raise
        finally:
            now, longest = self._monotonic(), self._refresh_seconds
            self._next_look = now + (pause_after(now - started, longest) if is_down else longest)
        return self._answering

    def _follow_or_fall_back(self) -> Answering:
        try:
            return self._follow()
        except StoreUnavailableError as error:
            return self._fall_back(error, is_degraded=True)
        except ArtifactError as error:
            return self._fall_back(error, is_degraded=False)

    def _follow(self) -> Answering:
        """Return what the pointer names, loading it if it is not loaded yet."""
        active = self._models.active()
        if active is None:
            return Answering(BASELINE_VERSION, Baseline())
        loaded = self._answering
        if loaded is not None and loaded.version == active.model_version:
            return loaded._replace(is_degraded=False, fault=None)
        files = self._files.fetch(active.model_version, active.checksums)
        answering = Answering(active.model_version, ScoringModel.load(files.__getitem__))
        # A pointer at files that could not be kept would hide an older model that was.
        if self._files.local(active.model_version, active.checksums):
            self._directory.keep_active(active)
        return answering

    def _fall_back(self, error: Exception, *, is_degraded: bool) -> Answering:
        """Return what is loaded, or else what the directory kept; raise if there is neither."""
        logger.error(json.dumps({"event": "model_not_followed", "fault": str(error)}))
        answering = self._answering or self._from_directory()
        if answering is None:
            if isinstance(error, StoreUnavailableError):
                raise error
            raise StoreUnavailableError("the active model") from error
        return answering._replace(is_degraded=is_degraded, fault=str(error))

    def _from_directory(self) -> Answering | None:
        active = self._directory.last_active()
        files = self._files.local(active.model_version, active.checksums) if active else None
        if active is None or files is None:
            return None
        try:
            return Answering(active.model_version, ScoringModel.load(files.__getitem__))
        except ArtifactError:
            logger.exception("the cached model cannot be used")
            return None
