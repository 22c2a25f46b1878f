"""A trained model: from leads and their moments to margins, probabilities, reasons and outliers."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from . import ubjson
from .calibration import Calibration
from .effect_table import STORED_AS, stored_table
from .entities import Feature, Lead
from .errors import ArtifactError
from .explanation import Explainer, Explanation
from .feature_extractor import FeatureExtractor
from .features.historical import OutcomeHistory
from .forest_nodes import Nodes, read_nodes
from .outliers import TrainingRange
from .tree_ensemble import TreeEnsemble

# All that scores is one file: XGBoost's model, with members of ours that XGBoost ignores.
MODEL_FILE = "model.ubj"
SCORING_FILES = (MODEL_FILE,)
HISTORY, MANIFEST = "outcome_history", "manifest"
_FORMAT = 3
# So many leads at once: what is worked out for them stays in the processor's cache.
_EXPLAINED_AT_ONCE = 64
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError)


class Scored(NamedTuple):
    """One lead's score: raw log-odds, calibrated probability, and whether the lead is unusual."""

    margin: float
    probability: float
    outlier_reasons: list[str]
    is_outlier: bool


class ScoredLeads(NamedTuple):
    """The scores of leads in their order, and what tells why they are what they are."""

    scored: list[Scored]
    explanations: Callable[[], list[Explanation]]


class Scores(Protocol):
    """Anything that scores leads: a trained model, or the baseline before there is one."""

    def score(
        self, leads: Sequence[Lead], moments: Sequence[datetime], *, explain: bool = False
    ) -> ScoredLeads:
        """Score each lead as of its moment: the same lead gets the same bits in any batch.

        Without `explain` there are no explanations.
        """


class ScoringModel:
    """A forest, the extractor that feeds it, its calibration, and the range of its training."""

    def __init__(self, content: bytes) -> None:
        """Compile what `packed` wrote; raise ArtifactError where it does not fit this code.

        Effects are looked up where their table is small enough to be stored, else worked out.
        """
        self.content = content
        parsed = ubjson.loads(content)
        if not isinstance(parsed, dict) or MANIFEST not in parsed:
            raise ArtifactError("the model carries no manifest: train a new one with this version")
        try:
            manifest = json.loads(parsed[MANIFEST]["json"].tobytes())
            if manifest["format"] != _FORMAT:
                raise ArtifactError(
                    f"the artifact has format {manifest['format']!r}, not {_FORMAT}: train a new"
                    " model with this version"
                )
            history = OutcomeHistory.from_arrays(parsed[HISTORY])
            self.extractor = FeatureExtractor.from_json(manifest["extractor"], history)
            features = self.extractor.features
            if [feature["name"] for feature in manifest["features"]] != [
                feature.name for feature in features
            ]:
                raise ArtifactError("the artifact's features are not those of this code, in order")
            self.calibration = Calibration.from_json(manifest["calibration"])
            self.training_range = TrainingRange.from_json(manifest["training_range"], features)
            self.threshold = float(manifest["threshold"])
            if not 0 <= self.threshold <= 1:
                raise ValueError("the threshold is no probability")
        except _MALFORMED as fault:
            raise ArtifactError(f"the manifest is malformed: {fault!r}") from fault
        labels, first, self._label_of = _group_by_label(features)
        table = stored_table(parsed, len(features))
        self.forest = TreeEnsemble(parsed, self._label_of, table)
        asked = self.forest.groups.tolist()
        # The value that people are told of a label is its first feature's.
        self.explainer = Explainer(
            self.forest.base_effect, [labels[i] for i in asked], [first[i] for i in asked]
        )

    def score(
        self, leads: Sequence[Lead], moments: Sequence[datetime], *, explain: bool = False
    ) -> ScoredLeads:
        """Score each lead as of its moment: the same lead gets the same bits in any batch.

        Without `explain` there are no explanations.
        """
        rows = self.extractor.extract(leads, moments)
        if explain:
            summed, effects = self.forest.margins_and_effects(rows)
        else:
            summed, effects = self.forest.margins(rows), np.zeros((0, len(self.forest.groups)))
        margins = summed.tolist()
        outside = self.training_range.outlying(rows)
        scored: list[Scored] = []
        for i, (lead, margin) in enumerate(zip(leads, margins, strict=True)):
            unseen = self.extractor.unseen_categories(lead)
            reasons: list[str] = []
            is_outlier = False
            if outside[i] or unseen:
                reasons, is_outlier = self.training_range.judge(outside[i], rows[i], unseen)
            scored.append(Scored(margin, self.calibration.probability(margin), reasons, is_outlier))

        return ScoredLeads(scored, lambda: self._explain(effects, rows, margins))

    def _explain(
        self, effects: NDArray[np.float64], rows: NDArray[np.float32], margins: Sequence[float]
    ) -> list[Explanation]:
        told: list[Explanation] = []
        for start in range(0, len(effects), _EXPLAINED_AT_ONCE):
            part = slice(start, start + _EXPLAINED_AT_ONCE)
            told += self.explainer.explain(effects[part], rows[part], margins[part])
        return told

    @property
    def nodes(self) -> Nodes:
        """The nodes of the forest, read anew."""
        return read_nodes(ubjson.loads(self.content), len(self.extractor.features))

    def by_label(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum contributions of shape (n, features or more) by label, shape (n, labels)."""
        summed = np.zeros((len(contributions), 1 + max(self._label_of)))
        for feature, label in enumerate(self._label_of):
            summed[:, label] += contributions[:, feature]
        return summed

    def files(self) -> dict[str, bytes]:
        """Return the artifact, file by file; equal models have equal bytes."""
        return {MODEL_FILE: self.content}

    @classmethod
    def load(cls, read: Callable[[str], bytes]) -> "ScoringModel":
        """Build a model from its files; raise ArtifactError where they do not fit this code."""
        return cls(read(MODEL_FILE))


def packed(
    booster: bytes,
    extractor: FeatureExtractor,
    calibration: Calibration,
    training_range: TrainingRange,
    threshold: float,
) -> bytes:
    """Return one file of all that scores; `threshold` is the one chosen for F1.

    `booster` is XGBoost's UBJSON. The table of its effects is added if it is small enough.
    """
    # Only training tabulates: no start of scoring waits for it.
    from .effect_tabulation import tabulate

    groups = np.array(_group_by_label(extractor.features)[2], np.intp)
    table = tabulate(read_nodes(ubjson.loads(booster), len(groups)), groups)
    manifest = {
        "format": _FORMAT,
        "features": [feature._asdict() for feature in extractor.features],
        "extractor": extractor.to_json(),
        "calibration": calibration.to_json(),
        "threshold": threshold,
        "training_range": training_range.to_json(),
    }
    content = ubjson.with_arrays(booster, STORED_AS, table.to_arrays()) if table else booster
    content = ubjson.with_arrays(content, HISTORY, extractor.history.to_arrays())
    return ubjson.with_arrays(content, MANIFEST, {"json": _json_bytes(manifest)})


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


def _group_by_label(features: Sequence[Feature]) -> tuple[list[str], list[int], list[int]]:
    """Return the labels, the first feature of each, and the label number of every feature."""
    labels: list[str] = []
    first: list[int] = []
    groups: list[int] = []
    numbers: dict[str, int] = {}
    for position, feature in enumerate(features):
        if feature.label not in numbers:
            numbers[feature.label] = len(labels)
            labels.append(feature.label)
            first.append(position)
        groups.append(numbers[feature.label])
    return labels, first, groups


def _json_bytes(value: Any) -> NDArray[np.uint8]:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return np.frombuffer(text.encode(), np.uint8)
