"""What a model's training looked like: what its leads and scores are compared with later."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .data_quality import QualityCounts
from .drift import ALARM_PSI, FEWEST_SAMPLES, Binning, Counts, noise, psi
from .entities.training import TrainingExample
from .errors import ArtifactError
from .scoring_model import ScoringModel

REFERENCE_FILE = "reference.json"
_FORMAT = 1
_WINDOW = timedelta(days=7)
# What moves so far from week to week during training is no news until it moves half as far again.
NATURAL_FACTOR = 1.5
# Only of so many leads; a histogram of more is no sharper.
_MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Reference:
    """Histograms of every feature and of the score at training, and shares of faults.

    `natural` is how far each feature, and last the score, moved between weeks of the training.
    """

    names: Sequence[str]
    labels: Sequence[str]
    bins: Binning
    counts: Sequence[Counts]
    natural: Sequence[float]
    quality: dict[str, Any]
    leads: int

    @classmethod
    def of(
        cls,
        model: ScoringModel,
        training: Sequence[TrainingExample],
        holdout: Sequence[TrainingExample],
        probabilities: NDArray[np.float64],
    ) -> "Reference":
        """Describe what a model was trained on, and how it scores what it was not trained on.

        Both are in time order; `probabilities` are those of the holdout, shape (n,): a model is
        too sure of its own training.
        """
        newest = training[-_MOST_ROWS:]
        leads, moments = [e.lead for e in newest], [e.moment for e in newest]
        rows = model.extractor.extract(leads, moments)
        quality = QualityCounts()
        quality.add(model, leads, moments, rows)
        features = _described(rows.astype(np.float64), moments)
        scores = _described(100 * probabilities.reshape(-1, 1), [e.moment for e in holdout])
        return cls(
            names=[*(each.name for each in model.extractor.features), "score"],
            labels=[*(each.label for each in model.extractor.features), "Score"],
            bins=Binning([*features.bins.ends, *scores.bins.ends]),
            counts=[*features.counts, *scores.counts],
            natural=[*features.natural, *scores.natural],
            quality=quality.shares(),
            leads=len(newest),
        )

    def threshold(self, place: int, actual: Counts) -> float:
        """Return from where on a feature's index is an alarm."""
        expected = self.counts[place]
        natural = NATURAL_FACTOR * self.natural[place]
        return max(ALARM_PSI, natural, noise(expected, actual))

    def to_bytes(self) -> bytes:
        """Return the file of the artifact."""
        content = {
            "format": _FORMAT,
            "names": list(self.names),
            "labels": list(self.labels),
            "ends": self.bins.to_json(),
            "counts": [each.astype(int).tolist() for each in self.counts],
            "natural": [round(each, 6) for each in self.natural],
            "quality": self.quality,
            "leads": self.leads,
        }
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Reference":
        """Read the file back; raise ArtifactError."""
        try:
            value = json.loads(content)
            if value["format"] != _FORMAT:
                raise ArtifactError(f"the reference has format {value['format']!r}")
            return cls(
                value["names"],
                value["labels"],
                Binning.from_json(value["ends"]),
                [np.array(each, dtype=np.float64) for each in value["counts"]],
                value["natural"],
                value["quality"],
                value["leads"],
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise ArtifactError("the reference is malformed") from fault


class _Described(NamedTuple):
    """Columns over time: their bins, how many values each holds, how far they moved."""

    bins: Binning
    counts: list[Counts]
    natural: list[float]


def _described(columns: NDArray[np.float64], moments: Sequence[datetime]) -> _Described:
    bins = Binning.fit(columns)
    counts = bins.count(columns)
    return _Described(bins, counts, _natural(bins, counts, columns, moments))


def _natural(
    bins: Binning,
    counts: Sequence[Counts],
    columns: NDArray[np.float64],
    moments: Sequence[datetime],
) -> list[float]:
    """Return how far each column moved between the weeks of the training, at most."""
    furthest = [0.0] * len(counts)
    for start, end in _windows(moments):
        for place, actual in enumerate(bins.count(columns[start:end])):
            furthest[place] = max(furthest[place], psi(counts[place], actual))
    return furthest


def _windows(moments: Sequence[datetime]) -> list[tuple[int, int]]:
    """Cut leads in time order into weeks of enough of them; what is left over joins the last."""
    cuts = [0]
    for place, moment in enumerate(moments):
        begun = cuts[-1]
        if place - begun >= FEWEST_SAMPLES and moment - moments[begun] >= _WINDOW:
            cuts.append(place)
    if len(moments) - cuts[-1] < FEWEST_SAMPLES and len(cuts) > 1:
        cuts.pop()
    # One window is the whole: it says nothing about what moves.
    return list(zip(cuts, [*cuts[1:], len(moments)], strict=True)) if len(cuts) > 1 else []
