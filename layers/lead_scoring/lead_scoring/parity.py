"""Does the compiled forest say what XGBoost says? Asked of every model before it is published."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError
from .forest_nodes import Floats, Indices, Nodes
from .scoring_model import ScoringModel

# So many rows of the training data, or all where there are fewer.
TRAINING_ROWS = 10_000
# So many splits, or all where there are fewer, as there are of the usual hundred trees.
_MOST_SPLITS = 5_000
PROBABILITY_TOLERANCE = 1e-5
EFFECT_TOLERANCE = 1e-4
_CHUNK_ROWS = 2_000

Doubles = NDArray[np.float64]
# Margins (n,) and contributions (n, features + 1), the last of which is the base.
Reference = Callable[[bytes, Floats], tuple[Doubles, Doubles]]


def trial_rows(rows: Floats, nodes: Nodes) -> Floats:
    """Return rows to compare on: of the training, on the cut points, and with missing values.

    For each split a row of the training that gets there is tried with the cut point itself, with
    the next value below it, and without a value. One row more lacks each feature, and one all.
    """
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), TRAINING_ROWS)).astype(int)]
    splits = np.flatnonzero(nodes.is_inner)
    splits = splits[np.linspace(0, len(splits) - 1, min(len(splits), _MOST_SPLITS)).astype(int)]
    places = np.column_stack([_rows_there(chosen, nodes)[splits], nodes.feature[splits]])
    # XGBoost cuts beyond the largest number where a value comes near it.
    cuts = np.minimum(nodes.condition[splits], np.finfo(np.float32).max)
    _, number = np.unique(np.column_stack([places, cuts]), axis=0, return_index=True)
    lacking = np.resize(rows, (rows.shape[1] + 1, rows.shape[1]))
    np.fill_diagonal(lacking, np.nan)
    lacking[-1] = np.nan
    below = np.nextafter(cuts, np.float32(-np.inf))
    return np.concatenate(
        [
            chosen,
            _changed(chosen, places[number], cuts[number]),
            _changed(chosen, places[number], below[number]),
            _changed(chosen, np.unique(places, axis=0), np.float32(np.nan)),
            lacking,
        ]
    )


def _rows_there(rows: Floats, nodes: Nodes) -> Indices:
    """Return for each node the number of the first row that gets there, 0 where none does."""
    there: dict[int, Indices] = {}
    first = np.zeros(len(nodes.left), np.intp)
    inner, roots = nodes.is_inner, set(nodes.roots.tolist())
    for node in np.flatnonzero(nodes.is_inner).tolist():
        here = np.arange(len(rows)) if node in roots else there.pop(node)
        values = rows[here, nodes.feature[node]]
        left = (values < nodes.condition[node]) | (np.isnan(values) & nodes.missing_left[node])
        for child, part in ((nodes.left[node], here[left]), (nodes.right[node], here[~left])):
            if inner[child]:
                there[int(child)] = part
        first[node] = here[0] if len(here) else 0
    return first


def _changed(rows: Floats, places: Indices, values: Any) -> Floats:
    """Return for each of places (row, feature) that row with another value of that feature."""
    result = rows[places[:, 0]]
    result[np.arange(len(places)), places[:, 1]] = values
    return result


def require_parity(model: ScoringModel, booster: bytes, rows: Floats, reference: Reference) -> None:
    """Raise ArtifactError unless probabilities and effects are XGBoost's within the tolerances.

    `booster` is XGBoost's model, `rows` are those of its training.
    """
    trials = trial_rows(rows, model.nodes)
    for start in range(0, len(trials), _CHUNK_ROWS):
        chunk = trials[start : start + _CHUNK_ROWS]
        margins, contributions = reference(booster, chunk)
        ours, effects = model.forest.margins_and_effects(chunk)
        if ours.tobytes() != model.forest.margins(chunk).tobytes():
            raise ArtifactError("the compiled forest's margins differ with reasons and without")
        _require(
            "probabilities",
            model.calibration.probabilities(ours),
            model.calibration.probabilities(margins),
            PROBABILITY_TOLERANCE,
        )
        by_label = model.by_label(contributions)
        all_effects = np.zeros_like(by_label)
        all_effects[:, model.forest.groups] = effects
        _require("effects", all_effects, by_label, EFFECT_TOLERANCE)
        base = np.full(len(chunk), model.forest.base_effect)
        _require("base effects", base, contributions[:, -1], EFFECT_TOLERANCE)


def _require(what: str, ours: Doubles, theirs: Doubles, tolerance: float) -> None:
    difference = float(np.max(np.abs(ours - theirs), initial=0.0))
    # Whatever is no number is no parity either.
    if not difference <= tolerance:
        raise ArtifactError(f"the compiled forest's {what} differ from XGBoost's by {difference:g}")
