import threading
from collections.abc import Callable

import pytest

from lead_scoring.circuit_breaker import CircuitBreaker
from lead_scoring.errors import NotFoundError, StoreUnavailableError


class Store:
    """A store that can be down, and takes its time to say so."""

    def __init__(self) -> None:
        self.now, self.calls, self.is_down, self.fails_after = 0.0, 0, False, 0.0
        self.breaker = CircuitBreaker(30, monotonic=lambda: self.now)

    def ask(self) -> str:
        return self.breaker.call(self._answer)

    def _answer(self) -> str:
        self.calls += 1
        if self.is_down:
            self.now += self.fails_after
            raise StoreUnavailableError("dynamodb")
        return "fine"


@pytest.fixture
def store() -> Store:
    return Store()


def fails(ask: Callable[[], object]) -> None:
    with pytest.raises(StoreUnavailableError, match="dynamodb"):
        ask()


def go_down(store: Store) -> None:
    for _ in range(2):
        fails(store.ask)


def test_a_store_that_answers_is_asked_every_time(store: Store) -> None:
    assert [store.ask() for _ in range(3)] == ["fine"] * 3
    assert store.calls == 3


def test_a_store_that_is_down_is_left_alone_for_twice_the_time_it_took_to_fail(
    store: Store,
) -> None:
    store.is_down, store.fails_after = True, 5.0
    go_down(store)
    assert store.now == 10.0

    for moment in (10.0, 15.0, 19.9):
        store.now = moment
        fails(store.ask)
    assert store.calls == 2

    store.now = 20.0
    fails(store.ask)
    assert store.calls == 3


def test_one_failure_between_successes_leaves_nothing_alone(store: Store) -> None:
    for _ in range(5):
        store.is_down = True
        fails(store.ask)
        store.is_down = False
        assert store.ask() == "fine"

    assert store.calls == 10


def test_a_failure_at_once_is_followed_by_a_pause_of_a_second(store: Store) -> None:
    store.is_down = True
    go_down(store)
    store.is_down = False

    store.now = 0.9
    fails(store.ask)
    store.now = 1.0
    assert store.ask() == "fine"
    assert store.ask() == "fine"


def test_the_pause_is_never_longer_than_it_may_be(store: Store) -> None:
    store.is_down, store.fails_after = True, 100.0
    go_down(store)
    store.is_down, store.now = False, 230.0

    assert store.ask() == "fine"


def test_an_error_that_is_no_outage_leaves_nothing_alone(store: Store) -> None:
    def missing() -> None:
        raise NotFoundError("nothing here")

    with pytest.raises(NotFoundError):
        store.breaker.call(missing)

    assert store.ask() == "fine"


def test_after_the_pause_one_tries_and_the_others_do_not_wait(store: Store) -> None:
    store.is_down = True
    go_down(store)
    store.now, store.is_down = 2.0, False
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert may_end.wait(10)
        return "slow"

    answers: list[str] = []
    trying = threading.Thread(target=lambda: answers.append(store.breaker.call(slow)))
    trying.start()
    assert begun.wait(10)

    fails(store.ask)

    may_end.set()
    trying.join(10)
    assert answers == ["slow"]
    assert store.ask() == "fine"


def test_once_it_answers_again_nobody_waits_for_another(store: Store) -> None:
    store.is_down = True
    go_down(store)
    store.now, store.is_down = 2.0, False
    assert store.ask() == "fine"

    # A call within a call: what two threads do at once.
    assert store.breaker.call(store.ask) == "fine"
