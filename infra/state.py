"""What a local run keeps between runs: one folder for the demo, one for the user's own data."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.template import PROJECT

STATE = PROJECT / ".local" / "state"
DEMO, OWN = "demo", "own"


class RunError(Exception):
    """The local run cannot go on; the message is one sentence that says what to do next."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder of one set of leads; demo and own never share one.

    `path` holds the embedded AWS's files, the cache of models, the secret key, and `source.json`,
    which says what was loaded and whether that finished.
    """

    path: Path

    @property
    def name(self) -> str:
        """`demo` or `own`."""
        return self.path.name

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for has been loaded."""
        return bool(self.source().get("complete"))

    def source(self) -> dict[str, Any]:
        """Return what was loaded, empty if nothing was."""
        try:
            found: dict[str, Any] = json.loads((self.path / "source.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def set_source(self, files: Mapping[str, Any], complete: bool) -> None:
        """Write down what is being or has been loaded, at once or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.path / "source.json.partial"
        partial.write_text(json.dumps({"files": dict(files), "complete": complete}))
        partial.replace(self.path / "source.json")

    def hash_key(self) -> str:
        """Return the secret of this folder, made the first time and readable only by its owner."""
        file = self.path / "hash-key"
        if not file.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as writing:
                writing.write(secrets.token_hex(32))
        return file.read_text()

    def lock(self) -> Any:
        """Take the folder for this process; raise RunError if another one has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = (self.path / "lock").open("w")
        except OSError as error:
            raise RunError(f"{self.path} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise RunError(
                f"Another `make run` is serving the {self.name} leads: stop that one first."
            ) from None
        return handle

    def move_away(self) -> Path:
        """Rename the folder, so that other data can begin afresh; return its new path."""
        kept = self.path.with_name(f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}")
        self.path.rename(kept)
        return kept


def fingerprint(files: Mapping[str, Path | None]) -> dict[str, Any]:
    """Return what tells one version of some files from another without reading them."""
    told: dict[str, Any] = {}
    for name, file in files.items():
        if file is not None:
            status = file.stat()
            told[name] = [str(file.resolve()), status.st_size, status.st_mtime_ns]
    return told
