"""What every store of replies does under an idempotency key."""

import random
from datetime import datetime, timedelta

import pytest

from lead_scoring.entities.models import KeptReply, Operation
from lead_scoring.errors import InvalidInputError, KeyInUseError

from .conftest import Stores
from .examples import fresh, operation, reply

FINGERPRINT = "f" * 64


def begin(stores: Stores, key: str, **changes: str) -> Operation | KeptReply:
    """Begin a new request now, which has 35 seconds."""
    now: datetime = stores.clock.now()
    fingerprint = changes.get("fingerprint", FINGERPRINT)
    begun: Operation | KeptReply = stores.replies.begin(
        key, fingerprint, operation(now), now + timedelta(seconds=35)
    )
    return begun


def test_the_first_request_under_a_key_goes_on_with_its_own_operation(stores: Stores) -> None:
    now = stores.clock.now()
    mine = operation(now)

    begun = stores.replies.begin(fresh("key"), FINGERPRINT, mine, now + timedelta(seconds=35))

    assert begun == mine


def test_while_a_request_is_worked_on_its_key_is_in_use(stores: Stores) -> None:
    key = fresh("key")
    begin(stores, key)
    stores.clock.advance(seconds=34.999)

    with pytest.raises(KeyInUseError):
        begin(stores, key)

    assert stores.replies.kept(key) is None


def test_who_was_not_answered_in_time_is_followed_by_the_same_operation(stores: Stores) -> None:
    key = fresh("key")
    first = begin(stores, key)
    stores.clock.advance(seconds=35)

    second = begin(stores, key)

    assert second == first
    with pytest.raises(KeyInUseError):
        begin(stores, key)
    stores.clock.advance(seconds=35)
    assert begin(stores, key) == first


def test_a_request_that_was_answered_is_answered_again(stores: Stores) -> None:
    key = fresh("key")
    begin(stores, key)
    answer = reply(key, body='{"price": 0.1, "title": "工程师"}')

    stores.replies.finish(answer)

    assert stores.replies.kept(key) == answer
    assert begin(stores, key) == answer
    stores.clock.advance(hours=23, minutes=59)
    assert begin(stores, key) == answer


def test_the_first_answer_stands(stores: Stores) -> None:
    answer = reply(fresh("key"))
    begin(stores, answer.key)
    stores.replies.finish(answer)

    stores.replies.finish(answer._replace(status=200, body="{}"))
    stores.replies.release(answer.key)
    stores.replies.forget(answer.key)

    assert stores.replies.kept(answer.key) == answer


def test_a_key_that_stood_for_another_content_is_refused(stores: Stores) -> None:
    working, answered = fresh("key"), fresh("key")
    begin(stores, working)
    begin(stores, answered)
    stores.replies.finish(reply(answered))

    for key in (working, answered):
        with pytest.raises(InvalidInputError) as raised:
            begin(stores, key, fingerprint="e" * 64)

        assert [fault.pointer for fault in raised.value.faults] == ["/Idempotency-Key"]
    assert stores.replies.kept(answered) == reply(answered)


def test_what_was_released_goes_on_at_once_as_the_same_operation(stores: Stores) -> None:
    key = fresh("key")
    first = begin(stores, key)

    stores.replies.release(key)

    assert begin(stores, key) == first
    with pytest.raises(KeyInUseError):
        begin(stores, key)


def test_a_released_request_goes_on_even_where_the_clock_is_behind(stores: Stores) -> None:
    key = fresh("key")
    first = begin(stores, key)
    stores.clock.advance(seconds=10)
    stores.replies.release(key)
    stores.clock.advance(seconds=-3)

    assert begin(stores, key) == first


def test_what_was_forgotten_starts_afresh_even_with_another_content(stores: Stores) -> None:
    key = fresh("key")
    first = begin(stores, key)

    stores.replies.forget(key)

    second = begin(stores, key, fingerprint="e" * 64)
    assert isinstance(second, Operation)
    assert second != first


def test_letting_go_of_what_was_never_begun_changes_nothing(stores: Stores) -> None:
    key = fresh("key")

    stores.replies.release(key)
    stores.replies.forget(key)

    assert stores.replies.kept(key) is None
    assert isinstance(begin(stores, key), Operation)


def test_an_answer_is_forgotten_a_day_after_it_was_given(stores: Stores) -> None:
    key = fresh("key")
    first = begin(stores, key)
    stores.clock.advance(seconds=10)
    stores.replies.finish(reply(key))
    stores.clock.advance(hours=24, seconds=-1)
    assert stores.replies.kept(key) == reply(key)

    stores.clock.advance(seconds=1)

    assert stores.replies.kept(key) is None
    second = begin(stores, key, fingerprint="e" * 64)
    assert isinstance(second, Operation)
    assert second != first


def test_a_request_that_was_never_answered_is_forgotten_a_day_after_it_came(
    stores: Stores,
) -> None:
    key = fresh("key")
    first = begin(stores, key)
    stores.clock.advance(hours=24)

    second = begin(stores, key)

    assert isinstance(second, Operation)
    assert second != first


def test_an_answer_comes_back_character_by_character(stores: Stores) -> None:
    letters = random.Random(3)
    body = "".join(chr(letters.randint(0x20, 0xD7FF)) for _ in range(3000)) + "\x00\n𠮷"

    stores.replies.finish(reply(key := fresh("key"), body=body))

    assert stores.replies.kept(key).body == body
