"""Models that were altered: look into the file that scores, and change what it says."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lead_scoring import ubjson
from lead_scoring.scoring_model import HISTORY, MANIFEST, MODEL_FILE


def manifest_of(content: bytes) -> dict[str, Any]:
    """Return what the file says of the model, apart from its forest and its history."""
    manifest: dict[str, Any] = json.loads(ubjson.loads(content)[MANIFEST]["json"].tobytes())
    return manifest


def history_of(content: bytes) -> dict[str, Any]:
    """Return the arrays of the outcome history."""
    arrays: dict[str, Any] = ubjson.loads(content)[HISTORY]
    return arrays


def with_manifest(content: bytes, manifest: Any) -> bytes:
    """Return the file with another manifest: of two members of one name the last one counts."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return ubjson.with_arrays(content, MANIFEST, {"json": np.array(list(text), np.uint8)})


def with_history(content: bytes, arrays: Mapping[str, Any]) -> bytes:
    """Return the file with another outcome history."""
    return ubjson.with_arrays(content, HISTORY, arrays)


def with_threshold(artifact: Mapping[str, bytes], threshold: float) -> dict[str, bytes]:
    """Return an artifact whose model decides at another threshold."""
    content = artifact[MODEL_FILE]
    changed = with_manifest(content, manifest_of(content) | {"threshold": threshold})
    return {**artifact, MODEL_FILE: changed}
