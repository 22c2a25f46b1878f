import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .http_client import LEAD, HttpClient

JSON = {"Content-Type": "application/json"}
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, -0.0, 1e308, "\ud800", "9999-12-31T23:59:59-23:59", "", " "])
)
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
like_a_lead = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*LEAD, "id", "as_of", "leads"], any_json)
)
no_reset = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(body=any_json | like_a_lead | st.fixed_dictionaries({"leads": st.lists(like_a_lead)}))
@example(body={"lead_id": 1, "title": "<script>alert(1)</script>'; DROP TABLE leads; --"})
@example(body={"lead_id": "\x00", "title": "\u202e\x00\x1f"})
@no_reset
def test_any_json_gets_a_score_or_every_fault(client: HttpClient, body: object) -> None:
    for path in ("/score", "/batch-score"):
        stored = len(client.services.predictions.records)

        answer = client.post(path, body)

        assert answer.status in (200, 400, 413, 422)
        if answer.status != 200:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.body["status"] == answer.status
            assert len(client.services.predictions.records) == stored
        if answer.status == 422:
            assert all(fault["message"] for fault in answer.body["errors"])


@given(body=st.binary())
@no_reset
def test_any_bytes_are_refused_or_scored(client: HttpClient, body: bytes) -> None:
    assert client.post("/score", body).status in (200, 400, 422)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"NaN",
        b'{"lead_id": 1, "title": "x", "price": NaN}',
        b'{"lead_id": 1, "title": "x", "price": -Infinity}',
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"{}{}",
        b"'single'",
    ],
)
def test_what_is_not_json_is_400(client: HttpClient, body: bytes) -> None:
    answer = client.post("/score", body)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["title"] == "Bad Request"
    assert "errors" not in answer.body


def test_a_number_of_any_length_is_read(client: HttpClient) -> None:
    lead = b'{"lead_id": 1, "title": "x", "ignored": %s, "price": %s}'

    ignored = client.post("/score", lead % (b"9" * 10_000, b"1"))
    price = client.post("/score", lead % (b"1", b"9" * 10_000))

    assert ignored.status == 200
    assert (price.status, price.pointers) == (422, ["/price"])


@pytest.mark.parametrize("path", ["/score", "/batch-score"])
@pytest.mark.parametrize("body", [b"", b" \t\r\n", b"\x0c", "\u00a0".encode(), "\u2028".encode()])
def test_an_empty_body_is_not_json_where_fields_are_required(
    client: HttpClient, path: str, body: bytes
) -> None:
    answer = client.post(path, body)

    assert answer.status == 400
    assert "errors" not in answer.body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"content-type": "Application/JSON; charset=utf-8"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/problem+json"}, 415),
        ({}, 415),
    ],
)
def test_a_body_is_declared_as_json(
    client: HttpClient, headers: dict[str, str], status: int
) -> None:
    answer = client.request("POST", "/score", json.dumps(LEAD).encode(), headers)

    assert answer.status == status


def test_a_request_without_body_needs_no_content_type(client: HttpClient) -> None:
    client.post("/score", LEAD)

    answer = client.request("GET", "/leads/123/scores", headers={"Content-Type": "text/plain"})

    assert answer.status == 200


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["/limit"]),
        ("limit=1001", ["/limit"]),
        ("limit=", ["/limit"]),
        ("limit=1.0", ["/limit"]),
        ("limit=%EF%BC%95", ["/limit"]),
        ("limit=-1", ["/limit"]),
        ("limit=" + "9" * 5000, ["/limit"]),
        ("limit=1&limit=2", ["/limit"]),
        ("limit=x&offset=1", ["/offset", "/limit"]),
    ],
)
def test_a_bad_query_parameter_is_422(client: HttpClient, query: str, pointers: list[str]) -> None:
    client.post("/score", LEAD)

    answer = client.get(f"/leads/123/scores?{query}")

    assert (answer.status, answer.pointers) == (422, pointers)


@pytest.mark.parametrize("query", ["explain=maybe", "explain=", "explain=1", "verbose=true"])
def test_a_bad_query_is_refused_before_anything_is_stored(client: HttpClient, query: str) -> None:
    for path, body in (("/score", LEAD), ("/batch-score", {"leads": [LEAD]})):
        answer = client.post(f"{path}?{query}", body)

        assert answer.status == 422
        assert client.services.predictions.records == []


@pytest.mark.parametrize("path", ["/models", "/models/v20240101_120000_abc12345", "/health"])
def test_unknown_query_parameters_are_refused_everywhere(client: HttpClient, path: str) -> None:
    answer = client.get(f"{path}?page=2")

    assert (answer.status, answer.pointers) == (422, ["/page"])


def test_every_fault_of_a_lead_is_named_at_once(client: HttpClient) -> None:
    bad = {name: ["no"] for name in [*LEAD, "as_of"]}

    answer = client.post("/score", bad)

    assert sorted(answer.pointers) == sorted(f"/{name}" for name in bad)


def test_a_defect_is_a_500_that_tells_nothing_and_logs_no_personal_data(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> Mapping[str, Any]:
        raise RuntimeError("secret of ann@example.com")

    monkeypatch.setattr(client.services.lead_scorer, "predict_single", fail)

    with caplog.at_level(logging.ERROR):
        answer = client.post("/score", LEAD)

    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["title"] == "Internal Server Error"
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "ann@example.com" not in caplog.text


def test_more_faults_than_an_answer_can_hold_end_with_a_word_about_it(client: HttpClient) -> None:
    body = {f"{number:06d}": 0 for number in range(100_000)}

    answer = client.post("/batch-score", body)

    assert answer.status == 422
    assert len(answer.text.encode()) < 6_000_000
    assert answer.body["errors"][-1] == {
        "pointer": "",
        "message": "has more faults than can be listed",
    }
