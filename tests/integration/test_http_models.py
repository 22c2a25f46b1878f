import json
from datetime import timedelta

from lead_scoring.entities.models import Activation
from tests.contract.examples import NOON, metrics, model
from tests.contract.model_cards import REPORT

from .http_client import HttpClient

OLD, NEW = "v20240101_120000_abc12345", "v20240102_120000_def67890"


def register(client: HttpClient, version: str, **changes: object) -> None:
    client.services.models.register(model(version, **changes))
    client.services.artifacts.write(version, {"report.json": json.dumps(REPORT).encode()})


def test_no_models_is_an_empty_list(client: HttpClient) -> None:
    answer = client.get("/models")

    assert (answer.status, answer.body) == (200, {"models": []})


def test_models_are_listed_newest_first_with_every_field(client: HttpClient) -> None:
    register(client, OLD)
    register(client, NEW, created_at=NOON + timedelta(days=1))
    client.services.models.activate(Activation(NOON + timedelta(days=2), "tests", OLD))

    rows = client.get("/models").body["models"]

    assert [row["model_version"] for row in rows] == [NEW, OLD]
    assert [row["is_active"] for row in rows] == [False, True]
    assert rows[1] == {
        "model_version": OLD,
        "model_type": "xgboost",
        "metrics": metrics(f1_score=0.1 + 0.2, auc_roc=1.0),
        "training_samples": 800,
        "validation_samples": 200,
        "feature_count": 321,
        "training_duration": 12.5,
        "created_at": "2024-06-01T12:00:00.123456Z",
        "deployed_at": "2024-06-03T12:00:00.123456Z",
        "is_active": True,
        "size_bytes": 123456,
    }


def test_a_card_joins_the_row_the_report_and_the_checksums(client: HttpClient) -> None:
    register(client, OLD)
    row = client.get("/models").body["models"][0]

    card = client.get(f"/models/{OLD}").body

    assert card == {
        **row,
        **REPORT,
        "artifact_checksums": {"model.ubj": "0" * 64, "report.json": "1" * 64},
        "report_url": None,
    }


def test_a_card_links_to_the_report_that_was_made(client: HttpClient) -> None:
    register(client, OLD)
    client.services.artifacts.write(OLD, {"report.html": b"<!doctype html>"})

    assert client.get(f"/models/{OLD}").body["report_url"].endswith(f"{OLD}/report.html")


def test_an_unknown_version_is_not_found_whatever_it_looks_like(client: HttpClient) -> None:
    for version in (OLD, "baseline", "..%2F..%2Fsecret", "v1", "%F0%A0%AE%B7", "%FF"):
        assert client.get(f"/models/{version}").status == 404


def test_a_card_whose_report_is_gone_is_503_and_names_no_file(client: HttpClient) -> None:
    register(client, OLD)
    client.services.artifacts.files.clear()

    answer = client.get(f"/models/{OLD}")

    assert answer.status == 503
    assert "report.json" not in answer.text


def test_a_registry_that_is_down_is_503(client: HttpClient) -> None:
    client.services.models.outage.on = True

    answer = client.get("/models")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
