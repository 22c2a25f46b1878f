"""Feedback is counted once, whoever writes at the same time and whatever gets lost on the way.

On the embedded AWS, with real processes and threads; moto is not exact here.
"""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from lead_scoring.adapters import transactions
from lead_scoring.entities.feedback import Feedback
from lead_scoring.entities.models import KeptReply, Operation
from lead_scoring.errors import KeyInUseError, StoreUnavailableError

from .conftest import Stores, local_credentials, real_stores
from .examples import bare_feedback, counted, fresh, operation, reply
from .test_feedback_store import counts_of, fresh_day, rows_of
from .unreliable_aws import DONE, LOST, unreliable_aws

_fresh_process = multiprocessing.get_context("spawn")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_PATIENCE_SECONDS", 0.3)


def add_when_all_are_ready(
    endpoint_url: str, ready: Barrier, rows: list[tuple[Feedback, KeptReply | None]]
) -> list[str]:
    """In a process of its own: add each row as soon as the others do; say how it went."""
    outcomes = []
    with local_credentials():
        stores = real_stores(endpoint_url)
        stores.predictions.knows("x")
        for row, kept in rows:
            ready.wait(30)
            try:
                stores.feedback.add([counted(row)], kept)
                outcomes.append("added")
            except KeyInUseError:
                outcomes.append("in use")
    return outcomes


def race(endpoint_url: str, *processes: list[tuple[Feedback, KeptReply | None]]) -> list[Any]:
    """Add the rows of several processes, the first of all at once, then the second."""
    with _fresh_process.Manager() as manager, _fresh_process.Pool(len(processes)) as pool:
        ready: Any = manager.Barrier(len(processes))
        running = [
            pool.apply_async(add_when_all_are_ready, (endpoint_url, ready, rows))
            for rows in processes
        ]
        return [each.get(60) for each in running]


