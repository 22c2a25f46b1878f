"""Golden numbers are XGBoost's own margins and contributions, and Shapley values by brute force."""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from lead_scoring.errors import ArtifactError
from lead_scoring.tree_ensemble import TreeEnsemble
from tests.forests import Floats, compiled, effects_of, random_rows, train

FEATURES = 6
ROWS = random_rows(400, FEATURES)


@lru_cache
def usual_booster() -> xgboost.Booster:
    return train(ROWS, trees=40, max_depth=6)


def assert_equal_to_xgboost(booster: xgboost.Booster, rows: Floats) -> None:
    forest = compiled(booster)
    data = xgboost.DMatrix(rows)
    margins = booster.predict(data, output_margin=True)
    contributions = booster.predict(data, pred_contribs=True)

    assert forest.margins(rows) == pytest.approx(margins, abs=1e-5)
    assert effects_of(forest, rows) == pytest.approx(contributions[:, :-1], abs=2e-5)
    assert forest.base_effect == pytest.approx(contributions[0, -1], abs=1e-5)


@pytest.mark.parametrize("depth", range(1, 13))
def test_margins_and_effects_are_xgboosts_at_any_depth(depth: int) -> None:
    booster = train(ROWS, trees=8, max_depth=depth, min_child_weight=0, reg_lambda=0.1)

    assert_equal_to_xgboost(booster, random_rows(150, FEATURES, seed=7))


@pytest.mark.parametrize("trees", [1, 2, 30, 300])
def test_margins_and_effects_are_xgboosts_with_any_number_of_trees(trees: int) -> None:
    booster = train(ROWS, trees=trees, max_depth=4)

    assert_equal_to_xgboost(booster, random_rows(150, FEATURES, seed=8))


@pytest.mark.parametrize(
    "params",
    [
        {"min_child_weight": 0, "gamma": 0, "reg_lambda": 0, "max_depth": 9},
        {"scale_pos_weight": 20.0},
        {"scale_pos_weight": 0.05, "max_depth": 5},
        {"tree_method": "exact", "max_depth": 5},
        {"subsample": 0.5, "colsample_bytree": 0.3, "max_depth": 6, "seed": 3},
        {"grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0},
        {"base_score": 0.01},
        {"base_score": 0.99995, "min_child_weight": 0},
        {"base_score": 1e-7},
        {"interaction_constraints": "[[0, 1], [2, 3, 4, 5]]", "max_depth": 6},
        {"max_delta_step": 0.5, "reg_alpha": 1.0},
        {"num_parallel_tree": 3},
    ],
    ids=str,
)
def test_margins_and_effects_are_xgboosts_with_other_parameters(params: dict[str, Any]) -> None:
    booster = train(ROWS, trees=12, **params)

    assert_equal_to_xgboost(booster, random_rows(150, FEATURES, seed=9))


def test_margins_and_effects_are_xgboosts_for_soft_targets_and_weights() -> None:
    generator = np.random.default_rng(4)
    targets, weights = generator.random(len(ROWS)), generator.exponential(size=len(ROWS))
    booster = train(ROWS, targets, weights, trees=20, max_depth=5)

    assert_equal_to_xgboost(booster, random_rows(150, FEATURES, seed=10))


def test_rows_of_missing_values_only_are_xgboosts() -> None:
    rows = np.full((3, FEATURES), np.nan, dtype=np.float32)

    assert_equal_to_xgboost(usual_booster(), rows)


def test_a_forest_that_never_saw_a_missing_value_is_xgboosts_on_missing_ones() -> None:
    booster = train(random_rows(300, 4, missing=0.0), max_depth=4)

    assert_equal_to_xgboost(booster, random_rows(100, 4, seed=2, missing=0.5))


def test_a_feature_that_no_tree_tests_has_no_effect() -> None:
    rows = ROWS.copy()
    rows[:, 2] = 0.5
    booster = train(rows, trees=15)

    effects = effects_of(compiled(booster), ROWS)

    assert not effects[:, 2].any()
    assert effects[:, 0].any()
    assert_equal_to_xgboost(booster, ROWS[:100])


def test_one_feature_alone_is_xgboosts() -> None:
    assert_equal_to_xgboost(train(ROWS[:, :1], trees=20, max_depth=6), ROWS[:100, :1])


def test_trees_of_a_single_leaf_have_no_effects_and_a_constant_margin() -> None:
    booster = train(ROWS, trees=5, gamma=1e9)
    forest = compiled(booster)

    assert not effects_of(forest, ROWS).any()
    assert forest.margins(ROWS[:3]) == pytest.approx(
        booster.predict(xgboost.DMatrix(ROWS[:3]), output_margin=True), abs=1e-6
    )
    assert forest.margins(ROWS[:1])[0] == pytest.approx(forest.base_effect, abs=1e-6)


def test_single_leaves_among_trees_that_split_are_xgboosts() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (60, 2)).astype(np.float32)
    booster = train(rows, rows[:, 0].astype(float), trees=60, max_depth=2, gamma=0.3)
    leaves = booster.trees_to_dataframe().groupby("Tree").size()

    assert (leaves == 1).any()
    assert (leaves > 1).any()
    assert_equal_to_xgboost(booster, rows)


