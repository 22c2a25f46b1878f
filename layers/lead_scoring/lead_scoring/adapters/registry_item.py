"""The table of models: one item a version, the pointer, and the ledger of its changes."""

from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from ..entities import ActiveModel, iso
from ..entities.models import Activation, LedgerRow, ModelRecord
from .columns import FloatColumn, FloatMapColumn, MomentColumn, TextMapColumn, WholeColumn

# All entries of the registry are one partition: few, small, and read together.
KIND = "MODEL"
ACTIVE = "ACTIVE"
VERSION = "VERSION#"
LEDGER = "LEDGER#"
# Sorts behind every entry of the ledger.
LEDGER_END = "LEDGER$"
_TICK = timedelta(microseconds=1)


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
    threshold = FloatColumn()
    trained_until = MomentColumn()
    data_fingerprint = UnicodeAttribute()
    # The names of the A/B tests that run with it; absent without any.
    running_tests: UnicodeSetAttribute = UnicodeSetAttribute(null=True)

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
            threshold=self.threshold,
            trained_until=self.trained_until,
            data_fingerprint=self.data_fingerprint,
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
    """One change of the pointer: when, by whom, from, to, why, and by which operation."""

    at = MomentColumn()
    by = UnicodeAttribute()
    from_version = UnicodeAttribute(null=True)
    to_version = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute(null=True)
    operation_id = UnicodeAttribute(null=True)

    def row(self) -> LedgerRow:
        """Return the change that the entry describes."""
        return LedgerRow(
            at=self.at,
            by=self.by,
            from_version=self.from_version,
            to_version=self.to_version,
            reason=self.reason,
            request_id=self.request_id,
        )


def version_entry(table: type[VersionEntry], record: ModelRecord) -> VersionEntry:
    """Make the entry of a model."""
    return table(
        kind=KIND,
        entry=VERSION + record.model_version,
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
        updated_at=record.deployed_at or record.created_at,
        deployed_at=record.deployed_at,
        threshold=record.threshold,
        trained_until=record.trained_until,
        data_fingerprint=record.data_fingerprint,
    )


def active_entry(table: type[ActiveEntry], change: LedgerRow, record: ModelRecord) -> ActiveEntry:
    """Make the pointer as it is after a change to this model."""
    return table(
        kind=KIND,
        entry=ACTIVE,
        model_version=change.to_version,
        previous_version=change.from_version,
        activated_at=change.at,
        activated_by=change.by,
        checksums=record.checksums,
    )


def ledger_entry(
    table: type[LedgerEntry], change: LedgerRow, operation_id: str | None
) -> LedgerEntry:
    """Make the ledger's entry of a change."""
    return table(
        kind=KIND,
        # No two changes have the same moment: see `change_from`.
        entry=LEDGER + iso(change.at),
        at=change.at,
        by=change.by,
        from_version=change.from_version,
        to_version=change.to_version,
        reason=change.reason,
        request_id=change.request_id,
        operation_id=operation_id,
    )


def change_from(before: ActiveModel | None, to_version: str, activation: Activation) -> LedgerRow:
    """Return the change that an activation makes of the pointer as it is.

    Its moment is later than the last change's, even if the wish is older or a clock is behind: so
    the ledger in the order of time is the order in which things happened.

    >>> from datetime import datetime
    >>> noon = datetime(2024, 1, 1, 12)
    >>> before = ActiveModel("v1", {}, noon)
    >>> change_from(before, "v2", Activation(noon - timedelta(days=1), "ann", "v2")).at
    datetime.datetime(2024, 1, 1, 12, 0, 0, 1)
    """
    return LedgerRow(
        at=max(activation.at, before.activated_at + _TICK) if before else activation.at,
        by=activation.by,
        from_version=before.model_version if before else None,
        to_version=to_version,
        reason=activation.reason,
        request_id=activation.request_id,
    )


def deployed(record: ModelRecord, change: LedgerRow | None) -> ModelRecord:
    """Return a model as it is after a change that activated it."""
    return record._replace(deployed_at=change.at) if change else record
