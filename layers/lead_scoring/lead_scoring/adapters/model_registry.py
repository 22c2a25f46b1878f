"""Registered models, the active pointer, and the ledger of its changes, in DynamoDB."""

import random
import time
import uuid

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..entities import Activation, ActiveModel, ModelRecord, iso
from ..errors import ConflictError, NotFoundError
from ..settings import Settings
from .aws import error_code, unavailable_on_failure
from .columns import FloatColumn, FloatMapColumn, MomentColumn, TextMapColumn, WholeColumn
from .dynamodb import bound

# All entries of the registry are one partition: few, small, and read together.
_KIND = "MODEL"
_ACTIVE = "ACTIVE"
_VERSION = "VERSION#"
_LEDGER = "LEDGER#"
# How often to try again when someone else moves the pointer at the same time.
_TRIES = 6


class Entry(Model):
    """Anything in the registry."""

    kind = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)


class VersionEntry(Entry):
    """A registered model; whether it is active, the pointer alone says."""

    model_version = UnicodeAttribute()
    model_type = UnicodeAttribute()
    metrics = FloatMapColumn()
    training_samples = WholeColumn()
    validation_samples = WholeColumn()
    feature_count = WholeColumn()
    training_duration = FloatColumn()
    size_bytes = WholeColumn()
    checksums = TextMapColumn()
    created_at = MomentColumn()
    updated_at = MomentColumn()
    deployed_at = MomentColumn(null=True)

    def record(self) -> ModelRecord:
        """Return the model that the entry describes."""
        return ModelRecord(
            model_version=self.model_version,
            model_type=self.model_type,
            metrics=self.metrics,
            training_samples=self.training_samples,
            validation_samples=self.validation_samples,
            feature_count=self.feature_count,
            training_duration=self.training_duration,
            size_bytes=self.size_bytes,
            checksums=self.checksums,
            created_at=self.created_at,
            deployed_at=self.deployed_at,
        )


class ActiveEntry(Entry):
    """The pointer to the model that answers."""

    model_version = UnicodeAttribute()
    previous_version = UnicodeAttribute(null=True)
    activated_at = MomentColumn()
    activated_by = UnicodeAttribute()
    checksums = TextMapColumn()

    def pointer(self) -> ActiveModel:
        """Return what the entry points to."""
        return ActiveModel(
            model_version=self.model_version,
            checksums=self.checksums,
            activated_at=self.activated_at,
            previous_version=self.previous_version,
        )


class LedgerEntry(Entry):
    """One change of the pointer: when, by whom, from, to, why."""

    at = MomentColumn()
    by = UnicodeAttribute()
    from_version = UnicodeAttribute(null=True)
    to_version = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute(null=True)


