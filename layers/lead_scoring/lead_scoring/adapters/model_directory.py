"""A local folder with the files of the active model."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ..entities import ActiveModel, iso

_POINTER = "active.json"


class LocalModelDirectory:
    """Keeps one model under a folder; other processes may share it.

    A folder that cannot be read or written costs the copy, never an answer. Whoever reads checks
    the checksums, so that a torn file does no harm.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def read(self, model_version: str, name: str) -> bytes | None:
        """Return one file, None if it is not there."""
        try:
            return (self._folder / model_version / name).read_bytes()
        except OSError:
            return None

    def keep(self, active: ActiveModel, files: Mapping[str, bytes]) -> None:
        """Keep the files of the active model, and only them."""
        try:
            folder = self._folder / active.model_version
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                _replace(folder / name, content)
            pointer = {
                "model_version": active.model_version,
                "checksums": dict(active.checksums),
                "activated_at": iso(active.activated_at),
            }
            _replace(self._folder / _POINTER, json.dumps(pointer).encode())
            self._forget_others(active.model_version)
        except OSError:
            return

    def _forget_others(self, kept_version: str) -> None:
        """Remove the files of other models, and nothing else: the folder may be anybody's."""
        for pointer in self._folder.glob(f"*/{_MARKER}"):
            if pointer.parent.name != kept_version:
                names = json.loads(pointer.read_bytes())
                for name in [*names, _MARKER]:
                    (pointer.parent / Path(name).name).unlink(missing_ok=True)
                pointer.parent.rmdir()

    def last_active(self) -> ActiveModel | None:
        """Return what was kept last, None if nothing is there."""
        try:
            pointer = json.loads((self._folder / _POINTER).read_bytes())
            return ActiveModel(
                pointer["model_version"],
                pointer["checksums"],
                datetime.fromisoformat(pointer["activated_at"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
