"""Feedback over HTTP: every field and fault of the contract, and what is kept of whom."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .http_client import LEAD, Answer, HttpClient
from .test_http_errors import any_json

CONTACT: dict[str, Any] = {
    "lead_id": 123,
    "action_type": "contact",
    "user_rating": 90,
    "interaction_duration": 180,
    "contact_successful": True,
    "contact_response_time": 3600,
    "conversion_value": 5000,
    "session_id": "session_abc123",
    "user_id": "user-of-ann",
    "created_at": "2024-05-31T10:00:00+02:00",
}
VIEW: dict[str, Any] = {"lead_id": 123, "action_type": "view"}
SESSION: dict[str, Any] = {
    "session_id": "session_abc123",
    "user_id": "user-of-ann",
    "interactions": [
        {"lead_id": 123, "type": "view", "duration": 300, "at": "2024-05-31T10:00:00Z"},
        {"lead_id": "124", "type": "archive", "duration": 5},
    ],
}
FEEDBACK_FIELDS = {
    "feedback_id",
    "lead_id",
    "action_type",
    "target_score",
    "confidence",
    "feedback_source",
    "model_version",
    "prediction_score",
    "created_at",
}


def post(
    client: HttpClient, path: str, body: Any = None, key: str | None = None, **headers: str
) -> Answer:
    raw = b"" if body is None else json.dumps(body).encode()
    return client.request("POST", path, raw, headers_of(key) | headers)


def headers_of(key: str | None) -> dict[str, str]:
    content = {"Content-Type": "application/json"}
    return content if key is None else content | {"Idempotency-Key": key}


def rows(client: HttpClient) -> list[Any]:
    return list(client.services.feedback.rows.values())


def total(client: HttpClient) -> int:
    return int(client.get("/analytics/feedback?days=365").body["total"])


def session_of(*interactions: Any, **changes: Any) -> dict[str, Any]:
    return {"session_id": "s", "interactions": list(interactions)} | changes


def test_feedback_is_created_with_every_field_of_the_contract(client: HttpClient) -> None:
    answer = client.post("/feedback", CONTACT)

    assert answer.status == 201
    assert answer.body.keys() == FEEDBACK_FIELDS
    assert answer.body | {"feedback_id": "f"} == {
        "feedback_id": "f",
        "lead_id": 123,
        "action_type": "contact",
        "target_score": 0.9,
        "confidence": 0.97,
        "feedback_source": "manual",
        "model_version": None,
        "prediction_score": None,
        "created_at": "2024-05-31T08:00:00.000000Z",
    }


def test_feedback_names_the_last_score_before_it(client: HttpClient) -> None:
    score = client.post("/score", LEAD).body
    client.services.clock.advance(seconds=1)
    client.post("/score", LEAD | {"as_of": "2024-02-01T00:00:00Z"})

    answer = client.post("/feedback", VIEW).body

    assert answer["model_version"] == score["model_version"]
    assert answer["prediction_score"] == score["score"]


def test_feedback_is_dated_now_unless_it_says_otherwise(client: HttpClient) -> None:
    answer = client.post("/feedback", VIEW)

    assert answer.body["created_at"] == "2024-06-01T12:00:00.000000Z"


def test_null_means_absent(client: HttpClient) -> None:
    optional = {name: None for name in CONTACT if name not in ("lead_id", "action_type")}

    answer = client.post("/feedback", VIEW | optional)

    assert answer.status == 201
    assert answer.body["target_score"] == 0.4
    assert answer.body["confidence"] == 0.45


@pytest.mark.parametrize("lead_id", [123, "123", "ä/ö %2F", -7, 10**127, "𠮷" * 128])
def test_a_lead_id_comes_back_with_its_type(client: HttpClient, lead_id: object) -> None:
    answer = client.post("/feedback", VIEW | {"lead_id": lead_id})

    assert answer.body["lead_id"] == lead_id
    assert type(answer.body["lead_id"]) is type(lead_id)


@pytest.mark.parametrize(
    "said",
    [
        {"interaction_duration": 0},
        {"interaction_duration": 604_800},
        {"interaction_duration": 0.5},
        {"contact_response_time": 604_800},
        {"user_rating": 0},
        {"user_rating": 100},
        {"user_rating": 99.9},
        {"conversion_value": 0},
        {"conversion_value": 1e12},
        {"contact_successful": False},
        {"session_id": "𠮷" * 255},
        {"user_id": "u"},
        {"created_at": "2024-06-02T12:00:00Z"},
        {"created_at": "1999-01-01"},
        {"action_type": "convert"},
        {"action_type": "archive"},
        {"action_type": "contact"},
        {"action_type": "rate", "user_rating": 1},
    ],
)
def test_what_is_within_the_rules_is_taken(client: HttpClient, said: dict[str, Any]) -> None:
    answer = client.post("/feedback", VIEW | said)

    assert answer.status == 201
    assert len(rows(client)) == total_of_all(client) == 1


def total_of_all(client: HttpClient) -> int:
    days = client.services.feedback.counters.values()
    return int(sum(value for day in days for name, value in day.items() if name[:4] == "hour"))


NUMBERS = [-0.001, True, "1", [1], {"a": 1}, 10**400]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lead_id", None),
        ("lead_id", True),
        ("lead_id", 1.5),
        ("lead_id", ""),
        ("lead_id", "x" * 129),
        ("lead_id", "\ud800"),
        ("action_type", None),
        ("action_type", "buy"),
        ("action_type", "View"),
        ("action_type", 1),
        ("action_type", ["view"]),
        *[("user_rating", each) for each in (*NUMBERS, 100.001)],
        *[("interaction_duration", each) for each in (*NUMBERS, 604_800.5)],
        *[("contact_response_time", each) for each in (*NUMBERS, 604_801)],
        *[("conversion_value", each) for each in (*NUMBERS, 1.1e12)],
        *[("contact_successful", each) for each in (0, 1, "true", "", [], 1.0)],
        *[("session_id", each) for each in (1, True, "", "s" * 256, "\udfff", ["s"])],
        *[("user_id", each) for each in (1, False, "", "u" * 256, "\ud800", {})],
        ("created_at", "2024-06-02T12:00:00.000001Z"),
        ("created_at", "yesterday"),
        ("created_at", 1_717_243_200),
        ("created_at", ""),
        ("created_at", "2024-13-01"),
        ("id", 123),
        ("feedback_source", "manual"),
        ("duration", 1),
    ],
)
def test_a_fault_is_named_by_its_pointer_and_stores_nothing(
    client: HttpClient, field: str, value: object
) -> None:
    answer = client.post("/feedback", VIEW | {field: value})

    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.pointers == [f"/{field}"]
    assert not rows(client)


def test_all_faults_are_named_at_once(client: HttpClient) -> None:
    body = {name: [] for name in CONTACT} | {"mood": 1, "a/b~c": 2, "action_type": "rate"}
    del body["user_rating"]

    answer = client.post("/feedback", body)

    expected = {f"/{name}" for name in CONTACT if name != "action_type"}
    assert set(answer.pointers) == expected | {"/mood", "/a~1b~0c"}
    assert len(answer.pointers) == len(set(answer.pointers))


@pytest.mark.parametrize("rating", [{}, {"user_rating": None}])
def test_a_rate_needs_a_rating(client: HttpClient, rating: dict[str, None]) -> None:
    answer = client.post("/feedback", {"lead_id": 1, "action_type": "rate"} | rating)

    assert (answer.status, answer.pointers) == (422, ["/user_rating"])


def test_what_is_required_is_named_where_it_is_missing(client: HttpClient) -> None:
    assert client.post("/feedback", {}).pointers == ["/lead_id", "/action_type"]
    assert client.post("/feedback/implicit", {}).pointers == ["/session_id", "/interactions"]


@pytest.mark.parametrize("path", ["/feedback", "/feedback/implicit"])
@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_a_body_that_is_no_object_is_refused(client: HttpClient, path: str, body: object) -> None:
    answer = client.post(path, json.dumps(body).encode())

    assert (answer.status, answer.pointers) == (422, [""])


@pytest.mark.parametrize("path", ["/feedback", "/feedback/implicit"])
@pytest.mark.parametrize("body", [b"", b"{", b'{"lead_id": NaN}', b"\xff"])
def test_a_body_that_is_no_json_is_400(client: HttpClient, path: str, body: bytes) -> None:
    assert client.post(path, body).status == 400


@pytest.mark.parametrize("path", ["/feedback", "/feedback/implicit", "/cleanup/feedback"])
def test_another_content_type_is_415(client: HttpClient, path: str) -> None:
    answer = client.request("POST", path, b"{}", {"Content-Type": "text/plain"})

    assert answer.status == 415


def test_a_session_is_created_with_every_field_of_the_contract(client: HttpClient) -> None:
    score = client.post("/score", LEAD).body
    client.services.clock.advance(seconds=1)

    answer = client.post("/feedback/implicit", SESSION)

    assert answer.status == 201
    assert answer.body.keys() == {"session_id", "processed", "skipped", "feedback"}
    assert (answer.body["session_id"], answer.body["processed"]) == ("session_abc123", 2)
    assert answer.body["skipped"] == []
    first, second = answer.body["feedback"]
    assert first.keys() == second.keys() == FEEDBACK_FIELDS
    assert (first["lead_id"], first["action_type"], first["target_score"]) == (123, "view", 0.5)
    assert (second["lead_id"], second["action_type"]) == ("124", "archive")
    assert first["feedback_source"] == second["feedback_source"] == "implicit"
    assert first["created_at"] == "2024-05-31T10:00:00.000000Z"
    assert second["created_at"] == "2024-06-01T12:00:01.000000Z"
    assert (first["prediction_score"], second["prediction_score"]) == (None, None)
    again = client.post("/feedback/implicit", session_of({"lead_id": 123, "type": "view"})).body
    assert again["feedback"][0]["prediction_score"] == score["score"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"lead_id": 1, "type": "rate"}, "type must be one of view, contact, convert, archive"),
        ({"lead_id": 1, "type": "buy"}, "type must be one of view, contact, convert, archive"),
        ({"lead_id": 1}, "type is required"),
        ({"type": "view"}, "lead_id is required"),
        ({"lead_id": 1, "type": "view", "mood": 1}, "mood is not known here; leave it out"),
        ({"lead_id": 1, "type": "view", "a/b~": 1}, "a/b~ is not known here; leave it out"),
        ({"lead_id": 1, "type": "view", "\ud800": 1}, "? is not known here; leave it out"),
        (
            {"lead_id": 1, "type": "view", "user_rating": 1},
            "user_rating is not known here; leave it out",
        ),
        (
            {"lead_id": 1, "type": "view", "duration": -1},
            "duration must be from 0 to 604800 seconds",
        ),
        (
            {"lead_id": True, "type": "view", "duration": True},
            "lead_id must be a whole number or a text, not a boolean; "
            "duration must be a number or null, not a boolean",
        ),
        (
            {"lead_id": 1, "type": "view", "at": "2024-06-02T12:00:01Z"},
            "at must not be more than 1 day in the future",
        ),
        (7, "must be an object"),
        (None, "must be an object"),
        ([], "must be an object"),
    ],
)
def test_a_bad_interaction_is_skipped_with_its_reason(
    client: HttpClient, bad: object, reason: str
) -> None:
    good = {"lead_id": 1, "type": "view"}

    answer = client.post("/feedback/implicit", session_of(good, bad, good))

    assert answer.status == 201
    assert answer.body["skipped"] == [{"index": 1, "reason": reason}]
    assert answer.body["processed"] == len(answer.body["feedback"]) == len(rows(client)) == 2


def test_a_reason_is_as_long_as_anybody_reads(client: HttpClient) -> None:
    bad = {"lead_id": 1, "type": "view", "x" * 100_000: 1}

    answer = client.post("/feedback/implicit", session_of({"lead_id": 1, "type": "view"}, bad))

    assert len(answer.body["skipped"][0]["reason"]) == 301


def test_one_bad_interaction_among_500_is_skipped(client: HttpClient) -> None:
    interactions: list[Any] = [{"lead_id": n, "type": "view"} for n in range(500)]
    interactions[250] = {"lead_id": 250, "type": "rate"}

    answer = client.post("/feedback/implicit", session_of(*interactions))

    assert (answer.status, answer.body["processed"]) == (201, 499)
    assert [each["index"] for each in answer.body["skipped"]] == [250]
    assert total(client) == 499


def test_when_all_interactions_are_bad_each_is_named_and_nothing_stored(
    client: HttpClient,
) -> None:
    bad = [{"lead_id": 1, "type": "rate"}, 7, {"lead_id": 1, "type": "view", "duration": "x"}]

    answer = client.post("/feedback/implicit", session_of(*bad))

    assert answer.status == 422
    assert answer.pointers == [
        "/interactions/0/type",
        "/interactions/1",
        "/interactions/2/duration",
    ]
    assert not rows(client)


@pytest.mark.parametrize("count", [0, 501])
def test_a_session_holds_1_to_500_interactions(client: HttpClient, count: int) -> None:
    interactions = [{"lead_id": n, "type": "view"} for n in range(count)]

    answer = client.post("/feedback/implicit", session_of(*interactions))

    assert (answer.status, answer.pointers) == (422, ["/interactions"])
    assert not rows(client)


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"session_id": None}, ["/session_id"]),
        ({"session_id": ""}, ["/session_id"]),
        ({"session_id": 7}, ["/session_id"]),
        ({"session_id": "s" * 256}, ["/session_id"]),
        ({"user_id": ""}, ["/user_id"]),
        ({"user_id": 7}, ["/user_id"]),
        ({"mood": 1}, ["/mood"]),
        ({"interactions": None}, ["/interactions"]),
        ({"interactions": {"0": {}}}, ["/interactions"]),
        ({"interactions": "view"}, ["/interactions"]),
        (
            {"session_id": 7, "mood": 1, "interactions": [{"lead_id": 1, "type": "rate"}]},
            ["/mood", "/session_id", "/interactions/0/type"],
        ),
    ],
)
def test_a_session_that_breaks_a_rule_is_refused_with_every_fault(
    client: HttpClient, changes: dict[str, Any], pointers: list[str]
) -> None:
    answer = client.post("/feedback/implicit", SESSION | changes)

    assert (answer.status, answer.pointers) == (422, pointers)
    assert not rows(client)


@pytest.mark.parametrize("path", ["/feedback", "/feedback/implicit"])
def test_people_and_what_they_use_are_kept_as_keyed_hashes_only(
    client: HttpClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = CONTACT if path == "/feedback" else SESSION

    post(client, path, body, key="key-of-ann", **{"User-Agent": "agent-of-ann"})

    stored = repr(vars(client.services.feedback)) + repr(client.services.replies.notes)
    assert "of-ann" not in stored + caplog.text
    assert "127.0.0.1" not in stored
    sender = rows(client)[0].sender
    hashes = {sender.user_hash, sender.ip_hash, sender.user_agent_hash}
    assert len(hashes) == 3
    assert {len(each) for each in hashes} == {64}


def test_the_same_person_has_the_same_hash_under_one_key_and_kind(client: HttpClient) -> None:
    for user_id in ("ann", "ann", "bob"):
        client.post("/feedback", VIEW | {"user_id": user_id})
    post(client, "/feedback", VIEW, **{"User-Agent": "ann"})

    senders = [row.sender for row in rows(client)]

    first, second, other, unnamed = (sender.user_hash for sender in senders)
    assert first == second != other
    assert unnamed is None
    assert senders[3].user_agent_hash != first


def test_a_history_is_shown_newest_first_page_by_page(client: HttpClient) -> None:
    for hour in (10, 12, 11):
        client.post("/feedback", VIEW | {"created_at": f"2024-05-31T{hour}:00:00Z"})

    first = client.get("/feedback/123?limit=2").body
    rest = client.get(f"/feedback/123?limit=2&cursor={first['next_cursor']}").body

    assert first.keys() == {"lead_id", "feedback", "summary", "next_cursor"}
    shown = [each["created_at"][11:13] for each in first["feedback"] + rest["feedback"]]
    assert shown == ["12", "11", "10"]
    assert rest["next_cursor"] is None
    assert rest["lead_id"] == 123
    assert (
        first["summary"]
        == rest["summary"]
        == {
            "count": 3,
            "by_action": {"view": 3, "contact": 0, "convert": 0, "archive": 0, "rate": 0},
            "last_at": "2024-05-31T12:00:00.000000Z",
            "mean_confidence": 0.45,
            "target_score": 0.4,
        }
    )


def test_a_known_lead_without_feedback_has_an_empty_history(client: HttpClient) -> None:
    client.post("/score", LEAD)

    answer = client.get("/feedback/123")

    assert answer.status == 200
    assert (answer.body["lead_id"], answer.body["feedback"]) == (123, [])
    assert answer.body["summary"]["target_score"] is None


def test_an_unknown_lead_is_404(client: HttpClient) -> None:
    assert client.get("/feedback/nobody").status == 404


def test_feedback_for_a_lead_that_was_never_scored_is_kept(client: HttpClient) -> None:
    answer = client.post("/feedback", VIEW | {"lead_id": "a/b %25"})

    history = client.get("/feedback/a%2Fb%20%2525").body

    assert (answer.body["model_version"], answer.body["prediction_score"]) == (None, None)
    assert history["feedback"][0]["feedback_id"] == answer.body["feedback_id"]


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/feedback/123?limit=0", "/limit"),
        ("/feedback/123?limit=1001", "/limit"),
        ("/feedback/123?limit=x", "/limit"),
        ("/feedback/123?cursor=", "/cursor"),
        ("/feedback/123?cursor=nonsense", "/cursor"),
        ("/feedback/123?page=2", "/page"),
        ("/analytics/feedback?days=0", "/days"),
        ("/analytics/feedback?days=366", "/days"),
        ("/analytics/feedback?days=-1", "/days"),
        ("/analytics/feedback?limit=1", "/limit"),
    ],
)
def test_a_bad_query_is_422(client: HttpClient, path: str, pointer: str) -> None:
    answer = client.get(path)

    assert (answer.status, answer.pointers) == (422, [pointer])


def test_analytics_have_every_field_of_the_contract(client: HttpClient) -> None:
    client.post("/feedback", CONTACT)
    client.post("/feedback", {"lead_id": 1, "action_type": "convert", "conversion_value": 0.5})
    client.post("/feedback/implicit", SESSION)

    answer = client.get("/analytics/feedback?days=2").body

    assert answer.keys() == {
        "days",
        "total",
        "action_distribution",
        "confidence",
        "temporal",
        "sources",
        "conversion_rate",
        "contact_success_rate",
        "conversion_value",
    }
    assert (answer["days"], answer["total"]) == (2, 4)
    assert answer["action_distribution"] == {
        "view": 1,
        "contact": 1,
        "convert": 1,
        "archive": 1,
        "rate": 0,
    }
    assert answer["confidence"] == {
        "mean": pytest.approx((0.97 + 1 + 0.35 + 0.42) / 4),
        "by_action": {"view": 0.35, "contact": 0.97, "convert": 1, "archive": 0.42, "rate": None},
    }
    assert answer["temporal"]["per_day"] == {"2024-05-31": 2, "2024-06-01": 2}
    assert answer["temporal"]["per_hour"] == {
        str(hour): {8: 1, 10: 1, 12: 2}.get(hour, 0) for hour in range(24)
    }
    assert answer["temporal"]["per_weekday"] == {
        str(day): {4: 2, 5: 2}.get(day, 0) for day in range(7)
    }
    assert answer["sources"] == {
        "manual": {
            "count": 2,
            "conversion_rate": 0.5,
            "contact_success_rate": 1,
            "mean_confidence": pytest.approx(0.985),
        },
        "implicit": {
            "count": 2,
            "conversion_rate": 0,
            "contact_success_rate": None,
            "mean_confidence": pytest.approx(0.385),
        },
    }
    assert answer["conversion_rate"] == 0.25
    assert answer["contact_success_rate"] == 1
    assert answer["conversion_value"] == 5000.5


def test_analytics_are_of_30_days_unless_asked_otherwise(client: HttpClient) -> None:
    answer = client.get("/analytics/feedback").body

    assert answer["days"] == len(answer["temporal"]["per_day"]) == 30
    assert answer["total"] == 0


def test_feedback_of_the_future_is_counted_when_its_day_comes(client: HttpClient) -> None:
    client.post("/feedback", VIEW | {"created_at": "2024-06-02T11:00:00Z"})
    today = client.get("/analytics/feedback?days=1").body["total"]
    client.services.clock.advance(days=1)

    tomorrow = client.get("/analytics/feedback?days=1").body["total"]

    assert (today, tomorrow) == (0, 1)


@pytest.mark.parametrize("body", [None, {}])
def test_cleaning_up_says_what_went_and_from_when_on_the_rest_stayed(
    client: HttpClient, body: object
) -> None:
    client.post("/feedback", VIEW | {"created_at": "2024-04-01T00:00:00Z"})
    client.post("/feedback", VIEW)

    answer = post(client, "/cleanup/feedback?retention_days=30", body)

    assert answer.status == 200
    assert answer.body == {"deleted": 1, "cutoff": "2024-05-02T12:00:00.000000Z"}
    assert len(rows(client)) == 1
    assert total(client) == 2


def test_feedback_is_kept_for_a_year_unless_asked_otherwise(client: HttpClient) -> None:
    assert post(client, "/cleanup/feedback").body["cutoff"] == "2023-06-02T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/cleanup/feedback?retention_days=0", None, "/retention_days"),
        ("/cleanup/feedback?retention_days=3651", None, "/retention_days"),
        ("/cleanup/feedback?keep_count=3", None, "/keep_count"),
        ("/cleanup/feedback", {"retention_days": 3}, "/retention_days"),
        ("/cleanup/feedback", [], ""),
    ],
)
def test_a_bad_cleanup_is_422_and_deletes_nothing(
    client: HttpClient, path: str, body: object, pointer: str
) -> None:
    client.post("/feedback", VIEW | {"created_at": "2020-01-01T00:00:00Z"})

    answer = post(client, path, body)

    assert (answer.status, answer.pointers) == (422, [pointer])
    assert len(rows(client)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/feedback", VIEW),
        ("POST", "/feedback/implicit", SESSION),
        ("GET", "/feedback/123", None),
        ("GET", "/analytics/feedback", None),
        ("POST", "/cleanup/feedback", {}),
    ],
)
def test_a_store_that_is_down_is_503(
    client: HttpClient, method: str, path: str, body: object
) -> None:
    client.services.feedback.outage.on = True

    raw = b"" if body is None else json.dumps(body).encode()
    answer = client.request(method, path, raw, {"Content-Type": "application/json"})

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"


like_feedback = st.fixed_dictionaries({}, optional=dict.fromkeys(CONTACT, any_json))
like_an_interaction = st.fixed_dictionaries(
    {"lead_id": st.integers(), "type": st.sampled_from(["view", "rate"])},
    optional={"duration": any_json, "at": any_json, "x": any_json},
)
like_a_session = st.fixed_dictionaries(
    {"session_id": st.text(), "interactions": st.lists(like_an_interaction | any_json)}
)


@given(body=any_json | like_feedback | like_a_session, key=st.none() | st.just("k"))
@example(body=VIEW | {"created_at": "0001-01-01T00:00:00Z"}, key=None)
@example(body=VIEW | {"created_at": "0001-01-01T00:00:00+01:00"}, key=None)
@example(body=VIEW | {"user_rating": -0.0, "lead_id": "\x00"}, key="k")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_json_is_taken_or_gets_every_fault(
    client: HttpClient, body: object, key: str | None
) -> None:
    for path in ("/feedback", "/feedback/implicit", "/cleanup/feedback?retention_days=3650"):
        client.services.replies.notes.clear()
        stored = len(rows(client))

        answer = client.request("POST", path, json.dumps(body).encode(), headers_of(key))

        assert answer.status in (200, 201, 400, 422)
        if answer.status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert len(rows(client)) == stored
        if answer.status == 422:
            assert all(fault["message"] for fault in answer.body["errors"])
