"""Golden numbers are XGBoost's, called here as its own documentation does."""

from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from lead_scoring.adapters import estimators
from lead_scoring.entities.training import TrainingMatrix
from tests.forests import Floats, random_rows

PARAMS: dict[str, Any] = {
    "objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 3, "n_estimators": 40,
    "learning_rate": 0.3, "subsample": 0.8, "colsample_bytree": 0.8, "random_state": 42,
}  # fmt: skip
FOLDS = np.arange(300) % 5


def matrix(
    rows: Floats | None = None, targets: NDArray[np.float64] | None = None, **changes: Any
) -> TrainingMatrix:
    rows = random_rows(300, 4) if rows is None else rows
    if targets is None:
        noise = np.random.default_rng(0).normal(0, 0.5, len(rows))
        targets = (np.nan_to_num(rows[:, 0]) + noise > 0).astype(float)
    ones, none = np.ones(rows.shape[1]), np.zeros(rows.shape[1], np.intp)
    return TrainingMatrix(rows, targets, np.ones(len(rows)), ones, none)._replace(**changes)


def margins(model: bytes, rows: Floats) -> Any:
    booster = xgboost.Booster(model_file=bytearray(model))
    return booster.predict(xgboost.DMatrix(rows), output_margin=True)


def nothing() -> None:
    """Hear of a fold."""


def test_a_forest_has_the_same_bytes_each_time() -> None:
    models = {estimators.fit_forest(matrix(), PARAMS, 20) for _ in range(3)}

    assert len(models) == 1


def test_a_forest_has_as_many_trees_as_asked() -> None:
    model = estimators.fit_forest(matrix(), PARAMS, 7)

    assert xgboost.Booster(model_file=bytearray(model)).num_boosted_rounds() == 7


def test_names_of_the_settings_reach_xgboost_under_its_own() -> None:
    slow = estimators.fit_forest(matrix(), {**PARAMS, "learning_rate": 1e-6}, 5)
    seeds = {estimators.fit_forest(matrix(), {**PARAMS, "random_state": s}, 5) for s in (1, 2)}

    assert np.ptp(margins(slow, matrix().rows)) < 1e-4
    assert len(seeds) == 2


def test_a_weight_of_zero_leaves_a_row_out() -> None:
    rows = random_rows(300, 2, missing=0.0)
    misleading = np.r_[(rows[:150, 0] > 0), (rows[150:, 0] < 0)].astype(float)
    weights = np.r_[np.ones(150), np.zeros(150)]

    model = estimators.fit_forest(matrix(rows, misleading, weights=weights), PARAMS, 10)

    high, low = margins(model, np.array([[1, 0], [-1, 0]], dtype=np.float32))
    assert high > 1 > -1 > low


def test_a_feature_of_column_weight_zero_is_never_looked_at() -> None:
    rows = random_rows(300, 3, missing=0.0)
    data = matrix(rows, column_weights=np.array([0.0, 1.0, 1.0]))

    model = estimators.fit_forest(data, {**PARAMS, "colsample_bytree": 0.4}, 10)

    assert set(xgboost.Booster(model_file=bytearray(model)).get_score()) <= {"f1", "f2"}


def test_a_feature_with_a_direction_never_lowers_a_score() -> None:
    rows = random_rows(300, 2, missing=0.0)
    falling = (rows[:, 0] < 0).astype(float)
    grid = np.zeros((50, 2), dtype=np.float32)
    grid[:, 0] = np.linspace(-2, 2, 50)

    free = estimators.fit_forest(matrix(rows, falling), PARAMS, 10)
    held = estimators.fit_forest(matrix(rows, falling, directions=np.array([1, 0])), PARAMS, 10)

    assert np.diff(margins(free, grid)).min() < 0
    assert np.diff(margins(held, grid)).min() >= 0


def test_each_row_is_predicted_by_a_model_that_did_not_see_it() -> None:
    # Targets that are pure chance: whoever saw a row would predict it, nobody else can.
    rows = np.random.default_rng(1).normal(size=(300, 30)).astype(np.float32)
    chance = np.random.default_rng(2).integers(0, 2, 300).astype(float)
    data, params = matrix(rows, chance), {**PARAMS, "max_depth": 6}

    found = estimators.cross_validate(data, params, FOLDS, nothing)

    seen = margins(estimators.fit_forest(data, params, 40), rows)
    assert found.log_loss > 0.66
    assert np.corrcoef(seen, chance)[0, 1] > 0.9
    assert abs(np.corrcoef(found.margins, chance)[0, 1]) < 0.2


def test_cross_validation_is_what_xgboost_gives_fold_by_fold() -> None:
    data = matrix()
    native = {
        "objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 3, "eta": 0.3,
        "subsample": 0.8, "colsample_bytree": 0.8, "seed": 42, "nthread": 2, "tree_method": "hist",
    }  # fmt: skip
    boosters, best = [], []
    for fold in range(5):
        out = fold == FOLDS
        valid = xgboost.DMatrix(data.rows[out], data.targets[out])
        train = xgboost.DMatrix(
            data.rows[~out], data.targets[~out], feature_weights=data.column_weights
        )
        history: Any = {}
        boosters.append(
            xgboost.train(
                native, train, 40, evals=[(valid, "v")], evals_result=history, verbose_eval=False
            )
        )
        best.append(int(np.argmin(history["v"]["logloss"])) + 1)
    trees = round(np.mean(best))

    found = estimators.cross_validate(data, PARAMS, FOLDS, nothing)

    assert found.trees == trees
    for fold, booster in enumerate(boosters):
        unseen = xgboost.DMatrix(data.rows[fold == FOLDS])
        expected = booster.predict(unseen, output_margin=True, iteration_range=(0, trees))
        assert found.margins[fold == FOLDS] == pytest.approx(expected, abs=1e-5)


def test_the_log_loss_counts_weights() -> None:
    weights = np.linspace(0.1, 3, 300)

    found = estimators.cross_validate(matrix(weights=weights), PARAMS, FOLDS, nothing)

    losses = np.logaddexp(0, found.margins) - matrix().targets * found.margins
    assert found.log_loss == pytest.approx(float((weights * losses).sum() / weights.sum()))
    assert found.log_loss < 0.5


def test_every_fold_is_reported_as_it_is_done() -> None:
    done = []

    estimators.cross_validate(
        matrix(), {**PARAMS, "n_estimators": 2}, FOLDS, lambda: done.append(1)
    )

    assert len(done) == 5
