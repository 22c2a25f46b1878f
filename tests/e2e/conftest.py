"""One whole system in Lambda's runtime for all tests of a module: real processes everywhere."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings
from tests import forests
from tests.contract.model_cards import REPORT
from tests.integration.local_run import Run

from .recording_aws import Recording, recording_aws
from .system import System

DEMO_LEADS = 1500


def begin_with_a_poor_model(system: System) -> None:
    """Have a model answer that the next training beats, so that one is promoted here."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL_CREDENTIALS.items():
            patch.setenv(name, value)
        services = Services(Settings.from_environment(system.settings()))
        version = forests.publish(services, forests.small_model(0), datetime.now(UTC))
        services.artifacts.write(version, {"report.json": json.dumps(REPORT).encode()})


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state: Path = tmp_path_factory.mktemp("system")
    recording = Recording()
    with embedded_aws() as upstream, recording_aws(upstream, recording) as endpoint_url:
        run = Run(
            state,
            "--runtime",
            "lambda",
            demo_leads=DEMO_LEADS,
            AWS_ENDPOINT_URL=endpoint_url,
            MODEL_REFRESH_SECONDS="1",
            HOME=os.environ.get("HOME", "/"),
        )
        try:
            system = System(run.url(), state / "demo", recording)
            begin_with_a_poor_model(system)
            yield system
        finally:
            run.end()
            run.kill()
