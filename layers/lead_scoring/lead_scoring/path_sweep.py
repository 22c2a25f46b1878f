"""Exact additive effects of a forest of any depth, in one pass down and one up each tree.

Effects are path-dependent TreeSHAP values (Lundberg et al., "From local explanations to global
understanding", 2020), summed by group of features. For a leaf of value v whose path holds the
features j, with z_j the product of cover ratios and o_j = 1 if the lead meets all conditions on j,
    phi_i = v (o_i - z_i) * integral over t in [0, 1] of prod_{j != i} (z_j + (o_j - z_j) t)
(the multilinear form of the Shapley value, Owen 1972). The integrand is a polynomial of degree
below the depth, so Gauss-Legendre quadrature with ceil(depth / 2) points is exact. All leaves below
an edge share the factors above it, so that one pass down and one pass up every tree serve all
(Yu et al., "Linear TreeShap", 2022), for any depth and without a table per leaf.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .forest_nodes import Floats, Indices, Nodes, gauss_legendre


class _Level(NamedTuple):
    """All edges that end at one depth, over all trees: left children first, then right ones.

    `edges` is their slice of the edge arrays; `origin` the position of each edge's upper end among
    the nodes of the level above; `inner` the positions of the ends that split again; `leaf_values`
    has a value per end, 0 where it splits again.
    """

    edges: slice
    origin: Indices
    inner: Indices
    leaf_values: Floats


class PathSweep:
    """The edges of a forest, arranged for passes over all trees at once."""

    # So many rows at once that what a pass keeps of them stays in the processor's cache.
    rows_at_once = 32

    def __init__(self, nodes: Nodes, groups: Indices) -> None:
        """Compile the forest; `groups` gives each feature's group, counted from 0."""
        column = nodes.feature + len(groups) * ~nodes.missing_left
        self._split_column = column[nodes.is_inner]
        self._split_threshold = nodes.condition[nodes.is_inner, None]
        self._compile_edges(nodes, nodes.is_inner, groups)

    def effects(self, ways: Floats) -> NDArray[np.float64]:
        """Return each row's additive effects in log-odds, shape (n, groups that splits ask for).

        `ways` has a column a row: the features with a missing value below all others, then with one
        above them.
        """
        if not self._levels:
            return np.zeros((ways.shape[1], 0))
        left = ways.take(self._split_column, axis=0) < self._split_threshold
        ordered = self._contributions(left)[self._by_group]
        by_group = np.add.reduceat(ordered, self._group_starts, axis=0, dtype=np.float64)
        return np.transpose(by_group)

    def _contributions(self, left: NDArray[np.bool_]) -> Floats:
        """Return what each edge adds to the effect of the feature that it tests, (edges, n)."""
        met = left[self._edge_split] == self._edge_is_left[:, None]
        # State of an edge: 0 if an edge above it on the same feature is not met, else 1 if it is
        # itself not met, else 2. Edges come level by level, so ancestors are settled first.
        state = met.astype(np.int8) + np.int8(1)
        for edges, above in self._repeated:
            state[edges] *= state[above] == 2
        entries = self._edge_rows[:, None] + state
        weights: Floats = self._weights.take(entries, axis=0)
        weights *= self._sweep(self._ratios.take(entries, axis=0))
        # Pair by pair, not by BLAS, whose order of additions depends on how many rows there are.
        while weights.shape[2] > 1:
            weights = weights[..., 0::2] + weights[..., 1::2]
        return weights[..., 0]

    def _sweep(self, ratios: Floats) -> Floats:
        """Multiply factors down every path, then add the leaves up again; (edges, n, points)."""
        above = np.ones((len(self._split_roots), *ratios.shape[1:]), np.float32)
        for level in self._levels:
            product = ratios[level.edges]
            product *= above[level.origin]
            above = product[level.inner]
        below = above
        for level in reversed(self._levels):
            product = ratios[level.edges]
            product *= level.leaf_values[:, None, None]
            product[level.inner] = below
            half = len(product) // 2
            below = product[:half] + product[half:]
        return ratios

    def _compile_edges(self, nodes: Nodes, inner: NDArray[np.bool_], groups: Indices) -> None:
        split_number = np.cumsum(inner) - 1
        self._split_roots = nodes.roots[inner[nodes.roots]]
        self._levels: list[_Level] = []
        upper, ends, origins, start = self._split_roots, [], [], 0
        while len(upper):
            end = np.concatenate([nodes.left[upper], nodes.right[upper]])
            is_inner = inner[end]
            self._levels.append(
                _Level(
                    slice(start, start + len(end)),
                    np.tile(np.arange(len(upper)), 2),
                    np.flatnonzero(is_inner),
                    np.where(is_inner, 0, nodes.condition[end]).astype(np.float32),
                )
            )
            ends.append(end)
            origins.append(np.tile(upper, 2))
            upper = end[is_inner]
            start += len(end)
        if not start:
            return
        end, origin = np.concatenate(ends), np.concatenate(origins)
        self._edge_split = split_number[origin]
        self._edge_is_left = nodes.left[origin] == end
        self._tabulate(nodes, end, origin)
        self._arrange_groups(groups[nodes.feature[origin]])

    def _tabulate(self, nodes: Nodes, end: Indices, origin: Indices) -> None:
        """Tabulate, per edge and state, the factor down the path and the weight on the way up."""
        edge_of_end = np.full(len(nodes.left), -1, dtype=np.intp)
        edge_of_end[end] = np.arange(len(end))
        parent = edge_of_end[origin]
        feature = nodes.feature[origin]
        ancestor = _same_feature_above(parent, feature)
        share = nodes.cover[end] / nodes.cover[origin]
        z_old = np.ones(len(end))
        repeated = np.flatnonzero(ancestor >= 0)
        z_new = share.copy()
        self._repeated: list[tuple[Indices, Indices]] = []
        for level in self._levels:
            these = repeated[(repeated >= level.edges.start) & (repeated < level.edges.stop)]
            z_old[these] = z_new[ancestor[these]]
            z_new[these] *= z_old[these]
            if len(these):
                self._repeated.append((these, ancestor[these]))
        # A power of two of points: such rows copy fast.
        t, quadrature = gauss_legendre(1 << ((len(self._levels) + 1) // 2 - 1).bit_length())
        ratios = np.empty((len(end), 3, len(t)))
        weights = np.empty_like(ratios)
        for state, (met_old, met_new) in enumerate([(0, 0), (1, 0), (1, 1)]):
            old = z_old[:, None] + (met_old - z_old[:, None]) * t
            new = z_new[:, None] + (met_new - z_new[:, None]) * t
            ratios[:, state] = share[:, None] if state == 0 else new / old
            slope_old = (met_old - z_old[:, None]) / old if state else -1 / (1 - t)
            slope_new = (met_new - z_new[:, None]) / new if state == 2 else -1 / (1 - t)
            weights[:, state] = quadrature * (slope_new - slope_old)
        self._ratios = ratios.reshape(-1, len(t)).astype(np.float32)
        self._weights = weights.reshape(-1, len(t)).astype(np.float32)
        self._edge_rows = np.arange(len(end)) * 3

    def _arrange_groups(self, edge_groups: Indices) -> None:
        self._by_group = np.argsort(edge_groups, kind="stable")
        ordered = edge_groups[self._by_group]
        self._group_starts = np.flatnonzero(np.diff(ordered, prepend=-1))


def _same_feature_above(parent: Indices, feature: Indices) -> Indices:
    """Return for each edge the nearest edge above it that tests the same feature, else -1."""
    found = np.full(len(parent), -1, dtype=np.intp)
    above = parent.copy()
    while (open_ := np.flatnonzero((above >= 0) & (found < 0))).size:
        same = feature[above[open_]] == feature[open_]
        found[open_[same]] = above[open_[same]]
        rest = open_[~same]
        above[open_[same]] = -1
        above[rest] = parent[above[rest]]
    return found
