"""What the real stores do when AWS does not: they say so, in time, in the domain's words."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.exceptions import GetError

from lead_scoring.adapters import clients
from lead_scoring.alerting import Watch
from lead_scoring.entities.models import Activation, Job, Lease
from lead_scoring.entities.training import WantedSnapshot
from lead_scoring.errors import StoreUnavailableError
from lead_scoring.experiments import Ending, Exposure, PlannedSize

from .conftest import Stores, local_credentials, real_stores
from .examples import (
    NOON,
    ab_test,
    bare_feedback,
    bare_lead,
    conversion,
    counted,
    full_outcome,
    model,
    operation,
    reply,
    score,
    scoring,
)

JOB = Job("x", "queued", "tests", NOON, 1)
LEASE = Lease("x", 1, NOON)
CALLS: dict[str, Callable[[Stores], Any]] = {
    "predictions.add": lambda stores: stores.predictions.add([score(bare_lead("x"))]),
    "predictions.newest_first": lambda stores: list(stores.predictions.newest_first("x")),
    "predictions.given_before": lambda stores: stores.predictions.given_before("x", NOON),
    "predictions.knows": lambda stores: stores.predictions.knows("x"),
    "predictions.delete": lambda stores: stores.predictions.delete("x"),
    "training_data.add_leads": lambda stores: stores.training_data.add_leads(
        [(bare_lead("x"), NOON)]
    ),
    "training_data.add_outcomes": lambda stores: stores.training_data.add_outcomes(
        [full_outcome("x")]
    ),
    "training_data.evidence": lambda stores: list(stores.training_data.evidence()),
    "training_data.snapshots": lambda stores: list(
        stores.training_data.snapshots([WantedSnapshot("x", "y", NOON)])
    ),
    "training_data.count": lambda stores: stores.training_data.count(),
    "training_data.delete": lambda stores: stores.training_data.delete("x"),
    "feedback.add": lambda stores: stores.feedback.add([counted(bare_feedback("x"))], reply("x")),
    "feedback.page": lambda stores: stores.feedback.page("x", 1),
    "feedback.all_of": lambda stores: stores.feedback.all_of("x"),
    "feedback.counts": lambda stores: stores.feedback.counts([NOON.date()]),
    "feedback.delete_before": lambda stores: stores.feedback.delete_before(NOON),
    "feedback.dated_from": lambda stores: stores.feedback.dated_from("x", NOON),
    "ab_tests.create": lambda stores: stores.ab_tests.create(ab_test("x")),
    "ab_tests.get": lambda stores: stores.ab_tests.get("x"),
    "ab_tests.newest_first": lambda stores: stores.ab_tests.newest_first(),
    "ab_tests.tally": lambda stores: stores.ab_tests.tally(ab_test("x")),
    "ab_tests.freeze_plan": lambda stores: stores.ab_tests.freeze_plan(
        "x", PlannedSize(1, NOON, 0.5)
    ),
    "ab_tests.keep_final_look": lambda stores: stores.ab_tests.keep_final_look("x", {}),
    "ab_tests.stop": lambda stores: stores.ab_tests.stop("x", Ending(NOON, "x", "x"), None, {}),
    "predictions.sampled": lambda stores: list(stores.predictions.sampled(NOON)),
    "monitoring.watch": lambda stores: stores.monitoring.watch(),
    "monitoring.keep": lambda stores: stores.monitoring.keep(Watch(1, at=NOON), []),
    "monitoring.reports": lambda stores: stores.monitoring.reports(NOON),
    "monitoring.history": lambda stores: stores.monitoring.history(1),
    "exposures.record": lambda stores: stores.exposures.record(scoring("x", "u", "x")),
    "exposures.of": lambda stores: stores.exposures.of("x", "u", NOON),
    "exposures.convert": lambda stores: stores.exposures.convert(
        Exposure("x", "v", "conversion", "u"), conversion("x"), timedelta(days=1)
    ),
    "exposures.erase": lambda stores: stores.exposures.erase("x"),
    "replies.begin": lambda stores: stores.replies.begin("x", "f", operation(NOON), NOON),
    "replies.finish": lambda stores: stores.replies.finish(reply("x")),
    "replies.release": lambda stores: stores.replies.release("x"),
    "replies.forget": lambda stores: stores.replies.forget("x"),
    "replies.kept": lambda stores: stores.replies.kept("x"),
    "models.active": lambda stores: stores.models.active(),
    "models.get": lambda stores: stores.models.get("v"),
    "models.newest_first": lambda stores: stores.models.newest_first(),
    "models.register": lambda stores: stores.models.register(model("v")),
    "models.activate": lambda stores: stores.models.activate(Activation(NOON, "tests", "v")),
    "models.publish": lambda stores: stores.models.publish(
        model("v"), None, None, LEASE, JOB._replace(status="succeeded", finished_at=NOON)
    ),
    "models.history": lambda stores: stores.models.history(1),
    "models.remove": lambda stores: stores.models.remove("v"),
    "jobs.open": lambda stores: stores.jobs.open(JOB, NOON),
    "jobs.start": lambda stores: stores.jobs.start(JOB, NOON, NOON),
    "jobs.renew": lambda stores: stores.jobs.renew(LEASE, NOON, NOON),
    "jobs.report": lambda stores: stores.jobs.report(LEASE, "x", 0.5),
    "jobs.finish": lambda stores: stores.jobs.finish(
        LEASE, JOB._replace(status="failed", finished_at=NOON)
    ),
    "jobs.get": lambda stores: stores.jobs.get("x"),
    "jobs.newest": lambda stores: stores.jobs.newest(),
    "jobs.bury": lambda stores: stores.jobs.bury(JOB, NOON, "x"),
    "artifacts.read": lambda stores: stores.artifacts.read("v", "model.ubj"),
    "artifacts.write": lambda stores: stores.artifacts.write("v", {"model.ubj": b"x"}),
    "artifacts.versions": lambda stores: stores.artifacts.versions(),
    "artifacts.delete": lambda stores: stores.artifacts.delete("v"),
    "artifacts.ping": lambda stores: stores.artifacts.ping(),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt only: what is tried again, and how long that takes, has a test of its own."""
    monkeypatch.setattr(clients, "ATTEMPTS", 1)


