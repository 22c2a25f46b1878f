import gc
import weakref
from typing import Any

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS
from lead_scoring.bootstrap import Services
from lead_scoring.garbage import loading, no_search
from tests import builders


@pytest.mark.parametrize("search_less", [loading, no_search])
def test_no_garbage_is_searched_for_meanwhile_and_again_afterwards(search_less: Any) -> None:
    with search_less():
        meanwhile = gc.isenabled()

    assert not meanwhile
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


@pytest.mark.parametrize("search_less", [loading, no_search])
def test_whoever_searches_for_none_goes_on_without(search_less: Any) -> None:
    gc.disable()
    try:
        with search_less():
            pass

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
