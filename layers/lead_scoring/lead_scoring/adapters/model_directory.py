"""A local folder with the files of the models that were active."""

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ..entities import ActiveModel, iso

_POINTER = "active.json"


class LocalModelDirectory:
    """Keeps models under a folder, which other processes may share; it never deletes anything.

    A folder that cannot be read or written costs the copy, never an answer. Whoever reads checks
    the checksums, so that a torn file does no harm.
    """

    def __init__(self, folder: str) -> None:
        """Name the folder; it is made when something is kept."""
        self._folder = Path(folder)

    def read(self, model_version: str, name: str) -> bytes | None:
        """Return one file, None if it is not there."""
        try:
            return (self._folder / model_version / name).read_bytes()
        except OSError:
            return None

    def keep(self, model_version: str, files: Mapping[str, bytes]) -> None:
        """Keep the files of a model."""
        try:
            folder = self._folder / model_version
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                _replace(folder / name, content)
        except OSError:
            return

    def keep_active(self, active: ActiveModel) -> None:
        """Keep which model is the active one."""
        pointer = {
            "model_version": active.model_version,
            "checksums": dict(active.checksums),
            "activated_at": iso(active.activated_at),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _replace(self._folder / _POINTER, json.dumps(pointer).encode())
        except OSError:
            return

    def last_active(self) -> ActiveModel | None:
        """Return what was kept last as the active model, None if nothing is there."""
        try:
            pointer = json.loads((self._folder / _POINTER).read_bytes())
            return ActiveModel(
                str(pointer["model_version"]),
                dict(pointer["checksums"]),
                datetime.fromisoformat(pointer["activated_at"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
