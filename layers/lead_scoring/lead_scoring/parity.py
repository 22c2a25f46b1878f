"""Does the compiled forest say what XGBoost says? Asked of every model before it is published."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError
from .forest_nodes import Floats, Nodes
from .scoring_model import ScoringModel

# So many rows of the training data, or all where there are fewer.
TRAINING_ROWS = 10_000
PROBABILITY_TOLERANCE = 1e-5
EFFECT_TOLERANCE = 1e-4
_CHUNK_ROWS = 2_000

Doubles = NDArray[np.float64]
# Margins (n,) and contributions (n, features + 1), the last of which is the base.
Reference = Callable[[bytes, Floats], tuple[Doubles, Doubles]]


def trial_rows(rows: Floats, nodes: Nodes) -> Floats:
    """Return rows to compare on: of the training, on every cut point, and with missing values.

    A row on a cut point is one of the training with that value; of the rows with missing values
    one lacks all, and of the others each lacks one feature.
    """
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), TRAINING_ROWS)).astype(int)]
    cuts = np.unique(
        np.column_stack([nodes.feature, nodes.condition])[nodes.is_inner].reshape(-1, 2), axis=0
    )
    on_cuts = np.resize(rows, (len(cuts), rows.shape[1]))
    on_cuts[np.arange(len(cuts)), cuts[:, 0].astype(int)] = cuts[:, 1]
    lacking = np.resize(rows, (rows.shape[1] + 1, rows.shape[1]))
    np.fill_diagonal(lacking, np.nan)
    lacking[-1] = np.nan
    return np.concatenate([chosen, on_cuts, lacking])


def require_parity(model: ScoringModel, booster: bytes, rows: Floats, reference: Reference) -> None:
    """Raise ArtifactError unless probabilities and effects are XGBoost's within the tolerances.

    `booster` is XGBoost's model, `rows` are those of its training.
    """
    trials = trial_rows(rows, model.nodes)
    for start in range(0, len(trials), _CHUNK_ROWS):
        chunk = trials[start : start + _CHUNK_ROWS]
        margins, contributions = reference(booster, chunk)
        _require(
            "probabilities",
            model.calibration.probabilities(model.forest.margins(chunk)),
            model.calibration.probabilities(margins),
            PROBABILITY_TOLERANCE,
        )
        _require(
            "effects", model.forest.effects(chunk), model.by_label(contributions), EFFECT_TOLERANCE
        )
        base = np.full(len(chunk), model.forest.base_effect)
        _require("base effects", base, contributions[:, -1], EFFECT_TOLERANCE)


def _require(what: str, ours: Doubles, theirs: Doubles, tolerance: float) -> None:
    difference = float(np.max(np.abs(ours - theirs), initial=0.0))
    # Whatever is no number is no parity either.
    if not difference <= tolerance:
        raise ArtifactError(f"the compiled forest's {what} differ from XGBoost's by {difference:g}")
