"""A running system whose stores stop answering under load, and come back: real processes."""

import contextlib
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS, EmbeddedAws
from infra.provision import provision
from infra.template import Template
from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings
from tests import forests

from .processes import process, said

CLIENTS = 4
# More than a call of a store may take with all its attempts.
OUTAGE_SECONDS = 14
RECOVERY_SECONDS = 30
LEAD = {"lead_id": 7, "title": "Python developer"}


class Answer(NamedTuple):
    status: int
    body: Any
    seconds: float


class System(NamedTuple):
    aws: EmbeddedAws
    url: str
    version: str


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    aws = EmbeddedAws(tmp_path / "aws", persist=False)
    with contextlib.ExitStack() as stack:
        stack.callback(aws.stop)
        aws.start()
        provision(Template.load(), aws.endpoint_url)
        own = {
            "HASH_KEY": "a key of the tests",
            "MODEL_DIR": str(tmp_path / "models"),
            "AWS_ENDPOINT_URL": aws.endpoint_url,
        }
        environment = Template.load().environment(own) | {"MODEL_REFRESH_SECONDS": "5"}
        services = Services(Settings.from_environment(environment))
        version = forests.publish(services, forests.small_model(0))
        url = said(stack.enter_context(process("gateway_process", environment)))
        yield System(aws, url, version)


def ask(url: str, body: object = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return Answer(status, json.loads(text), time.monotonic() - started)


class Load:
    """Clients that score without a pause, and note what they are answered."""

    def __init__(self, url: str) -> None:
        self.answers: list[Answer] = []
        self._url, self._ended = url, threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._ended.is_set():
            self.answers.append(ask(f"{self._url}/score", LEAD))
            time.sleep(0.02)


def recovered(system: System) -> bool:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        scored = ask(f"{system.url}/score", LEAD)
        if scored.status == 200 and not scored.body["degraded"]:
            return True
        time.sleep(0.2)
    return False


def test_scoring_goes_on_and_health_says_which_while_the_stores_hang(system: System) -> None:
    assert not ask(f"{system.url}/score", LEAD).body["degraded"]
    assert ask(f"{system.url}/health").body["status"] == "healthy"

    with Load(system.url) as load:
        time.sleep(1)
        os.kill(system.aws.pid or 0, signal.SIGSTOP)
        try:
            begun, before = time.monotonic(), len(load.answers)
            health = [ask(f"{system.url}/health") for _ in range(3)]
            time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - begun)))
        finally:
            os.kill(system.aws.pid or 0, signal.SIGCONT)
    during = load.answers[before:]

    assert {answer.status for answer in load.answers} == {200}
    assert {answer.body["model_version"] for answer in load.answers} == {system.version}
    for answer in health:
        checks = {name: check["status"] for name, check in answer.body["checks"].items()}
        assert (answer.status, answer.body["status"]) == (200, "degraded")
        assert (checks["dynamodb"], checks["s3"]) == ("failed", "failed")
        assert answer.seconds < 2
    # Each client waits for the stores once or twice; all other answers come at once, and say so.
    at_once = [answer for answer in during if answer.seconds < 0.5]
    assert len(at_once) > 20 * CLIENTS
    assert sum(answer.body["degraded"] for answer in during) > 0.9 * len(during)
    assert max(answer.seconds for answer in during) < 29
    assert recovered(system)
    assert ask(f"{system.url}/health").body["status"] == "healthy"


def test_scoring_goes_on_while_the_stores_are_gone_and_recovers_when_they_are_back(
    system: System,
) -> None:
    assert not ask(f"{system.url}/score", LEAD).body["degraded"]

    os.kill(system.aws.pid or 0, signal.SIGKILL)
    answers = [ask(f"{system.url}/score", LEAD) for _ in range(30)]
    health = ask(f"{system.url}/health")

    assert {(answer.status, answer.body["degraded"]) for answer in answers} == {(200, True)}
    assert health.body["checks"]["dynamodb"]["status"] == "failed"
    assert health.body["checks"]["s3"]["status"] == "failed"
    assert health.seconds < 2
    system.aws.restart()
    provision(Template.load(), system.aws.endpoint_url)
    assert recovered(system)
