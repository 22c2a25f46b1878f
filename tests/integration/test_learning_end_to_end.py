"""A team that works with the service for months: what it says back becomes a better model."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import pytest

from infra.demo_leads import DemoLead, demo_leads
from infra.gateway_functions import Handler, load_handler
from infra.template import Template
from lead_scoring import bootstrap
from tests.fakes import fake_services

from .http_client import Answer, HttpClient

START, END = datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 5, 30, tzinfo=UTC)
# Small and soon trained.
PARAMS = {"n_estimators": 20, "max_depth": 3}
A_DAY = timedelta(days=1)


class WorkerAtOnce:
    """Does a job while it is being asked for, by the handler that Lambda would call."""

    def __init__(self) -> None:
        functions = {each.logical_id: each for each in Template.load().functions()}
        self._train: Handler = load_handler(functions["TrainingFunction"])

    def start(self, job_id: str) -> None:
        self._train({"job_id": job_id}, None)


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> HttpClient:
    """Every app on fakes; a warm process looks for a new model at each request."""
    services = fake_services(str(tmp_path_factory.mktemp("models")), model_refresh_seconds=0)
    services.__dict__["training_worker"] = WorkerAtOnce()
    services.__dict__["clock"].moment = START
    monkeypatch.setattr(bootstrap, "connect", lambda: services)
    return HttpClient(services)


def team_works(client: HttpClient, leads: Iterable[DemoLead]) -> None:
    """Score each lead in its time, and say a day later what became of it."""
    clock = client.services.clock
    events = [(moment(each), "/score", asked(each), 200) for each in leads]
    events += [(moment(each) + A_DAY, "/feedback", said_about(each), 201) for each in leads]
    for at, path, body, expected in sorted(events, key=itemgetter(0)):
        clock.moment = max(at, clock.moment + timedelta(seconds=1))
        assert client.post(path, body).status == expected


def moment(each: DemoLead) -> datetime:
    return datetime.fromisoformat(each.lead["scored_at"])


def asked(each: DemoLead) -> dict[str, Any]:
    return {name: value for name, value in each.lead.items() if name != "scored_at"}


def said_about(each: DemoLead) -> dict[str, Any]:
    """What the team sends: a conversion, or how soon it put the lead aside."""
    lead_id, outcome = each.lead["lead_id"], each.outcome or {}
    if outcome.get("converted"):
        value = outcome["conversion_value"]
        return {"lead_id": lead_id, "action_type": "convert", "conversion_value": value}
    seconds = 25 if outcome.get("contacted") else 5
    return {"lead_id": lead_id, "action_type": "archive", "interaction_duration": seconds}


def leads_of(count: int) -> Sequence[DemoLead]:
    """Leads in the order of their moments; the service starts before the first."""
    return sorted(demo_leads(count, END), key=moment)


def retrained(client: HttpClient, **body: Any) -> dict[str, Any]:
    """Ask for a training and return how it ended."""
    queued = client.post("/retrain", {"params": PARAMS, **body})
    assert (queued.status, queued.body["status"]) == (202, "queued")
    job = client.get(queued.body["status_url"].removeprefix("/api/v1/ml"))
    assert job.status == 200
    ended: dict[str, Any] = job.body
    return ended


def keyed(client: HttpClient, path: str, body: Any, key: str) -> Answer:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return client.request("POST", path, json.dumps(body).encode(), headers)


def test_feedback_becomes_a_model_that_scores_and_is_measured_on_what_comes_next(
    client: HttpClient,
) -> None:
    leads = leads_of(300)
    assert client.post("/score", asked(leads[0])).body["model_version"] == "baseline"
    team_works(client, leads)
    before = client.get("/metrics").body

    job = retrained(client)

    assert before["active_model"] is None
    assert before["training"]["reasons"] == ["No model is active yet."]
    assert before["training"]["usable_samples"] == 300
    assert before["business"]["conversion_rate"] is not None
    assert job["status"] == "succeeded"
    assert job["progress"] == {"step": "done", "fraction": 1.0}
    assert job["verdict"]["promoted"], job["verdict"]["text"]
    after = client.get("/metrics").body
    assert after["active_model"]["model_version"] == job["model_version"]
    assert after["active_model"]["metrics"] == job["metrics"]
    samples = after["active_model"]["training_samples"]
    assert samples + after["active_model"]["validation_samples"] == 300
    assert (after["training"]["new_samples"], after["training"]["usable_samples"]) == (0, 300)
    assert not after["training"]["should_retrain"]
    assert after["training"]["last_job"]["job_id"] == job["job_id"]
    assert after["live"]["samples"] == 0
    client.services.clock.advance(hours=1)
    scored = client.post("/score", asked(leads[-1]) | {"lead_id": "tomorrow"}).body
    assert scored["model_version"] == job["model_version"]
    client.services.clock.advance(hours=1)
    said = client.post("/feedback", {"lead_id": "tomorrow", "action_type": "convert"}).body
    assert said["model_version"] == job["model_version"]
    live = client.get("/metrics").body["live"]
    assert (live["samples"], live["positives"]) == (1, 1)
    assert live["metrics"]["brier"] == pytest.approx((1 - scored["probability"]) ** 2, abs=1e-6)


def test_a_second_model_is_compared_and_every_change_can_be_undone_and_is_on_record(
    client: HttpClient,
) -> None:
    leads = leads_of(300)
    team_works(client, leads[:200])
    first = retrained(client)["model_version"]
    # Whatever the gate thought of it: activating what is active changes nothing.
    client.post(f"/models/{first}/activate", {})
    team_works(client, leads[200:])
    assert client.get("/metrics").body["training"]["new_samples"] == 100

    job = retrained(client)

    second = job["model_version"]
    assert job["status"] == "succeeded"
    assert first in job["verdict"]["text"]
    is_active = client.get("/metrics").body["active_model"]["model_version"] == second
    assert job["verdict"]["promoted"] is is_active
    listed = client.get("/models").body["models"]
    assert [each["model_version"] for each in listed] == [second, first]
    card = client.get(f"/models/{second}").body
    assert card["parent_version"] == first
    assert card["promotion_verdict"]["text"] == job["verdict"]["text"]
    assert client.post(f"/models/{second}/activate", {"reason": "by hand"}).status == 200
    client.services.clock.advance(hours=1)
    back = keyed(client, "/models/rollback", {"reason": "too eager"}, "undo").body
    again = keyed(client, "/models/rollback", {"reason": "too eager"}, "undo").body
    assert (back["model_version"], back["previous_version"]) == (first, second)
    assert again == back
    scored = client.post("/score", asked(leads[0])).body
    assert scored["model_version"] == first
    newest, *older = client.get("/models/history").body["history"]
    assert (newest["from"], newest["to"], newest["reason"]) == (second, first, "too eager")
    assert [(row["from"], row["to"]) for row in older] == [(first, second), (None, first)]


def test_feedback_about_a_lead_that_was_never_scored_is_kept_and_used_once_it_is(
    client: HttpClient,
) -> None:
    leads = leads_of(130)
    early, known = leads[:20], leads[20:]
    team_works(client, known)
    answers = [client.post("/feedback", said_about(each)) for each in early]
    without = retrained(client)

    client.services.clock.advance(hours=1)
    client.post("/batch-score", {"leads": [asked(each) for each in early]})
    client.services.clock.advance(hours=1)
    with_them = retrained(client, force_retrain=True)

    assert {answer.status for answer in answers} == {201}
    assert {answer.body["model_version"] for answer in answers} == {None}
    assert {answer.body["prediction_score"] for answer in answers} == {None}
    assert (samples(client, without), samples(client, with_them)) == (110, 130)


def samples(client: HttpClient, job: dict[str, Any]) -> int:
    """How many leads a job's model was trained and measured on."""
    card = client.get(f"/models/{job['model_version']}").body
    return int(card["training_samples"]) + int(card["validation_samples"])


def test_a_check_that_finds_no_reason_skips_the_training_and_says_why(client: HttpClient) -> None:
    team_works(client, leads_of(60))

    job = retrained(client)

    assert job["status"] == "skipped"
    assert job["reasons"][0].endswith("60 are there, 40 are missing.")
    assert client.get("/models").body["models"] == []
    assert client.get("/metrics").body["training"]["last_job"]["status"] == "skipped"


def test_hyperparameters_that_would_buy_an_hour_of_computing_open_no_job(
    client: HttpClient,
) -> None:
    params = {"n_estimators": 100_000, "max_depth": 40, "tree_method": "exact"}

    answer = client.post("/retrain", {"params": params, "validation_split": 0.9})

    assert answer.status == 422
    assert set(answer.pointers) == {
        "/params/n_estimators",
        "/params/max_depth",
        "/params/tree_method",
        "/validation_split",
    }
    assert client.get("/metrics").body["training"]["last_job"] is None
