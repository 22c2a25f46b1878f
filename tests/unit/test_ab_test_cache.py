import pytest

from lead_scoring.ab_test_cache import ABTestCache
from lead_scoring.errors import NotFoundError, StoreUnavailableError
from lead_scoring.experiments import ABTest
from tests.contract.examples import ab_test
from tests.fakes import Outage
from tests.fakes_ab_tests import FakeABTestStore


class World:
    """A cache of 30 seconds on a store that counts how often it is asked."""

    def __init__(self) -> None:
        self.seconds, self.asked = 0.0, 0
        self.outage = Outage("dynamodb")
        self.store = FakeABTestStore(None, self.outage)  # type: ignore[arg-type]
        self.store.tests = {name: ab_test(name) for name in ("t", "u")}
        self.cache = ABTestCache(self, 30.0, lambda: self.seconds)  # type: ignore[arg-type]

    def get(self, test_name: str) -> ABTest:
        self.asked += 1
        return self.store.get(test_name)


@pytest.fixture
def world() -> World:
    return World()


def test_a_test_is_read_once_in_a_while(world: World) -> None:
    for seconds in (0, 1, 29.9, 30, 31):
        world.seconds = seconds
        assert world.cache.get("t").test == world.store.tests["t"]

    assert world.asked == 2


def test_an_unknown_test_is_asked_for_every_time(world: World) -> None:
    for _ in range(2):
        with pytest.raises(NotFoundError):
            world.cache.get("nobody")

    assert world.asked == 2


def test_while_the_store_is_down_what_was_read_serves_and_says_so(world: World) -> None:
    world.cache.get("t")
    world.outage.on, world.seconds = True, 31.0

    down = [world.cache.get("t").is_degraded for _ in range(3)]
    asked = world.asked
    world.outage.on, world.seconds = False, 62.0

    assert down == [True, True, True]
    assert asked == 2
    assert not world.cache.get("t").is_degraded


def test_what_was_never_read_cannot_serve(world: World) -> None:
    world.outage.on = True

    with pytest.raises(StoreUnavailableError):
        world.cache.get("t")


def test_a_test_that_is_forgotten_is_read_anew(world: World) -> None:
    world.cache.get("t")
    world.cache.forget("t")
    world.cache.get("t")

    assert world.asked == 2


def test_so_many_tests_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lead_scoring.ab_test_cache._MOST_TESTS", 1)

    for name in ("t", "u", "u", "t"):
        world.cache.get(name)

    assert world.asked == 3
