"""A trained forest as plain arrays: margins, and exact additive effects, with numpy alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .effect_table import EffectLookup, EffectTable
from .forest_nodes import Floats, Nodes, read_nodes
from .path_sweep import PathSweep

# So many rows at once that what a walk keeps of them stays in the processor's cache.
_WALK_ROWS = 128
_INFINITY = np.float32(np.inf)

Doubles = NDArray[np.float64]


class TreeEnsemble:
    """A binary XGBoost forest that takes rows of float32 features, NaN where a value is missing.

    `groups` gives for each feature the number of its group; the attribute `groups` has those that
    the forest asks for, ascending. Effects come from the forest's `table` (`effect_table`) where
    it has one, and with them the margins; else from a sweep of its paths.
    """

    def __init__(
        self, model: Mapping[str, Any], groups: Sequence[int], table: EffectTable | None = None
    ) -> None:
        """Compile the parsed model; raise ArtifactError if it is no such forest."""
        nodes = read_nodes(model, len(groups))
        self._base_margin = nodes.base_margin
        self._compile(nodes, len(groups))
        numbers = np.asarray(groups, dtype=np.intp)
        self.groups = np.flatnonzero(np.bincount(numbers[nodes.feature[nodes.is_inner]]))
        if table:
            table.require_fit(nodes, numbers)
        self._effects = EffectLookup(table, len(groups)) if table else PathSweep(nodes, numbers)

    def margins(self, rows: Floats) -> Doubles:
        """Return the raw log-odds of each row, shape (n,)."""
        margins = np.empty(len(rows))
        for start in range(0, len(rows), _WALK_ROWS):
            part = slice(start, start + _WALK_ROWS)
            margins[part] = self._margins(_all_ways(rows[part]))
        return margins

    def _margins(self, values: Floats) -> Doubles:
        count, width = values.shape
        flat = values.reshape(-1)
        # Steps on arrays of one shape and kind: others cost one row alone three times as much.
        at = self._roots[:, None].repeat(count, axis=1)
        first = np.zeros(at.shape, np.intp) + np.arange(0, len(flat), width)
        for _ in range(self._depth):
            asked = flat.take(self._node_column.take(at) + first)
            is_right = asked >= self._node_threshold.take(at)
            at = self._node_child.take(at) + is_right.astype(np.intp)
        return self._summed(np.ascontiguousarray(self._node_value.take(at).T))

    def _summed(self, leaves: Doubles) -> Doubles:
        """Add leaves of shape (n, trees) in one order, wherever they come from."""
        margins: Doubles = np.add.reduce(leaves, axis=1)
        margins += self._base_margin
        return margins

    def margins_and_effects(self, rows: Floats) -> tuple[Doubles, Doubles]:
        """Return margins as `margins` does, and additive effects in log-odds, shape (n, groups).

        The effects are those of `groups`; all others are 0. For every row `base_effect` plus its
        effects is its margin, up to rounding.
        """
        margins, effects = np.empty(len(rows)), np.empty((len(rows), len(self.groups)))
        at_once = self._effects.rows_at_once
        for start in range(0, len(rows), at_once):
            part = slice(start, start + at_once)
            margins[part], effects[part] = self._evaluated(_all_ways(rows[part]))
        return margins, effects

    def _evaluated(self, values: Floats) -> tuple[Doubles, Doubles]:
        if isinstance(self._effects, EffectLookup):
            leaves, effects = self._effects.leaves_and_effects(values)
            return self._summed(leaves), effects
        return self._margins(values), self._effects.effects(values)

    def _compile(self, nodes: Nodes, features: int) -> None:
        inner, splits = nodes.is_inner, np.flatnonzero(nodes.is_inner)
        column = nodes.feature + features * ~nodes.missing_left
        # Roots first, then the two children of each split side by side.
        order = np.concatenate(
            [nodes.roots, np.stack([nodes.left[splits], nodes.right[splits]], axis=1).ravel()]
        )
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        is_split = inner[order]
        self._roots = np.arange(len(nodes.roots))
        self._node_column = np.where(is_split, column[order], 0)
        # A leaf is its own child, so that walks of any depth end there: nothing is above NaN.
        self._node_threshold = np.where(is_split, nodes.condition[order], np.float32(np.nan))
        self._node_child = np.where(is_split, place[nodes.left[order]], np.arange(len(order)))
        self._node_value = np.where(is_split, 0.0, nodes.condition[order]).astype(np.float64)
        # The share of the training that reached a node: the mean margin is the base effect.
        reached, self._depth = np.zeros(len(inner)), 0
        reached[nodes.roots] = 1.0
        upper = nodes.roots[inner[nodes.roots]]
        while len(upper):
            lower = np.concatenate([nodes.left[upper], nodes.right[upper]])
            above = np.tile(upper, 2)
            reached[lower] = reached[above] * nodes.cover[lower] / nodes.cover[above]
            upper, self._depth = lower[inner[lower]], self._depth + 1
        self.base_effect = self._base_margin + float(reached[order] @ self._node_value)


def _all_ways(rows: Floats) -> Floats:
    """Return rows twice side by side: a missing value is below all others, then above them.

    So a split need not ask whether its value is there: it reads it where a missing one goes the
    way that XGBoost chose for it. Behind them stand both with their signs changed.
    """
    count, width = rows.shape
    ways = np.empty((count, 4 * width), np.float32)
    np.fmax(rows, -_INFINITY, out=ways[:, :width])
    np.fmin(rows, _INFINITY, out=ways[:, width : 2 * width])
    np.negative(ways[:, : 2 * width], out=ways[:, 2 * width :])
    return ways