@pytest.fixture
def nobody_there() -> Iterator[Stores]:
    """Stores at a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with local_credentials():
            yield real_stores(f"http://127.0.0.1:{taken.getsockname()[1]}")


@contextmanager
def answering(status: int, code: str, body: dict[str, Any] | None = None) -> Iterator[Stores]:
    """Stores at an AWS that answers everything alike."""

    class Alike(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            content = json.dumps(body or {"__type": f"x#{code}", "message": "no"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Alike) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with local_credentials():
            yield real_stores(f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_cannot_be_reached_is_unavailable(nobody_there: Stores, call: str) -> None:
    with pytest.raises(StoreUnavailableError):
        CALLS[call](nobody_there)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "AccessDeniedException"),
        (400, "ResourceNotFoundException"),
        (500, "InternalServerError"),
    ],
)
def test_a_store_that_throttles_refuses_or_fails_is_unavailable(status: int, code: str) -> None:
    with answering(status, code) as stores, pytest.raises(StoreUnavailableError):
        stores.models.active()


def test_a_defect_of_ours_is_not_taken_for_an_outage() -> None:
    with answering(400, "ValidationException") as stores, pytest.raises(GetError):
        stores.models.active()


def test_a_batch_that_is_never_taken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    item = {"PutRequest": {"Item": {"lead_id": {"S": "x"}}}}
    left = {"UnprocessedItems": {"local-predictionstable": [item]}}

    with answering(200, "", left) as stores, pytest.raises(StoreUnavailableError):
        stores.predictions.add([score(bare_lead("x"))])


def test_a_store_that_hangs_is_given_up_before_the_api_gives_up() -> None:
    with socket.socket() as silent, local_credentials():
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stores = real_stores(f"http://127.0.0.1:{silent.getsockname()[1]}")

        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            stores.models.active()
        took = time.monotonic() - started

    assert took < 29 / 2
