"""Lambda's Invoke API as boto3 speaks it, with real child processes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.embedded_aws import LOCAL_CREDENTIALS
from infra.function_processes import Call, Ended, FunctionProcesses
from infra.lambda_endpoint import EVENT_LIMIT_BYTES, LambdaEndpoint
from infra.template import PROJECT, Template

TEMPLATE = """
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: work/, Handler: app.work, Timeout: 20}
  Hasty:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: work/, Handler: app.work, Timeout: 1}
"""
CODE = """
import os, sys, time
from pathlib import Path

def work(event, context):
    print("something that is no answer")
    Path(event["file"]).write_text(f"{os.getpid()} {context.function_name}")
    if event.get("fails"):
        raise ValueError("a value of the event")
    if event.get("dies"):
        os._exit(3)
    time.sleep(event.get("seconds", 0))
    return {"pid": os.getpid(), "said": event.get("said"), "session": os.getsid(0)}
"""


class System:
    """An endpoint with two functions, and what was said about their calls."""

    def __init__(self, folder: Path) -> None:
        (folder / "work").mkdir()
        (folder / "work" / "app.py").write_text(CODE)
        self.said: list[tuple[Call, Ended | None]] = []
        self.template = Template.parse(TEMPLATE, folder, stack="test")
        self.processes = FunctionProcesses(
            folder / "logs", lambda call, ended: self.said.append((call, ended))
        )
        self.endpoint = LambdaEndpoint(self.template.functions(), self.processes)
        self.client: Any = boto3.client("lambda", endpoint_url=self.endpoint.url)

    def invoke(self, name: str = "test-work", kind: str = "Event", **event: Any) -> Any:
        payload = json.dumps(event).encode()
        return self.client.invoke(FunctionName=name, InvocationType=kind, Payload=payload)

    def ends(self) -> list[Ended]:
        return [ended for _, ended in self.said if ended]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    made = System(tmp_path)
    yield made
    made.endpoint.stop()


def wait_until(holds: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def pid_in(file: Path) -> int:
    wait_until(lambda: file.exists() and file.read_text())
    return int(file.read_text().split()[0])


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith("Z")


def test_an_event_is_answered_at_once_and_worked_on_in_a_process_and_session_of_its_own(
    system: System, tmp_path: Path
) -> None:
    started = time.monotonic()

    answer = system.invoke(file=str(tmp_path / "done"), said="hello", seconds=1)
    answered = time.monotonic() - started
    wait_until(system.ends)

    assert answer["StatusCode"] == 202
    assert answered < 1
    [ended] = system.ends()
    assert ended.fault is None
    assert ended.answer == {
        "pid": pid_in(tmp_path / "done"),
        "said": "hello",
        "session": ended.answer["pid"],
    }
    assert ended.answer["pid"] != os.getpid()
    assert (tmp_path / "done").read_text().endswith(" Work")


def test_who_waits_gets_the_answer_of_the_function(system: System, tmp_path: Path) -> None:
    answer = system.invoke(kind="RequestResponse", file=str(tmp_path / "done"), said="hello")

    body = json.load(answer["Payload"])
    assert (answer["StatusCode"], body["said"]) == (200, "hello")
    assert "FunctionError" not in answer


def test_a_function_that_raises_says_so_to_who_waits_and_its_traceback_is_in_the_log(
    system: System, tmp_path: Path
) -> None:
    answer = system.invoke(kind="RequestResponse", file=str(tmp_path / "done"), fails=True)

    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "ValueError"
    [ended] = system.ends()
    log = tmp_path / "logs" / "Work.log"
    assert ended.fault == f"ValueError: see {log}"
    assert "Traceback" in log.read_text()
    assert "something that is no answer" in log.read_text()


def test_a_process_that_dies_without_a_word_is_named_with_its_code(
    system: System, tmp_path: Path
) -> None:
    system.invoke(file=str(tmp_path / "done"), dies=True)
    wait_until(system.ends)

    [ended] = system.ends()
    assert ended.fault == f"ended with code 3: see {tmp_path / 'logs' / 'Work.log'}"


def test_a_function_is_ended_when_its_time_is_over(system: System, tmp_path: Path) -> None:
    system.invoke("test-hasty", file=str(tmp_path / "done"), seconds=30)
    wait_until(system.ends)

    [ended] = system.ends()
    assert ended.fault is not None
    assert ended.fault.startswith("took too long")
    assert not is_running(pid_in(tmp_path / "done"))


def test_an_unknown_function_is_not_found_in_the_words_of_aws(system: System) -> None:
    with pytest.raises(ClientError) as raised:
        system.invoke("test-nothing")

    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{", "InvalidRequestContentException"),
        (b'"' + b"a" * EVENT_LIMIT_BYTES + b'"', "RequestTooLargeException"),
    ],
)
def test_an_event_that_is_no_json_or_too_large_starts_nothing(
    system: System, payload: bytes, code: str
) -> None:
    with pytest.raises(ClientError) as raised:
        system.client.invoke(FunctionName="test-work", InvocationType="Event", Payload=payload)

    assert raised.value.response["Error"]["Code"] == code
    assert system.said == []


def test_a_long_event_arrives_whole(system: System, tmp_path: Path) -> None:
    said = "x" * 500_000

    answer = system.invoke(kind="RequestResponse", file=str(tmp_path / "done"), said=said)

    assert json.load(answer["Payload"])["said"] == said


def test_who_does_not_sign_as_a_client_of_aws_does_is_refused(system: System) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", system.endpoint.server_port, timeout=5)
    path = "/2015-03-31/functions/test-work/invocations"

    connection.request("POST", path, b"{}", {"X-Amz-Invocation-Type": "Event"})
    status = connection.getresponse().status
    connection.close()

    assert status == 403
    assert system.said == []


def test_what_runs_is_ended_when_the_system_stops_and_nothing_is_said_of_it(
    system: System, tmp_path: Path
) -> None:
    system.invoke(file=str(tmp_path / "done"), seconds=20)
    pid = pid_in(tmp_path / "done")

    started = time.monotonic()
    system.endpoint.stop()

    assert time.monotonic() - started < 5
    assert not is_running(pid)
    assert system.ends() == []
    assert system.processes.running == []


def test_a_call_ends_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "app.py").write_text(CODE)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from infra.function_processes import FunctionProcesses\n"
        "from infra.template import Template\n"
        f"functions = Template.parse({TEMPLATE!r}, Path(sys.argv[1])).functions()\n"
        "processes = FunctionProcesses(Path(sys.argv[1]) / 'logs', lambda call, ended: None)\n"
        "processes.start(functions[0], {'file': sys.argv[1] + '/done', 'seconds': 60})\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT)
    pid = pid_in(tmp_path / "done")

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not is_running(pid))
