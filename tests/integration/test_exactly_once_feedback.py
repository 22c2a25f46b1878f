"""Feedback is counted once: eight clients, two gateways, one AWS, each a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from infra.provision import provision
from infra.template import PROJECT, Template
from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings

from .feedback_client import PIECES, TIMES, piece

CLIENTS = 8
START_SECONDS, RUN_SECONDS = 60, 240


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The settings of a system of its own, which this process has too."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with embedded_aws() as endpoint_url:
        provision(Template.load(), endpoint_url)
        own = {
            "HASH_KEY": "a key of the tests",
            "MODEL_DIR": str(tmp_path / "models"),
            "AWS_ENDPOINT_URL": endpoint_url,
        }
        yield Template.load().environment(own)


@pytest.fixture
def gateways(environment: dict[str, str]) -> Iterator[list[str]]:
    """The base URLs of two gateways that share nothing but the AWS."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(process("gateway_process", environment)) for _ in range(2)]
        yield [said(gateway) for gateway in started]


@contextlib.contextmanager
def process(
    module: str, environment: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run one of our modules beside this process, and end it if it has not ended by itself."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"tests.integration.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | environment,
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=START_SECONDS)


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


def test_eight_clients_that_send_everything_three_times_are_counted_once(
    environment: dict[str, str], gateways: list[str]
) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(process("feedback_client", environment, str(number), *gateways))
            for number in range(CLIENTS)
        ]
        answers = [json.loads(client.communicate(timeout=RUN_SECONDS)[0]) for client in clients]

    sent = [piece(client, number) for client in range(CLIENTS) for number in range(PIECES)]
    pieces = [three for client in answers for three in client]
    assert len(pieces) == len(sent) == 1600
    assert all(len(three) == TIMES for three in pieces)
    assert {status for three in pieces for status, _ in three} == {201}
    assert all(first == again for first, *others in pieces for again in others)
    assert len({three[0][1]["feedback_id"] for three in pieces}) == 1600

    stored = Services(Settings.from_environment(environment)).training_data
    assert stored.count() == 1600
    rows = list(stored.evidence())
    ids = {three[0][1]["feedback_id"] for three in pieces}
    assert {getattr(row, "feedback_id", None) for row in rows} == ids

    for url in gateways:
        told = get(f"{url}/analytics/feedback?days=2")
        assert told["total"] == 1600
        assert told["action_distribution"] == Counter(each["action_type"] for each in sent)
        assert sum(told["temporal"]["per_day"].values()) == 1600
        assert sum(told["temporal"]["per_hour"].values()) == 1600
        assert told["sources"]["manual"]["count"] == 1600
        assert told["conversion_rate"] == 320 / 1600
        assert told["contact_success_rate"] == 160 / 320
        value = sum(round(10 * each.get("conversion_value", 0)) for each in sent) / 10
        assert told["conversion_value"] == value
    assert get(f"{gateways[0]}/feedback/7?limit=1000")["summary"]["count"] == 64
