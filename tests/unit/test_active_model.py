import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lead_scoring.active_model import ActiveModelCache, Answering
from lead_scoring.adapters.model_directory import LocalModelDirectory
from lead_scoring.entities import BASELINE_VERSION, ActiveModel
from lead_scoring.entities.models import Activation
from lead_scoring.errors import ArtifactError, StoreUnavailableError
from lead_scoring.model_fitting import FittedModel
from lead_scoring.scoring_model import MODEL_FILE, SCORING_FILES
from tests import forests
from tests.builders import POSTED_AT, lead
from tests.fakes import FakeArtifactStore, FakeModelRegistry

REFRESH_SECONDS = 30.0


def old_model() -> FittedModel:
    return forests.small_model(0)


def new_model() -> FittedModel:
    return forests.small_model(1)


class CountingRegistry(FakeModelRegistry):
    """Counts who looks at the pointer, and can make them wait."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.gate = threading.Event()
        self.gate.set()

    def active(self) -> ActiveModel | None:
        self.looks += 1
        self.gate.wait(10)
        return super().active()


class World:
    """Stores, a folder and a watch of a test's own; each process starts with an empty memory."""

    def __init__(self, folder: Path) -> None:
        self.models, self.artifacts = CountingRegistry(), FakeArtifactStore()
        self.folder = folder
        self.seconds = 1000.0
        self.cache = self.new_process()

    def new_process(self) -> ActiveModelCache:
        return ActiveModelCache(
            self.models,
            self.artifacts,
            LocalModelDirectory(str(self.folder)),
            REFRESH_SECONDS,
            lambda: self.seconds,
        )

    def publish(self, fitted: FittedModel, minutes: float = 0, activate: bool = True) -> str:
        return forests.publish(
            self, fitted, forests.TRAINED_AT + timedelta(minutes=minutes), activate
        )

    def activate(self, version: str) -> None:
        # An activation that does not go through the counted look.
        record = self.models.records[version]
        self.models.pointer = ActiveModel(version, record.checksums, record.created_at)

    def wait(self, seconds: float = REFRESH_SECONDS) -> Answering:
        self.seconds += seconds
        return self.cache.current()

    def stores_down(self, down: bool = True) -> None:
        self.models.outage.on = self.artifacts.outage.on = down

    def corrupt(self, version: str, name: str = MODEL_FILE) -> None:
        self.artifacts.files[version, name] += b"!"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def margin(answering: Answering) -> float:
    return answering.model.score([lead()], [POSTED_AT]).scored[0].margin


def expected_margin(fitted: FittedModel) -> float:
    return fitted.scoring_model.score([lead()], [POSTED_AT]).scored[0].margin


# Following the pointer.


def test_the_baseline_answers_until_a_first_model_is_activated(world: World) -> None:
    before = world.cache.current()
    version = world.publish(old_model())

    assert (before.version, before.is_degraded, before.fault) == (BASELINE_VERSION, False, None)
    assert world.wait(REFRESH_SECONDS - 0.1).version == BASELINE_VERSION
    assert world.wait(0.1).version == version


def test_an_activation_is_followed_within_the_refresh_seconds(world: World) -> None:
    old = world.publish(old_model())
    assert world.cache.current().version == old
    new = world.publish(new_model(), minutes=1)

    just_before = world.wait(REFRESH_SECONDS - 0.1)
    just_after = world.wait(0.1)

    assert (just_before.version, margin(just_before)) == (old, expected_margin(old_model()))
    assert (just_after.version, margin(just_after)) == (new, expected_margin(new_model()))
    assert margin(just_before) != margin(just_after)


def test_a_rollback_is_followed_too(world: World) -> None:
    old, _ = world.publish(old_model()), world.publish(new_model(), minutes=1)
    world.cache.current()
    world.activate(old)

    assert world.wait().version == old


def test_an_activation_of_the_registry_is_what_is_followed(world: World) -> None:
    old = world.publish(old_model())
    new = world.publish(new_model(), minutes=1, activate=False)
    assert world.cache.current().version == old

    world.models.activate(Activation(forests.TRAINED_AT, "someone", new))

    assert world.wait().version == new


def test_the_pointer_is_not_read_more_often_than_the_refresh_allows(world: World) -> None:
    world.publish(old_model())
    world.cache.current()
    looks = world.models.looks

    for _ in range(100):
        world.cache.current()
    assert world.models.looks == looks
    world.wait()

    assert world.models.looks == looks + 1


