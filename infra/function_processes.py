"""Run functions of the template that nobody waits for, each call in a process of its own.

So a training neither weighs on the process that serves nor takes it along when it dies. The
process goes with its parent; what a function says besides its answer goes to its log file.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from infra.template import PROJECT, Function

# How long a process that was asked to end may take for it.
LAST_SECONDS = 5.0


class Ended(NamedTuple):
    """How a call ended: the function's answer, and what went wrong (None if nothing did)."""

    answer: Any
    fault: str | None


class Call:
    """One call of a function, running or ended."""

    def __init__(self, function: Function, log_file: Path) -> None:
        self.function, self.log_file = function, log_file
        self.started = time.monotonic()
        self._ended: Ended | None = None
        self._done = threading.Event()

    @property
    def seconds(self) -> float:
        """For how long it has been running."""
        return time.monotonic() - self.started

    def wait(self, seconds: float | None = None) -> Ended | None:
        """Return how it ended, None if it has not within these seconds."""
        self._done.wait(seconds)
        return self._ended

    def end(self, ended: Ended) -> None:
        """Say how it ended."""
        self._ended = ended
        self._done.set()


class FunctionProcesses:
    """The calls of a local system's functions; `say` takes a line when one begins and ends.

    `invoker` is the module that calls a function in its process.
    """

    def __init__(
        self,
        logs: Path,
        say: Callable[[Call, Ended | None], None],
        invoker: str = "infra.invoke",
    ) -> None:
        self._logs, self._say, self._invoker = logs, say, invoker
        self._running: dict[Call, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()
        self._stopping = False

    @property
    def running(self) -> list[Call]:
        """The calls that have not ended."""
        with self._lock:
            return list(self._running)

    def start(self, function: Function, event: Any) -> Call:
        """Call a function without waiting for it."""
        self._logs.mkdir(parents=True, exist_ok=True)
        call = Call(function, self._logs / f"{function.logical_id}.log")
        with self._lock:
            if self._stopping:
                call.end(Ended(None, "the system is being stopped"))
                return call
            process = self._running[call] = _process(call, self._invoker)
        self._say(call, None)
        asked = {"function": _as_json(function), "event": event, "logs": str(self._logs)}
        # Whoever reads it also writes it, so that a long event cannot hold up the caller.
        threading.Thread(target=self._follow, args=(call, process, asked), daemon=True).start()
        return call

    def stop(self) -> None:
        """End the calls that run: first ask, then kill."""
        with self._lock:
            self._stopping = True
            running = dict(self._running)
        for process in running.values():
            process.terminate()
        deadline = time.monotonic() + LAST_SECONDS
        for call, process in running.items():
            if call.wait(max(0.0, deadline - time.monotonic())) is None:
                process.kill()
                call.wait(LAST_SECONDS)

    def _follow(self, call: Call, process: subprocess.Popen[str], asked: Mapping[str, Any]) -> None:
        ended = _outcome(call, process, json.dumps(asked) + "\n")
        with self._lock:
            del self._running[call]
            stopping = self._stopping
        if not stopping:
            self._say(call, ended)
        call.end(ended)


def _process(call: Call, invoker: str) -> subprocess.Popen[str]:
    with call.log_file.open("ab") as log:
        # Its own session: Ctrl-C in the terminal must reach us first.
        return subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", invoker, call.function.logical_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=PROJECT,
            start_new_session=True,
        )


def _outcome(call: Call, process: subprocess.Popen[str], asked: str) -> Ended:
    # As on Lambda, what takes longer than the function may is ended.
    timer = threading.Timer(call.function.timeout_seconds, process.kill)
    timer.start()
    try:
        answered = _converse(process, asked)
        code = process.wait()
    finally:
        timer.cancel()
    try:
        answer = json.loads(answered)
    except ValueError:
        too_late = call.seconds >= call.function.timeout_seconds
        why = "took too long" if too_late else f"ended with code {code}"
        return Ended(None, f"{why}: see {call.log_file}")
    if code != 0:
        return Ended(answer, f"{answer.get('errorType', 'failed')}: see {call.log_file}")
    return Ended(answer, None)


def _converse(process: subprocess.Popen[str], asked: str) -> str:
    """Ask, and return the answer; standard input stays open until there is one."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes")
    with process.stdout, process.stdin:
        try:
            process.stdin.write(asked)
            process.stdin.flush()
        except BrokenPipeError:
            # It died before it read; its code says how.
            return ""
        return process.stdout.read()


def _as_json(function: Function) -> dict[str, Any]:
    return asdict(function) | {
        "code_dir": str(function.code_dir),
        "environment": dict(function.environment),
    }
