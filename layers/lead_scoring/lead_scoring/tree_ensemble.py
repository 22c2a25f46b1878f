"""A trained forest as plain arrays: margins, and exact additive effects, with numpy alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .effect_table import EffectTable
from .forest_nodes import Floats, Nodes, read_nodes
from .path_sweep import PathSweep

# So many rows at once that what a walk keeps of them (6 KB a row for 100 trees) stays small.
_WALK_ROWS = 512


class TreeEnsemble:
    """A binary XGBoost forest that takes rows of float32 features, NaN where a value is missing.

    `groups` gives for each feature the number of its group, counted from 0. Effects come from the
    forest's `table` (`effect_table.tabulate`) where it has one, else from a sweep of its paths.
    """

    def __init__(
        self, model: Mapping[str, Any], groups: Sequence[int], table: EffectTable | None = None
    ) -> None:
        """Compile the parsed model; raise ArtifactError if it is no such forest."""
        nodes = read_nodes(model, len(groups))
        self._base_margin, self._roots = nodes.base_margin, nodes.roots
        self._compile(nodes)
        numbers = np.asarray(groups, dtype=np.intp)
        if table:
            table.require_fit(nodes, numbers)
        self._effects = table or PathSweep(nodes, numbers)

    def margins(self, rows: Floats) -> NDArray[np.float64]:
        """Return the raw log-odds of each row, shape (n,)."""
        chunks = [
            self._margins(rows[start : start + _WALK_ROWS])
            for start in range(0, len(rows), _WALK_ROWS)
        ]
        return np.concatenate(chunks) if chunks else np.zeros(0)

    def _margins(self, rows: Floats) -> NDArray[np.float64]:
        flat, first = rows.reshape(-1), np.arange(len(rows))[:, None] * rows.shape[1]
        at = self._roots[None]
        for _ in range(self._depth):
            # `take` is several times as fast as indexing, which matters most for one row alone.
            values = flat.take(self._node_feature.take(at) + first)
            left = values < self._node_threshold.take(at)
            left |= np.isnan(values) & self._node_missing_left.take(at)
            at = np.where(left, self._node_left.take(at), self._node_right.take(at))
        leaves: NDArray[np.float64] = self._node_value.take(at).sum(axis=1)
        # Where no tree splits, all rows share one walk.
        margins: NDArray[np.float64] = leaves + np.full(len(rows), self._base_margin)
        return margins

    def effects(self, rows: Floats) -> NDArray[np.float64]:
        """Return each row's additive effects in log-odds, shape (n, groups).

        For every row `base_effect` plus its effects is its margin, up to rounding.
        """
        return self._effects.effects(rows)

    def _compile(self, nodes: Nodes) -> None:
        inner, here = nodes.is_inner, np.arange(len(nodes.left))
        self._node_feature = np.where(inner, nodes.feature, 0)
        self._node_threshold = nodes.condition
        self._node_missing_left = nodes.missing_left
        # A leaf is its own child, so that walks of any depth end there.
        self._node_left = np.where(inner, nodes.left, here)
        self._node_right = np.where(inner, nodes.right, here)
        self._node_value = np.where(inner, 0.0, nodes.condition).astype(np.float64)
        # The share of the training that reached a node: the mean margin is the base effect.
        reached, self._depth = np.zeros(len(inner)), 0
        reached[nodes.roots] = 1.0
        upper = nodes.roots[inner[nodes.roots]]
        while len(upper):
            lower = np.concatenate([nodes.left[upper], nodes.right[upper]])
            above = np.tile(upper, 2)
            reached[lower] = reached[above] * nodes.cover[lower] / nodes.cover[above]
            upper, self._depth = lower[inner[lower]], self._depth + 1
        self.base_effect = self._base_margin + float(reached @ self._node_value)
