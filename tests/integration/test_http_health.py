import threading
import time
from datetime import UTC, datetime

import pytest

from lead_scoring.alerting import Alert, Watch
from lead_scoring.health import HealthCheck

from .http_client import LEAD, HttpClient


@pytest.fixture(autouse=True)
def health(client: HttpClient) -> None:
    services = client.services
    services.__dict__["health"] = HealthCheck(
        services.active_model,
        services.models,
        services.artifacts,
        services.jobs,
        services.monitoring,
        patience_seconds=0.3,
    )


def test_a_service_without_a_model_is_healthy_because_the_baseline_scores(
    client: HttpClient,
) -> None:
    answer = client.get("/health")

    assert answer.status == 200
    assert answer.body.keys() == {"status", "checks", "model_version", "uptime_seconds"}
    assert answer.body["status"] == "healthy"
    assert answer.body["model_version"] == "baseline"
    assert answer.body["uptime_seconds"] > 0
    assert {name: check["status"] for name, check in answer.body["checks"].items()} == {
        "model": "ok",
        "dynamodb": "ok",
        "s3": "ok",
        "training": "ok",
        "alerts": "ok",
    }


def test_a_store_that_is_down_degrades_what_can_still_score(client: HttpClient) -> None:
    client.services.artifacts.outage.on = True

    answer = client.get("/health")

    assert (answer.status, answer.body["status"]) == (200, "degraded")
    assert answer.body["checks"]["s3"]["status"] == "failed"


def test_what_cannot_score_is_503(client: HttpClient) -> None:
    client.services.models.outage.on = True

    answer = client.get("/health")

    assert (answer.status, answer.body["status"]) == (503, "unhealthy")
    assert answer.body["model_version"] is None
    assert answer.body["checks"]["model"]["status"] == "failed"
    assert answer.headers["Content-Type"] == "application/json"


def test_a_loaded_model_outlives_the_registry(client: HttpClient) -> None:
    client.post("/score", LEAD)
    client.services.models.outage.on = True

    answer = client.get("/health")

    assert (answer.status, answer.body["status"]) == (200, "degraded")
    assert answer.body["checks"]["dynamodb"]["status"] == "failed"


def test_a_store_that_hangs_does_not_hang_the_answer(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = threading.Event()
    monkeypatch.setattr(client.services.artifacts, "ping", lambda: woken.wait(10))

    started = time.monotonic()
    answer = client.get("/health")
    took = time.monotonic() - started
    woken.set()

    assert took < 2
    assert answer.body["checks"]["s3"] == {"status": "failed", "detail": "no answer in time"}
    assert answer.body["status"] == "degraded"


def test_a_registry_that_hangs_leaves_the_loaded_model_answering(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/score", LEAD)
    woken = threading.Event()
    monkeypatch.setattr(client.services.models, "active", lambda: woken.wait(10))
    # The next look at the pointer is due at once.
    monkeypatch.setattr(client.services.active_model, "_next_look", 0.0)

    started = time.monotonic()
    answer = client.get("/health")
    took = time.monotonic() - started
    woken.set()

    assert took < 2
    assert (answer.status, answer.body["model_version"]) == (200, "baseline")
    assert answer.body["status"] == "degraded"


@pytest.mark.parametrize(("severity", "status"), [("critical", "degraded"), ("warning", "healthy")])
def test_an_open_alert_shows_and_a_critical_one_degrades(
    client: HttpClient, severity: str, status: str
) -> None:
    at = datetime(2024, 6, 1, tzinfo=UTC)
    alert = Alert("new_model_worse", severity, at, 0.1, 0.0, "It is worse.", "Roll back.")
    client.services.monitoring.keep(Watch(1, (alert,), at=at), [])

    answer = client.get("/health")

    assert (answer.status, answer.body["status"]) == (200, status)
    assert "new_model_worse" in answer.body["checks"]["alerts"]["detail"]
