"""The nodes of a forest as XGBoost writes them, in one numbering."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .distinct import all_distinct
from .errors import ArtifactError

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


class Nodes(NamedTuple):
    """The nodes of all trees in one numbering; `left` and `right` are -1 at a leaf."""

    roots: Indices
    left: Indices
    right: Indices
    feature: Indices
    condition: Floats  # the threshold at a split, the value at a leaf
    missing_left: NDArray[np.bool_]
    cover: NDArray[np.float64]
    base_margin: float

    @property
    def is_inner(self) -> NDArray[np.bool_]:
        """Which nodes split, shape (nodes,)."""
        result: NDArray[np.bool_] = self.left >= 0
        return result


def _trees(model: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], float]:
    learner = model["learner"]
    if learner["objective"]["name"] != "binary:logistic":
        raise ValueError("the objective is not binary:logistic")
    probability = np.float32(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    if not 0 < probability < 1:
        raise ValueError("the base score is no probability")
    trees = learner["gradient_booster"]["model"]["trees"]
    if any(np.any(np.asarray(tree["split_type"])) for tree in trees):
        raise ValueError("categorical splits are not supported")
    # As XGBoost does it, also where this loses digits: in single precision, and within limits.
    limit = np.float32(1e-6)
    return trees, float(-np.log(1 / np.clip(probability, limit, 1 - limit) - 1))


def read_nodes(model: Mapping[str, Any], features: int) -> Nodes:
    """Return the nodes of a parsed model over so many features.

    Raises ArtifactError if it is not a binary XGBoost forest, or tests features beyond these.
    """
    try:
        nodes = _join(*_trees(model))
        _check(nodes, features)
        return nodes
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as fault:
        raise ArtifactError("the model is not a binary XGBoost forest") from fault


def _check(nodes: Nodes, features: int) -> None:
    inner = np.flatnonzero(nodes.is_inner)
    left, right, tested = nodes.left[inner], nodes.right[inner], nodes.feature[inner]
    if not np.array_equal(nodes.left < 0, nodes.right < 0):
        raise ValueError("a node has one child alone")
    # So nobody walks in circles, or beyond the nodes of a tree.
    tree = np.searchsorted(nodes.roots, np.arange(len(nodes.left)), side="right")
    last = np.append(nodes.roots[1:], len(tree))[tree[inner] - 1] - 1
    if np.any((np.minimum(left, right) <= inner) | (np.maximum(left, right) > last)):
        raise ValueError("a child does not come after its parent in their tree")
    if not all_distinct(np.concatenate([left, right])):
        raise ValueError("a node has two parents")
    if np.any((tested < 0) | (tested >= features)):
        raise ValueError("the forest tests a feature that the extractor does not have")
    if np.isnan(nodes.condition).any() or np.isinf(nodes.condition[~nodes.is_inner]).any():
        raise ValueError("a threshold or a value is no number")
    if not (np.isfinite(nodes.cover).all() and np.all(nodes.cover >= 0)):
        raise ValueError("a cover is no sum of weights")
    if not np.all(nodes.cover[inner] > 0):
        raise ValueError("nothing of the training reached a split")


def _join(trees: list[Mapping[str, Any]], base_margin: float) -> Nodes:
    sizes = [len(tree["left_children"]) for tree in trees]
    if not all(sizes):
        raise ValueError("a tree has no nodes")
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp) if trees else np.zeros(0)

    def joined(name: str, kind: Any) -> NDArray[Any]:
        parts = [np.asarray(tree[name]) for tree in trees]
        if [part.shape for part in parts] != [(size,) for size in sizes]:
            raise ValueError(f"{name} does not have one entry a node")
        result = np.concatenate(parts) if parts else np.zeros(0, kind)
        if kind == np.intp and result.dtype.kind not in "iu":
            raise ValueError(f"{name} has other than whole numbers")
        return result.astype(kind)

    shift = np.repeat(roots, sizes).astype(np.intp)
    left, right = joined("left_children", np.intp), joined("right_children", np.intp)
    return Nodes(
        roots=roots.astype(np.intp),
        left=np.where(left < 0, -1, left + shift),
        right=np.where(right < 0, -1, right + shift),
        feature=joined("split_indices", np.intp),
        condition=joined("split_conditions", np.float32),
        missing_left=joined("default_left", np.bool_),
        cover=joined("sum_hessian", np.float64),
        base_margin=base_margin,
    )


@lru_cache
def gauss_legendre(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return that many points and weights on [0, 1]."""
    t, weights = np.polynomial.legendre.leggauss(points)
    return (t + 1) / 2, weights / 2
