"""Run built functions in Lambda's own runtime loop, without a container.

A process does one call at a time, as on Lambda: calls at once have processes of their own, which
are kept for the next (warm).
"""

import http.client
import os
import threading
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from infra.embedded_aws import LOCAL_CREDENTIALS
from infra.lambda_runtime import laid_out
from infra.lambda_worker import FunctionError, Worker
from infra.template import Function, Template
from lead_scoring.settings import Settings

MOST_WORKERS = 10


class EmulatedFunction:
    """A function whose calls run in the emulator, each in a process that does nothing else."""

    def __init__(
        self,
        function: Function,
        layers: list[Path],
        environment: Mapping[str, str],
        logs: Path,
        most_workers: int = MOST_WORKERS,
    ) -> None:
        """Wire it; the first call starts a process, unless `warm_up` has."""
        self.function = function
        self.environment = environment
        self._layers, self._logs = layers, logs
        self._idle: list[Worker] = []
        self._living: set[Worker] = set()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(most_workers)
        self._stopping = False

    def warm_up(self) -> None:
        """Start a process, which initialises the function when it is called."""
        self._put(self._start())

    @property
    def idle_workers(self) -> int:
        """How many processes wait for a call."""
        with self._lock:
            return len(self._idle)

    def __call__(self, event: Any) -> Any:
        """Call the function; raise FunctionError, FunctionTimeoutError."""
        with self._places:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            worker = worker or self._start()
            try:
                answer = worker.invoke(event)
            except FunctionError:
                # The emulator has started the runtime again.
                self._put(worker)
                raise
            except (OSError, http.client.HTTPException) as error:
                self._end(worker)
                raise FunctionError(f"the emulator did not answer: {error}") from error
            except BaseException:
                # Too late: nobody knows what the process still does.
                self._end(worker)
                raise
            self._put(worker)
            return answer

    def stop(self) -> None:
        """End every process; a call that runs fails."""
        with self._lock:
            self._stopping, self._idle, living = True, [], set(self._living)
        for worker in living:
            self._end(worker)

    def _start(self) -> Worker:
        worker = Worker(self.function, laid_out(self._layers), self.environment, self._logs)
        with self._lock:
            if not self._stopping:
                self._living.add(worker)
                return worker
        worker.stop()
        raise FunctionError(f"{self.function.logical_id} is being stopped")

    def _put(self, worker: Worker) -> None:
        with self._lock:
            if worker in self._living and not self._stopping:
                self._idle.append(worker)

    def _end(self, worker: Worker) -> None:
        worker.stop()
        with self._lock:
            self._living.discard(worker)


def emulated(template: Template, function: Function, logs: Path) -> EmulatedFunction:
    """Return a function of a built template, with the settings of this process's environment.

    Of these it gets what the template gives it a variable for, and what the template is silent
    about: another function's own variables are none of its business.
    """
    named = {name for each in template.functions() for name in each.environment}
    free = {each.metadata["variable"] for each in fields(Settings)} - named
    own = {
        name: value
        for name, value in os.environ.items()
        if name in function.environment or name in free or name.startswith("AWS_")
    }
    if own.get("AWS_ACCESS_KEY_ID") == LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"]:
        # The embedded AWS takes any: so its calls tell which function made them.
        own["AWS_ACCESS_KEY_ID"] = function.logical_id
    if "MODEL_DIR" in own:
        # A function's temporary folder is its own.
        own["MODEL_DIR"] = f"{own['MODEL_DIR']}-of-{function.logical_id}"
    environment = {**function.environment, **own}
    return EmulatedFunction(function, template.layers(function), environment, logs)