class DynamoModelRegistry:
    """A ModelRegistry in the table of models."""

    def __init__(self, settings: Settings) -> None:
        self._versions = bound(VersionEntry, settings.models_table, settings)
        self._pointers = bound(ActiveEntry, settings.models_table, settings)
        self._ledger = bound(LedgerEntry, settings.models_table, settings)

    def active(self) -> ActiveModel | None:
        """Return the active pointer, None before any model was activated."""
        with unavailable_on_failure("dynamodb"):
            try:
                return self._pointers.get(_KIND, _ACTIVE, consistent_read=True).pointer()
            except self._pointers.DoesNotExist:
                return None

    def get(self, model_version: str) -> ModelRecord:
        """Return one model; raise NotFoundError."""
        with unavailable_on_failure("dynamodb"):
            try:
                entry = self._versions.get(_KIND, _VERSION + model_version, consistent_read=True)
            except self._versions.DoesNotExist:
                raise NotFoundError(f"there is no model {model_version}") from None
            return entry.record()

    def newest_first(self) -> list[ModelRecord]:
        """Return all registered models."""
        with unavailable_on_failure("dynamodb"):
            entries = self._versions.query(
                _KIND, self._versions.entry.startswith(_VERSION), consistent_read=True
            )
            records = [entry.record() for entry in entries]
        return sorted(records, key=lambda each: (each.created_at, each.model_version), reverse=True)

    def register(self, record: ModelRecord) -> None:
        """Add a model; registering the same version again changes nothing."""
        entry = self._versions(
            kind=_KIND,
            entry=_VERSION + record.model_version,
            model_version=record.model_version,
            model_type=record.model_type,
            metrics=record.metrics,
            training_samples=record.training_samples,
            validation_samples=record.validation_samples,
            feature_count=record.feature_count,
            training_duration=record.training_duration,
            size_bytes=record.size_bytes,
            checksums=record.checksums,
            created_at=record.created_at,
            updated_at=record.created_at,
            deployed_at=record.deployed_at,
        )
        with unavailable_on_failure("dynamodb"):
            try:
                entry.save(self._versions.entry.does_not_exist())
            except PutError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise

    def activate(self, activation: Activation) -> ActiveModel:
        """Move the pointer and write the ledger row in one transaction; raise NotFoundError.

        Whoever moves the pointer at the same time goes before or after, never at once: the
        transaction holds only if the pointer is still the one read. Raises ConflictError if
        others keep getting in between.
        """
        for attempt in range(_TRIES):
            current = self.active()
            if current and current.model_version == activation.model_version:
                return current
            moved = self._moved_from(current, activation)
            if self._commit(current, moved, activation):
                return moved
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 (not a secret)
        raise ConflictError("others keep changing the active model; try again")

    def _moved_from(self, current: ActiveModel | None, activation: Activation) -> ActiveModel:
        return ActiveModel(
            model_version=activation.model_version,
            checksums=self.get(activation.model_version).checksums,
            activated_at=activation.at,
            previous_version=current.model_version if current else None,
        )

    def _commit(
        self, current: ActiveModel | None, moved: ActiveModel, activation: Activation
    ) -> bool:
        """Return whether the pointer moved; False if it was no longer the one read."""
        version = self._versions(kind=_KIND, entry=_VERSION + moved.model_version)
        deployed: list[Action] = [
            self._versions.deployed_at.set(activation.at),
            self._versions.updated_at.set(activation.at),
        ]
        with unavailable_on_failure("dynamodb"):
            try:
                with TransactWrite(connection=self._pointers._get_connection().connection) as write:
                    write.save(self._pointer(moved, activation.by), self._still(current))
                    write.save(self._ledger_row(current, activation))
                    write.update(version, deployed, self._versions.entry.exists())
            except TransactWriteError as error:
                if not _lost_a_race(error):
                    raise
                return False
            return True

    def _pointer(self, moved: ActiveModel, by: str) -> ActiveEntry:
        return self._pointers(
            kind=_KIND,
            entry=_ACTIVE,
            model_version=moved.model_version,
            previous_version=moved.previous_version,
            activated_at=moved.activated_at,
            activated_by=by,
            checksums=moved.checksums,
        )

    def _ledger_row(self, current: ActiveModel | None, activation: Activation) -> LedgerEntry:
        return self._ledger(
            kind=_KIND,
            # The same moment twice must not overwrite a row.
            entry=f"{_LEDGER}{iso(activation.at)}#{uuid.uuid4().hex[:8]}",
            at=activation.at,
            by=activation.by,
            from_version=current.model_version if current else None,
            to_version=activation.model_version,
            reason=activation.reason,
            request_id=activation.request_id,
        )

    def _still(self, current: ActiveModel | None) -> Condition:
        if current is None:
            return self._pointers.entry.does_not_exist()
        same: Condition = self._pointers.model_version == current.model_version
        same &= self._pointers.activated_at == current.activated_at
        return same


def _lost_a_race(error: TransactWriteError) -> bool:
    codes = {reason.code for reason in error.cancellation_reasons if reason}
    return bool(codes & {"ConditionalCheckFailed", "TransactionConflict"})
