from typing import Any

import numpy as np
import pytest

from lead_scoring.adapters import estimators
from lead_scoring.errors import ArtifactError
from lead_scoring.forest_nodes import read_nodes
from lead_scoring.parity import TRAINING_ROWS, Doubles, require_parity, trial_rows
from lead_scoring.scoring_model import ScoringModel
from lead_scoring.ubjson import loads
from tests import forests
from tests.forests import Floats, random_rows, train
from tests.trainings import ROWS, trained

FEATURES = 5
TRAINING = random_rows(12_000, FEATURES, missing=0.0)
BOOSTER = bytes(train(TRAINING, trees=5, max_depth=4).save_raw("ubj"))
NODES = read_nodes(loads(BOOSTER), FEATURES)
TRIALS = trial_rows(TRAINING, NODES)


def test_ten_thousand_different_rows_of_the_training_are_tried() -> None:
    numbered = np.arange(12_000, dtype=np.float32)[:, None]

    tried = trial_rows(np.tile(numbered, FEATURES), NODES)

    assert len(set(tried[:TRAINING_ROWS, 0].tolist())) == TRAINING_ROWS


def test_fewer_rows_are_all_tried() -> None:
    assert trial_rows(TRAINING[:100], NODES)[:100].tobytes() == TRAINING[:100].tobytes()


def rows_there(rows: Floats, node: int) -> Floats:
    """Return the rows that get to a node."""
    if node in NODES.roots:
        return rows
    (above,) = np.flatnonzero((NODES.left == node) | (NODES.right == node))
    rows = rows_there(rows, int(above))
    values = rows[:, NODES.feature[above]]
    left = np.where(np.isnan(values), NODES.missing_left[above], values < NODES.condition[above])
    there: Floats = rows[left == (NODES.left[above] == node)]
    return there


def test_every_split_meets_its_cut_point_and_the_value_below_it() -> None:
    for node in np.flatnonzero(NODES.is_inner).tolist():
        values, cut = rows_there(TRIALS, node)[:, NODES.feature[node]], NODES.condition[node]
        assert (values == cut).any()
        assert (values == np.nextafter(cut, np.float32(-np.inf))).any()


def test_every_split_meets_a_missing_value_where_one_can_get_there() -> None:
    met = 0
    for node in np.flatnonzero(NODES.is_inner).tolist():
        feature = NODES.feature[node]
        lacking = TRAINING.copy()
        lacking[:, feature] = np.nan
        if len(rows_there(lacking, node)):
            assert np.isnan(rows_there(TRIALS, node)[:, feature]).any()
            met += 1
    assert met > len(NODES.roots)


def test_no_row_has_an_infinite_value_where_a_cut_point_is_beyond_all_numbers() -> None:
    rows = np.full((100, 1), np.finfo(np.float32).max, np.float32)
    rows[::2] = np.nan
    booster = train(rows, np.arange(100.0) % 2, trees=1)
    nodes = read_nodes(loads(bytes(booster.save_raw("ubj"))), 1)

    assert np.isinf(nodes.condition).any()
    assert not np.isinf(trial_rows(rows, nodes)).any()


def test_every_feature_is_missing_alone_and_all_at_once() -> None:
    missing = np.isnan(TRIALS)
    alone = missing[missing.sum(axis=1) == 1]

    assert alone.any(axis=0).all()
    assert missing.all(axis=1).sum() == 1


@pytest.mark.parametrize(
    ("margin", "effect", "what"),
    [
        (1e-3, 0.0, "probabilities"),
        (0.0, 1e-3, "effects"),
        (np.nan, 0.0, "probabilities"),
    ],
)
def test_a_model_that_says_something_else_than_xgboost_is_not_registered(
    margin: float, effect: float, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = trained(ROWS)
    before = services.models.newest_first()
    real = estimators.predictions

    def shifted(model: bytes, rows: Floats) -> tuple[Doubles, Doubles]:
        margins, contributions = real(model, rows)
        # The last row alone, which lacks every feature.
        margins[-1] += margin
        contributions[-1, 0] += effect
        return margins, contributions

    monkeypatch.setattr(estimators, "predictions", shifted)
    services.clock.advance(hours=1)

    with pytest.raises(ArtifactError, match=f"{what} differ from XGBoost's"):
        services.model_trainer.train_new_model({**forests.QUICK, "random_state": 7})

    assert services.models.newest_first() == before


def test_a_table_whose_leaves_are_not_the_forests_is_refused() -> None:
    model = ScoringModel(forests.small_model().scoring_model.content)
    lookup: Any = model.forest._effects
    lookup._entries = lookup._entries + np.float32(1e-6)
    rows = random_rows(100, len(model.extractor.features))

    with pytest.raises(ArtifactError, match="with reasons and without"):
        require_parity(model, model.content, rows, estimators.predictions)
