import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lead_scoring import variant_models
from lead_scoring.errors import ArtifactError, StoreUnavailableError
from lead_scoring.experiments import Variant
from lead_scoring.variant_models import VariantModels
from tests import forests
from tests.builders import lead


class Files:
    """The files of one small model under any version; may be slow, or fail."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def fetch(self, version: str, _expected: Mapping[str, str]) -> dict[str, bytes]:
        self.fetched.append(version)
        self.gate.wait(10)
        if self.error:
            raise self.error
        return forests.small_model().artifact


class Watch:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def models(files: Files, watch: Watch) -> VariantModels:
    return VariantModels(files, watch)  # type: ignore[arg-type]


def variant(version: str = "v1") -> Variant:
    return Variant("x", version, 50.0)


def score_by(model: Any) -> float:
    [scored] = model.score([lead()], [forests.TRAINED_AT]).scored
    return float(scored.probability)


def test_a_model_is_loaded_once_and_scores(models: VariantModels, files: Files) -> None:
    first, again = (models.answering(variant()) for _ in range(2))

    assert first is again
    assert files.fetched == ["v1"]
    assert score_by(first) == score_by(forests.small_model().scoring_model)


def test_many_threads_that_want_a_model_load_it_once(models: VariantModels, files: Files) -> None:
    files.gate.clear()
    got: list[Any] = []
    threads = [
        threading.Thread(target=lambda: got.append(models.answering(variant()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    files.gate.set()
    for thread in threads:
        thread.join(10)

    assert len(got) == 8
    assert files.fetched == ["v1"]


def test_a_model_that_failed_is_tried_again_by_who_needs_it(
    models: VariantModels, files: Files
) -> None:
    files.error = ArtifactError("broken")
    with pytest.raises(ArtifactError):
        models.answering(variant())
    files.error = None

    assert models.answering(variant())
    assert len(files.fetched) == 2


def test_a_shadow_that_failed_is_not_tried_at_every_score(
    models: VariantModels, files: Files, watch: Watch
) -> None:
    files.error = StoreUnavailableError("s3")
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            models.beside(variant())
    tried = len(files.fetched)
    files.error, watch.seconds = None, 31.0

    assert models.beside(variant())
    assert tried == 1


def test_a_shadow_whose_store_hangs_costs_its_patience_once(
    models: VariantModels, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variant_models, "SHADOW_WAIT_SECONDS", 0.2)
    files.gate.clear()

    took = []
    for _ in range(4):
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            models.beside(variant())
        took.append(time.monotonic() - started)
    files.gate.set()

    assert took[0] >= 0.2
    assert max(took[1:]) < 0.1
    assert models.answering(variant())
    assert models.beside(variant())
    assert files.fetched == ["v1"]


def test_so_many_models_are_kept_and_the_one_used_longest_ago_goes(
    models: VariantModels, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variant_models, "_MOST_MODELS", 2)

    for version in ("v1", "v2", "v1", "v3", "v1", "v2"):
        models.answering(variant(version))

    assert files.fetched == ["v1", "v2", "v3", "v2"]
