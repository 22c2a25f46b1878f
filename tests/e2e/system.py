"""A system in Lambda's runtime, and a client that holds every answer against the description."""

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from infra.embedded_aws import LOCAL_CREDENTIALS
from lead_scoring.api.operations import BASE
from tests.conformity import assert_conforms, described_path

from .recording_aws import Recording

TRAINING_SECONDS = 120


@dataclass
class System:
    """Where it answers, where its state is, what its functions did, what was asked of it."""

    url: str
    state: Path
    recording: Recording
    succeeded: set[tuple[str, str]] = field(default_factory=set)

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Ask, and return the body of a success; fail for anything else."""
        status, answer = self.try_to(method, path, body, key)
        assert status in (200, 201, 202), f"{method} {path}: {status} {answer}"
        return answer

    def try_to(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Ask, and return status and body, whatever they are."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            response = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            status, kind, text = response.status, response.headers["Content-Type"], response.read()
        parsed = json.loads(text) if kind.endswith("json") else text.decode()
        assert_conforms(method, BASE + path, status, kind, parsed)
        if status < 300:
            self.succeeded.add((method, described_path(BASE + path)))
        return status, parsed

    def trained(self, job_id: str) -> Any:
        """Wait for a training to end, and return how it did."""
        deadline = time.monotonic() + TRAINING_SECONDS
        while time.monotonic() < deadline:
            job = self.ask("GET", f"/retrain/{job_id}")
            if job["status"] not in ("queued", "running"):
                return job
            time.sleep(0.5)
        raise AssertionError(f"job {job_id} never ended")

    def settings(self) -> dict[str, str]:
        """Return the settings of the system, as it wrote them down."""
        written = (self.state / "environment").read_text()
        return dict(re.findall(r"^export (\w+)='(.*)'$", written, re.MULTILINE))

    def invoke_training(self, event: Any) -> Any:
        """Call the function without a route, as the schedule does, and return its answer."""
        settings = self.settings()
        client: Any = boto3.client(
            "lambda",
            endpoint_url=settings["AWS_ENDPOINT_URL_LAMBDA"],
            region_name="us-east-1",
            aws_access_key_id=LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        answer = client.invoke(
            FunctionName=settings["TRAINING_FUNCTION"], Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.load(answer["Payload"])
