"""Ask for a training and see how it goes: over HTTP, on fakes."""

import json
from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import Lease
from tests.contract.examples import metrics

from .http_client import Answer, HttpClient


def retrain(client: HttpClient, body: Any = None, key: str | None = None) -> Answer:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    content = b"" if body is None else json.dumps(body).encode()
    return client.request("POST", "/retrain", content, headers)


def start(client: HttpClient, job_id: str) -> Lease:
    """What the worker does first."""
    services = client.services
    now = services.clock.now()
    lease: Lease = services.jobs.start(services.jobs.get(job_id), now, now + timedelta(seconds=60))
    return lease


def test_a_training_is_accepted_and_says_where_to_look(client: HttpClient) -> None:
    answer = retrain(client)

    job_id = answer.body["job_id"]
    assert answer.status == 202
    assert answer.body == {
        "job_id": job_id,
        "status": "queued",
        "status_url": f"/api/v1/ml/retrain/{job_id}",
    }
    assert client.services.training_worker.called == [job_id]
    assert client.get(f"/retrain/{job_id}").body == {
        "job_id": job_id,
        "status": "queued",
        "reasons": [],
        "progress": {"step": "queued", "fraction": 0.0},
        "model_version": None,
        "metrics": None,
        "verdict": None,
        "error": None,
        "created_at": "2024-06-01T12:00:00.000000Z",
        "finished_at": None,
    }


def test_what_was_asked_for_is_in_the_job(client: HttpClient) -> None:
    body = {"force_retrain": True, "validation_split": 0.3, "params": {"max_depth": 4.0}}

    job = client.services.jobs.get(retrain(client, body).body["job_id"])

    assert (job.force_retrain, job.validation_split, job.params) == (True, 0.3, {"max_depth": 4})
    assert job.requested_by == "api"


def test_a_second_training_is_409_with_the_id_of_the_running_one(client: HttpClient) -> None:
    running = retrain(client).body["job_id"]

    answer = retrain(client, {"force_retrain": True})

    assert answer.status == 409
    assert running in answer.body["detail"]
    assert answer.body["job_id"] == running


def test_a_training_asked_for_three_times_with_one_key_is_one(client: HttpClient) -> None:
    answers = [retrain(client, {"force_retrain": True}, "k") for _ in range(3)]

    assert [(answer.status, answer.body) for answer in answers] == [(202, answers[0].body)] * 3
    assert len(client.services.training_worker.called) == 1


def test_a_worker_that_cannot_be_called_is_503_and_blocks_nothing(client: HttpClient) -> None:
    client.services.training_worker.is_down = True

    failed = retrain(client, key="k")
    client.services.training_worker.is_down = False
    again = retrain(client, key="k")

    assert (failed.status, failed.headers["Retry-After"]) == (503, "5")
    assert again.status == 202
    assert client.get(f"/retrain/{again.body['job_id']}").body["status"] == "queued"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"params": {"max_depth": 13}}, ["/params/max_depth"]),
        ({"params": {"max_depth": 8.5}}, ["/params/max_depth"]),
        ({"params": {"n_jobs": 4}}, ["/params/n_jobs"]),
        ({"params": {"learning_rate": True}}, ["/params/learning_rate"]),
        ({"params": {"gamma": -1, "reg_alpha": "1"}}, ["/params/gamma", "/params/reg_alpha"]),
        ({"params": []}, ["/params"]),
        ({"validation_split": 0.04}, ["/validation_split"]),
        ({"force_retrain": 1, "model": "x"}, ["/force_retrain", "/model"]),
        ([], [""]),
    ],
)
def test_a_bad_request_is_422_and_opens_no_job(
    client: HttpClient, body: object, pointers: list[str]
) -> None:
    answer = retrain(client, body)

    assert (answer.status, answer.pointers) == (422, pointers)
    assert client.services.jobs.jobs == {}
    assert client.services.training_worker.called == []


def test_not_a_number_is_no_json(client: HttpClient) -> None:
    answer = client.post("/retrain", b'{"validation_split": NaN}')

    assert answer.status == 400
    assert client.post("/retrain", b'{"validation_split": 1e999}').status == 422


def test_a_running_training_says_how_far_it_is(client: HttpClient) -> None:
    job_id = retrain(client).body["job_id"]

    client.services.jobs.report(start(client, job_id), "fitting trees", 0.4)

    shown = client.get(f"/retrain/{job_id}").body
    assert shown["status"] == "running"
    assert shown["progress"] == {"step": "fitting trees", "fraction": 0.4}


def test_a_training_that_ended_says_how(client: HttpClient) -> None:
    job_id = retrain(client).body["job_id"]
    lease = start(client, job_id)
    client.services.jobs.finish(
        lease,
        client.services.jobs.get(job_id)._replace(
            status="succeeded",
            step="done",
            fraction=1.0,
            reasons=("50 new samples",),
            model_version="v20240601_120000_abc12345",
            metrics=metrics(f1_score=0.5),
            promoted=False,
            verdict="It is no better than the active one.",
            finished_at=client.services.clock.now(),
        ),
    )

    shown = client.get(f"/retrain/{job_id}").body

    assert shown == {
        "job_id": job_id,
        "status": "succeeded",
        "reasons": ["50 new samples"],
        "progress": {"step": "done", "fraction": 1.0},
        "model_version": "v20240601_120000_abc12345",
        "metrics": metrics(f1_score=0.5),
        "verdict": {"promoted": False, "text": "It is no better than the active one."},
        "error": None,
        "created_at": "2024-06-01T12:00:00.000000Z",
        "finished_at": "2024-06-01T12:00:00.000000Z",
    }
    assert retrain(client).status == 202


def test_a_training_whose_worker_died_has_failed_and_can_be_started_again(
    client: HttpClient,
) -> None:
    job_id = retrain(client).body["job_id"]
    start(client, job_id)
    client.services.clock.advance(seconds=60)

    shown = client.get(f"/retrain/{job_id}").body

    assert (shown["status"], shown["finished_at"]) == ("failed", "2024-06-01T12:01:00.000000Z")
    assert "stopped" in shown["error"]
    assert retrain(client).status == 202


def test_an_unknown_job_is_not_found(client: HttpClient) -> None:
    for job_id in ("x", "%FF", "JOB%23x", "..%2Fx"):
        assert client.get(f"/retrain/{job_id}").status == 404


def test_the_last_training_shows_in_the_health(client: HttpClient) -> None:
    none = client.get("/health").body
    job_id = retrain(client).body["job_id"]
    start(client, job_id)
    running = client.get("/health").body
    client.services.clock.advance(seconds=60)
    client.get(f"/retrain/{job_id}")
    failed = client.get("/health")

    assert none["checks"]["training"] == {"status": "ok", "detail": "no model was trained yet"}
    assert running["checks"]["training"]["status"] == "ok"
    assert "running" in running["checks"]["training"]["detail"]
    assert (failed.status, failed.body["status"]) == (200, "degraded")
    assert failed.body["checks"]["training"]["status"] == "degraded"
