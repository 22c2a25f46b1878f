"""A trained model: from leads and their moments to margins, probabilities, reasons and outliers."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import ubjson
from .calibration import Calibration
from .effect_table import STORED_AS, stored_table, tabulate
from .entities import Lead
from .errors import ArtifactError
from .explanation import Explanation
from .explanation import explain as explained
from .feature_extractor import FeatureExtractor
from .forest_nodes import Nodes, read_nodes
from .outliers import TrainingRange
from .tree_ensemble import TreeEnsemble

MODEL_FILE, EXTRACTOR_FILE, MANIFEST_FILE = "model.ubj", "extractor.json", "manifest.json"
SCORING_FILES = (MODEL_FILE, EXTRACTOR_FILE, MANIFEST_FILE)
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Scored:
    """One lead's score: raw log-odds, calibrated probability, and why."""

    margin: float
    probability: float
    outlier_reasons: list[str]
    is_outlier: bool
    explanation: Explanation | None


class Scores(Protocol):
    """Anything that scores leads: a trained model, or the baseline before there is one."""

    def score(
        self, leads: Sequence[Lead], moments: Sequence[datetime], *, explain: bool = True
    ) -> list[Scored]:
        """Score each lead as of its moment: the same lead gets the same bits in any batch."""


class ScoringModel:
    """A forest, the extractor that feeds it, its calibration, and the range of its training."""

    def __init__(
        self,
        model: bytes,
        extractor: FeatureExtractor,
        calibration: Calibration,
        training_range: TrainingRange,
        threshold: float,
    ) -> None:
        """Compile the forest; `model` is XGBoost's UBJSON, `threshold` the one chosen for F1.

        Effects are looked up where `model` carries their table (`with_table`), else worked out.
        """
        self.extractor, self.calibration, self.threshold = extractor, calibration, threshold
        self._model, self.training_range = model, training_range
        self.labels, self._first_of_label, self._label_of = _group_by_label(extractor)
        parsed = ubjson.loads(model)
        features = len(extractor.features)
        self.forest = TreeEnsemble(parsed, self._label_of, stored_table(parsed, features))
        if len(training_range.low) != len(extractor.features):
            raise ArtifactError("the training range does not fit the extractor")

    def score(
        self, leads: Sequence[Lead], moments: Sequence[datetime], *, explain: bool = True
    ) -> list[Scored]:
        """Score each lead as of its moment: the same lead gets the same bits in any batch."""
        rows = self.extractor.extract(leads, moments)
        margins = self.forest.margins(rows)
        probabilities = self.calibration.probabilities(margins)
        explanations: Sequence[Explanation | None] = [None] * len(leads)
        if explain:
            base = self.forest.base_effect
            explanations = explained(
                base, self.labels, self.forest.effects(rows), self.values(rows)
            )
        outside = self.training_range.outlying(rows)
        scored: list[Scored] = []
        pairs = zip(margins.tolist(), probabilities.tolist(), strict=True)
        for i, (lead, (margin, probability)) in enumerate(zip(leads, pairs, strict=True)):
            unseen = self.extractor.unseen_categories(lead)
            if not outside[i] and not unseen:
                reasons, is_outlier = list[str](), False
            else:
                reasons, is_outlier = self.training_range.judge(outside[i], rows[i], unseen)
            scored.append(Scored(margin, probability, reasons, is_outlier, explanations[i]))
        return scored

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the value that stands for each label, shape (n, labels): its first feature's."""
        return rows.take(self._first_of_label, axis=1).astype(np.float64)

    @property
    def nodes(self) -> Nodes:
        """The nodes of the forest, read anew."""
        return read_nodes(ubjson.loads(self._model), len(self.extractor.features))

    def by_label(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum contributions of shape (n, features or more) by label, shape (n, labels)."""
        summed = np.zeros((len(contributions), len(self.labels)))
        for feature, label in enumerate(self._label_of):
            summed[:, label] += contributions[:, feature]
        return summed

    def files(self) -> dict[str, bytes]:
        """Return the artifact, file by file; equal models have equal bytes."""
        manifest = {
            "format": _FORMAT,
            "features": [feature._asdict() for feature in self.extractor.features],
            "calibration": self.calibration.to_json(),
            "threshold": self.threshold,
            "training_range": self.training_range.to_json(),
        }
        return {
            MODEL_FILE: self._model,
            EXTRACTOR_FILE: _json_bytes(self.extractor.to_json()),
            MANIFEST_FILE: _json_bytes(manifest),
        }

    @classmethod
    def load(cls, read: Callable[[str], bytes]) -> "ScoringModel":
        """Build a model from its files; raise ArtifactError where they do not fit this code."""
        manifest = _parse(read(MANIFEST_FILE))
        extractor = FeatureExtractor.from_json(_parse(read(EXTRACTOR_FILE)))
        try:
            names = [feature["name"] for feature in manifest["features"]]
            if manifest["format"] != _FORMAT:
                raise ArtifactError(f"the artifact has format {manifest['format']!r}")
            if names != [feature.name for feature in extractor.features]:
                raise ArtifactError("the artifact and the extractor differ in their features")
            calibration = Calibration.from_json(manifest["calibration"])
            training_range = TrainingRange.from_json(manifest["training_range"], extractor.features)
            threshold = float(manifest["threshold"])
            if not 0 <= threshold <= 1:
                raise ValueError("the threshold is no probability")
        except (KeyError, TypeError, ValueError, OverflowError) as fault:
            raise ArtifactError("the manifest is malformed") from fault
        return cls(read(MODEL_FILE), extractor, calibration, training_range, threshold)


def with_table(model: bytes, extractor: FeatureExtractor) -> bytes:
    """Return XGBoost's UBJSON with the table of the forest's effects, if that is small enough."""
    groups = np.array(_group_by_label(extractor)[2], np.intp)
    table = tabulate(read_nodes(ubjson.loads(model), len(groups)), groups)
    return ubjson.with_arrays(model, STORED_AS, table.to_arrays()) if table else model


def artifact_version(files: Mapping[str, bytes], created_at: datetime) -> str:
    """Name a model: the time, and eight hex digits of the hash of what scores.

    >>> from datetime import UTC
    >>> artifact_version({"model.ubj": b""}, datetime(2024, 1, 1, 12, tzinfo=UTC))
    'v20240101_120000_7dfcb510'
    """
    digest = hashlib.sha256()
    for name in sorted(set(files) & set(SCORING_FILES)):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return f"v{created_at:%Y%m%d_%H%M%S}_{digest.hexdigest()[:8]}"


def checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file, in hex."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _group_by_label(extractor: FeatureExtractor) -> tuple[list[str], list[int], list[int]]:
    """Return the labels, the first feature of each, and the label number of every feature."""
    labels: list[str] = []
    first: list[int] = []
    groups: list[int] = []
    numbers: dict[str, int] = {}
    for position, feature in enumerate(extractor.features):
        if feature.label not in numbers:
            numbers[feature.label] = len(labels)
            labels.append(feature.label)
            first.append(position)
        groups.append(numbers[feature.label])
    return labels, first, groups


def _json_bytes(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ArtifactError("a file of the artifact is not JSON") from fault
