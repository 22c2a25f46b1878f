import math
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from lead_scoring.baseline import Baseline
from lead_scoring.features.text import FEATURES
from lead_scoring.outliers import TrainingRange
from lead_scoring.scoring_model import Scored, ScoredLeads

from .http_client import LEAD, HttpClient

SCORE_FIELDS = {
    "lead_id",
    "score",
    "confidence",
    "probability",
    "grade",
    "model_version",
    "feature_importance",
    "reasons",
    "margin",
    "base_effect",
    "is_outlier",
    "outlier_reasons",
    "degraded",
    "prediction_time",
}
EXPLANATION_FIELDS = {"feature_importance", "reasons", "base_effect"}


def leads(count: int) -> list[dict[str, Any]]:
    return [{"lead_id": number, "title": f"Engineer {number}"} for number in range(count)]


def test_a_score_has_every_field_of_the_contract(client: HttpClient) -> None:
    answer = client.post("/score", LEAD)

    assert answer.status == 200
    assert answer.body.keys() == SCORE_FIELDS
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    assert answer.body["prediction_time"] == "2024-06-01T12:00:00.000000Z"


def test_reasons_and_base_effect_add_up_to_the_margin(client: HttpClient) -> None:
    body = client.post("/score", LEAD).body

    effects = sum(reason["effect"] for reason in body["reasons"])

    assert math.isclose(body["base_effect"] + effects, body["margin"], abs_tol=1e-4)


def test_without_explanation_the_rest_is_the_same(client: HttpClient) -> None:
    explained = client.post("/score", LEAD).body

    bare = client.post("/score?explain=false", LEAD).body

    assert bare == {k: v for k, v in explained.items() if k not in EXPLANATION_FIELDS}


@pytest.mark.parametrize("lead_id", [123, "123", "ä/ö %2F", -7, 10**127])
def test_a_lead_id_comes_back_with_its_type(client: HttpClient, lead_id: object) -> None:
    answer = client.post("/score", LEAD | {"lead_id": lead_id})

    assert answer.body["lead_id"] == lead_id
    assert type(answer.body["lead_id"]) is type(lead_id)


def test_id_is_accepted_in_place_of_lead_id(client: HttpClient) -> None:
    answer = client.post("/score", {"id": "x", "title": "Engineer", "crm_field": {"a": [1]}})

    assert answer.body["lead_id"] == "x"


def test_a_score_as_of_a_moment_says_so(client: HttpClient) -> None:
    answer = client.post("/score", LEAD | {"as_of": "2024-02-01T00:00:00+02:00"})

    assert answer.body["as_of"] == "2024-01-31T22:00:00.000000Z"
    [listed] = client.get("/leads/123/scores").body["scores"]
    assert listed["as_of"] == "2024-01-31T22:00:00.000000Z"


def test_the_history_lists_scores_newest_first(client: HttpClient) -> None:
    first = client.post("/score", LEAD).body
    client.services.clock.advance(minutes=1)
    second = client.post("/score", LEAD | {"title": "Unpaid internship"}).body

    history = client.get("/leads/123/scores").body

    shown = ("score", "probability", "confidence", "grade", "model_version", "prediction_time")
    expected = [{name: each[name] for name in shown} for each in (second, first)]
    assert history == {"lead_id": 123, "scores": expected, "trend": "not_enough_data"}


def test_a_history_can_be_limited(client: HttpClient) -> None:
    for _ in range(3):
        client.post("/score", LEAD)
        client.services.clock.moment += timedelta(seconds=1)

    history = client.get("/leads/123/scores?limit=2").body

    assert len(history["scores"]) == 2


def test_a_lead_id_in_a_path_is_percent_decoded_once(client: HttpClient) -> None:
    client.post("/score", LEAD | {"lead_id": "a/b %25+ä"})

    answer = client.get("/leads/a%2Fb%20%2525+%C3%A4/scores")

    assert answer.body["lead_id"] == "a/b %25+ä"


