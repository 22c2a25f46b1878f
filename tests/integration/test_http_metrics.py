from datetime import timedelta
from typing import Any

from lead_scoring.entities import Activation
from lead_scoring.feedback_analytics import counted
from tests.contract.examples import model
from tests.evidence import NOON, VERSION, feedback, hundred_outcomes

from .http_client import HttpClient


def deploy(client: HttpClient) -> None:
    at = NOON - timedelta(days=2)
    fields = {"created_at": at, "trained_until": at, "threshold": 0.5, "data_fingerprint": "f"}
    client.services.models.register(model(VERSION, metrics={"f1_score": 0.9}, **fields))
    client.services.models.activate(Activation(at, "tests", VERSION))


def test_metrics_before_any_model_have_every_field_and_no_made_up_figure(
    client: HttpClient,
) -> None:
    answer = client.get("/metrics")

    assert answer.status == 200
    assert set(answer.body) == {
        "active_model",
        "live",
        "business",
        "efficiency",
        "drift",
        "data_quality",
        "alerts",
        "training",
    }
    assert answer.body["active_model"] is None
    assert set(answer.body["live"]["metrics"].values()) == {None}
    assert answer.body["training"]["should_retrain"] is False
    assert "100 are missing" in answer.body["training"]["reasons"][0]
    assert answer.body["training"]["next_check"] == "2024-06-02T03:00:00.000000Z"


def test_metrics_show_what_feedback_says_of_the_active_model(client: HttpClient) -> None:
    deploy(client)
    rows = hundred_outcomes(NOON - timedelta(hours=1))
    client.services.feedback.add([counted(row) for row in rows])

    body: Any = client.get("/metrics").body

    assert body["active_model"]["model_version"] == VERSION
    assert body["active_model"]["metrics"]["f1_score"] == 0.9
    assert body["live"]["samples"] == body["training"]["live_samples"] == 100
    assert body["live"]["metrics"]["f1_score"] == 0.75
    assert body["business"]["conversion_rate"] == 0.4
    assert body["training"]["should_retrain"]
    assert len(body["training"]["reasons"]) == 2


def test_feedback_about_an_older_models_score_does_not_count_as_live(client: HttpClient) -> None:
    deploy(client)
    client.services.feedback.add([counted(feedback(1, given=None))])

    body = client.get("/metrics").body

    assert body["live"]["samples"] == 0
    assert body["training"]["new_samples"] == 1


def test_metrics_take_no_parameters(client: HttpClient) -> None:
    answer = client.get("/metrics?days=7")

    assert answer.status == 422
    assert answer.pointers == ["/days"]


def test_a_registry_that_is_down_is_503(client: HttpClient) -> None:
    client.services.models.outage.on = True

    assert client.get("/metrics").status == 503
