"""Lambda's runtime loop itself: functions that are slow, die, or want too much, made up here."""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.gateway import Gateway
from infra.gateway_events import HttpRequest
from infra.gateway_functions import FunctionTimeoutError
from infra.lambda_emulator import MOST_WORKERS, EmulatedFunction, emulated
from infra.lambda_runtime import built_template
from infra.lambda_worker import FunctionError
from infra.template import PROJECT, Function, Template
from infra.template_yaml import parse_yaml

CODE = """
import contextlib, os, signal, subprocess, sys, time

BORN = time.monotonic()
KEPT = []

def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def handler(event, context):
    if "sleep" in event:
        open(os.path.join(os.path.dirname(__file__), "sleeps"), "w").close()
        time.sleep(event["sleep"])
    if "kill" in event:
        os.kill(os.getpid(), signal.SIGKILL)
    if "raise" in event:
        raise ValueError(event["raise"])
    if "allocate_mb" in event:
        used = bytearray(event["allocate_mb"] * 2**20)
        time.sleep(0.5)
    if "use_mb" in event:
        used = []
        while resident_mb() < event["use_mb"]:
            with contextlib.suppress(MemoryError):
                used.append(b"x" * 2**20)
        time.sleep(0.5)
        return resident_mb()
    if "leak_mb" in event:
        KEPT.append(b"x" * event["leak_mb"] * 2**20)
        return resident_mb()
    if "children_use_mb" in event:
        child = f"used = b'x' * {event['children_use_mb']} * 2**20; print(); input()"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started = [subprocess.Popen([sys.executable, "-c", child], **pipes) for _ in range(2)]
        for each in started:
            each.stdout.readline()
        time.sleep(0.2)
        return None
    if "import" in event:
        module = __import__(event["import"])
        return module.__file__
    return {
        "pid": os.getpid(), "path": sys.path, "environment": dict(os.environ),
        "left_ms": context.get_remaining_time_in_millis(), "name": context.function_name,
        "memory_mb": context.memory_limit_in_mb, "request_id": context.aws_request_id,
        "python": sys.version.split()[0],
    }
"""
PARENT = """
import sys
from pathlib import Path
from infra.lambda_emulator import EmulatedFunction
from infra.lambda_runtime import built_template
from infra.template import Function

task, logs = map(Path, sys.argv[1:])
template = built_template()
layers = template.layers(template.functions()[0])
function = Function("Made", "made-up", task, "app.handler", {}, 30, 256)
EmulatedFunction(function, layers, {}, logs)({"sleep": 30})
"""
Make = Callable[..., EmulatedFunction]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "app.py").write_text(CODE)
    template = built_template()
    layers = template.layers(template.functions()[0])
    with contextlib.ExitStack() as stack:

        def function(most_workers: int = MOST_WORKERS, **changes: Any) -> EmulatedFunction:
            given: dict[str, Any] = {
                "logical_id": "Made",
                "name": "made-up",
                "code_dir": tmp_path / "task",
                "handler": "app.handler",
                "environment": {},
                "timeout_seconds": 2,
                "memory_mb": 256,
            }
            made = EmulatedFunction(
                Function(**given | changes),
                layers,
                {"OWN": "yes"},
                tmp_path / "logs",
                most_workers,
            )
            stack.callback(made.stop)
            return made

        yield function