def test_values_that_tie_with_a_cut_point_go_where_xgboost_sends_them() -> None:
    booster = usual_booster()
    table = booster.trees_to_dataframe()
    cuts = table.loc[table.Feature != "Leaf", ["Feature", "Split"]]
    rows = []
    for name, cut in cuts.itertuples(index=False):
        exact = np.float32(cut)
        below, above = (np.nextafter(exact, np.float32(end)) for end in (-9, 9))
        for value in (exact, below, above):
            row = np.zeros(FEATURES, dtype=np.float32)
            row[int(name[1:])] = value
            rows.append(row)

    assert len(rows) > 500
    assert_equal_to_xgboost(booster, np.array(rows[:1500]))


def test_extreme_values_and_thresholds_go_where_xgboost_sends_them() -> None:
    largest, least = np.finfo(np.float32).max, np.float32(1e-45)
    values = [-largest, largest, least, -least, 0.0, -0.0, 1e-38, 1, 1.0000001, math.nan]
    rows = np.random.default_rng(3).choice(np.array(values, np.float32), (400, 3))
    targets = 0.7 * (rows[:, 0] > 0) + 0.2 * (rows[:, 1] >= least) + 0.1 * np.isnan(rows[:, 2])
    # Where all values are near the largest, XGBoost's threshold is beyond every number.
    rows[:, 2] = np.where(np.isnan(rows[:, 2]), math.nan, largest)
    booster = train(rows, targets, trees=20, max_depth=5, min_child_weight=0)

    assert np.isinf(booster.trees_to_dataframe().Split).any()
    assert_equal_to_xgboost(booster, rows)


def test_the_effect_of_a_group_is_the_sum_of_its_features_effects() -> None:
    groups = np.array([2, 0, 2, 1, 0, 2])

    single, grouped = compiled(usual_booster()), compiled(usual_booster(), groups.tolist())

    effects = effects_of(single, ROWS)
    expected = np.column_stack([effects[:, groups == group].sum(axis=1) for group in range(3)])
    assert effects_of(grouped, ROWS, 3) == pytest.approx(expected, abs=1e-6)
    assert grouped.base_effect == single.base_effect


def test_a_group_without_a_tested_feature_has_no_effect() -> None:
    forest = compiled(usual_booster(), [0, 0, 0, 3, 3, 3])

    effects = effects_of(forest, ROWS[:5], 4)

    assert forest.groups.tolist() == [0, 3]
    assert not effects[:, 1:3].any()


any_rows = hypothesis_numpy.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(FEATURES)),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)


@settings(max_examples=100, deadline=None)
@given(any_rows)
def test_base_effect_and_effects_add_up_to_the_margin_on_any_row(rows: Floats) -> None:
    forest = compiled(usual_booster())

    total = forest.base_effect + effects_of(forest, rows).sum(axis=1)

    assert total == pytest.approx(forest.margins(rows), abs=1e-4)


