"""A trained forest as plain arrays: margins, and exact additive effects, with numpy alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .effect_table import EffectLookup, EffectTable
from .forest_nodes import Floats, Indices, Nodes, read_nodes
from .path_sweep import PathSweep

# So many rows at once that what a walk keeps of them stays in the processor's cache.
_WALK_ROWS = 128
# The splits on so many levels are asked of every row: that takes less than to find which ones.
_TOP_LEVELS = 3
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
            margins[part] = self._margins(_both_ways(rows[part]))
        return margins

    def _margins(self, ways: Floats) -> Doubles:
        count = ways.shape[1]
        at = self._exits(ways)
        flat, columns = ways.reshape(-1), self._node_column * count
        # Steps on arrays of one shape and kind: others cost one row alone three times as much.
        first = np.zeros(at.shape, np.intp) + np.arange(count)
        for _ in range(self._depth - self._top_levels):
            asked = flat.take(columns.take(at) + first)
            is_right = asked >= self._node_threshold.take(at)
            at = self._node_child.take(at) + is_right.astype(np.intp)
        return self._summed(np.ascontiguousarray(self._node_value.take(at).T))

    def _exits(self, ways: Floats) -> Indices:
        """Return where each row leaves the top of each tree, shape (trees, n)."""
        is_right = ways.take(self._top_column, axis=0) >= self._top_threshold
        trees, count = len(self._first_exit), ways.shape[1]
        answers = is_right.view(np.uint8).reshape((1 << self._top_levels) - 1, trees, count)
        exits = np.zeros((trees, count), np.uint8)
        for level in range(self._top_levels):
            goes_right, answers = answers[0], answers[1:]
            exits |= goes_right << level
            # Of what is asked below: without a branch, the half that lies on the row's way.
            left, right = answers[::2], answers[1::2]
            answers = left ^ ((left ^ right) & goes_right)
        return exits.astype(np.intp) * trees + self._first_exit

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
            margins[part], effects[part] = self._evaluated(rows[part])
        return margins, effects

    def _evaluated(self, rows: Floats) -> tuple[Doubles, Doubles]:
        if isinstance(self._effects, EffectLookup):
            leaves, effects = self._effects.leaves_and_effects(rows)
            return self._summed(leaves), effects
        ways = _both_ways(rows)
        return self._margins(ways), self._effects.effects(ways)

    def _compile(self, nodes: Nodes, features: int) -> None:
        inner = nodes.is_inner
        # The share of the training that reached a node: the mean margin is the base effect.
        reached, self._depth = np.zeros(len(inner)), 0
        reached[nodes.roots] = 1.0
        upper = nodes.roots[inner[nodes.roots]]
        while len(upper):
            lower = np.concatenate([nodes.left[upper], nodes.right[upper]])
            above = np.tile(upper, 2)
            reached[lower] = reached[above] * nodes.cover[lower] / nodes.cover[above]
            upper, self._depth = lower[inner[lower]], self._depth + 1
        self.base_effect = self._base_margin + float(reached[~inner] @ nodes.condition[~inner])

        self._top_levels = min(self._depth, _TOP_LEVELS)
        # Whole levels of every tree, where what lies below a leaf is that leaf again. Of a level's
        # nodes come all left children, then all right ones.
        tops, ends = [], nodes.roots[None]
        for _ in range(self._top_levels):
            tops.append(ends)
            is_split = inner[ends]
            children = [np.where(is_split, each[ends], ends) for each in (nodes.left, nodes.right)]
            ends = np.concatenate(children)
        top = np.concatenate([np.zeros(0, np.intp), *(each.ravel() for each in tops)])
        self._first_exit = np.arange(len(nodes.roots))[:, None]
        # The ends of the top first, then the two children of each split below side by side.
        is_below = inner.copy()
        is_below[top] = False
        splits = np.flatnonzero(is_below)
        children = [nodes.left[splits], nodes.right[splits]]
        order = np.concatenate([ends.ravel(), np.stack(children, axis=1).ravel()])
        place = np.empty(len(inner), np.intp)
        place[order] = np.arange(len(order))
        column = np.where(inner, nodes.feature + features * ~nodes.missing_left, 0)
        # Nothing is above NaN: from a leaf all go left, and it is its own child, so that walks of
        # any depth end there.
        threshold = np.where(inner, nodes.condition, np.float32(np.nan))
        self._top_column, self._top_threshold = column[top], threshold[top, None]
        self._node_column, self._node_threshold = column[order], threshold[order]
        is_split = inner[order]
        self._node_child = np.where(is_split, place[nodes.left[order]], np.arange(len(order)))
        self._node_value = np.where(is_split, 0.0, nodes.condition[order]).astype(np.float64)


def _both_ways(rows: Floats) -> Floats:
    """Return rows as columns, twice: a missing value is below all others, then above them.

    So a split need not ask whether its value is there: it reads it where a missing one goes the
    way that XGBoost chose for it.
    """
    count, width = rows.shape
    ways = np.empty((2 * width, count), np.float32)
    as_columns = np.ascontiguousarray(rows.T)
    np.fmax(as_columns, -_INFINITY, out=ways[:width])
    np.fmin(as_columns, _INFINITY, out=ways[width:])
    return ways
