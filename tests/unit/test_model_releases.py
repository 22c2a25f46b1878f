from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import Operation
from lead_scoring.errors import ConflictError, NotFoundError, StoreUnavailableError
from lead_scoring.model_releases import ModelReleases
from lead_scoring.scoring_model import MODEL_FILE, SCORING_FILES, checksums
from tests import forests
from tests.artifacts import manifest_of, with_manifest
from tests.fakes import FakeArtifactStore, FakeClock, FakeModelRegistry


class World:
    """The service on fakes, with models that were made one day after another."""

    def __init__(self, models: int = 0, active: int | None = None) -> None:
        self.clock, self.models = FakeClock(), FakeModelRegistry()
        self.artifacts: Any = FakeArtifactStore()
        self.releases = ModelReleases(self.clock, self.models, self.artifacts)
        self.versions = [
            forests.publish(
                self, forests.small_model(), forests.TRAINED_AT + timedelta(days=day), False
            )
            for day in range(models)
        ]
        if active is not None:
            self.releases.activate(self.versions[active])

    @property
    def with_files(self) -> set[str]:
        return set(self.artifacts.versions())


def test_activating_says_from_which_model_to_which_when_and_by_whom() -> None:
    world = World(models=2, active=0)
    old, new = world.versions
    world.clock.advance(days=1)
    operation = Operation("op", world.clock.now() - timedelta(seconds=1))

    change = world.releases.activate(new, "drift", "ann", "r-1", operation)

    assert (change.from_version, change.to_version) == (old, new)
    assert (change.at, change.by) == (operation.at, "ann")
    assert world.releases.history(1) == [change]
    assert (change.reason, change.request_id) == ("drift", "r-1")


def test_an_unknown_model_cannot_be_activated() -> None:
    with pytest.raises(NotFoundError):
        World(models=1).releases.activate("v20240101_120000_abc12345")


@pytest.mark.parametrize("name", SCORING_FILES)
@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_a_model_with_a_file_missing_or_altered_is_not_activated(name: str, harm: str) -> None:
    world = World(models=2, active=0)
    old, new = world.versions
    if harm == "missing":
        del world.artifacts.files[new, name]
    else:
        world.artifacts.files[new, name] += b" "

    with pytest.raises(ConflictError, match=name):
        world.releases.activate(new)

    active = world.models.active()
    assert active is not None
    assert active.model_version == old


def test_a_report_that_was_altered_keeps_a_model_from_being_activated() -> None:
    world = World(models=1)
    version = world.versions[0]
    record = world.models.records[version]
    world.models.records[version] = record._replace(
        checksums={**record.checksums, "report.json": "0" * 64}
    )
    world.artifacts.write(version, {"report.json": b"{}"})

    with pytest.raises(ConflictError, match=r"report\.json"):
        world.releases.activate(version)


def test_a_model_that_this_code_cannot_load_is_not_activated() -> None:
    world = World(models=1)
    version = world.versions[0]
    content = world.artifacts.files[version, MODEL_FILE]
    foreign = with_manifest(content, manifest_of(content) | {"format": 9})
    world.artifacts.write(version, {MODEL_FILE: foreign})
    record = world.models.records[version]
    altered = {**record.checksums, **checksums({MODEL_FILE: foreign})}
    world.models.records[version] = record._replace(checksums=altered)

    with pytest.raises(ConflictError, match="format 9"):
        world.releases.activate(version)


def test_files_that_cannot_be_read_now_are_no_fault_of_the_model() -> None:
    world = World(models=1)
    world.artifacts.outage.on = True

    with pytest.raises(StoreUnavailableError):
        world.releases.activate(world.versions[0])


def test_rolling_back_activates_the_one_before_and_twice_leads_back() -> None:
    world = World(models=2, active=0)
    old, new = world.versions
    world.releases.activate(new)

    back, forth = world.releases.rollback("worse", "ann"), world.releases.rollback()

    assert (back.from_version, back.to_version, back.reason) == (new, old, "worse")
    assert (forth.from_version, forth.to_version) == (old, new)


def test_there_must_be_one_to_roll_back_to() -> None:
    for world in (World(), World(models=1, active=0)):
        with pytest.raises(ConflictError):
            world.releases.rollback()


def test_a_model_whose_files_are_gone_is_not_rolled_back_to() -> None:
    world = World(models=2, active=0)
    old, new = world.versions
    world.releases.activate(new)
    del world.artifacts.files[old, "model.ubj"]

    with pytest.raises(ConflictError, match=r"model\.ubj"):
        world.releases.rollback()

    active = world.models.active()
    assert active is not None
    assert active.model_version == new


def test_the_same_rollback_twice_goes_back_once() -> None:
    world = World(models=2, active=0)
    old, new = world.versions
    world.releases.activate(new)
    operation = Operation("op", world.clock.now())

    first = world.releases.rollback(operation=operation)
    again = world.releases.rollback(operation=operation)

    assert again == first
    active = world.models.active()
    assert active is not None
    assert active.model_version == old


def test_cleaning_up_keeps_the_newest_the_active_one_and_the_one_before() -> None:
    world = World(models=6, active=1)
    world.releases.activate(world.versions[0])
    before, other, gone, also_gone, second, newest = (world.versions[i] for i in (1, 0, 2, 3, 4, 5))

    answer = world.releases.cleanup(2)

    assert answer == {"deleted": [also_gone, gone], "kept": [newest, second, before, other]}
    assert [each.model_version for each in world.models.newest_first()] == answer["kept"]
    assert world.with_files == set(answer["kept"])


def test_cleaning_up_what_is_clean_deletes_nothing() -> None:
    world = World(models=3)

    assert world.releases.cleanup(3)["deleted"] == []
    assert World().releases.cleanup(1) == {"deleted": [], "kept": []}


def test_a_model_activated_while_cleaning_up_keeps_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(models=3)
    chosen, remove = world.versions[0], world.models.remove

    def remove_after_activation(version: str) -> bool:
        if version == chosen:
            world.releases.activate(chosen)
        return remove(version)

    monkeypatch.setattr(world.models, "remove", remove_after_activation)

    answer = world.releases.cleanup(1)

    assert answer["deleted"] == [world.versions[1]]
    assert chosen in answer["kept"]
    world.releases.activate(chosen)


def test_files_that_could_not_be_deleted_go_with_the_next_cleanup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(models=3)
    old, middle, newest = world.versions
    with monkeypatch.context() as patch:
        patch.setattr(world.artifacts, "delete", _unavailable)
        with pytest.raises(StoreUnavailableError):
            world.releases.cleanup(1)

    answer = world.releases.cleanup(1)

    assert answer == {"deleted": [], "kept": [newest]}
    assert world.with_files == {newest}
    assert {old, middle}.isdisjoint(world.models.records)


def test_files_of_a_model_that_is_being_published_stay() -> None:
    world = World(models=2)
    world.artifacts.write("v20991231_235959_abc12345", {"model.ubj": b"x"})
    world.artifacts.write("notes", {"read.me": b"x"})

    world.releases.cleanup(1)

    assert world.with_files == {world.versions[1], "v20991231_235959_abc12345", "notes"}


def _unavailable(_: str) -> None:
    raise StoreUnavailableError("s3")
