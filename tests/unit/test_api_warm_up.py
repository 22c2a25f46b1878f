import gc
from collections.abc import Iterator

import pytest

from lead_scoring.api.warm_up import on_lambda
from lead_scoring.errors import StoreUnavailableError


@pytest.fixture(autouse=True)
def searched_for_garbage() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_loaded_anywhere_but_on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    calls: list[str] = []

    on_lambda(lambda: calls.append("loaded"))

    assert calls == []


def test_on_lambda_the_model_is_loaded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scoring")
    calls: list[tuple[str, bool]] = []

    on_lambda(lambda: calls.append(("loaded", gc.isenabled())))

    assert calls == [("loaded", False)]
    assert gc.isenabled()


def test_a_store_that_is_down_does_not_keep_the_function_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scoring")

    def load() -> None:
        raise StoreUnavailableError("s3")

    on_lambda(load)

    assert "not_warmed_up" in caplog.text
    assert gc.isenabled()


def test_any_other_failure_is_seen_at_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scoring")

    def load() -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        on_lambda(load)
