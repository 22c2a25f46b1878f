from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities.feedback import CountedFeedback
from lead_scoring.entities.models import KeptReply, KeyedRequest, Operation
from lead_scoring.errors import (
    ArtifactError,
    ConflictError,
    InvalidInputError,
    JobRunningError,
    KeyInUseError,
    StoreUnavailableError,
)
from lead_scoring.idempotency import WORKING_SECONDS, Idempotency
from tests import evidence
from tests.fakes import FakeClock, Outage
from tests.fakes_feedback import FakeFeedbackStore, FakeReplyStore

SCOPE = "POST /things"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


class World:
    """An Idempotency on fakes, and an action that remembers by which operations it was called."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.replies = FakeReplyStore(self.clock, Outage("dynamodb"))
        self.feedback = FakeFeedbackStore(self.replies, Outage("dynamodb"))
        self.idempotency = Idempotency(self.clock, self.replies, "a key of the tests")
        self.operations: list[Operation] = []
        self.done_again: list[object] = []

    def act(self, operation: Operation) -> tuple[int, object]:
        self.operations.append(operation)
        return 201, {"number": len(self.operations)}

    def once(self, request: KeyedRequest) -> tuple[int, object]:
        return self.idempotency.once(request, self.act)

    def write(
        self, operation: Operation, keep: Callable[[int, object], KeptReply | None]
    ) -> tuple[int, object]:
        """Act in one write, as a store of feedback does."""
        answer = 201, {"number": len(self.operations) + 1}
        row = evidence.feedback(feedback_id=operation.operation_id)
        self.feedback.add([CountedFeedback(row, row.created_at.date(), {})], keep(*answer))
        self.operations.append(operation)
        return answer

    def once_in_one_write(self, request: KeyedRequest) -> tuple[int, object]:
        return self.idempotency.once_in_one_write(request, self.write, self.done_again.append)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=["once", "once_in_one_write"])
def send(request: pytest.FixtureRequest, world: World) -> Any:
    return getattr(world, request.param)


def keyed(content: object = None, key: str | None = "k", scope: str = SCOPE) -> KeyedRequest:
    return KeyedRequest(key, scope, content)


def failing(error: BaseException) -> Callable[[Operation], tuple[int, object]]:
    def act(_: Operation) -> tuple[int, object]:
        raise error

    return act


def test_the_same_request_is_answered_as_before_and_done_once(world: World, send: Any) -> None:
    first = send(keyed({"a": 1}))

    again = send(keyed({"a": 1}))

    assert again == first == (201, {"number": 1})
    assert len(world.operations) == 1


def test_without_a_key_each_request_is_done_and_nothing_is_kept(world: World, send: Any) -> None:
    answers = [send(keyed({"a": 1}, key=None)) for _ in range(2)]

    assert answers == [(201, {"number": 1}), (201, {"number": 2})]
    assert len({operation.operation_id for operation in world.operations}) == 2
    assert not world.replies.notes


def test_another_content_under_the_same_key_is_refused_and_not_done(
    world: World, send: Any
) -> None:
    send(keyed({"a": 1}))

    with pytest.raises(InvalidInputError, match="Idempotency-Key"):
        send(keyed({"a": 2}))

    assert len(world.operations) == 1


@pytest.mark.parametrize("other", [{"key": "l"}, {"scope": "POST /others"}, {"key": "K"}])
def test_another_key_or_another_place_is_another_request(
    world: World, send: Any, other: dict[str, str]
) -> None:
    send(keyed({"a": 1}))

    send(keyed({"a": 2}, **other))

    assert len(world.operations) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [1, {"b": 0}]}, {"a": [1.0, {"b": -0.0}]}),
        ({"a": 10**22}, {"a": 1e22}),
    ],
)
def test_what_json_does_not_tell_apart_is_the_same_content(
    world: World, send: Any, first: object, second: object
) -> None:
    send(keyed(first))

    send(keyed(second))

    assert len(world.operations) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 1.5}, {"a": 1}),
        ({"a": "é"}, {"a": "e\u0301"}),
    ],
)
def test_what_json_tells_apart_is_another_content(send: Any, first: object, second: object) -> None:
    send(keyed(first))

    with pytest.raises(InvalidInputError):
        send(keyed(second))


@given(content=JSON)
def test_any_content_is_answered_as_before(content: Any) -> None:
    world = World()

    assert world.once(keyed(content)) == world.once(keyed(content))
    assert len(world.operations) == 1


def test_a_content_nested_too_deeply_is_refused(send: Any) -> None:
    content: list[Any] = []
    for _ in range(5_000):
        content = [content]

    with pytest.raises(InvalidInputError, match="nested too deeply"):
        send(keyed(content))


def test_neither_key_nor_content_is_kept_in_plain(world: World, send: Any) -> None:
    send(keyed({"name": "content-of-ann"}, key="key-of-ann"))

    assert "of-ann" not in repr(world.replies.notes)
    assert SCOPE not in repr(world.replies.notes)


def test_a_reply_is_forgotten_after_a_day(world: World, send: Any) -> None:
    send(keyed())
    world.clock.advance(hours=23, minutes=59)
    send(keyed())
    world.clock.advance(minutes=2)

    send(keyed())

    assert len(world.operations) == 2


def test_an_operation_is_dated_when_it_came_first(world: World) -> None:
    world.once(keyed())

    assert world.operations[0].at == world.clock.moment


def test_while_the_first_is_being_worked_on_others_are_told_so(world: World) -> None:
    def meanwhile(operation: Operation) -> tuple[int, object]:
        with pytest.raises(KeyInUseError):
            world.once(keyed())
        return world.act(operation)

    world.idempotency.once(keyed(), meanwhile)

    assert len(world.operations) == 1


def test_another_content_is_refused_while_the_first_is_being_worked_on(world: World) -> None:
    def meanwhile(operation: Operation) -> tuple[int, object]:
        with pytest.raises(InvalidInputError):
            world.once(keyed({"a": 2}))
        return world.act(operation)

    world.idempotency.once(keyed({"a": 1}), meanwhile)

    assert len(world.operations) == 1


@pytest.mark.parametrize(
    "refusal", [ConflictError("no"), JobRunningError("j"), InvalidInputError(())]
)
def test_a_refusal_is_not_kept(world: World, refusal: Exception) -> None:
    with pytest.raises(type(refusal)):
        world.idempotency.once(keyed({"a": 1}), failing(refusal))

    assert not world.replies.notes
    assert world.once(keyed({"a": 2})) == (201, {"number": 1})


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailableError("s3"), ArtifactError("gone"), ZeroDivisionError(), KeyboardInterrupt()],
)
def test_what_failed_goes_on_as_the_same_operation_at_once(
    world: World, failure: BaseException
) -> None:
    tried: list[Operation] = []

    def fail(operation: Operation) -> tuple[int, object]:
        tried.append(operation)
        raise failure

    with pytest.raises(type(failure)):
        world.idempotency.once(keyed(), fail)
    world.clock.advance(seconds=1)

    world.once(keyed())

    assert world.operations == tried


def test_who_was_cut_off_before_the_answer_was_kept_goes_on_as_the_same_operation(
    world: World,
) -> None:
    def act_and_lose_the_store(operation: Operation) -> tuple[int, object]:
        world.replies.outage.on = True
        return world.act(operation)

    with pytest.raises(StoreUnavailableError):
        world.idempotency.once(keyed(), act_and_lose_the_store)
    world.replies.outage.on = False
    with pytest.raises(KeyInUseError):
        world.once(keyed())
    world.clock.advance(seconds=WORKING_SECONDS)

    world.once(keyed())

    first, second = world.operations
    assert second == first


def test_a_store_that_fails_twice_still_tells_what_failed_first(world: World) -> None:
    def act(_: Operation) -> tuple[int, object]:
        world.replies.outage.on = True
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.idempotency.once(keyed(), act)


def test_working_takes_longer_than_any_function_behind_the_api_lives() -> None:
    assert timedelta(seconds=WORKING_SECONDS) > timedelta(seconds=29)


def test_in_one_write_the_second_of_two_at_once_is_answered_as_the_first(world: World) -> None:
    def slow(
        operation: Operation, keep: Callable[[int, object], KeptReply | None]
    ) -> tuple[int, object]:
        world.once_in_one_write(keyed())
        return world.write(operation, keep)

    answer = world.idempotency.once_in_one_write(keyed(), slow, world.done_again.append)

    assert answer == (201, {"number": 1})
    assert len(world.operations) == 1


def test_in_one_write_what_comes_after_the_write_is_done_anew_for_a_repetition(
    world: World,
) -> None:
    world.once_in_one_write(keyed())
    assert world.done_again == []

    world.once_in_one_write(keyed())

    assert world.done_again == [{"number": 1}]


def test_in_one_write_nothing_is_done_anew_for_another_content(world: World) -> None:
    world.once_in_one_write(keyed({"a": 1}))

    with pytest.raises(InvalidInputError):
        world.once_in_one_write(keyed({"a": 2}))

    assert world.done_again == []


def test_in_one_write_a_reply_that_just_expired_is_a_conflict_to_be_repeated(
    world: World,
) -> None:
    def refused(*_: object) -> tuple[int, object]:
        raise KeyInUseError("in use a moment ago")

    with pytest.raises(KeyInUseError):
        world.idempotency.once_in_one_write(keyed(), refused, world.done_again.append)


def test_in_one_write_a_failure_keeps_nothing(world: World) -> None:
    world.feedback.outage.on = True
    with pytest.raises(StoreUnavailableError):
        world.once_in_one_write(keyed({"a": 1}))
    world.feedback.outage.on = False

    answer = world.once_in_one_write(keyed({"a": 2}))

    assert answer == (201, {"number": 1})
