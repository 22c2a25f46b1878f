"""Registered models, the active pointer, and the ledger of its changes, in DynamoDB."""

from collections.abc import Iterator
from typing import NamedTuple

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ..entities import ActiveModel, iso
from ..entities.models import Activation, Job, Lease, LedgerRow, ModelRecord
from ..errors import ConflictError, NotFoundError, PointerMovedError
from ..settings import Settings
from .aws import unavailable_on_failure
from .dynamodb import bound
from .job_item import JobItem, LeaseItem, write_end
from .job_store import DynamoJobStore
from .registry_item import (
    ACTIVE,
    KIND,
    LEDGER,
    LEDGER_END,
    VERSION,
    ActiveEntry,
    LedgerEntry,
    VersionEntry,
    active_entry,
    change_from,
    deployed,
    ledger_entry,
    version_entry,
)
from .transactions import committed, until_settled, written


class PlannedChange(NamedTuple):
    """A change of the pointer that is to be written if the pointer is still `before`."""

    activation: Activation
    before: ActiveModel | None
    change: LedgerRow
    record: ModelRecord


class DynamoModelRegistry:
    """A ModelRegistry in the table of models; a training's end is written with it."""

    def __init__(self, settings: Settings) -> None:
        self._versions = bound(VersionEntry, settings.models_table, settings)
        self._pointers = bound(ActiveEntry, settings.models_table, settings)
        self._ledger = bound(LedgerEntry, settings.models_table, settings)
        self._jobs = bound(JobItem, settings.jobs_table, settings)
        self._leases = bound(LeaseItem, settings.jobs_table, settings)
        self._job_store = DynamoJobStore(settings)

    def active(self) -> ActiveModel | None:
        """Return the active pointer, None before any model was activated."""
        entry = self._active_entry()
        return entry.pointer() if entry else None

    def get(self, model_version: str) -> ModelRecord:
        """Return one model; raise NotFoundError."""
        with unavailable_on_failure("dynamodb"):
            try:
                entry = self._versions.get(KIND, VERSION + model_version, consistent_read=True)
            except self._versions.DoesNotExist:
                raise NotFoundError(f"there is no model {model_version}") from None
            return entry.record()

    def newest_first(self) -> list[ModelRecord]:
        """Return all registered models."""
        with unavailable_on_failure("dynamodb"):
            entries = self._versions.query(
                KIND, self._versions.entry.startswith(VERSION), consistent_read=True
            )
            records = [entry.record() for entry in entries]
        return sorted(records, key=lambda each: (each.created_at, each.model_version), reverse=True)

    def register(self, record: ModelRecord) -> None:
        """Add a model; registering the same version again changes nothing."""
        entry = version_entry(self._versions, record)
        written(lambda: entry.save(self._versions.entry.does_not_exist()))

    def publish(
        self,
        record: ModelRecord,
        activation: Activation | None,
        compared_with: ActiveModel | None,
        lease: Lease,
        finished: Job,
    ) -> None:
        """Register a model, activate it if wished, and finish its job: all in one transaction.

        Raises LeaseLostError or PointerMovedError; then nothing has changed. Publishing the same
        once more changes nothing.
        """
        change = None
        if activation:
            change = change_from(compared_with, record.model_version, activation)

        def fill(write: TransactWrite) -> None:
            entry = version_entry(self._versions, deployed(record, change))
            write.save(entry, self._versions.entry.does_not_exist())
            write_end(write, self._jobs, self._leases, lease, finished)
            if activation and change:
                planned = PlannedChange(activation, compared_with, change, record)
                self.write_pointer(write, planned)

        def attempt() -> bool | None:
            if committed(self._versions, fill) or self._job_store.has_finished(lease, finished):
                return True
            if change and _differ(self.active(), compared_with):
                raise PointerMovedError("another model was activated meanwhile")
            if self._is_registered(record.model_version):
                raise ConflictError(f"{record.model_version} is registered already")
            return None

        until_settled(attempt)

    def activate(self, activation: Activation) -> LedgerRow:
        """Move the pointer and write the ledger row in one transaction; return the change.

        Whoever moves the pointer at the same time goes before or after, never at once: the
        transaction holds only if the pointer is still the one read. Activating the active version
        changes nothing, and returns how it became active, as a change from itself to itself.
        Raises NotFoundError for an unknown version, ConflictError if there is none to roll back to.
        """
        return until_settled(lambda: self._activate(activation))

    def history(self, limit: int) -> list[LedgerRow]:
        """Return the changes of the active model, newest first."""
        with unavailable_on_failure("dynamodb"):
            entries = self._ledger.query(
                KIND,
                self._ledger.entry.startswith(LEDGER),
                consistent_read=True,
                scan_index_forward=False,
                limit=limit,
            )
            return [entry.row() for entry in entries]

    def remove(self, model_version: str) -> bool:
        """Take a model off the registry, unless it is or was active or a running test uses it.

        Tells whether it went. Whoever activates it at the same time, or begins a test with it, goes
        before, and it stays; or after, and finds none.
        """
        return until_settled(lambda: self._remove(model_version))

    def plan(self, activation: Activation) -> PlannedChange | None:
        """Return the change that an activation makes of the pointer as it is now.

        None if the model is the active one already. Raises NotFoundError for an unknown version,
        ConflictError if there is none to roll back to.
        """
        return self._plan(activation, self.active())

    def change_by(self, activation: Activation) -> LedgerRow | None:
        """Return the change that the operation has made already, None if it has made none."""
        if activation.operation_id is None:
            return None
        with unavailable_on_failure("dynamodb"):
            # A change is never older than the wish for it.
            since = self._ledger.entry.between(LEDGER + iso(activation.at), LEDGER_END)
            entries: Iterator[LedgerEntry] = self._ledger.query(KIND, since, consistent_read=True)
            own = (each for each in entries if each.operation_id == activation.operation_id)
            entry = next(own, None)
        return entry.row() if entry else None

    def write_pointer(self, write: TransactWrite, planned: PlannedChange) -> None:
        """Add to a transaction the pointer and the ledger's row of a change."""
        pointer = active_entry(self._pointers, planned.change, planned.record)
        write.save(pointer, self._still(planned.before))
        row = ledger_entry(self._ledger, planned.change, planned.activation.operation_id)
        write.save(row, self._ledger.entry.does_not_exist())

    def begin_use(self, write: TransactWrite, model_version: str, test_name: str) -> None:
        """Add to a transaction that a test uses a model, which must be registered."""
        self._update_version(write, model_version, [self._versions.running_tests.add({test_name})])

    def end_use(
        self,
        write: TransactWrite,
        model_version: str,
        test_name: str,
        planned: PlannedChange | None,
    ) -> None:
        """Add to a transaction that a test uses a model no longer, and perhaps its deployment."""
        actions: list[Action] = [self._versions.running_tests.delete({test_name})]
        if planned and planned.change.to_version == model_version:
            actions += self._deployment(planned)
        self._update_version(write, model_version, actions)

    def _activate(self, activation: Activation) -> LedgerRow | None:
        # The pointer first: if the same operation moves it after this, the transaction fails.
        entry = self._active_entry()
        if done := self.change_by(activation):
            return done
        planned = self._plan(activation, entry.pointer() if entry else None)
        if planned is None:
            assert entry is not None  # noqa: S101 (the model is the active one)
            version = entry.model_version
            return LedgerRow(entry.activated_at, entry.activated_by, version, version)

        def fill(write: TransactWrite) -> None:
            self.write_pointer(write, planned)
            version = planned.change.to_version
            self._update_version(write, version, self._deployment(planned))

        return planned.change if committed(self._pointers, fill) else None

    def _plan(self, activation: Activation, before: ActiveModel | None) -> PlannedChange | None:
        to_version = activation.model_version or (before.previous_version if before else None)
        if to_version is None:
            raise ConflictError("no other model was active before this one")
        if before and before.model_version == to_version:
            return None
        change = change_from(before, to_version, activation)
        return PlannedChange(activation, before, change, self.get(to_version))

    def _deployment(self, planned: PlannedChange) -> list[Action]:
        at = planned.change.at
        return [self._versions.deployed_at.set(at), self._versions.updated_at.set(at)]

    def _update_version(
        self, write: TransactWrite, model_version: str, actions: list[Action]
    ) -> None:
        version = self._versions(kind=KIND, entry=VERSION + model_version)
        write.update(version, actions, self._versions.entry.exists())

    def _remove(self, model_version: str) -> bool | None:
        pointers = self._pointers
        is_other = pointers.model_version != model_version
        was_other = pointers.previous_version.does_not_exist() | (
            pointers.previous_version != model_version
        )

        def fill(write: TransactWrite) -> None:
            entry = self._versions(kind=KIND, entry=VERSION + model_version)
            is_unused = self._versions.running_tests.does_not_exist()
            write.delete(entry, self._versions.entry.exists() & is_unused)
            unused = pointers.entry.does_not_exist() | (is_other & was_other)
            write.condition_check(pointers, KIND, ACTIVE, unused)

        if committed(self._versions, fill):
            return True
        active = self.active()
        if active and model_version in (active.model_version, active.previous_version):
            return False
        return None if self._may_be_removed(model_version) else False

    def _active_entry(self) -> ActiveEntry | None:
        with unavailable_on_failure("dynamodb"):
            try:
                return self._pointers.get(KIND, ACTIVE, consistent_read=True)
            except self._pointers.DoesNotExist:
                return None

    def _may_be_removed(self, model_version: str) -> bool:
        with unavailable_on_failure("dynamodb"):
            try:
                entry = self._versions.get(KIND, VERSION + model_version, consistent_read=True)
            except self._versions.DoesNotExist:
                return False
        return not entry.running_tests

    def _is_registered(self, model_version: str) -> bool:
        try:
            self.get(model_version)
        except NotFoundError:
            return False
        return True

    def _still(self, before: ActiveModel | None) -> Condition:
        if before is None:
            return self._pointers.entry.does_not_exist()
        same: Condition = self._pointers.model_version == before.model_version
        same &= self._pointers.activated_at == before.activated_at
        return same


def _differ(active: ActiveModel | None, compared_with: ActiveModel | None) -> bool:
    if active is None or compared_with is None:
        return active is not compared_with
    return (active.model_version, active.activated_at) != (
        compared_with.model_version,
        compared_with.activated_at,
    )
