import gc
import weakref
from collections.abc import Callable

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS
from lead_scoring.bootstrap import Services
from lead_scoring.garbage import loading, no_search
from tests import builders


def under_loading() -> bool:
    with loading():
        return gc.isenabled()


without_search = pytest.mark.parametrize(
    "searches_meanwhile", [under_loading, no_search(gc.isenabled)]
)


@without_search
def test_no_garbage_is_searched_for_meanwhile_and_again_afterwards(
    searches_meanwhile: Callable[[], bool],
) -> None:
    assert not searches_meanwhile()
    assert gc.isenabled()


@no_search
def failing() -> None:
    raise ValueError("this work fails")


def test_garbage_is_searched_for_again_after_work_that_failed() -> None:
    with pytest.raises(ValueError, match="this work fails"):
        failing()

    assert gc.isenabled()


class Loaded:
    """Something that refers to others of its kind."""

    others: "list[Loaded]"


def test_what_was_loaded_makes_no_search_due_and_is_found_later_if_it_is_garbage() -> None:
    gc.unfreeze()
    with loading():
        loaded = [Loaded() for _ in range(10_000)]
        loaded[0].others = loaded
        watched = weakref.ref(loaded[0])
        del loaded

    assert gc.get_count()[0] < 700
    assert watched() is not None
    gc.collect()
    assert watched() is None


@without_search
def test_whoever_searches_for_none_goes_on_without(searches_meanwhile: Callable[[], bool]) -> None:
    gc.disable()
    try:
        searches_meanwhile()

        assert not gc.isenabled()
    finally:
        gc.enable()


def test_services_are_prepared_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    services = Services(builders.settings(aws_endpoint_url="http://127.0.0.1:9"))

    services.prepare("models", "idempotency")

    assert {"models", "replies", "idempotency"} <= set(vars(services))
    assert gc.isenabled()
