"""Run built functions in Lambda's own runtime loop, without a container.

AWS's Runtime Interface Emulator calls AWS's runtime client (`awslambdaric`) in a Python 3.13 that
sees the function's code, its layers as Lambda lays them out, and nothing else. A process does one
call at a time, as on Lambda: calls at once have processes of their own, which are kept for the next
(warm). The emulator ends what takes too long and starts the runtime again after a crash; memory
is limited here, by the operating system.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from infra.embedded_aws import LOCAL_CREDENTIALS
from infra.gateway_functions import FunctionTimeoutError
from infra.state import RunError
from infra.template import PROJECT, Function, Template
from lead_scoring.settings import Settings

BUILT = PROJECT / ".aws-sam" / "build" / "template.yaml"
FOLDER = PROJECT / ".local" / "lambda"
MOST_WORKERS = 10
START_SECONDS = 20
# The emulator itself ends a call in time; this is for an emulator that does not.
GRACE_SECONDS = 10
# The shell lives as long as somebody holds its input, and takes its session along when it goes:
# its group would not do, because the emulator gives the runtime one of its own. Of a process's
# /proc/N/stat the fourth word after the name in brackets is its session.
_LIFELINE = """
exec 3<&0
"$@" </dev/null &
read -r _ <&3
kill -KILL $!
for each in /proc/[0-9]*; do
  read -r stat < $each/stat || continue
  set -- ${stat##*) }
  [ "$4" != $$ ] || [ $each = /proc/$$ ] || kill -KILL ${each#/proc/}
done 2>/dev/null
"""
# `-s -S`: no packages but those on PYTHONPATH.
# Data and not address space (`-v`), of which libraries and allocators map several times what they
# use: 802 MB mapped, 301 MB of data, 194 MB used was measured in a function.
_LIMITED = 'ulimit -d "$1" && exec "$2" -s -S -m awslambdaric "$3"'


class FunctionError(Exception):
    """A function failed: it raised, ended, or was killed; the message says how."""


def built_template(stack: str = "local") -> Template:
    """Read what `sam build` made; raise RunError if it has not."""
    if not BUILT.exists():
        raise RunError("There is nothing built yet: run `make build` first.")
    return Template.load(BUILT, stack)


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
        self._idle: list[_Worker] = []
        self._living: set[_Worker] = set()
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

    def _start(self) -> "_Worker":
        worker = _Worker(self.function, laid_out(self._layers), self.environment, self._logs)
        with self._lock:
            if not self._stopping:
                self._living.add(worker)
                return worker
        worker.stop()
        raise FunctionError(f"{self.function.logical_id} is being stopped")

    def _put(self, worker: "_Worker") -> None:
        with self._lock:
            if worker in self._living and not self._stopping:
                self._idle.append(worker)

    def _end(self, worker: "_Worker") -> None:
        worker.stop()
        with self._lock:
            self._living.discard(worker)


class _Worker:
    """One emulator with its runtime: an execution environment of Lambda."""

    def __init__(
        self, function: Function, opt: Path, environment: Mapping[str, str], logs: Path
    ) -> None:
        self._function = function
        self._port = _free_port()
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{function.logical_id}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (all our own words)
                ["/bin/sh", "-c", _LIFELINE, "lifeline", *self._command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=function.code_dir,
                env=_environment(function, opt, environment),
                start_new_session=True,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.stop()
            raise

    def invoke(self, event: Any) -> Any:
        """Call the function; raise FunctionError, FunctionTimeoutError, OSError."""
        patience = self._function.timeout_seconds + GRACE_SECONDS
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=patience)
        with contextlib.closing(connection):
            body = json.dumps(event)
            connection.request("POST", "/2015-03-31/functions/function/invocations", body)
            response = connection.getresponse()
            content = response.read()
        if content.startswith(b"Task timed out after"):
            raise FunctionTimeoutError(content.decode())
        answer = json.loads(content) if content else None
        if isinstance(answer, dict) and "errorType" in answer and "statusCode" not in answer:
            raise FunctionError(f"{answer['errorType']}: {answer.get('errorMessage')}")
        return answer

    def stop(self) -> None:
        """End the process and all that it started."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def _command(self) -> list[str]:
        memory_kb = 1024 * self._function.memory_mb
        limited = ["/bin/sh", "-c", _LIMITED, "limited", str(memory_kb), _python()]
        return [
            str(_emulator()),
            "--log-level",
            "error",
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{self._port}",
            "--runtime-api-address",
            f"127.0.0.1:{_free_port()}",
            *limited,
            # Of all arguments the emulator takes the last one for the handler.
            self._function.handler,
        ]

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.connect(("127.0.0.1", self._port))
                return
            time.sleep(0.01)
        raise FunctionError(f"the emulator of {self._function.logical_id} did not start")


def laid_out(layers: list[Path]) -> Path:
    """Return a folder with layers as Lambda lays them out under /opt: one over the other.

    The files are links to the built ones; it is made anew when they are.
    """
    opt = FOLDER / "opt" / "+".join(each.name for each in layers)
    newest = max(each.stat().st_mtime_ns for each in layers)
    stamp = opt.with_name(f"{opt.name}.stamp")
    with _LAYING_OUT:
        if not stamp.exists() or int(stamp.read_text()) != newest:
            shutil.rmtree(opt, ignore_errors=True)
            for layer in layers:
                shutil.copytree(layer, opt, copy_function=_link, dirs_exist_ok=True)
            stamp.write_text(str(newest))
    return opt


_LAYING_OUT = threading.Lock()


def _link(source: str, target: str) -> None:
    # A later layer covers what an earlier one has at the same place.
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


def _environment(function: Function, opt: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return all that the process is told: Lambda's own variables, and the function's."""
    return {
        **settings,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": f"{function.code_dir}:{opt / 'python'}:{FOLDER / 'runtime'}",
        "LAMBDA_TASK_ROOT": str(function.code_dir),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


def require_runtime() -> None:
    """Raise RunError if what runs built functions is not installed."""
    _emulator()
    if not Path(_python()).exists():
        raise RunError(f"Lambda's Python is gone: there is no {_python()}.")


def _emulator() -> Path:
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    found = [*PROJECT.glob(f".local/tools/lib/*/site-packages/samcli/local/rapid/*-{machine}")]
    if not found:
        raise RunError("Lambda's emulator is not installed: run `make build` first.")
    return found[0]


def _python() -> str:
    file = FOLDER / "python"
    if not file.exists():
        raise RunError("Lambda's runtime is not installed: run `make run RUNTIME=lambda`.")
    return file.read_text().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
