"""Activate, roll back, history, clean up: over HTTP, on fakes."""

import json
from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.errors import StoreUnavailableError
from tests import forests

from .http_client import Answer, HttpClient

UNKNOWN = "v20240101_120000_abc12345"


def publish(client: HttpClient, days: int = 0, activate: bool = False) -> str:
    """A model that can be loaded, made so many days after the first."""
    made_at = forests.TRAINED_AT + timedelta(days=days)
    return forests.publish(client.services, forests.small_model(), made_at, activate)


def post(client: HttpClient, path: str, body: Any = None, key: str | None = None) -> Answer:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    content = b"" if body is None else json.dumps(body).encode()
    return client.request("POST", path, content, headers)


def history(client: HttpClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/models/history").body["history"]
    return rows


def test_activating_answers_what_changed_and_is_in_the_history(client: HttpClient) -> None:
    old, new = publish(client, 0), publish(client, 1)
    first = post(client, f"/models/{old}/activate")
    client.services.clock.advance(hours=1)

    second = post(client, f"/models/{new}/activate", {"reason": "bétter"})

    assert (first.status, second.status) == (200, 200)
    assert first.body == {
        "model_version": old,
        "previous_version": None,
        "activated_at": "2024-06-01T12:00:00.000000Z",
        "activated_by": "api",
    }
    assert second.body == {
        "model_version": new,
        "previous_version": old,
        "activated_at": "2024-06-01T13:00:00.000000Z",
        "activated_by": "api",
    }
    newest, oldest = history(client)
    assert newest == {
        "at": "2024-06-01T13:00:00.000000Z",
        "by": "api",
        "from": old,
        "to": new,
        "reason": "bétter",
        "request_id": newest["request_id"],
    }
    assert newest["request_id"] == second.headers["X-Request-Id"]
    assert (oldest["from"], oldest["to"], oldest["reason"]) == (None, old, None)


def test_activating_the_active_version_names_it_twice_and_writes_no_row(client: HttpClient) -> None:
    version = publish(client)
    post(client, f"/models/{version}/activate")
    client.services.clock.advance(hours=1)

    answer = post(client, f"/models/{version}/activate")

    assert answer.body == {
        "model_version": version,
        "previous_version": version,
        "activated_at": "2024-06-01T12:00:00.000000Z",
        "activated_by": "api",
    }
    assert len(history(client)) == 1


def test_an_unknown_version_cannot_be_activated(client: HttpClient) -> None:
    for version in (UNKNOWN, "baseline", "history", "%FF"):
        assert post(client, f"/models/{version}/activate").status == 404


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_a_model_whose_files_are_of_no_use_is_409(client: HttpClient, harm: str) -> None:
    version, files = publish(client), client.services.artifacts.files
    if harm == "missing":
        del files[version, "model.ubj"]
    else:
        files[version, "model.ubj"] += b"x"

    answer = post(client, f"/models/{version}/activate")

    assert answer.status == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert history(client) == []


def test_a_store_that_is_down_is_503_and_the_same_key_can_be_tried_again(
    client: HttpClient,
) -> None:
    version = publish(client)
    client.services.artifacts.outage.on = True

    failed = post(client, f"/models/{version}/activate", key="k")
    client.services.artifacts.outage.on = False
    done = post(client, f"/models/{version}/activate", key="k")

    assert (failed.status, done.status) == (503, 200)
    assert len(history(client)) == 1


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"reason": "x" * 501}, ["/reason"]),
        ({"reason": 7, "why": ""}, ["/reason", "/why"]),
        ([], [""]),
    ],
)
def test_a_bad_body_is_422_and_changes_nothing(
    client: HttpClient, body: object, pointers: list[str]
) -> None:
    version = publish(client)

    for path in (f"/models/{version}/activate", "/models/rollback"):
        answer = post(client, path, body)

        assert (answer.status, answer.pointers) == (422, pointers)
    assert history(client) == []


def test_rolling_back_twice_toggles(client: HttpClient) -> None:
    old, new = publish(client, 0), publish(client, 1)
    post(client, f"/models/{old}/activate")
    post(client, f"/models/{new}/activate")

    back, forth = (
        post(client, "/models/rollback", {"reason": "worse"}),
        post(client, "/models/rollback"),
    )

    assert (back.status, back.body["model_version"], back.body["previous_version"]) == (
        200,
        old,
        new,
    )
    assert (forth.body["model_version"], forth.body["previous_version"]) == (new, old)
    assert [row["reason"] for row in history(client)] == [None, "worse", None, None]


