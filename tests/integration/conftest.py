import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from infra.provision import provision
from infra.template import Template
from lead_scoring import bootstrap
from tests.fakes import fake_services

from .http_client import HttpClient
from .processes import process, said


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> HttpClient:
    """Every app on fakes, without any model: the baseline answers."""
    services = fake_services(str(tmp_path_factory.mktemp("models")))
    monkeypatch.setattr(bootstrap, "connect", lambda: services)
    return HttpClient(services)


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
