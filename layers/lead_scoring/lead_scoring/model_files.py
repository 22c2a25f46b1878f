"""The files of models that score: checked against their checksums, wherever they come from."""

from collections.abc import Mapping
from typing import Protocol

from .entities import ActiveModel
from .errors import ArtifactError
from .ports import ArtifactStore
from .scoring_model import SCORING_FILES, checksums


class ModelDirectory(Protocol):
    """A local copy of models, which outlives the process but may vanish."""

    def read(self, model_version: str, name: str) -> bytes | None:
        """Return one file, None if it is not there."""

    def keep(self, model_version: str, files: Mapping[str, bytes]) -> None:
        """Keep the files of a model."""

    def keep_active(self, active: ActiveModel) -> None:
        """Keep which model is the active one."""

    def last_active(self) -> ActiveModel | None:
        """Return what was kept last as the active model, None if nothing is there."""


class ModelFiles:
    """Reads the files that scoring needs, from the local directory or else from the store."""

    def __init__(self, artifacts: ArtifactStore, directory: ModelDirectory) -> None:
        """Wire it; nothing is read yet."""
        self._artifacts, self._directory = artifacts, directory

    def fetch(self, model_version: str, expected: Mapping[str, str]) -> dict[str, bytes]:
        """Return the files by name, each with its expected SHA-256.

        Raises ArtifactError, and StoreUnavailableError where one is not in the directory.
        """
        files, fetched = dict[str, bytes](), dict[str, bytes]()
        for name in SCORING_FILES:
            local = self._local(model_version, name, expected)
            if local is None:
                local = fetched[name] = self._fetch(model_version, name, expected)
            files[name] = local
        if fetched:
            self._directory.keep(model_version, fetched)
        return files

    def local(self, model_version: str, expected: Mapping[str, str]) -> dict[str, bytes] | None:
        """Return the files if the directory has them all and they are genuine."""
        files = {name: self._local(model_version, name, expected) for name in SCORING_FILES}
        genuine = {name: content for name, content in files.items() if content is not None}
        return genuine if len(genuine) == len(files) else None

    def _fetch(self, model_version: str, name: str, expected: Mapping[str, str]) -> bytes:
        content = self._artifacts.read(model_version, name)
        if not _is_genuine(name, content, expected):
            raise ArtifactError(f"{name} of {model_version} fails its checksum")
        return content

    def _local(self, model_version: str, name: str, expected: Mapping[str, str]) -> bytes | None:
        content = self._directory.read(model_version, name)
        if content is None or not _is_genuine(name, content, expected):
            return None
        return content


def _is_genuine(name: str, content: bytes, expected: Mapping[str, str]) -> bool:
    return checksums({name: content})[name] == expected.get(name)
