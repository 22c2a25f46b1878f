"""Every fault between the code and its stores, at random, during mixed requests.

Clients do what clients are told to do: what is answered 503, or is in progress, is sent again with
the same key; a score that came degraded is asked for again. What was acknowledged is there in the
end, once. `make stress` sends 2,000.
"""

import contextlib
import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings
from tests import forests
from tests.scale import THOROUGH, either

from .faulty_aws import (
    CUT,
    FAILED,
    HANGING,
    LATE,
    LOST,
    SLOW,
    THROTTLED,
    RandomFaults,
    faulty_aws,
)
from .processes import get, process, said

CLIENTS = 8
ODDS = {
    CUT: 0.04,
    LOST: 0.04,
    THROTTLED: 0.06,
    FAILED: 0.06,
    SLOW: 0.02,
    LATE: 0.006,
    HANGING: 0.006,
}
PATIENCE_SECONDS = 120
RECOVERY_SECONDS = 30
TEST = "faults"


class Sent(NamedTuple):
    """A request, and every status that it got until it was done."""

    kind: str
    statuses: list[int]
    was_degraded: bool
    body: Any


class Request(NamedTuple):
    kind: str
    method: str
    path: str
    body: Any = None
    key: str | None = None


def plan(seed: int) -> list[Request]:
    requests = []
    for i in range(500):
        lead = {"lead_id": f"lead-{i % 100}", "title": f"Python developer {i}"}
        requests.append(Request("score", "POST", "/score?explain=false", lead))
    for i in range(300):
        body = {"user_id": f"user-{i % 150}", "lead_data": {"lead_id": i, "title": "Baker"}}
        requests.append(Request("ab score", "POST", f"/ab-tests/{TEST}/score", body))
    for i in range(800):
        action = ("view", "contact", "convert", "archive")[i % 4]
        feedback = {"lead_id": f"lead-{i % 100}", "action_type": action}
        requests.append(Request("feedback", "POST", "/feedback", feedback, f"feedback-{i}"))
    for i in range(100):
        seen = [{"lead_id": f"lead-{j}", "type": "view", "duration": 30} for j in range(4)]
        session = {"session_id": f"session-{i}", "interactions": seen}
        path = "/feedback/implicit"
        requests.append(Request("session", "POST", path, session, f"session-{i}"))
    for i in range(300):
        path = ("/analytics/feedback", f"/feedback/lead-{i % 100}", f"/ab-tests/{TEST}/results")
        requests.append(Request("read", "GET", path[i % 3]))
    random.Random(seed).shuffle(requests)
    assert len(requests) == 2000
    return requests[: either(quick=500, thorough=2000)]


def once(url: str, request: Request) -> tuple[int, Any]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    headers = {"Content-Type": "application/json"}
    if request.key:
        headers["Idempotency-Key"] = request.key
    body = None if request.body is None else json.dumps(request.body)
    with contextlib.closing(connection):
        connection.request(request.method, address.path + request.path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def until_done(url: str, request: Request) -> Sent:
    statuses: list[int] = []
    was_degraded, deadline = False, time.monotonic() + PATIENCE_SECONDS
    while True:
        status, body = once(url, request)
        statuses.append(status)
        is_degraded = status == 200 and bool(body.get("degraded"))
        was_degraded |= is_degraded
        again = status in (409, 503) or (is_degraded and request.kind == "ab score")
        if not again or time.monotonic() > deadline:
            return Sent(request.kind, statuses, was_degraded, body)
        time.sleep(0.2)


def until_healthy(urls: list[str]) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    left = list(urls)
    while left:
        assert time.monotonic() < deadline
        status, health = once(left[0], Request("health", "GET", "/health"))
        if (status, health["status"]) == (200, "healthy"):
            left.pop(0)
        else:
            time.sleep(0.2)


class System(NamedTuple):
    faults: RandomFaults
    gateways: list[str]
    services: Services


@pytest.fixture
def system(environment: dict[str, str]) -> Iterator[System]:
    services = Services(Settings.from_environment(environment))
    versions = [forests.publish(services, forests.small_model(seed)) for seed in (0, 1)]
    arms = [
        {"variant_name": name, "model_version": version, "traffic_percentage": 50}
        for name, version in zip(("control", "other"), versions, strict=True)
    ]
    services.ab_tests.create_ab_test({"test_name": TEST, "variants": arms})
    faults = RandomFaults(ODDS, seed=11)
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(faulty_aws(environment["AWS_ENDPOINT_URL"], faults))
        theirs = environment | {"AWS_ENDPOINT_URL": endpoint}
        started = [stack.enter_context(process("gateway_process", theirs)) for _ in range(2)]
        yield System(faults, [said(gateway) for gateway in started], services)


def test_nothing_is_lost_or_counted_twice_whatever_the_stores_do(system: System) -> None:
    faults, gateways, services = system
    requests = plan(seed=5)
    until_healthy(gateways)

    faults.is_on = True
    with ThreadPoolExecutor(CLIENTS) as clients:
        sent = list(
            clients.map(lambda i: until_done(gateways[i % 2], requests[i]), range(len(requests)))
        )
    faults.is_on = False
    until_healthy(gateways)

    # Faults of all kinds struck, and were felt; none was told as anything but 503.
    assert faults.struck.keys() == ODDS.keys()
    statuses = Counter(status for each in sent for status in each.statuses)
    assert statuses[503] > 0
    # Which requests meet a fault depends on the machine: few of them may all keep their records.
    assert not THOROUGH or any(each.was_degraded for each in sent)
    # A lead whose feedback is read before it has any is not known yet.
    assert statuses.keys() <= {200, 201, 404, 409, 503}
    assert {each.kind for each in sent if 404 in each.statuses} <= {"read"}
    done = {"score": 200, "ab score": 200, "feedback": 201, "session": 201}
    for each in sent:
        assert each.statuses[-1] == done.get(each.kind, each.statuses[-1])

    told = get(f"{gateways[0]}/analytics/feedback?days=2")
    bodies = [each.body for each in requests]
    said = Counter(each["action_type"] for each in bodies if each and "action_type" in each)
    said["view"] += sum(
        len(each["interactions"]) for each in bodies if each and "session_id" in each
    )
    assert told["total"] == said.total()
    assert told["action_distribution"] == {"rate": 0, **said}
    rows = list(services.training_data.evidence())
    ids = [each.body["feedback_id"] for each in sent if each.kind == "feedback"]
    ids += [
        f["feedback_id"] for each in sent if each.kind == "session" for f in each.body["feedback"]
    ]
    assert sorted(ids) == sorted(row.feedback_id for row in rows)
    results = get(f"{gateways[1]}/ab-tests/{TEST}/results")
    users = {each["user_id"] for each in bodies if each and "user_id" in each}
    assert sum(arm["sample_size"] for arm in results["variants"]) == len(users)


def test_throttled_altogether_it_says_503_and_recovers(system: System) -> None:
    faults, [url, _], _ = system
    view = Request("feedback", "POST", "/feedback", {"lead_id": 1, "action_type": "view"}, "k")
    until_healthy([url])

    faults._odds, faults.is_on = {THROTTLED: 1.0}, True
    refused = once(url, view)
    scored = once(url, Request("score", "POST", "/score", {"lead_id": 1, "title": "Baker"}))
    faults.is_on = False
    began = time.monotonic()
    repeated = until_done(url, view)
    again = until_done(url, view)

    assert refused[0] == 503
    assert (scored[0], scored[1]["degraded"]) == (200, True)
    assert repeated.statuses[-1] == 201
    assert time.monotonic() - began < RECOVERY_SECONDS
    assert again.body == repeated.body