def test_the_longest_id_is_found_again(client: HttpClient) -> None:
    lowest = -(10**128 - 1)
    client.post("/score", LEAD | {"lead_id": lowest})

    assert client.get(f"/leads/{lowest}/scores").body["lead_id"] == lowest


@pytest.mark.parametrize(
    "path", ["/leads/unknown/scores", "/leads/%FF/scores", f"/leads/{'9' * 2049}/scores"]
)
def test_a_lead_that_was_never_scored_is_not_found(client: HttpClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "errors" not in answer.body


def test_what_is_longer_than_any_id_is_not_even_looked_for(client: HttpClient) -> None:
    client.services.predictions.outage.on = True  # DynamoDB refuses keys over 2,048 bytes

    for method, path in (("GET", "scores"), ("DELETE", "")):
        answer = client.request(method, f"/leads/{'9' * 130}/{path}".rstrip("/"))

        assert answer.status == 404


def test_erasing_a_lead_says_what_went_and_leaves_nothing(client: HttpClient) -> None:
    client.post("/score", LEAD)
    client.post("/score", LEAD)

    answer = client.delete("/leads/123")

    deleted = {"scores": 2, "feedback": 0, "exposures": 0}
    assert (answer.status, answer.body) == (200, {"lead_id": 123, "deleted": deleted})
    assert client.get("/leads/123/scores").status == 404
    assert client.delete("/leads/123").status == 404


def test_a_batch_keeps_the_order_and_reports_bad_leads(client: HttpClient) -> None:
    batch = leads(4)
    batch[1] = {"lead_id": 9, "title": "Chef", "price": -1, "category": 5}
    batch[2] = {"id": True}

    answer = client.post("/batch-score", {"leads": batch})

    assert answer.status == 200
    assert [each["lead_id"] for each in answer.body["results"]] == [0, 3]
    assert [(bad["index"], bad["lead_id"]) for bad in answer.body["errors"]] == [(1, 9), (2, None)]
    assert [fault["pointer"] for bad in answer.body["errors"] for fault in bad["errors"]] == [
        "/leads/1/category",
        "/leads/1/price",
        "/leads/2/id",
        "/leads/2/title",
    ]
    assert answer.body["count"] == 2
    assert answer.body["model_version"] == "baseline"
    assert answer.body["processing_time_ms"] >= 0


def test_a_batch_scores_each_lead_as_it_is_scored_alone(client: HttpClient) -> None:
    batch = [LEAD, LEAD | {"lead_id": 2, "title": "Unpaid internship"}]

    together = client.post("/batch-score", {"leads": batch}).body["results"]

    assert together == [client.post("/score", lead).body for lead in batch]


def test_a_batch_without_explanation_has_none(client: HttpClient) -> None:
    answer = client.post("/batch-score?explain=false", {"leads": leads(2)})

    assert all(
        result.keys() == SCORE_FIELDS - EXPLANATION_FIELDS for result in answer.body["results"]
    )


def test_a_batch_of_bad_leads_names_every_fault_and_stores_nothing(client: HttpClient) -> None:
    answer = client.post("/batch-score", {"leads": [{}, 5, {"id": 1, "title": " "}]})

    assert answer.status == 422
    assert answer.pointers == ["/leads/0/lead_id", "/leads/0/title", "/leads/1", "/leads/2/title"]
    assert client.services.predictions.records == []


@pytest.mark.parametrize(
    ("query", "count", "status"),
    [
        ("", 2000, 200),
        ("", 2001, 413),
        ("?explain=true", 2001, 413),
        ("?explain=false", 2001, 200),
        ("?explain=false", 5000, 200),
        ("?explain=false", 5001, 413),
    ],
)
def test_a_batch_has_a_largest_size(
    client: HttpClient, query: str, count: int, status: int
) -> None:
    answer = client.post(f"/batch-score{query}", {"leads": leads(count)})

    assert answer.status == status
    if status == 413:
        assert "2,000" in answer.body["detail"]
        assert "5,000" in answer.body["detail"]
        assert client.services.predictions.records == []
    else:
        assert answer.body["count"] == len(client.services.predictions.records) == count


def test_the_largest_answer_fits_into_what_lambda_can_send(client: HttpClient) -> None:
    widest = [
        LEAD
        | {"lead_id": f"{number:04d}" + "𠮷" * 124, "category": "𠮷" * 200, "title": "𠮷" * 500}
        for number in range(2000)
    ]

    answer = client.post("/batch-score", {"leads": widest})

    # Lambda sends the body as a JSON string, in which every quote is escaped.
    escapes = answer.text.count('"') + answer.text.count("\\")
    assert len(answer.text.encode()) + escapes < 6_000_000


def test_five_thousand_odd_leads_fit_into_what_lambda_can_send(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = np.zeros(len(FEATURES)), np.full(len(FEATURES), 1e-9)
    odd = TrainingRange(low, high, FEATURES)
    row = np.full(len(FEATURES), 123_456.0, dtype=np.float32)
    told, _ = odd.judge(odd.outlying(row[None])[0], row, ["𠮷" * 200])
    scored = Scored(1.0, 0.123456, told, True)
    monkeypatch.setattr(
        Baseline, "score", lambda _, leads, *__, **___: ScoredLeads([scored] * len(leads), list)
    )
    widest = [
        {"lead_id": f"{number:04d}" + "𠮷" * 80, "title": "x", "as_of": "2024-01-01"}
        for number in range(5000)
    ]

    answer = client.post("/batch-score?explain=false", {"leads": widest})

    assert answer.status == 200
    assert answer.body["results"][0]["outlier_reasons"][-1].startswith("and ")


def test_an_answer_that_lambda_cannot_send_is_413_and_nothing_is_stored(client: HttpClient) -> None:
    # Seven bytes a character when it is sent back, with each of its faults.
    ids = [f"{number:04d}" + "\x01" * 124 for number in range(5000)]
    batch = [{"lead_id": each, "title": 5, "price": "", "category": 5, "email": 5} for each in ids]
    batch[0] = {"lead_id": ids[0], "title": "Engineer"}

    refused = client.post("/batch-score?explain=false", {"leads": batch})
    stored = len(client.services.predictions.records)
    [allowed] = re.findall(r"at most ([0-9,]+) such", refused.body["detail"])
    fewer = batch[: int(allowed.replace(",", ""))]
    answer = client.post("/batch-score?explain=false", {"leads": fewer})

    assert (refused.status, stored) == (413, 0)
    assert len(batch) / 2 < len(fewer) < len(batch)
    assert (answer.status, answer.body["count"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"leads": [LEAD], "extra/field": 1}, ["/extra~1field"]),
        ({"leads": []}, ["/leads"]),
        ({"leads": {}}, ["/leads"]),
        ({}, ["/leads"]),
        ([], [""]),
        (None, [""]),
        ({"\ud800": 1}, ["/?", "/leads"]),
    ],
)
def test_what_is_no_batch_is_refused(client: HttpClient, body: object, pointers: list[str]) -> None:
    answer = client.post("/batch-score", body)

    assert (answer.status, answer.pointers) == (422, pointers)


def test_an_answer_from_a_store_that_is_down_is_degraded_and_still_an_answer(
    client: HttpClient,
) -> None:
    client.post("/score", LEAD)
    client.services.predictions.outage.on = True

    answer = client.post("/score", LEAD)

    assert (answer.status, answer.body["degraded"]) == (200, True)


def test_a_store_that_is_down_with_nothing_cached_is_503(client: HttpClient) -> None:
    client.services.models.outage.on = True

    answer = client.post("/score", LEAD)

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "dynamodb" not in answer.text