def test_an_unchanged_pointer_loads_nothing_again(world: World) -> None:
    world.publish(old_model())
    first = world.cache.current()

    assert world.wait().model is first.model


def test_a_refresh_looks_at_once(world: World) -> None:
    world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)

    assert world.cache.refresh().version == new
    assert world.cache.current().version == new


# A new model that cannot be used.


@pytest.mark.parametrize("name", SCORING_FILES)
def test_a_bad_checksum_keeps_the_old_model_and_says_why(world: World, name: str) -> None:
    old = world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)
    world.corrupt(new, name)

    kept = world.wait()

    assert (kept.version, margin(kept)) == (old, expected_margin(old_model()))
    assert not kept.is_degraded
    assert kept.fault == f"{name} of {new} fails its checksum"


def test_a_missing_artifact_keeps_the_old_model(world: World) -> None:
    old = world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)
    del world.artifacts.files[new, MODEL_FILE]

    assert world.wait().version == old


def test_an_artifact_that_this_code_cannot_read_keeps_the_old_model(world: World) -> None:
    old = world.publish(old_model())
    world.cache.current()
    world.publish(
        replace(new_model(), artifact=new_model().artifact | {MODEL_FILE: b"{}"}), minutes=1
    )

    kept = world.wait()

    assert kept.version == old
    assert kept.fault


def test_a_repaired_artifact_is_followed(world: World) -> None:
    world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)
    world.corrupt(new)
    world.wait()
    world.artifacts.files[new, MODEL_FILE] = new_model().artifact[MODEL_FILE]

    repaired = world.wait()

    assert (repaired.version, repaired.fault) == (new, None)


# Stores that are down.


def test_stores_that_are_down_leave_the_model_degraded_until_they_are_back(world: World) -> None:
    version = world.publish(old_model())
    world.cache.current()
    world.stores_down()

    during = world.wait()
    world.stores_down(False)
    after = world.wait()

    assert (during.version, during.is_degraded) == (version, True)
    assert during.fault == "dynamodb is unavailable"
    assert (after.version, after.is_degraded, after.fault) == (version, False, None)
    assert after.model is during.model


def test_a_bucket_that_is_down_at_an_activation_keeps_the_old_model_degraded(world: World) -> None:
    old = world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)
    world.artifacts.outage.on = True

    during = world.wait()
    world.artifacts.outage.on = False

    assert (during.version, during.is_degraded) == (old, True)
    assert world.wait().version == new


def test_a_first_look_with_stores_down_and_nothing_cached_is_an_error(world: World) -> None:
    version = world.publish(old_model())
    world.stores_down()

    with pytest.raises(StoreUnavailableError):
        world.cache.current()
    with pytest.raises(StoreUnavailableError):
        world.cache.refresh()
    world.stores_down(False)

    assert world.wait(seconds=1).version == version


def test_while_nothing_can_answer_only_one_request_a_second_looks(world: World) -> None:
    world.stores_down()
    looks = world.models.looks

    for _ in range(5):
        with pytest.raises(StoreUnavailableError):
            world.cache.current()
    with pytest.raises(StoreUnavailableError):
        world.wait(seconds=1)

    assert world.models.looks == looks + 2


def test_a_first_look_at_a_bad_artifact_with_nothing_cached_is_an_error(world: World) -> None:
    world.corrupt(world.publish(old_model()))

    with pytest.raises(StoreUnavailableError) as caught:
        world.cache.current()
    assert isinstance(caught.value.__cause__, ArtifactError)


def test_the_baseline_goes_on_degraded_when_stores_go_down(world: World) -> None:
    world.cache.current()
    world.stores_down()

    during = world.wait()

    assert (during.version, during.is_degraded) == (BASELINE_VERSION, True)


def test_what_was_not_followed_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.publish(old_model())
    world.cache.current()
    world.stores_down()

    with caplog.at_level(logging.ERROR):
        world.wait()

    assert '"event": "model_not_followed"' in caplog.text


# A new process and the local folder.


def test_a_new_process_answers_from_the_folder_degraded_while_stores_are_down(
    world: World,
) -> None:
    version = world.publish(old_model())
    world.cache.current()
    world.stores_down()

    cold = world.new_process().current()

    assert (cold.version, cold.is_degraded) == (version, True)
    assert margin(cold) == expected_margin(old_model())


def test_a_new_process_takes_unchanged_files_from_the_folder(world: World) -> None:
    version = world.publish(old_model())
    world.cache.current()
    world.artifacts.outage.on = True  # the pointer can be read, the bucket cannot

    warm = world.new_process().current()

    assert (warm.version, warm.is_degraded, warm.fault) == (version, False, None)