@pytest.mark.parametrize(
    ("trees", "depth"), [(1, 1), (1, 6), (40, 2), (40, 6), (40, 9), (300, 2)], ids=str
)
def test_a_row_has_the_same_bits_alone_and_in_any_batch(trees: int, depth: int) -> None:
    forest = compiled(train(ROWS, trees=trees, max_depth=depth), [0, 1, 0, 2, 2, 0])
    # So many rows that the effects are computed in several parts.
    rows = np.tile(ROWS, (6, 1))
    margins, effects = forest.margins(rows), effects_of(forest, rows)

    for size in (1, 2, 3, 7, 50):
        part = slice(13, 13 + size)
        assert forest.margins(rows[part]).tobytes() == margins[part].tobytes()
        assert effects_of(forest, rows[part]).tobytes() == effects[part].tobytes()


def test_the_order_of_rows_changes_nothing() -> None:
    forest = compiled(usual_booster())
    order = np.random.default_rng(3).permutation(len(ROWS))

    assert forest.margins(ROWS[order]).tobytes() == forest.margins(ROWS)[order].tobytes()
    assert effects_of(forest, ROWS[order]).tobytes() == effects_of(forest, ROWS)[order].tobytes()


def test_no_rows_have_no_margins_and_no_effects() -> None:
    forest = compiled(usual_booster())

    assert forest.margins(ROWS[:0]).shape == (0,)
    assert effects_of(forest, ROWS[:0]).shape == (0, FEATURES)


# Shapley values by their definition, on trees written by hand.


class RandomTree:
    """A binary tree over three features, with covers; its own mean where a feature is not known."""

    def __init__(self, random: Random, depth: int) -> None:
        self.nodes: list[dict[str, Any]] = []
        self._grow(random, depth, 64.0)

    def _grow(self, random: Random, depth: int, cover: float) -> int:
        number = len(self.nodes)
        self.nodes.append({"cover": cover, "left": -1, "right": -1, "value": random.gauss(0, 1)})
        if depth and (number == 0 or random.random() < 0.8):
            node, share = self.nodes[number], random.uniform(0.1, 0.9)
            node |= {"feature": random.randrange(3), "cut": random.gauss(0, 1)}
            node["missing_left"] = random.random() < 0.5
            node["left"] = self._grow(random, depth - 1, cover * share)
            node["right"] = self._grow(random, depth - 1, cover * (1 - share))
        return number

    def mean(self, row: list[float], known: tuple[int, ...], number: int = 0) -> float:
        node = self.nodes[number]
        if node["left"] < 0:
            return float(node["value"])
        left, right = (self.mean(row, known, node[side]) for side in ("left", "right"))
        if node["feature"] not in known:
            share = self.nodes[node["left"]]["cover"] / node["cover"]
            return float(share * left + (1 - share) * right)
        value = row[node["feature"]]
        goes_left = node["missing_left"] if math.isnan(value) else value < node["cut"]
        return left if goes_left else right

    def shapley(self, row: list[float], feature: int) -> float:
        others = [other for other in range(3) if other != feature]
        total = 0.0
        for size in range(3):
            weight = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
            for known in combinations(others, size):
                gain = self.mean(row, (*known, feature)) - self.mean(row, known)
                total += weight * gain
        return total

    def as_xgboost(self) -> Mapping[str, Any]:
        nodes = self.nodes
        return {
            "left_children": [node["left"] for node in nodes],
            "right_children": [node["right"] for node in nodes],
            "split_indices": [node.get("feature", 0) for node in nodes],
            "split_conditions": [node.get("cut", node["value"]) for node in nodes],
            "default_left": [int(node.get("missing_left", False)) for node in nodes],
            "sum_hessian": [node["cover"] for node in nodes],
            "split_type": [0 for _ in nodes],
        }


