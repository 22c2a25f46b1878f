from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from lead_scoring.entities import Activation
from lead_scoring.errors import NotFoundError

from .conftest import Stores
from .examples import NOON, fresh, model


def activation(model_version: str, **changes: object) -> Activation:
    return replace(Activation(NOON, "tests", model_version), **changes)  # type: ignore[arg-type]


def test_a_registered_model_comes_back_as_it_was(stores: Stores) -> None:
    record = model(fresh("v"))

    stores.models.register(record)

    assert stores.models.get(record.model_version) == record


def test_an_unknown_model_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFoundError):
        stores.models.get(fresh("v"))


def test_models_are_listed_newest_first(stores: Stores) -> None:
    versions = [fresh("v") for _ in range(3)]
    for version, days in zip(versions, (1, 3, 2), strict=True):
        stores.models.register(model(version, created_at=NOON + timedelta(days=days)))

    listed = [each.model_version for each in stores.models.newest_first()]

    assert [each for each in listed if each in versions] == [versions[1], versions[2], versions[0]]


def test_registering_a_version_again_changes_nothing(stores: Stores) -> None:
    record = model(fresh("v"))
    stores.models.register(record)

    stores.models.register(replace(record, training_samples=1))

    assert stores.models.get(record.model_version) == record


def test_activating_moves_the_pointer_and_remembers_what_was_before(stores: Stores) -> None:
    first, second = model(fresh("v")), model(fresh("v"), checksums={"model.ubj": "f" * 64})
    stores.models.register(first)
    stores.models.register(second)
    stores.models.activate(activation(first.model_version))

    moved = stores.models.activate(activation(second.model_version, at=NOON + timedelta(hours=1)))

    assert stores.models.active() == moved
    assert moved.model_version == second.model_version
    assert moved.previous_version == first.model_version
    assert moved.activated_at == NOON + timedelta(hours=1)
    assert moved.checksums == second.checksums


def test_activating_notes_when_the_model_was_deployed(stores: Stores) -> None:
    record = model(fresh("v"))
    stores.models.register(record)

    stores.models.activate(activation(record.model_version))

    assert stores.models.get(record.model_version) == replace(record, deployed_at=NOON)


def test_activating_the_active_model_changes_nothing(stores: Stores) -> None:
    record = model(fresh("v"))
    stores.models.register(record)
    before = stores.models.activate(activation(record.model_version))

    again = stores.models.activate(activation(record.model_version, at=NOON + timedelta(days=1)))

    assert again == before
    assert stores.models.active() == before
    assert stores.models.get(record.model_version).deployed_at == NOON


def test_activating_an_unknown_model_leaves_the_pointer_alone(stores: Stores) -> None:
    before = stores.models.active()

    with pytest.raises(NotFoundError):
        stores.models.activate(activation(fresh("v")))

    assert stores.models.active() == before


def test_models_activated_at_once_form_one_chain(embedded_stores: Stores) -> None:
    versions = [fresh("race") for _ in range(4)]
    for version in versions:
        embedded_stores.models.register(model(version))

    with ThreadPoolExecutor(4) as pool:
        moves = list(
            pool.map(
                lambda each: embedded_stores.models.activate(activation(each)),
                versions,
            )
        )

    # Every move started from another's end: no two left from the same model.
    left_from = [move.previous_version for move in moves]
    active = embedded_stores.models.active()
    assert len(set(left_from)) == 4
    assert set(versions) - set(left_from) == {active.model_version}
