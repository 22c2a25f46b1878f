"""One execution environment of Lambda: the emulator, and the runtime that it starts.

AWS's Runtime Interface Emulator does one call at a time. It ends what takes too long and starts the
runtime again after a crash. A runtime that uses more memory than it may is killed here.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from infra.gateway_functions import FunctionTimeoutError
from infra.lambda_runtime import emulator_program, python_program, runtime_environment
from infra.processes import descendants, resident_bytes
from infra.template import Function

START_SECONDS = 20
# The emulator itself ends a call in time; this is for an emulator that does not.
GRACE_SECONDS = 10
# How often the memory of a call is looked at; a look takes less than half a millisecond.
WATCH_SECONDS = 0.05
# The operating system's own limit, in multiples of a function's memory: what grows faster than it
# is looked at fails there. It counts what is reserved and not used as well (decision 18).
BACKSTOP = 4
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
_LIMITED = 'ulimit -d "$1" && exec "$2" -s -S -m awslambdaric "$3"'


class FunctionError(Exception):
    """A function failed: it raised, ended, or was killed; the message says how."""


class Worker:
    """An execution environment of a function, with processes of its own."""

    def __init__(
        self, function: Function, opt: Path, settings: Mapping[str, str], logs: Path
    ) -> None:
        self._function = function
        self._port = _free_port()
        self._next_look = 0.0
        logs.mkdir(parents=True, exist_ok=True)
        self._log_file = logs / f"{function.logical_id}.log"
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (all our own words)
                ["/bin/sh", "-c", _LIFELINE, "lifeline", *self._command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=function.code_dir,
                env=runtime_environment(function, opt, settings),
                start_new_session=True,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.stop()
            raise

    def invoke(self, event: Any) -> Any:
        """Call the function; raise FunctionError, FunctionTimeoutError, OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=GRACE_SECONDS)
        with contextlib.closing(connection):
            body = json.dumps(event)
            connection.request("POST", "/2015-03-31/functions/function/invocations", body)
            self._watch_until_answered(connection.sock)
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

    def _watch_until_answered(self, connection: socket.socket) -> None:
        deadline = time.monotonic() + self._function.timeout_seconds + GRACE_SECONDS
        while not wait([connection], self._next_look - time.monotonic()):
            if time.monotonic() > deadline:
                raise TimeoutError("it took too long")
            self._keep_within_memory()
            # From call to call, so that many short ones do not leak unseen.
            self._next_look = time.monotonic() + WATCH_SECONDS

    def _keep_within_memory(self) -> None:
        # Without the emulator, which comes first: its memory is not the function's.
        runtime = [*descendants(self._process.pid)][1:]
        used_mb = sum(map(resident_bytes, runtime)) / 2**20
        if used_mb > self._function.memory_mb:
            with self._log_file.open("a") as log:
                print(f"Killed: {used_mb:.0f} MB used of {self._function.memory_mb}.", file=log)
            for each in runtime:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)

    def _command(self) -> list[str]:
        data_kb = 1024 * self._function.memory_mb * BACKSTOP
        limited = ["/bin/sh", "-c", _LIMITED, "limited", str(data_kb), python_program()]
        return [
            str(emulator_program()),
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
