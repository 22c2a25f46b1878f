"""Put models into service, take them back, and let go of old ones."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from .entities.models import Activation, LedgerRow, ModelRecord, Operation
from .errors import ArtifactError, ConflictError
from .ports import ArtifactStore, Clock, ModelRegistry

# As `artifact_version` names models: the second in which one was made comes first.
_NAME = re.compile(r"v[0-9]{8}_[0-9]{6}_[0-9a-f]{8}")
_TIME_IN_NAME = slice(0, 16)


class ModelReleases:
    """Changes which model is active, after a look at its files."""

    def __init__(self, clock: Clock, models: ModelRegistry, artifacts: ArtifactStore) -> None:
        """Wire it; nothing is read yet."""
        self._clock, self._models, self._artifacts = clock, models, artifacts

    def activate(
        self,
        version: str,
        reason: str | None = None,
        by: str = "library",
        request_id: str | None = None,
        operation: Operation | None = None,
    ) -> LedgerRow:
        """Make a model the active one; return the change, also where the operation made it before.

        Raises NotFoundError; ConflictError if its files are missing, altered, or of no use to this
        code.
        """
        self.check(version)
        return self._models.activate(self._wish(version, reason, by, request_id, operation))

    def rollback(
        self,
        reason: str | None = None,
        by: str = "library",
        request_id: str | None = None,
        operation: Operation | None = None,
    ) -> LedgerRow:
        """Make the model active that was so before; return the change. Twice leads back.

        Raises ConflictError if there is none, or its files are missing, altered, or of no use.
        """
        active = self._models.active()
        if active is None or active.previous_version is None:
            raise ConflictError("no other model was active before this one")
        # Should the pointer move now, then to what was active at this moment or later.
        self.check(active.previous_version)
        return self._models.activate(self._wish(None, reason, by, request_id, operation))

    def check(self, version: str) -> None:
        """Return if a model's files are of use.

        Raises NotFoundError; ConflictError if they are missing, altered, or do not fit this code.
        """
        record = self._models.get(version)
        try:
            _load(record, lambda name: self._artifacts.read(version, name))
        except ArtifactError as error:
            raise ConflictError(f"{version} cannot be used: {error}") from error

    def history(self, limit: int) -> list[LedgerRow]:
        """Return the changes of the active model, newest first."""
        return self._models.history(limit)

    def cleanup(self, keep_count: int) -> dict[str, list[str]]:
        """Delete all models but the newest; return the versions `deleted` and `kept`, newest first.

        Never deletes the active model, nor the one before it. Cleaning up again deletes the files
        that an earlier attempt, or a training that died, left behind.
        """
        # First, so that what is registered meanwhile is not taken for left behind.
        with_files = self._artifacts.versions()
        records = self._models.newest_first()
        left_behind = _unregistered(with_files, [each.model_version for each in records])
        deleted = [
            each.model_version
            for each in records[keep_count:]
            if self._models.remove(each.model_version)
        ]
        # The entry goes before the files: what is listed is whole.
        for version in [*deleted, *left_behind]:
            self._artifacts.delete(version)
        kept = [each.model_version for each in self._models.newest_first()]
        return {"deleted": deleted, "kept": kept}

    def _wish(
        self,
        version: str | None,
        reason: str | None,
        by: str,
        request_id: str | None,
        operation: Operation | None,
    ) -> Activation:
        return Activation(
            at=operation.at if operation else self._clock.now(),
            by=by,
            model_version=version,
            reason=reason,
            request_id=request_id,
            operation_id=operation.operation_id if operation else None,
        )


def _load(record: ModelRecord, read: Callable[[str], bytes]) -> None:
    """Read all files of a model and build it; raise ArtifactError."""
    # Loads numpy, which nothing else that shows models needs.
    from .scoring_model import ScoringModel, checksums

    files = {name: read(name) for name in record.checksums}
    for name, checksum in checksums(files).items():
        if checksum != record.checksums[name]:
            raise ArtifactError(f"{name} fails its checksum")

    def file(name: str) -> Any:
        if name not in files:
            raise ArtifactError(f"{name} is not among its files")
        return files[name]

    ScoringModel.load(file)


def _unregistered(with_files: Iterable[str], registered: list[str]) -> list[str]:
    """Return whose files belong to no model and never will.

    Models are trained one at a time, so what is older than a registered one is not being published.

    >>> _unregistered(["v20240101_120000_0000aaaa", "v20240103_120000_0000bbbb", "notes"],
    ...               ["v20240102_120000_0000cccc"])
    ['v20240101_120000_0000aaaa']
    """
    newest = max((version[_TIME_IN_NAME] for version in registered), default="")
    return [
        version
        for version in with_files
        if _NAME.fullmatch(version)
        and version not in registered
        and version[_TIME_IN_NAME] < newest
    ]