def running_in(folder: Path) -> set[int]:
    """Return the processes that work in a folder: of a worker the shell, emulator and runtime."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.add(int(process.name))
    return found


def wait_until_gone(folder: Path) -> set[int]:
    """Return the processes that still work in a folder after two seconds."""
    deadline = time.monotonic() + 2
    while (left := running_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_a_function_sees_what_lambda_gives_it_and_nothing_else(make: Make) -> None:
    seen = make()({})

    assert seen["python"].startswith("3.13.")
    assert (seen["name"], seen["memory_mb"]) == ("made-up", "256")
    assert 1000 < seen["left_ms"] <= 2000
    assert not [each for each in seen["path"] if "venv" in each or "site-packages" in each]
    assert "HOME" not in seen["environment"]
    assert seen["environment"]["OWN"] == "yes"


@pytest.mark.parametrize(
    "name", ["numpy", "pydantic", "pynamodb", "boto3", "chalice", "lead_scoring"]
)
def test_libraries_come_from_the_layers(make: Make, name: str) -> None:
    assert "/opt/RuntimeLayer+LeadScoringLayer/python/" in make(timeout_seconds=10)(
        {"import": name}
    )


def test_what_only_training_needs_is_not_there(make: Make) -> None:
    for name in ("xgboost", "scipy", "sklearn", "pytest"):
        with pytest.raises(FunctionError, match="ModuleNotFoundError"):
            make()({"import": name})


def test_the_second_call_is_warm(make: Make) -> None:
    function = make()

    first, second = function({}), function({})

    assert first["pid"] == second["pid"]
    assert first["request_id"] != second["request_id"]


def test_calls_at_once_have_a_process_each(make: Make) -> None:
    function = make()

    with ThreadPoolExecutor(3) as pool:
        pids = [each["pid"] for each in pool.map(function, [{"sleep": 0.5}] * 3)]

    assert len(set(pids)) == 3
    assert function.idle_workers == 3


def test_calls_beyond_the_limit_wait_for_a_process(make: Make) -> None:
    function = make(most_workers=2)

    with ThreadPoolExecutor(5) as pool:
        pids = [each["pid"] for each in pool.map(function, [{"sleep": 0.3}] * 5)]

    assert len(set(pids)) == 2
    assert function.idle_workers == 2


def test_what_takes_too_long_is_ended_in_time_and_the_next_call_is_answered(make: Make) -> None:
    function = make()
    before, started = function({})["pid"], time.monotonic()

    with pytest.raises(FunctionTimeoutError, match=r"timed out after 2\.00 seconds"):
        function({"sleep": 60})

    assert 1.9 < time.monotonic() - started < 5
    assert function({})["pid"] != before


def test_nothing_is_left_of_what_took_too_long(make: Make, tmp_path: Path) -> None:
    function = make()
    function({})
    assert running_in(tmp_path / "task") != set()

    with pytest.raises(FunctionTimeoutError):
        function({"sleep": 60})

    assert function.idle_workers == 0
    assert wait_until_gone(tmp_path / "task") == set()


def test_stopping_ends_calls_that_run(make: Make, tmp_path: Path) -> None:
    function = make(timeout_seconds=30)

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(function, {"sleep": 30})
        time.sleep(1)
        assert running_in(tmp_path / "task") != set()
        function.stop()
        with pytest.raises(FunctionError):
            call.result(timeout=5)

    assert wait_until_gone(tmp_path / "task") == set()
    with pytest.raises(FunctionError, match="being stopped"):
        function({})


def test_a_call_that_runs_ends_with_a_parent_that_is_killed(make: Make, tmp_path: Path) -> None:
    task = make(timeout_seconds=30).function.code_dir
    parent = subprocess.Popen([sys.executable, "-c", PARENT, task, tmp_path / "logs"], cwd=PROJECT)
    try:
        deadline = time.monotonic() + 20
        while not (task / "sleeps").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        # The shell, the emulator, the runtime.
        assert len(running_in(task)) == 3
    finally:
        parent.kill()
        parent.wait()

    assert wait_until_gone(task) == set()


def test_a_function_that_dies_is_an_error_and_the_next_call_is_answered(make: Make) -> None:
    function = make()

    with pytest.raises(FunctionError, match="signal: killed"):
        function({"kill": 1})

    assert function({})["name"] == "made-up"


def test_what_a_function_raises_is_an_error_with_its_name(make: Make) -> None:
    with pytest.raises(FunctionError, match="ValueError: on purpose"):
        make()({"raise": "on purpose"})


def test_a_function_that_uses_more_memory_than_it_has_is_killed_whatever_it_catches(
    make: Make, tmp_path: Path
) -> None:
    function = make()
    before = function({})["pid"]

    with pytest.raises(FunctionError, match=r"Runtime\.ExitError: .* signal: killed"):
        function({"use_mb": 10_000})

    assert re.search(r"Killed: \d+ MB used of 256\.", (tmp_path / "logs" / "Made.log").read_text())
    assert function({})["pid"] != before


def test_a_function_may_use_almost_all_the_memory_that_it_has_whatever_others_use(
    make: Make,
) -> None:
    function = make()

    with ThreadPoolExecutor(3) as pool:
        used_mb = list(pool.map(function, [{"use_mb": 240}] * 3))

    assert 240 <= min(used_mb) <= max(used_mb) < 256


def test_memory_that_short_calls_leak_counts(make: Make) -> None:
    function = make()

    with pytest.raises(FunctionError, match="signal: killed"):
        list(map(function, [{"leak_mb": 60}] * 15))

    assert function({"leak_mb": 60}) < 128


def test_memory_of_what_a_function_starts_counts_and_goes_with_it(
    make: Make, tmp_path: Path
) -> None:
    function = make()
    function({})
    before = len(running_in(tmp_path / "task"))

    assert function({"children_use_mb": 50}) is None
    with pytest.raises(FunctionError, match="signal: killed"):
        function({"children_use_mb": 120})

    function({})
    assert len(running_in(tmp_path / "task")) == before


def test_what_would_outrun_the_watch_is_refused(make: Make) -> None:
    function = make()

    with pytest.raises(FunctionError, match="signal: killed"):
        function({"allocate_mb": 2 * 256})
    with pytest.raises(FunctionError, match="MemoryError"):
        function({"allocate_mb": 4 * 256})


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"sleep": 60}, "INTEGRATION_TIMEOUT"),
        ({"kill": 1}, "DEFAULT_5XX"),
        ({"use_mb": 10_000}, "DEFAULT_5XX"),
        ({"raise": "on purpose"}, "DEFAULT_5XX"),
    ],
)
def test_the_gateway_answers_as_the_template_says_for_a_function_that_cannot(
    make: Make, event: dict[str, Any], kind: str
) -> None:
    template = Template.parse(
        "Resources: {Made: {Type: AWS::Serverless::Function, Properties: {CodeUri: x, Handler: a.b,"
        " Events: {E: {Type: Api, Properties: {Path: /made, Method: get}}}}}}"
    )
    function = make()
    gateway = Gateway(template, {"Made": lambda _: function(event)})

    answer = gateway.answer(HttpRequest("GET", "/made"))

    document = parse_yaml((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    said = document["Resources"]["Api"]["Properties"]["GatewayResponses"][kind]
    assert answer.status == said["StatusCode"]
    assert json.loads(answer.body) == json.loads(said["ResponseTemplates"]["application/json"])
    retry = said["ResponseParameters"]["Headers"].get("Retry-After")
    assert dict(answer.headers).get("Retry-After") == (retry and retry.strip("'"))
    assert "on purpose" not in answer.body.decode()


def test_a_function_gets_its_own_settings_and_no_other_functions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    template = built_template()
    of = {each.logical_id: each for each in template.functions()}
    monkeypatch.setenv("TRAINING_FUNCTION", "another")
    monkeypatch.setenv("MODEL_REFRESH_SECONDS", "7")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")

    scoring = emulated(template, of["ScoringFunction"], tmp_path).environment
    models = emulated(template, of["ModelsFunction"], tmp_path).environment

    assert "TRAINING_FUNCTION" not in scoring
    assert models["TRAINING_FUNCTION"] == "another"
    assert scoring["MODEL_REFRESH_SECONDS"] == "7"
    assert scoring["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert "SECRET_OF_THE_SHELL" not in scoring
