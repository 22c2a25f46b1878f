"""Feedback with an idempotency key: replayed, refused, cut off, and never counted twice."""

from typing import Any

import pytest

from lead_scoring.errors import StoreUnavailableError

from .http_client import HttpClient
from .test_http_feedback import CONTACT, SESSION, VIEW, post, rows, total

WRITES = [
    ("/feedback", CONTACT, CONTACT | {"interaction_duration": 181}),
    ("/feedback/implicit", SESSION, SESSION | {"session_id": "another"}),
]


@pytest.mark.parametrize(("path", "body", "other"), WRITES)
def test_the_same_key_and_body_replays_the_first_answer_and_writes_once(
    client: HttpClient, path: str, body: Any, other: Any
) -> None:
    first = post(client, path, body, key="k")
    written = total(client)
    client.services.clock.advance(hours=1)

    again = post(client, path, body, key="k")

    assert (again.status, again.body) == (first.status, first.body)
    assert total(client) == written
    assert post(client, path, body, key="l").body[
        "feedback_id" if path == "/feedback" else "feedback"
    ]
    assert total(client) == 2 * written
    assert post(client, path, other, key="k").pointers == ["/Idempotency-Key"]
    assert total(client) == 2 * written


@pytest.mark.parametrize(("path", "body", "other"), WRITES)
def test_a_refusal_is_not_kept_under_its_key(
    client: HttpClient, path: str, body: Any, other: Any
) -> None:
    refused = post(client, path, other | {"mood": 1}, key="k")

    taken = post(client, path, body, key="k")

    assert (refused.status, taken.status) == (422, 201)


@pytest.mark.parametrize("path", ["/feedback", "/feedback/implicit", "/cleanup/feedback"])
@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_1_to_255_characters(client: HttpClient, path: str, key: str) -> None:
    body = {"/feedback": VIEW, "/feedback/implicit": SESSION, "/cleanup/feedback": {}}[path]

    answer = post(client, path, body, key=key)

    assert (answer.status, answer.pointers) == (422, ["/Idempotency-Key"])
    assert not rows(client)


def test_the_longest_key_will_do(client: HttpClient) -> None:
    assert post(client, "/feedback", VIEW, key="k" * 255).status == 201


def test_one_and_one_point_zero_are_the_same_body(client: HttpClient) -> None:
    first = post(client, "/feedback", VIEW | {"interaction_duration": 1}, key="k")

    again = post(client, "/feedback", VIEW | {"interaction_duration": 1.0}, key="k")

    assert again.body == first.body
    assert len(rows(client)) == 1


def test_a_key_counts_per_path(client: HttpClient) -> None:
    answers = [
        post(client, "/feedback", VIEW, key="k"),
        post(client, "/feedback/implicit", SESSION, key="k"),
        post(client, "/cleanup/feedback", key="k"),
    ]

    assert [each.status for each in answers] == [201, 201, 200]


def test_a_cleanup_with_a_key_is_done_once(client: HttpClient) -> None:
    first = post(client, "/cleanup/feedback?retention_days=30", key="k")
    client.services.clock.advance(hours=1)

    assert post(client, "/cleanup/feedback?retention_days=30", {}, key="k").body == first.body
    assert post(client, "/cleanup/feedback?retention_days=31", key="k").status == 422


@pytest.mark.parametrize(
    ("path", "body"), [("/feedback/implicit", SESSION), ("/cleanup/feedback", {})]
)
def test_while_the_first_is_being_worked_on_the_same_key_is_409(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    store, meanwhile = client.services.feedback, []
    original = {"add": store.add, "delete_before": store.delete_before}

    def slowly(name: str) -> Any:
        def write(*arguments: Any) -> Any:
            monkeypatch.setattr(store, name, original[name])
            meanwhile.append(post(client, path, body, key="k").status)
            return original[name](*arguments)

        return write

    for name in original:
        monkeypatch.setattr(store, name, slowly(name))

    first = post(client, path, body, key="k")

    assert meanwhile == [409]
    assert first.status in (200, 201)


def test_who_was_cut_off_after_writing_a_session_repeats_it_without_counting_twice(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = client.services.replies

    def lost(_: object) -> None:
        raise StoreUnavailableError("dynamodb")

    with monkeypatch.context() as patch:
        patch.setattr(replies, "finish", lost)
        cut_off = post(client, "/feedback/implicit", SESSION, key="k")
    busy = post(client, "/feedback/implicit", SESSION, key="k")
    client.services.clock.advance(seconds=36)

    done = post(client, "/feedback/implicit", SESSION, key="k")

    assert (cut_off.status, busy.status, done.status) == (503, 409, 201)
    assert len(rows(client)) == total(client) == done.body["processed"] == 2
    assert done.body["feedback"][1]["created_at"] == "2024-06-01T12:00:00.000000Z"


def test_a_session_that_was_written_half_is_completed_by_its_repetition(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = client.services.feedback
    add = store.add

    def half(written: list[Any], reply: Any = None) -> None:
        add(written[:1], reply)
        raise StoreUnavailableError("dynamodb")

    with monkeypatch.context() as patch:
        patch.setattr(store, "add", half)
        cut_off = post(client, "/feedback/implicit", SESSION, key="k")

    done = post(client, "/feedback/implicit", SESSION, key="k")

    assert (cut_off.status, done.status) == (503, 201)
    assert len(rows(client)) == total(client) == 2


def test_a_row_of_feedback_whose_answer_was_lost_is_answered_from_its_own_write(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = client.services.feedback
    add = store.add

    def written_but_unheard(written: list[Any], reply: Any = None) -> None:
        add(written, reply)
        raise StoreUnavailableError("dynamodb")

    with monkeypatch.context() as patch:
        patch.setattr(store, "add", written_but_unheard)
        lost = post(client, "/feedback", VIEW, key="k")

    again = post(client, "/feedback", VIEW, key="k")

    assert (lost.status, again.status) == (503, 201)
    [row] = rows(client)
    assert again.body["feedback_id"] == row.feedback_id
    assert total(client) == 1


def test_feedback_costs_two_reads_and_one_write_at_most(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for store in (client.services.predictions, client.services.feedback, client.services.replies):
        for name in ("given_before", "knows", "add", "page", "all_of", "begin", "finish", "kept"):
            if hasattr(store, name):
                watch(monkeypatch, store, name, calls)

    post(client, "/feedback", VIEW)
    post(client, "/feedback", VIEW, key="k")
    post(client, "/feedback", VIEW, key="k")

    plain, keyed, repeated = calls[:2], calls[2:4], calls[4:]
    assert plain == keyed == ["given_before", "add"]
    assert repeated == ["given_before", "add", "kept"]


def watch(monkeypatch: pytest.MonkeyPatch, store: Any, name: str, calls: list[str]) -> None:
    original = getattr(store, name)

    def called(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        return original(*arguments, **named)

    monkeypatch.setattr(store, name, called)


def test_an_interaction_nested_beyond_reason_is_refused_not_a_defect(client: HttpClient) -> None:
    deep = b"[" * 880 + b"]" * 880
    body = b'{"session_id": "s", "interactions": [{"lead_id": 1, "type": "view"}, ' + deep + b"]}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}

    answer = client.request("POST", "/feedback/implicit", body, headers)

    assert answer.status in (400, 422)
    assert not rows(client)