def test_two_processes_that_add_the_same_rows_at_once_count_them_once(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    day = fresh_day()
    rows = [bare_feedback(fresh(), created_at=day) for _ in range(40)]
    work: list[tuple[Feedback, KeptReply | None]] = [(row, None) for row in rows]

    outcomes = race(embedded_endpoint, work, work)

    assert outcomes == [["added"] * 40] * 2
    assert counts_of(embedded_stores, day) == {"rows": 40}


def test_of_two_processes_with_one_key_one_adds_and_the_other_hears_of_it(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    day = fresh_day()
    keys = [fresh("key") for _ in range(40)]
    mine, theirs = (
        [(bare_feedback(key, created_at=day), reply(key, body=f'"{side}"')) for key in keys]
        for side in ("mine", "theirs")
    )

    first, second = race(embedded_endpoint, mine, theirs)

    assert all({a, b} == {"added", "in use"} for a, b in zip(first, second, strict=True))
    assert counts_of(embedded_stores, day) == {"rows": 40}
    for outcome, (row, kept), (other, other_kept) in zip(first, mine, theirs, strict=True):
        won, its_reply = (row, kept) if outcome == "added" else (other, other_kept)
        assert rows_of(embedded_stores, row.lead_id) == [won]
        assert embedded_stores.replies.kept(kept.key) == its_reply


def test_eight_threads_count_on_one_day_exactly(embedded_stores: Stores) -> None:
    day, lead_id = fresh_day(), fresh()

    def add(thread: int) -> None:
        for number in range(25):
            row = bare_feedback(lead_id, created_at=day)
            embedded_stores.feedback.add([counted(row, value=0.1, sum=thread * 25 + number)])

    embedded_stores.predictions.knows("x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))

    counts = counts_of(embedded_stores, day)
    assert counts == {"rows": 200, "value": 20.0, "sum": sum(range(200))}
    assert len(rows_of(embedded_stores, lead_id)) == 200


def test_one_of_eight_threads_that_begin_a_request_at_once_works_on_it(
    embedded_stores: Stores,
) -> None:
    now: datetime = embedded_stores.clock.now()
    embedded_stores.predictions.knows("x")
    for _ in range(10):
        key, ready = fresh("key"), threading.Barrier(8)

        def begin(key: str = key, ready: threading.Barrier = ready) -> Operation | None:
            ready.wait()
            try:
                begun: Operation = embedded_stores.replies.begin(
                    key, "f" * 64, operation(now), now + timedelta(seconds=35)
                )
            except KeyInUseError:
                return None
            return begun

        with ThreadPoolExecutor(8) as pool:
            begun = [each.result() for each in [pool.submit(begin) for _ in range(8)]]

        assert sum(each is not None for each in begun) == 1


def test_one_of_eight_threads_follows_who_was_not_answered(embedded_stores: Stores) -> None:
    key, past = fresh("key"), datetime(2024, 1, 1, tzinfo=UTC)
    first = embedded_stores.replies.begin(
        key, "f" * 64, operation(past), past + timedelta(seconds=35)
    )
    now, ready = past + timedelta(seconds=60), threading.Barrier(8)

    def follow() -> Operation | None:
        ready.wait()
        try:
            begun: Operation = embedded_stores.replies.begin(
                key, "f" * 64, operation(now), now + timedelta(seconds=35)
            )
        except KeyInUseError:
            return None
        return begun

    # What is kept under the key has expired by the clock of the stores, but not by that of then.
    with ThreadPoolExecutor(8) as pool:
        begun = [each.result() for each in [pool.submit(follow) for _ in range(8)]]

    assert [each for each in begun if each is not None] == [first]


# What gets lost, and what gets in the way.


def test_an_answer_that_was_lost_once_is_not_noticed(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    day, seen = fresh_day(), 0

    def lose_the_first(name: str, _: dict[str, Any]) -> str:
        nonlocal seen
        seen += name == "TransactWriteItems"
        return LOST if name == "TransactWriteItems" and seen == 1 else DONE

    row, kept = bare_feedback(fresh(), created_at=day), reply(fresh("key"))
    with unreliable_aws(embedded_endpoint, lose_the_first) as endpoint_url:
        real_stores(endpoint_url).feedback.add([counted(row)], kept)

    assert seen == 2
    assert counts_of(embedded_stores, day) == {"rows": 1}
    assert embedded_stores.replies.kept(kept.key) == kept


def test_a_row_whose_every_answer_was_lost_is_added_again_without_counting_again(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    day = fresh_day()
    row, kept = bare_feedback(fresh(), created_at=day), reply(fresh("key"))
    others = [bare_feedback(fresh(), created_at=day) for _ in range(60)]

    with unreliable_aws(embedded_endpoint, lambda *_: LOST) as endpoint_url:
        deaf = real_stores(endpoint_url)
        for rows, its_reply in (([row], kept), ([*others[:50]], None)):
            with pytest.raises(StoreUnavailableError):
                deaf.feedback.add([counted(each) for each in rows], its_reply)

    embedded_stores.feedback.add([counted(row)], kept)
    embedded_stores.feedback.add([counted(each) for each in others])
    assert counts_of(embedded_stores, day) == {"rows": 61}
    assert rows_of(embedded_stores, row.lead_id) == [row]
    assert embedded_stores.replies.kept(kept.key) == kept


@pytest.mark.parametrize(
    "reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
)
def test_who_is_in_the_way_of_another_tries_again_on_other_counters(
    embedded_stores: Stores, embedded_endpoint: str, reason: str
) -> None:
    day, parts = fresh_day(), []

    def refuse_nine(name: str, content: dict[str, Any]) -> str:
        if name != "TransactWriteItems":
            return DONE
        parts.append(content["TransactItems"][-1]["Update"]["Key"]["day_shard"]["S"])
        return reason if len(parts) < 10 else DONE

    with unreliable_aws(embedded_endpoint, refuse_nine) as endpoint_url:
        real_stores(endpoint_url).feedback.add([counted(bare_feedback(fresh(), created_at=day))])

    assert len(parts) == 10
    assert len(set(parts)) > 1
    assert counts_of(embedded_stores, day) == {"rows": 1}


@pytest.mark.usefixtures("impatient")
def test_who_never_gets_through_says_so_and_has_written_nothing(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    day = fresh_day()
    row, kept = bare_feedback(fresh(), created_at=day), reply(fresh("key"))

    def never(name: str, _: dict[str, Any]) -> str:
        return "TransactionConflict" if name == "TransactWriteItems" else DONE

    with (
        unreliable_aws(embedded_endpoint, never) as endpoint_url,
        pytest.raises(StoreUnavailableError),
    ):
        real_stores(endpoint_url).feedback.add([counted(row)], kept)

    assert rows_of(embedded_stores, row.lead_id) == []
    assert counts_of(embedded_stores, day) == {}
    assert embedded_stores.replies.kept(kept.key) is None


def test_a_request_that_was_begun_is_its_own_though_the_answer_was_lost(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    key, now = fresh("key"), embedded_stores.clock.now()
    until = now + timedelta(seconds=35)
    mine, other = operation(now), operation(now)._replace(at=now + timedelta(minutes=1))
    lost = []

    def lose_the_first_write(name: str, _: dict[str, Any]) -> str:
        is_first = name in ("PutItem", "UpdateItem") and name not in lost
        lost.extend([name] * is_first)
        return LOST if is_first else DONE

    with unreliable_aws(embedded_endpoint, lose_the_first_write) as endpoint_url:
        replies = real_stores(endpoint_url).replies
        begun = replies.begin(key, "f" * 64, mine, until)
        followed = replies.begin(key, "f" * 64, other, other.at + timedelta(seconds=35))

    assert lost == ["PutItem", "UpdateItem"]
    assert begun == mine
    assert followed == mine


def test_a_piece_of_feedback_costs_one_transaction_and_no_read(embedded_endpoint: str) -> None:
    calls = []

    def note(name: str, _: dict[str, Any]) -> str:
        calls.append(name)
        return DONE

    with unreliable_aws(embedded_endpoint, note) as endpoint_url, local_credentials():
        stores = real_stores(endpoint_url)
        row = bare_feedback(fresh())
        stores.feedback.add([counted(row)], reply(key := fresh("key")))
        stores.predictions.given_before(row.lead_id, row.created_at)
        with pytest.raises(KeyInUseError):
            stores.feedback.add([counted(bare_feedback(fresh()))], reply(key))
        stores.replies.kept(key)

    assert calls == ["TransactWriteItems", "Query", "TransactWriteItems", "GetItem"]


def test_numbers_are_counted_by_their_shortest_text(embedded_endpoint: str) -> None:
    sent = []

    def note(name: str, content: dict[str, Any]) -> str:
        if name == "TransactWriteItems":
            values = content["TransactItems"][-1]["Update"]["ExpressionAttributeValues"]
            sent.extend(value["N"] for value in values.values())
        return DONE

    row = bare_feedback(fresh(), created_at=fresh_day())
    with unreliable_aws(embedded_endpoint, note) as endpoint_url, local_credentials():
        real_stores(endpoint_url).feedback.add([counted(row, value=0.1, most=1e12, least=1e-6)])

    assert sorted(sent) == ["0.000001", "0.1", "1", "1000000000000.0"]
