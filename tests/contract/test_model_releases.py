"""Releases on the embedded AWS: whoever changes the active model while others clean up."""

import multiprocessing
from datetime import timedelta
from typing import Any

from lead_scoring.errors import ConflictError, NotFoundError
from lead_scoring.model_releases import ModelReleases
from tests import forests
from tests.fakes import FakeClock

from .conftest import Stores, local_credentials, real_stores

MODELS = 6


def releases_on(endpoint_url: str) -> ModelReleases:
    stores = real_stores(endpoint_url)
    return ModelReleases(FakeClock(), stores.models, stores.artifacts)


def activate_all(endpoint_url: str, versions: list[str], gate: Any, told: Any) -> None:
    with local_credentials():
        releases = releases_on(endpoint_url)
        # Loads what loading a model takes, before it is about time.
        releases.activate(max(versions))
        gate.wait()
        for version in versions:
            try:
                told.put(("activated", releases.activate(version).to_version))
            except (NotFoundError, ConflictError):
                told.put(("refused", version))


def clean_up(endpoint_url: str, gate: Any, told: Any) -> None:
    with local_credentials():
        releases = releases_on(endpoint_url)
        releases.history(1)
        gate.wait()
        for keep_count in range(MODELS - 1, 0, -1):
            told.put(("deleted", releases.cleanup(keep_count)["deleted"]))


def test_what_is_listed_is_whole_however_activating_and_cleaning_up_meet(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    versions = [
        forests.publish(
            embedded_stores,
            forests.small_model(),
            forests.TRAINED_AT + timedelta(days=1000 + day),
            activate=False,
        )
        for day in range(MODELS)
    ]
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(3), context.Queue()
    processes = [
        context.Process(target=activate_all, args=(embedded_endpoint, versions[::-1], gate, told)),
        context.Process(target=activate_all, args=(embedded_endpoint, versions, gate, told)),
        context.Process(target=clean_up, args=(embedded_endpoint, gate, told)),
    ]

    for process in processes:
        process.start()
    answers = [told.get(timeout=120) for _ in range(2 * MODELS + MODELS - 1)]
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0] * 3
    deleted = {version for what, gone in answers if what == "deleted" for version in gone}
    activated = {version for what, version in answers if what == "activated"}
    assert deleted
    assert activated > {versions[-1]}
    active, listed = embedded_stores.models.active(), embedded_stores.models.newest_first()
    left = {record.model_version: record for record in listed}
    assert {active.model_version, active.previous_version, versions[-1]} <= left.keys()
    assert deleted.isdisjoint(left)
    for version in left.keys() & set(versions):
        for name in left[version].checksums:
            embedded_stores.artifacts.read(version, name)
    # Whatever cleaning up left behind because it was in use then goes with the next one.
    releases_on(embedded_endpoint).cleanup(1)
    kept = {active.model_version, active.previous_version, versions[-1]}
    assert set(versions) & set(embedded_stores.artifacts.versions()) == kept & set(versions)
