"""What a cold start costs, in counts that do not depend on the machine: modules, calls of AWS.

Each handler answers in an interpreter of its own, as on Lambda, with stores that know one model.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS
from infra.template import Function, Template
from lead_scoring.adapters.dynamodb import bound
from lead_scoring.adapters.registry_item import (
    ActiveEntry,
    VersionEntry,
    active_entry,
    change_from,
    version_entry,
)
from lead_scoring.entities.models import Activation
from tests import builders, forests

from .scripted_aws import Calls, scripted_aws

PROJECT = Path(__file__).parents[2]
EVENTS = PROJECT / "tests" / "events"
KNOWN = Path(__file__).with_name("cold_start_modules.json")
FUNCTIONS = {each.logical_id: each for each in Template.load().functions()}
# Of the standard library, what is heavy and of no use here.
NEVER = {"asyncio", "doctest", "multiprocessing", "pydoc", "sqlite3", "unittest"}
# The handler's first answer, its modules, and on the next line of the input the second answer.
ANSWER = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", "app.py")
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
class Context:
    aws_request_id, function_name = "r-1", "f"
    get_remaining_time_in_millis = staticmethod(lambda: 30_000)
event, handler = json.load(open(sys.argv[1])), getattr(app, sys.argv[2])
for _ in range(2):
    said = handler(event, Context())
    modules = sorted(sys.modules)
    print("ANSWER", json.dumps({"said": said, "modules": modules}), flush=True)
    sys.stdin.readline()
"""


class Start(NamedTuple):
    """What a handler said first and what it had loaded by then; its calls of AWS, cold and warm."""

    said: Any
    modules: set[str]
    cold: list[str]
    warm: list[str]


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[str, Calls]]:
    fitted, settings = forests.small_model(), builders.settings()
    record = forests.model_record(fitted)
    change = change_from(None, record.model_version, Activation(record.created_at, "a test", None))
    version = version_entry(bound(VersionEntry, "models", settings), record)
    pointer = active_entry(bound(ActiveEntry, "models", settings), change, record)
    entries = {each.entry: each.serialize() for each in (version, pointer)}
    with scripted_aws(entries, fitted.artifact) as started:
        yield started


def start(function: Function, event: Path, folder: Path, aws: tuple[str, Calls]) -> Start:
    """Have a function answer an event twice."""
    address, calls = aws
    calls.taken()
    own = Template.load().environment({"HASH_KEY": "a key of the tests"})
    environment = {
        **{name: value for name, value in own.items() if name in function.environment},
        **LOCAL_CREDENTIALS,
        "AWS_ENDPOINT_URL": address,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "HASH_KEY": "a key of the tests",
        "MODEL_DIR": str(folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT / "layers" / "lead_scoring"),
    }
    handler = function.handler.partition(".")[2]
    command = [sys.executable, "-c", ANSWER, str(event), handler]
    with subprocess.Popen(
        command,
        cwd=function.code_dir,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        first, cold = _answer(process.stdout), calls.taken()
        process.stdin.write("again\n")
        process.stdin.flush()
        _answer(process.stdout)
        warm = calls.taken()
    return Start(first["said"], set(first["modules"]), cold, warm)


def _answer(output: Any) -> Any:
    line = next(each for each in output if each.startswith("ANSWER "))
    return json.loads(line.removeprefix("ANSWER "))


def counted(modules: set[str]) -> set[str]:
    """The modules of ours and of libraries; the standard library's are another Python's others."""
    own = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    # What Python and the virtual environment start with.
    return {name for name in own if not name.startswith(("_", "coverage"))}


@pytest.mark.parametrize(
    "event",
    # The daily check would train here, for nothing is known of any training.
    [each for each in sorted(EVENTS.glob("*.json")) if "daily-check" not in each.name],
    ids=lambda event: event.stem,
)
def test_a_handler_loads_no_more_than_it_did(
    event: Path, tmp_path: Path, aws: tuple[str, Calls]
) -> None:
    started = start(FUNCTIONS[event.name.partition(".")[0]], event, tmp_path, aws)

    assert (started.said or {}).get("statusCode", 200) < 500
    loaded = counted(started.modules)
    if os.environ.get("WRITE_MODULES"):
        known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
        KNOWN.write_text(json.dumps(known | {event.stem: sorted(loaded)}, indent=0) + "\n")
    new = loaded - set(json.loads(KNOWN.read_text())[event.stem])
    assert not new, f"a cold start loads more: {sorted(new)}; if it must, set WRITE_MODULES=1"
    assert not started.modules & NEVER


def test_a_cold_start_of_scoring_reads_each_thing_once_and_a_warm_score_only_writes(
    tmp_path: Path, aws: tuple[str, Calls]
) -> None:
    event = EVENTS / "ScoringFunction.score.json"

    started = start(FUNCTIONS["ScoringFunction"], event, tmp_path, aws)

    score = json.loads(started.said["body"])
    assert (started.said["statusCode"], score["degraded"]) == (200, False)
    assert score["model_version"] != "baseline"
    assert started.cold == ["BatchWriteItem", "GetItem", "GetObject"]
    assert started.warm == ["BatchWriteItem"]