def model_of(*trees: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    learner = {
        "objective": {"name": "binary:logistic"},
        "learner_model_param": {"base_score": "[5E-1]"},
        "gradient_booster": {"model": {"trees": list(trees)}},
    }
    return {"learner": learner | changes}


@pytest.mark.parametrize("seed", range(25))
def test_effects_are_the_shapley_values_of_their_definition(seed: int) -> None:
    random = Random(seed)
    tree, other = RandomTree(random, 4), RandomTree(random, 2)
    forest = TreeEnsemble(model_of(tree.as_xgboost(), other.as_xgboost()), [0, 1, 2])
    row = [random.choice((random.gauss(0, 1), math.nan)) for _ in range(3)]

    effects = effects_of(forest, np.array([row], dtype=np.float32))[0]

    expected = [tree.shapley(row, i) + other.shapley(row, i) for i in range(3)]
    assert effects == pytest.approx(expected, abs=1e-5)
    assert forest.base_effect == pytest.approx(tree.mean(row, ()) + other.mean(row, ()), abs=1e-6)


# What is no such forest.

LEAF = {
    "left_children": [-1],
    "right_children": [-1],
    "split_indices": [0],
    "split_conditions": [0.5],
    "default_left": [0],
    "sum_hessian": [1.0],
    "split_type": [0],
}


@pytest.mark.parametrize(
    "model",
    [
        {},
        [],
        None,
        {"learner": {}},
        model_of(LEAF, objective={"name": "reg:squarederror"}),
        model_of(LEAF, learner_model_param={"base_score": "[1E0]"}),
        model_of(LEAF, learner_model_param={"base_score": "much"}),
        model_of(LEAF | {"split_type": [1]}),
        model_of({name: value for name, value in LEAF.items() if name != "sum_hessian"}),
        model_of(LEAF, gradient_booster={"gbtree": {"model": {"trees": [LEAF]}}}),
        *(model_of(LEAF, learner_model_param={"base_score": f"[{p}]"}) for p in (0, -1, 2, "nan")),
        *(model_of(LEAF | {name: []}) for name in LEAF if name != "split_type"),
        model_of({name: [] for name in LEAF}),
    ],
)
def test_what_is_no_binary_forest_is_refused(model: Any) -> None:
    with pytest.raises(ArtifactError, match="not a binary XGBoost forest"):
        TreeEnsemble(model, [0])


SPLIT: dict[str, list[Any]] = {
    "left_children": [1, -1, -1],
    "right_children": [2, -1, -1],
    "split_indices": [0, 0, 0],
    "split_conditions": [0.5, 1.0, -1.0],
    "default_left": [0, 0, 0],
    "sum_hessian": [2.0, 1.0, 1.0],
    "split_type": [0, 0, 0],
}


def test_a_split_by_hand_is_a_forest() -> None:
    forest = TreeEnsemble(model_of(SPLIT, LEAF), [0])

    assert forest.margins(np.array([[0.0], [0.5]], np.float32)).tolist() == [1.5, -0.5]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("left_children", child) for child in (0, 2, 3, 2**31, 1.5)),
        *(("right_children", child) for child in (0, 1, 3, 2**31, math.nan)),
        *(("split_conditions", value) for value in (math.nan, None)),
        *(("sum_hessian", cover) for cover in (-1.0, math.nan, math.inf, None)),
        ("default_left", [0]),
    ],
)
def test_a_malformed_node_is_refused(name: str, value: Any, place: int) -> None:
    broken = [*SPLIT[name]]
    broken[place] = value

    with pytest.raises(ArtifactError):
        TreeEnsemble(model_of(SPLIT | {name: broken}, LEAF), [0])


@pytest.mark.parametrize(
    "changes",
    [
        {"split_indices": [-1, 0, 0]},
        {"left_children": [-1, -1, -1]},
        {"split_conditions": [0.5, math.inf, 1.0]},
        {"sum_hessian": [0.0, 0.0, 0.0]},
        *({name: values[:-1]} for name, values in SPLIT.items() if name != "split_type"),
        *({name: [*values, 0]} for name, values in SPLIT.items() if name != "split_type"),
    ],
    ids=str,
)
def test_a_malformed_tree_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError):
        TreeEnsemble(model_of(LEAF, SPLIT | changes), [0])


def test_a_forest_that_tests_more_features_than_there_are_is_refused() -> None:
    with pytest.raises(ArtifactError):
        compiled(usual_booster(), [0, 1])


def test_a_forest_without_trees_answers_its_base() -> None:
    forest = TreeEnsemble(model_of(), [0])

    assert forest.margins(np.zeros((2, 1), dtype=np.float32)).tolist() == [0.0, 0.0]
    assert forest.base_effect == 0.0
