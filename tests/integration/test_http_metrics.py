from datetime import timedelta
from typing import Any

from lead_scoring.alerting import Alert, AlertChange, Watch
from lead_scoring.data_quality import FIELDS
from lead_scoring.entities.models import Activation
from lead_scoring.feedback_analytics import counted
from tests.contract.examples import metrics, model
from tests.evidence import NOON, VERSION, feedback, hundred_outcomes

from .http_client import LEAD, HttpClient

_SCORE = {"feature": "Score", "name": "score", "psi": 0.4, "level": "alarm", "threshold": 0.25}
_SHARES = {
    "missing": dict.fromkeys(FIELDS, 0.0),
    "out_of_range": {"Price": 0.02},
    "unseen_categories": 0.1,
    "inconsistent": {"price far from the salary in the text": 0.0},
}
REPORT: dict[str, Any] = {
    "drift": {
        "samples": 300,
        "enough": True,
        "score": _SCORE,
        "features": [],
        "alarms": 0,
        "warnings": 0,
    },
    "data_quality": {
        "samples": 300,
        "shares": _SHARES,
        "at_training": _SHARES,
        "never_seen": ["a"],
    },
    "estimated": {"samples": 0, "metrics": None},
}


def deploy(client: HttpClient) -> None:
    at = NOON - timedelta(days=2)
    fields = {"created_at": at, "trained_until": at, "threshold": 0.5, "data_fingerprint": "f"}
    client.services.models.register(model(VERSION, metrics=metrics(f1_score=0.9), **fields))
    client.services.models.activate(Activation(at, "tests", VERSION))


def test_metrics_before_any_model_have_every_field_and_no_made_up_figure(
    client: HttpClient,
) -> None:
    answer = client.get("/metrics")

    assert answer.status == 200
    assert set(answer.body) == {
        "active_model",
        "live",
        "estimated",
        "business",
        "efficiency",
        "drift",
        "data_quality",
        "alerts",
        "alert_history",
        "monitored_at",
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


def test_metrics_show_how_fast_real_requests_were_scored(client: HttpClient) -> None:
    for number in range(3):
        client.post("/score", LEAD | {"lead_id": number})

    efficiency = client.get("/metrics").body["efficiency"]

    assert efficiency["sampled_scores"] == 3
    assert efficiency["throughput_per_minute"] == {"leads": 0.05, "requests": 0.05}
    assert 0 < efficiency["latency_ms"]["p50"] <= efficiency["latency_ms"]["p99"]


def test_metrics_show_open_alerts_and_how_alerts_came_and_went(client: HttpClient) -> None:
    alert = Alert("score_drift", "warning", NOON, 0.4, 0.25, "Scores moved.", "Look.", ("score",))
    client.services.monitoring.keep(Watch(1, (alert,), REPORT, NOON), [AlertChange(alert, None)])

    body = client.get("/metrics").body

    assert [each["code"] for each in body["alerts"]] == ["score_drift"]
    assert body["alert_history"] == [body["alerts"][0] | {"closed_at": None}]
    assert {name: body[name] for name in REPORT} == REPORT
    assert body["monitored_at"] == "2024-06-01T12:00:00.000000Z"
