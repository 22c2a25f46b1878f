"""Golden numbers are XGBoost's own contributions (`pred_contribs`)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from lead_scoring import ubjson
from lead_scoring.effect_table import STORED_AS, EffectTable, stored_table
from lead_scoring.effect_tabulation import tabulate
from lead_scoring.errors import ArtifactError
from lead_scoring.forest_nodes import read_nodes
from lead_scoring.tree_ensemble import TreeEnsemble
from tests.forests import Floats, compiled, effects_of, random_rows, train

FEATURES = 6
ROWS = random_rows(400, FEATURES)
ALL_MISSING = np.full((1, FEATURES), np.nan, dtype=np.float32)


def model_of(booster: xgboost.Booster) -> Any:
    return ubjson.loads(bytes(booster.save_raw("ubj")))


def table_of(booster: xgboost.Booster) -> EffectTable | None:
    features = booster.num_features()
    return tabulate(read_nodes(model_of(booster), features), np.arange(features))


def as_bytes(table: EffectTable | None) -> dict[str, bytes]:
    assert table is not None
    return {name: array.tobytes() for name, array in table.to_arrays().items()}


def ties_with_cut_points(booster: xgboost.Booster) -> Floats:
    table = booster.trees_to_dataframe()
    splits = table[table.Feature != "Leaf"]
    rows = np.zeros((len(splits), booster.num_features()), dtype=np.float32)
    rows[np.arange(len(splits)), splits.Feature.str[1:].astype(int)] = splits.Split
    return rows


def assert_equal_to_xgboost(booster: xgboost.Booster, rows: Floats) -> None:
    forest = compiled(booster, tabulated=True)
    contributions = booster.predict(xgboost.DMatrix(rows), pred_contribs=True)

    assert forest.margins_and_effects(rows)[0].tobytes() == forest.margins(rows).tobytes()
    assert effects_of(forest, rows) == pytest.approx(contributions[:, :-1], abs=2e-5)
    assert forest.base_effect == pytest.approx(contributions[0, -1], abs=1e-5)


@pytest.mark.parametrize("depth", range(1, 11))
def test_effects_are_xgboosts_at_any_depth_with_missing_values_and_ties(depth: int) -> None:
    booster = train(ROWS, trees=8, max_depth=depth, min_child_weight=0, reg_lambda=0.1)
    rows = np.concatenate([random_rows(150, FEATURES, seed=7), ALL_MISSING])

    assert_equal_to_xgboost(booster, rows)
    assert_equal_to_xgboost(booster, ties_with_cut_points(booster))


@pytest.mark.parametrize("trees", [1, 2, 100, 1000])
def test_effects_are_xgboosts_with_any_number_of_trees(trees: int) -> None:
    booster = train(ROWS, trees=trees, max_depth=2)

    assert_equal_to_xgboost(booster, random_rows(150, FEATURES, seed=8))


def test_the_only_feature_has_xgboosts_effect() -> None:
    booster = train(ROWS[:, :1], trees=20, max_depth=6)

    assert_equal_to_xgboost(booster, np.concatenate([ROWS[:100, :1], ALL_MISSING[:, :1]]))


def test_single_leaves_among_trees_that_split_add_no_effects() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (60, 2)).astype(np.float32)
    booster = train(rows, rows[:, 0].astype(float), trees=60, max_depth=2, gamma=0.3)

    assert (booster.trees_to_dataframe().groupby("Tree").size() == 1).any()
    assert_equal_to_xgboost(booster, rows)


def test_a_forest_that_never_splits_has_no_table() -> None:
    assert table_of(train(ROWS, trees=5, gamma=1e9)) is None


def test_a_leaf_that_depends_on_more_than_eight_features_has_no_table() -> None:
    many = random_rows(2000, 30, missing=0.0)
    booster = train(many, trees=2, max_depth=12, min_child_weight=0, reg_lambda=0, gamma=0)

    assert table_of(booster) is None


def test_a_split_that_nothing_is_below_has_no_table() -> None:
    nodes = read_nodes(model_of(train(ROWS, trees=2)), FEATURES)
    condition = nodes.condition.copy()
    condition[np.flatnonzero(nodes.is_inner)[0]] = -np.inf

    assert tabulate(nodes, np.arange(FEATURES)) is not None
    assert tabulate(nodes._replace(condition=condition), np.arange(FEATURES)) is None


def test_a_stored_split_that_nothing_is_below_is_refused() -> None:
    model = stored()
    model[STORED_AS]["thresholds"] = model[STORED_AS]["thresholds"].copy()
    model[STORED_AS]["thresholds"][0] = -np.inf

    with pytest.raises(ArtifactError, match="table of effects is malformed"):
        stored_table(model, FEATURES)


def test_a_forest_whose_table_would_be_large_has_none() -> None:
    many = random_rows(2000, 30)

    assert table_of(train(many, trees=400, max_depth=6, min_child_weight=0)) is None


def test_groups_sum_what_their_features_have() -> None:
    booster, groups = train(ROWS, trees=20, max_depth=5), [2, 0, 2, 1, 0, 2]

    single = effects_of(compiled(booster, tabulated=True), ROWS)
    grouped = effects_of(compiled(booster, groups, tabulated=True), ROWS, 3)

    by_group = [single[:, np.array(groups) == group].sum(axis=1) for group in range(3)]
    assert grouped == pytest.approx(np.column_stack(by_group), abs=1e-6)


@pytest.mark.parametrize("depth", [1, 3, 6, 9])
def test_a_row_has_the_same_bits_alone_and_in_any_batch(depth: int) -> None:
    forest = compiled(train(ROWS, trees=40, max_depth=depth), [0, 1, 0, 2, 2, 0], tabulated=True)
    rows = np.tile(ROWS, (3, 1))
    effects = effects_of(forest, rows)

    for size in (1, 2, 3, 7, 50):
        assert (
            effects_of(forest, rows[13 : 13 + size]).tobytes() == effects[13 : 13 + size].tobytes()
        )


any_rows = hypothesis_numpy.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(FEATURES)),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)
FOREST = compiled(train(ROWS, trees=40, max_depth=6), tabulated=True)


@settings(max_examples=100, deadline=None)
@given(any_rows)
def test_base_effect_and_effects_add_up_to_the_margin_on_any_row(rows: Floats) -> None:
    total = FOREST.base_effect + effects_of(FOREST, rows).sum(axis=1)

    assert total == pytest.approx(FOREST.margins(rows), abs=1e-4)


@lru_cache
def deep() -> xgboost.Booster:
    return train(ROWS, trees=5, max_depth=9, min_child_weight=0)


@lru_cache
def deep_table() -> EffectTable:
    table = table_of(deep())
    assert table is not None
    return table


def stored(**changes: Any) -> Any:
    arrays = {**deep_table().to_arrays(), **changes}
    return ubjson.loads(ubjson.with_arrays(b"{}", STORED_AS, arrays))


def test_a_table_that_was_stored_is_read_back() -> None:
    booster = train(ROWS, trees=5, max_depth=5)
    model = ubjson.with_arrays(
        bytes(booster.save_raw("ubj")),
        STORED_AS,
        table_of(booster).to_arrays(),  # type: ignore[union-attr]
    )

    table = stored_table(ubjson.loads(model), FEATURES)

    assert as_bytes(table) == as_bytes(table_of(booster))
    xgboost.Booster().load_model(bytearray(model))


@pytest.mark.parametrize(
    "name",
    [
        "features",
        "chains",
        "facts",
        "unit_starts",
        "slot_units",
        "slot_offsets",
        "tree_starts",
        "group_starts",
        "groups",
    ],
)
@pytest.mark.parametrize("index", [-1, 10**9])
def test_an_index_outside_is_refused(name: str, index: int) -> None:
    model = stored()
    model[STORED_AS][name][-1] = index

    with pytest.raises(ArtifactError, match="table of effects"):
        stored_table(model, FEATURES)


PARTS = [*EffectTable._fields, "chain_length"]


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    "broken",
    [
        *(lambda part, end=end: np.append(part[:-1], end) for end in (np.nan, -np.inf)),
        *(lambda part, end=end: [*part[:-1].tolist(), end] for end in (np.inf, None, 10**400)),
        lambda part: part[:0],
        lambda part: part[:, None],
        lambda part: part[0],
        lambda part: part.astype(str),
        lambda part: part.astype(np.int64 if part.dtype == np.float32 else np.float32),
        lambda _: [[1], [1, 2]],
        lambda _: {},
    ],
)
def test_a_part_of_another_kind_is_refused(name: str, broken: Callable[[Any], Any]) -> None:
    model = stored()
    model[STORED_AS][name] = broken(model[STORED_AS][name])

    with pytest.raises(ArtifactError, match="table of effects"):
        TreeEnsemble(model_of(deep()), range(FEATURES), stored_table(model, FEATURES))


def doubled_slot(arrays: Any) -> None:
    arrays["slot_offsets"][1] = arrays["slot_offsets"][0]
    arrays["slot_units"][1] = arrays["slot_units"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays["unit_starts"].__setitem__(1, 0),
        lambda arrays: arrays["unit_widths"].__setitem__(1, 0),
        lambda arrays: arrays["slot_offsets"].__setitem__(0, 0),
        lambda arrays: arrays["tree_starts"].__setitem__(1, 0),
        lambda arrays: arrays["group_starts"].__setitem__(1, 0),
        lambda arrays: arrays["groups"].__setitem__(1, 0),
        doubled_slot,
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change: Callable[[Any], None]) -> None:
    model = stored()
    change(model[STORED_AS])

    with pytest.raises(ArtifactError, match="table of effects"):
        stored_table(model, FEATURES)


@pytest.mark.parametrize("groups", [[0, 1, 2, 3, 4, 4], [0, 1, 2, 3, 4, 6], [0] * FEATURES])
def test_a_table_over_other_groups_is_refused(groups: list[int]) -> None:
    booster = train(ROWS, trees=5)

    with pytest.raises(ArtifactError, match="another forest"):
        TreeEnsemble(model_of(booster), groups, table_of(booster))


@pytest.mark.parametrize("other", [{"trees": 4}, {"max_depth": 4}, {"eta": 0.9}], ids=str)
def test_the_table_of_another_forest_is_refused(other: dict[str, Any]) -> None:
    booster, another = train(ROWS, trees=5), train(ROWS, **{"trees": 5} | other)

    with pytest.raises(ArtifactError, match="another forest"):
        TreeEnsemble(model_of(booster), range(FEATURES), table_of(another))


def test_a_table_of_fewer_trees_is_refused() -> None:
    booster = train(ROWS, trees=5)
    table: Any = table_of(booster)
    fewer = table._replace(tree_starts=table.tree_starts[:-1])

    with pytest.raises(ArtifactError, match="another forest"):
        TreeEnsemble(model_of(booster), range(FEATURES), fewer)


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_part_is_refused(name: str) -> None:
    model = stored()
    del model[STORED_AS][name]

    with pytest.raises(ArtifactError, match="table of effects"):
        stored_table(model, FEATURES)
