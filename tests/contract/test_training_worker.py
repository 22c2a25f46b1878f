"""What the worker's client says to Lambda, and what it makes of the answers."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lead_scoring.adapters import clients
from lead_scoring.adapters.training_worker import LambdaTrainingWorker
from lead_scoring.errors import StoreUnavailableError
from tests import builders

from .conftest import local_credentials


@contextmanager
def lambda_that_answers(*statuses: int) -> Iterator[tuple[str, list[Any]]]:
    """A Lambda that answers so in turn; gives its address and the calls that it gets."""
    calls: list[Any] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = statuses[min(len(calls), len(statuses) - 1)]
            calls.append((self.path, self.headers["X-Amz-Invocation-Type"], body))
            self.send_response(status)
            self.send_header("Content-Length", "2" if status >= 400 else "0")
            self.end_headers()
            if status >= 400:
                self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with local_credentials():
            yield f"http://127.0.0.1:{server.server_address[1]}", calls
        server.shutdown()


def test_the_function_is_called_with_the_job_and_not_waited_for() -> None:
    with lambda_that_answers(202) as (address, calls):
        settings = builders.settings(lambda_endpoint_url=address, training_function="trainer")

        LambdaTrainingWorker(settings).start("job-1")

    path = "/2015-03-31/functions/trainer/invocations"
    assert calls == [(path, "Event", {"job_id": "job-1"})]


def test_without_an_address_of_its_own_lambda_is_where_the_stores_are() -> None:
    with lambda_that_answers(202) as (address, calls):
        LambdaTrainingWorker(builders.settings(aws_endpoint_url=address)).start("job-1")

    assert len(calls) == 1


def test_a_call_that_failed_for_the_moment_is_made_again() -> None:
    with lambda_that_answers(500, 202) as (address, calls):
        LambdaTrainingWorker(builders.settings(lambda_endpoint_url=address)).start("job-1")

    assert len(calls) == 2


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_a_lambda_that_refuses_or_fails_is_unavailable(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ATTEMPTS", 1)

    with lambda_that_answers(status) as (address, _):
        worker = LambdaTrainingWorker(builders.settings(lambda_endpoint_url=address))

        with pytest.raises(StoreUnavailableError):
            worker.start("job-1")


def test_a_lambda_that_cannot_be_reached_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    with lambda_that_answers(202) as (address, _):
        pass

    with local_credentials(), pytest.raises(StoreUnavailableError):
        LambdaTrainingWorker(builders.settings(lambda_endpoint_url=address)).start("job-1")