def test_a_rollback_sent_three_times_with_one_key_goes_back_once(client: HttpClient) -> None:
    old, new = publish(client, 0), publish(client, 1)
    post(client, f"/models/{old}/activate")
    post(client, f"/models/{new}/activate")

    answers = [post(client, "/models/rollback", {"reason": "worse"}, "k") for _ in range(3)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, answers[0].body)] * 3
    assert (
        client.get("/models").body["models"][1] | {"is_active": True}
        == (client.get("/models").body["models"][1])
    )
    assert len(history(client)) == 3


def test_a_rollback_that_was_cut_off_before_it_was_answered_goes_back_once(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = publish(client, 0), publish(client, 1)
    post(client, f"/models/{old}/activate")
    post(client, f"/models/{new}/activate")

    def unavailable(_: object) -> None:
        raise StoreUnavailableError("dynamodb")

    with monkeypatch.context() as patch:
        patch.setattr(client.services.replies, "finish", unavailable)
        cut_off = post(client, "/models/rollback", key="k")
    # The note of a process that died is free again after this.
    client.services.clock.advance(seconds=36)
    answer = post(client, "/models/rollback", key="k")

    assert (cut_off.status, answer.status) == (503, 200)
    assert (answer.body["model_version"], answer.body["previous_version"]) == (old, new)
    assert len(history(client)) == 3


def test_the_same_key_with_another_reason_is_422(client: HttpClient) -> None:
    version = publish(client)
    post(client, f"/models/{version}/activate", {"reason": "one"}, "k")

    answer = post(client, f"/models/{version}/activate", {"reason": "two"}, "k")

    assert answer.status == 422


def test_there_is_nothing_to_roll_back_to_at_first(client: HttpClient) -> None:
    none_active = post(client, "/models/rollback")
    publish(client, activate=True)
    none_before = post(client, "/models/rollback")

    assert (none_active.status, none_before.status) == (409, 409)


def test_the_history_is_empty_at_first_and_as_long_as_is_asked_for(client: HttpClient) -> None:
    assert client.get("/models/history").body == {"history": []}
    versions = [publish(client, days, activate=True) for days in range(3)]

    answer = client.get("/models/history?limit=2")

    assert [row["to"] for row in answer.body["history"]] == versions[:0:-1]
    for wrong in ("0", "1001", "x"):
        refused = client.get(f"/models/history?limit={wrong}")
        assert (refused.status, refused.pointers) == (422, ["/limit"])


def test_cleaning_up_says_what_went_and_what_stayed(client: HttpClient) -> None:
    versions = [publish(client, days) for days in range(4)]
    post(client, f"/models/{versions[0]}/activate")

    answer = post(client, "/cleanup/models?keep_count=1")

    assert (answer.status, answer.body) == (
        200,
        {"deleted": [versions[2], versions[1]], "kept": [versions[3], versions[0]]},
    )
    assert client.get(f"/models/{versions[1]}").status == 404
    assert post(client, "/cleanup/models?keep_count=1").body["deleted"] == []


def test_cleaning_up_keeps_five_unless_told_otherwise(client: HttpClient) -> None:
    versions = [publish(client, days) for days in range(6)]

    answer = post(client, "/cleanup/models")

    assert answer.body["deleted"] == [versions[0]]


def test_a_cleanup_repeated_with_its_key_says_what_it_said(client: HttpClient) -> None:
    for days in range(3):
        publish(client, days)
    first = post(client, "/cleanup/models?keep_count=1", key="k")

    again = post(client, "/cleanup/models?keep_count=1", key="k")
    other = post(client, "/cleanup/models?keep_count=2", key="k")

    assert len(first.body["deleted"]) == 2
    assert again.body == first.body
    assert other.status == 422


@pytest.mark.parametrize("wrong", ["0", "101", "-1", "1.5", "", "x"])
def test_a_bad_keep_count_is_422_and_deletes_nothing(client: HttpClient, wrong: str) -> None:
    publish(client, 0)
    publish(client, 1)

    answer = post(client, f"/cleanup/models?keep_count={wrong}")

    assert (answer.status, answer.pointers) == (422, ["/keep_count"])
    assert len(client.get("/models").body["models"]) == 2


def test_a_cleanup_takes_no_body(client: HttpClient) -> None:
    assert post(client, "/cleanup/models", {}).status == 200
    assert post(client, "/cleanup/models", {"keep_count": 1}).pointers == ["/keep_count"]
