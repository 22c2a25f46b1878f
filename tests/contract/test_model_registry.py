"""Every registry keeps the same promises: one pointer, one chain of changes, nothing half done."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from moto import mock_aws

from infra.provision import provision
from infra.template import Template
from lead_scoring.entities import ActiveModel
from lead_scoring.entities.models import Activation, Job, Lease, LedgerRow, ModelRecord
from lead_scoring.errors import (
    ConflictError,
    LeaseLostError,
    NotFoundError,
    PointerMovedError,
    StoreUnavailableError,
)

from .conftest import Stores, fake_stores, local_credentials, real_stores
from .examples import NOON, fresh, model

HOUR = timedelta(hours=1)


def activation(model_version: str | None, **changes: object) -> Activation:
    return Activation(NOON, "tests", model_version)._replace(**changes)  # type: ignore[arg-type]


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

    stores.models.register(record._replace(training_samples=1))

    assert stores.models.get(record.model_version) == record


def two_models(stores: Stores) -> tuple[ModelRecord, ModelRecord]:
    first, second = model(fresh("v")), model(fresh("v"), checksums={"model.ubj": "f" * 64})
    stores.models.register(first)
    stores.models.register(second)
    return first, second


def test_activating_moves_the_pointer_and_remembers_what_was_before(stores: Stores) -> None:
    first, second = two_models(stores)
    before = stores.models.activate(activation(first.model_version))
    later = before.at + HOUR

    change = stores.models.activate(
        activation(second.model_version, at=later, reason="bétter", request_id="r-1")
    )

    assert change == LedgerRow(
        later, "tests", first.model_version, second.model_version, "bétter", "r-1"
    )
    assert stores.models.active() == ActiveModel(
        second.model_version, second.checksums, later, first.model_version
    )
    assert stores.models.history(1) == [change]


def test_activating_notes_when_the_model_was_deployed(stores: Stores) -> None:
    record = model(fresh("v"))
    stores.models.register(record)

    change = stores.models.activate(activation(record.model_version))

    assert stores.models.get(record.model_version) == record._replace(deployed_at=change.at)


def test_activating_the_active_model_changes_nothing_and_says_since_when(stores: Stores) -> None:
    record = model(fresh("v"))
    stores.models.register(record)
    change = stores.models.activate(activation(record.model_version, by="ann"))
    pointer, history = stores.models.active(), stores.models.history(1000)

    again = stores.models.activate(
        activation(record.model_version, at=change.at + HOUR, by="bob", operation_id=fresh("op"))
    )

    assert again == LedgerRow(change.at, "ann", record.model_version, record.model_version)
    assert stores.models.active() == pointer
    assert stores.models.history(1000) == history
    assert stores.models.get(record.model_version).deployed_at == change.at


def test_activating_an_unknown_model_leaves_the_pointer_alone(stores: Stores) -> None:
    before, history = stores.models.active(), stores.models.history(1000)

    with pytest.raises(NotFoundError):
        stores.models.activate(activation(fresh("v")))

    assert stores.models.active() == before
    assert stores.models.history(1000) == history


def test_rolling_back_twice_leads_back(stores: Stores) -> None:
    first, second = two_models(stores)
    stores.models.activate(activation(first.model_version))
    at = stores.models.activate(activation(second.model_version)).at

    back = stores.models.activate(activation(None, at=at + HOUR))
    forth = stores.models.activate(activation(None, at=at + 2 * HOUR))

    assert (back.from_version, back.to_version) == (second.model_version, first.model_version)
    assert (forth.from_version, forth.to_version) == (first.model_version, second.model_version)
    assert stores.models.active().model_version == second.model_version


def test_the_same_operation_changes_the_pointer_once(stores: Stores) -> None:
    first, second = two_models(stores)
    stores.models.activate(activation(first.model_version))
    moved = stores.models.activate(activation(second.model_version))
    rollback = activation(None, at=moved.at + HOUR, operation_id=fresh("op"))

    change = stores.models.activate(rollback)
    again = stores.models.activate(rollback)
    stores.models.activate(activation(second.model_version, at=moved.at + 2 * HOUR))
    much_later = stores.models.activate(rollback)

    assert change.to_version == first.model_version
    assert again == much_later == change
    assert stores.models.active().model_version == second.model_version


def test_a_change_is_later_than_the_one_before_whatever_the_clocks_say(stores: Stores) -> None:
    first, second = two_models(stores)
    change = stores.models.activate(activation(first.model_version))

    same_time = stores.models.activate(activation(second.model_version, at=change.at))
    earlier = stores.models.activate(
        activation(first.model_version, at=NOON - HOUR, operation_id="o")
    )

    assert change.at < same_time.at < earlier.at
    assert stores.models.history(3) == [earlier, same_time, change]
    assert stores.models.active().activated_at == earlier.at


def test_the_history_is_as_long_as_is_asked_for(stores: Stores) -> None:
    first, second = two_models(stores)
    changes = [
        stores.models.activate(activation(version.model_version))
        for version in (first, second, first)
    ]

    assert stores.models.history(2) == changes[:0:-1]


def test_a_model_that_is_not_in_use_can_be_removed(stores: Stores) -> None:
    unused = model(fresh("v"))
    stores.models.register(unused)

    assert stores.models.remove(unused.model_version) is True

    assert stores.models.remove(unused.model_version) is False
    with pytest.raises(NotFoundError):
        stores.models.get(unused.model_version)
    with pytest.raises(NotFoundError):
        stores.models.activate(activation(unused.model_version))


def test_the_active_model_and_the_one_before_it_stay(stores: Stores) -> None:
    before, active = two_models(stores)
    stores.models.activate(activation(before.model_version))
    stores.models.activate(activation(active.model_version))

    assert stores.models.remove(before.model_version) is False
    assert stores.models.remove(active.model_version) is False

    assert stores.models.get(before.model_version).model_version == before.model_version
    assert stores.models.get(active.model_version).model_version == active.model_version


class Training:
    """A running job, its lease, and the candidate that it has made."""

    def __init__(self, stores: Stores) -> None:
        newest = stores.jobs.newest()
        if newest:
            stores.jobs.bury(newest, NOON + timedelta(days=9999), "tests")
        job = Job(fresh("job"), "queued", "tests", NOON, 0)
        opened = stores.jobs.open(job, NOON + HOUR)
        self.stores, self.lease = stores, stores.jobs.start(opened, NOON, NOON + HOUR)
        self.record = model(fresh("v"))
        self.before = stores.models.active()
        self.job = opened._replace(status="running")
        self.finished = self.job._replace(
            status="succeeded",
            model_version=self.record.model_version,
            finished_at=NOON + HOUR / 2,
        )

    def publish(self, activates: bool = True, **changes: Any) -> None:
        wish = activation(self.record.model_version, by="training") if activates else None
        lease, finished = changes.get("lease", self.lease), changes.get("finished", self.finished)
        self.stores.models.publish(self.record, wish, self.before, lease, finished)

    def assert_nothing_changed(self) -> None:
        with pytest.raises(NotFoundError):
            self.stores.models.get(self.record.model_version)
        assert self.record.model_version not in {
            row.to_version for row in self.stores.models.history(1000)
        }
        assert self.stores.models.active() == self.before


def test_publishing_registers_activates_and_ends_the_job_at_once(stores: Stores) -> None:
    training = Training(stores)

    training.publish()

    active = stores.models.active()
    assert active.model_version == training.record.model_version
    assert active.previous_version == (training.before.model_version if training.before else None)
    assert stores.models.get(active.model_version) == training.record._replace(
        deployed_at=active.activated_at
    )
    assert stores.models.history(1)[0].to_version == active.model_version
    assert stores.jobs.get(training.lease.job_id) == training.finished
    with pytest.raises(LeaseLostError):
        stores.jobs.renew(training.lease, NOON, NOON + HOUR)


def test_publishing_without_activation_only_lists_the_model(stores: Stores) -> None:
    training = Training(stores)

    training.publish(activates=False)

    assert stores.models.active() == training.before
    assert stores.models.get(training.record.model_version) == training.record
    assert stores.jobs.get(training.lease.job_id) == training.finished


def test_publishing_again_changes_nothing(stores: Stores) -> None:
    training = Training(stores)
    training.publish()
    active, history = stores.models.active(), stores.models.history(1000)

    training.publish()

    assert stores.models.active() == active
    assert stores.models.history(1000) == history


@pytest.mark.parametrize("activates", [True, False])
@pytest.mark.parametrize("loss", ["expired", "another number", "another job", "taken over"])
def test_who_lost_the_lease_publishes_nothing(stores: Stores, loss: str, activates: bool) -> None:
    training, changes = Training(stores), dict[str, Any]()
    if loss == "expired":
        changes["finished"] = training.finished._replace(finished_at=NOON + HOUR)
    elif loss == "another number":
        changes["lease"] = training.lease._replace(fence=training.lease.fence - 1)
    elif loss == "another job":
        changes["lease"] = Lease(fresh("job"), training.lease.fence, NOON + HOUR)
    else:
        stores.jobs.open(
            Job(fresh("job"), "queued", "tests", NOON + HOUR, 0), NOON + timedelta(days=1)
        )
    job = stores.jobs.get(training.lease.job_id)

    with pytest.raises(LeaseLostError):
        training.publish(activates, **changes)

    training.assert_nothing_changed()
    assert stores.jobs.get(training.lease.job_id) == job


def test_a_candidate_that_was_compared_with_another_model_is_not_published(stores: Stores) -> None:
    training, other = Training(stores), model(fresh("v"))
    stores.models.register(other)
    stores.models.activate(activation(other.model_version))
    moved = stores.models.active()

    with pytest.raises(PointerMovedError):
        training.publish()

    with pytest.raises(NotFoundError):
        stores.models.get(training.record.model_version)
    assert stores.models.active() == moved
    # The job goes on, and may compare once more.
    assert stores.jobs.get(training.lease.job_id) == training.job
    training.before = moved
    training.publish()
    assert stores.models.active().model_version == training.record.model_version


def test_a_candidate_for_an_empty_pointer_does_not_take_an_active_models_place(
    stores: Stores,
) -> None:
    training, other = Training(stores), model(fresh("v"))
    stores.models.register(other)
    stores.models.activate(activation(other.model_version))
    training.before = None

    with pytest.raises(PointerMovedError):
        training.publish()

    assert stores.models.active().model_version == other.model_version


def test_models_activated_at_once_form_one_chain(embedded_stores: Stores) -> None:
    versions = [fresh("race") for _ in range(4)]
    for version in versions:
        embedded_stores.models.register(model(version))

    with ThreadPoolExecutor(4) as pool:
        changes = list(
            pool.map(lambda each: embedded_stores.models.activate(activation(each)), versions)
        )

    # Every change started from another's end: no two left from the same model.
    left_from = [change.from_version for change in changes]
    active = embedded_stores.models.active()
    assert len(set(left_from)) == 4
    assert set(versions) - set(left_from) == {active.model_version}


def change_often(endpoint_url: str, number: int, versions: list[str], gate: Any) -> None:
    with local_credentials(), pytest.MonkeyPatch.context() as patch:
        # On a busy machine the others may go first for longer than a caller would wait.
        patch.setattr("lead_scoring.adapters.transactions._PATIENCE_SECONDS", 100)
        models = real_stores(endpoint_url).models
        models.active()
        gate.wait()
        for turn in range(10):
            version = None if turn % 2 else versions[(number + turn) % len(versions)]
            # Every third time somebody's clock is far behind.
            days = 0 if (number + turn) % 3 == 0 else 2000
            at = NOON + timedelta(days=days, seconds=10 * turn + number)
            models.activate(activation(version, at=at, operation_id=f"operation-{number}-{turn}"))


def test_fifty_changes_by_five_processes_at_once_form_one_chain(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    models, versions = embedded_stores.models, [fresh("race") for _ in range(3)]
    for version in versions:
        models.register(model(version))
    models.activate(activation(versions[0]))
    models.activate(activation(versions[1]))
    known = len(models.history(1000))
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(5)
    processes = [
        context.Process(target=change_often, args=(embedded_endpoint, number, versions, gate))
        for number in range(5)
    ]

    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0] * 5
    rows = models.history(1000)
    # Activations of what was active already write no row, rollbacks always do.
    assert known + 25 <= len(rows) <= known + 50
    for later, earlier in pairwise(rows):
        assert (later.from_version, later.at > earlier.at) == (earlier.to_version, True)
        assert later.from_version != later.to_version
    active = models.active()
    assert (active.model_version, active.previous_version, active.activated_at) == (
        rows[0].to_version,
        rows[0].from_version,
        rows[0].at,
    )


def test_what_is_activated_while_it_is_removed_is_either_active_or_gone(
    embedded_stores: Stores,
) -> None:
    models = embedded_stores.models

    def activates(version: str) -> bool:
        try:
            models.activate(activation(version))
        except NotFoundError:
            return False
        return True

    outcomes = set()
    for _ in range(20):
        version = fresh("race")
        models.register(model(version))
        with ThreadPoolExecutor(2) as pool:
            activated = pool.submit(activates, version)
            removed = pool.submit(models.remove, version)
        outcomes.add(activated.result())

        assert activated.result() is not removed.result()
        assert (models.active().model_version == version) is activated.result()
        assert (version in {each.model_version for each in models.newest_first()}) is (
            activated.result()
        )
    assert outcomes


def test_a_registry_in_which_others_always_get_in_between_is_unavailable(
    embedded_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = embedded_stores.models
    first, second = two_models(embedded_stores)
    models.activate(activation(first.model_version))
    real, others = models.get, real_stores_of(embedded_stores)

    def get_in_between(version: str) -> ModelRecord:
        others.activate(activation(None))
        found: ModelRecord = real(version)
        return found

    models.activate(activation(second.model_version))
    third = model(fresh("v"))
    models.register(third)
    monkeypatch.setattr(models, "get", get_in_between)
    monkeypatch.setattr("lead_scoring.adapters.transactions._PATIENCE_SECONDS", 0.2)

    with pytest.raises(StoreUnavailableError):
        models.activate(activation(third.model_version))


def test_what_is_removed_after_a_look_at_it_is_not_activated(
    embedded_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, record = embedded_stores.models, model(fresh("v"))
    models.register(record)
    real, others, before = models.get, real_stores_of(embedded_stores), models.active()

    def get_before_it_goes(version: str) -> ModelRecord:
        found: ModelRecord = real(version)
        others.remove(version)
        return found

    monkeypatch.setattr(models, "get", get_before_it_goes)

    with pytest.raises(NotFoundError):
        models.activate(activation(record.model_version))

    assert models.active() == before


def test_a_pointer_that_moves_after_a_look_at_it_is_looked_at_again(
    embedded_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, others = embedded_stores.models, real_stores_of(embedded_stores)
    first, second = two_models(embedded_stores)
    at = models.activate(activation(first.model_version)).at
    real, moves = models.get, []

    def get_after_another_moved(version: str) -> ModelRecord:
        if not moves:
            moves.append(others.activate(activation(second.model_version, at=at + HOUR)))
        found: ModelRecord = real(version)
        return found

    third = model(fresh("v"))
    models.register(third)
    monkeypatch.setattr(models, "get", get_after_another_moved)

    change = models.activate(activation(third.model_version, at=at + 2 * HOUR))

    assert (change.from_version, change.to_version) == (
        second.model_version,
        third.model_version,
    )
    assert models.history(2) == [change, moves[0]]


def real_stores_of(stores: Stores) -> Any:
    """The same registry through another connection."""
    return real_stores(stores.models._pointers.Meta.host).models


@pytest.fixture(params=["fake", "moto"])
def empty_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Stores in which nothing was ever active."""
    if request.param == "fake":
        yield fake_stores()
        return
    with local_credentials(), mock_aws():
        provision(Template.load(), None)
        yield real_stores(None)


def test_there_is_nothing_to_roll_back_to_at_first(empty_stores: Stores) -> None:
    models, record = empty_stores.models, model(fresh("v"))
    models.register(record)

    with pytest.raises(ConflictError):
        models.activate(activation(None))
    models.activate(activation(record.model_version))
    with pytest.raises(ConflictError):
        models.activate(activation(None))

    assert models.active() == ActiveModel(record.model_version, record.checksums, NOON)
    assert len(models.history(10)) == 1


def test_a_model_can_be_removed_before_any_was_active(empty_stores: Stores) -> None:
    record = model(fresh("v"))
    empty_stores.models.register(record)

    assert empty_stores.models.remove(record.model_version) is True

    assert empty_stores.models.newest_first() == []


def test_the_first_model_is_published_where_none_is_active(empty_stores: Stores) -> None:
    training = Training(empty_stores)

    training.publish()

    assert empty_stores.models.active().model_version == training.record.model_version
    assert [row.from_version for row in empty_stores.models.history(10)] == [None]
