import json
from datetime import UTC, datetime

import pytest

from lead_scoring.api.telemetry import report_request
from lead_scoring.embedded_metrics import metric_line
from tests.fakes import fake_services
from tests.integration.http_client import LEAD, HttpClient


def test_a_request_is_one_line_that_cloudwatch_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scoring-function")

    report_request("scoring", "POST", "/api/v1/ml/score", 503, 12.3456, "r-1")

    line = json.loads(capsys.readouterr().out)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "LeadScoring"
    assert directive["Dimensions"] == [["Function"]]
    names = {each["Name"] for each in directive["Metrics"]}
    assert names == {"Requests", "Latency", "ServerErrors", "Refusals"}
    assert (line["Function"], line["Latency"], line["ServerErrors"]) == ("scoring", 12.346, 1.0)
    assert (line["route"], line["status"], line["request_id"]) == ("/api/v1/ml/score", 503, "r-1")


def test_off_lambda_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)

    report_request("scoring", "POST", "/api/v1/ml/score", 200, 1.0, "r-1")

    assert capsys.readouterr().out == ""


def test_a_request_tells_its_route_and_nothing_of_the_lead(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    services = fake_services(str(tmp_path_factory.mktemp("models")))
    monkeypatch.setattr("lead_scoring.bootstrap.connect", lambda: services)
    client = HttpClient(services)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scoring-function")

    client.post("/score", LEAD | {"lead_id": "secret-lead", "email": "ann@example.com"})
    client.get("/leads/secret-lead/scores")
    client.get("/leads/nobody-knows/scores")

    out = capsys.readouterr().out
    lines = [json.loads(line) for line in out.splitlines()]
    assert [each["route"] for each in lines] == [
        "/api/v1/ml/score",
        "/api/v1/ml/leads/{lead_id}/scores",
        "/api/v1/ml/leads/{lead_id}/scores",
    ]
    assert [each["status"] for each in lines] == [200, 200, 404]
    assert lines[2]["Refusals"] == 1.0
    for secret in ("secret-lead", "ann@", "nobody-knows", LEAD["title"]):
        assert secret not in out


def test_every_metric_has_its_unit_and_properties_are_none() -> None:
    at = datetime(2024, 6, 1, tzinfo=UTC)

    line = json.loads(metric_line(at, {"A": "x"}, {"M": (1.5, "Count")}, {"p": "q"}))

    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "M", "Unit": "Count"}]
    assert (line["A"], line["M"], line["p"]) == ("x", 1.5, "q")
