"""The nodes of a forest as XGBoost writes them, in one numbering."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactError

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Nodes:
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
    base_score = str(learner["learner_model_param"]["base_score"]).strip("[]")
    probability = float(base_score)
    trees = learner["gradient_booster"]["model"]["trees"]
    if any(np.any(np.asarray(tree["split_type"])) for tree in trees):
        raise ValueError("categorical splits are not supported")
    return trees, float(np.log(probability / (1 - probability)))


def read_nodes(model: Mapping[str, Any], features: int) -> Nodes:
    """Return the nodes of a parsed model over so many features.

    Raises ArtifactError if it is not a binary XGBoost forest, or tests features beyond these.
    """
    try:
        nodes = _join(*_trees(model))
        tested = nodes.feature[nodes.is_inner]
        if tested.size and tested.max() >= features:
            raise ValueError("the forest tests a feature that the extractor does not have")
        return nodes
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as fault:
        raise ArtifactError("the model is not a binary XGBoost forest") from fault


def _join(trees: list[Mapping[str, Any]], base_margin: float) -> Nodes:
    sizes = [len(tree["left_children"]) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp) if trees else np.zeros(0)

    def joined(name: str, kind: Any) -> NDArray[Any]:
        parts = [np.asarray(tree[name]) for tree in trees]
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

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


def gauss_legendre(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return that many points and weights on [0, 1]."""
    t, weights = np.polynomial.legendre.leggauss(points)
    return (t + 1) / 2, weights / 2