def test_a_new_process_follows_the_pointer_past_an_older_copy(world: World) -> None:
    world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)

    found = world.new_process().current()

    assert (found.version, margin(found)) == (new, expected_margin(new_model()))


def test_a_new_process_answers_from_an_older_copy_when_the_new_artifact_is_bad(
    world: World,
) -> None:
    old = world.publish(old_model())
    world.cache.current()
    world.corrupt(world.publish(new_model(), minutes=1))

    found = world.new_process().current()

    assert (found.version, found.is_degraded) == (old, False)
    assert found.fault


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_a_corrupt_local_file_is_fetched_again(world: World, content: bytes) -> None:
    version = world.publish(old_model())
    world.cache.current()
    local = world.folder / version / MODEL_FILE
    local.write_bytes(content)

    found = world.new_process().current()

    assert (found.version, found.fault) == (version, None)
    assert local.read_bytes() == old_model().artifact[MODEL_FILE]


@pytest.mark.parametrize("name", [*SCORING_FILES, "../active.json"])
def test_a_corrupt_folder_is_no_answer_while_stores_are_down(world: World, name: str) -> None:
    version = world.publish(old_model())
    world.cache.current()
    (world.folder / version / name).write_bytes(b"torn")
    world.stores_down()

    with pytest.raises(StoreUnavailableError):
        world.new_process().current()


@pytest.mark.parametrize(
    "pointer",
    [b"[]", b"{}", b'{"model_version": 5, "checksums": 5, "activated_at": "2024-01-01T00:00:00Z"}'],
)
def test_a_pointer_file_of_another_shape_is_no_answer(world: World, pointer: bytes) -> None:
    world.publish(old_model())
    world.cache.current()
    (world.folder / "active.json").write_bytes(pointer)
    world.stores_down()

    with pytest.raises(StoreUnavailableError):
        world.new_process().current()


def test_a_folder_with_a_genuine_model_that_cannot_be_read_is_no_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(old_model(), artifact=old_model().artifact | {MODEL_FILE: b"{}"})
    directory = LocalModelDirectory(str(world.folder))
    active = forests.active_pointer(broken)
    directory.keep(active.model_version, broken.artifact)
    directory.keep_active(active)
    world.stores_down()

    with pytest.raises(StoreUnavailableError):
        world.cache.current()
    assert "cannot be used" in caplog.text


# Threads.


def in_threads(count: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_only_one_thread_loads_the_first_model(world: World) -> None:
    version = world.publish(old_model())
    looks = world.models.looks
    found: list[str] = []

    in_threads(8, lambda: found.append(world.cache.current().version))

    assert found == [version] * 8
    assert world.models.looks == looks + 1


def test_while_one_thread_looks_the_others_go_on_with_what_is_loaded(world: World) -> None:
    old = world.publish(old_model())
    world.cache.current()
    new = world.publish(new_model(), minutes=1)
    world.models.gate.clear()
    world.seconds += REFRESH_SECONDS
    looks = world.models.looks
    found: list[str] = []
    looking = threading.Thread(target=lambda: found.append(world.cache.current().version))
    looking.start()
    while world.models.looks == looks:
        time.sleep(0.001)

    others = [world.cache.current().version for _ in range(20)]
    world.models.gate.set()
    looking.join(10)

    assert others == [old] * 20
    assert world.models.looks == looks + 1
    assert found == [new]


def test_every_thread_gets_a_whole_answer_while_models_are_swapped(world: World) -> None:
    versions = [world.publish(old_model()), world.publish(new_model(), minutes=1)]
    margins = map(expected_margin, (old_model(), new_model()))
    expected = dict(zip(versions, margins, strict=True))
    world.cache.current()
    wrong: list[object] = []
    seen: set[str] = set()
    done = threading.Event()

    def score() -> None:
        try:
            while not done.is_set():
                answering = world.cache.current()
                seen.add(answering.version)
                if margin(answering) != expected[answering.version] or answering.fault:
                    wrong.append(answering)
        except Exception as error:  # noqa: BLE001 (a thread must not lose it)
            wrong.append(error)

    threads = [threading.Thread(target=score, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for swap in range(16):
        world.activate(versions[swap % 2])
        world.seconds += REFRESH_SECONDS
        time.sleep(0.03)
    done.set()
    for thread in threads:
        thread.join(20)

    assert wrong == []
    assert seen == set(versions)
