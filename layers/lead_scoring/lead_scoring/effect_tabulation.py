"""Tabulate the exact additive effects of a forest: training writes what `effect_table` reads."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .effect_table import MOST_FACTS, Doubles, EffectTable
from .forest_nodes import Indices, Nodes, gauss_legendre

# A larger table takes longer to fetch than `path_sweep` takes for many a lead.
_MOST_BYTES = 8 * 2**20


class _Above(NamedTuple):
    """What lies above a node on one feature: the product of cover ratios, and the conditions."""

    ratio: float
    conditions: tuple[int, ...]


class _Unit(NamedTuple):
    """A part of a tree: its root, what lies above it by feature, and the splits within."""

    root: int
    above: dict[int, _Above]
    splits: list[int]


def tabulate(nodes: Nodes, groups: Indices) -> EffectTable | None:
    """Tabulate a forest; `groups` gives each feature's group, counted from 0.

    Returns None where nothing splits, a split is at minus infinity, a leaf depends on too many
    features, or the table would be too large.
    """
    if not nodes.is_inner.any() or np.any(nodes.condition[nodes.is_inner] == -np.inf):
        return None
    numbers = np.cumsum(nodes.is_inner) - 1
    sizes = _splits_below(nodes)
    units: list[_Unit] = []
    tree_starts = []
    size = 0
    for root in nodes.roots:
        tree_starts.append(len(units))
        for unit in _units(nodes, sizes, numbers, int(root), {}):
            facts = len(unit.above) + len(unit.splits)
            size += 2**facts * (1 + len(_groups_of(unit, nodes, groups))) * 4
            if facts > MOST_FACTS or size > _MOST_BYTES:
                return None
            units.append(unit)
    return _assembled(nodes, groups, units, tree_starts, numbers)


def _splits_below(nodes: Nodes) -> Indices:
    """Return how many splits each node has at and below it; children come after their parents."""
    sizes = nodes.is_inner.astype(np.intp)
    for node in np.flatnonzero(nodes.is_inner)[::-1]:
        sizes[node] += sizes[nodes.left[node]] + sizes[nodes.right[node]]
    return sizes


def _children(nodes: Nodes, node: int, numbers: Indices) -> Iterator[tuple[int, float, int]]:
    """Iterate over a node's children: the child, its share of the cover, the condition to it."""
    splits = int(numbers[-1]) + 1
    for child, first in ((nodes.left[node], 0), (nodes.right[node], splits)):
        yield int(child), float(nodes.cover[child] / nodes.cover[node]), first + int(numbers[node])


def _units(
    nodes: Nodes, sizes: Indices, numbers: Indices, node: int, above: dict[int, _Above]
) -> Iterator[_Unit]:
    if not sizes[node] or len(above) + sizes[node] <= MOST_FACTS:
        yield _Unit(node, above, list(_inner_nodes(nodes, node)))
        return
    feature = int(nodes.feature[node])
    ratio, conditions = above.get(feature, _Above(1.0, ()))
    for child, share, condition in _children(nodes, node, numbers):
        one = _Above(ratio * share, (*conditions, condition))
        yield from _units(nodes, sizes, numbers, child, above | {feature: one})


def _inner_nodes(nodes: Nodes, node: int) -> Iterator[int]:
    if nodes.left[node] >= 0:
        yield node
        yield from _inner_nodes(nodes, int(nodes.left[node]))
        yield from _inner_nodes(nodes, int(nodes.right[node]))


def _groups_of(unit: _Unit, nodes: Nodes, groups: Indices) -> list[int]:
    tested = {*unit.above, *(int(nodes.feature[split]) for split in unit.splits)}
    return sorted({int(groups[feature]) for feature in tested})


def _tabulated(
    unit: _Unit, nodes: Nodes, groups: Indices, numbers: Indices
) -> tuple[Doubles, dict[int, Doubles]]:
    """Return a unit's leaf in each state of its facts, and by group the effects of its leaves."""
    facts = len(unit.above) + len(unit.splits)
    bits = (np.arange(2**facts)[:, None] >> np.arange(facts) & 1).astype(np.float64)
    goes_left = {split: bits[:, len(unit.above) + n] for n, split in enumerate(unit.splits)}
    effects = {group: np.zeros(2**facts) for group in _groups_of(unit, nodes, groups)}
    reached = np.zeros(2**facts)

    def add(node: int, path: dict[int, tuple[float, Doubles]]) -> None:
        if nodes.left[node] < 0:
            value = float(nodes.condition[node])
            # Of states that no lead is in, whatever it is.
            reached[np.all([met for _, met in path.values()], axis=0)] = value
            leaf = _leaf_effects(value, [*path.values()])
            for feature, effect in zip(path, leaf, strict=True):
                effects[int(groups[feature])] += effect
            return
        feature = int(nodes.feature[node])
        ratio, met = path.get(feature, (1.0, np.ones(2**facts)))
        (left, share, _), (right, rest, _) = _children(nodes, node, numbers)
        add(left, path | {feature: (ratio * share, met * goes_left[node])})
        add(right, path | {feature: (ratio * rest, met * (1 - goes_left[node]))})

    add(
        unit.root,
        {
            feature: (one.ratio, bits[:, number])
            for number, (feature, one) in enumerate(unit.above.items())
        },
    )
    return reached, effects


def _leaf_effects(value: float, path: list[tuple[float, Doubles]]) -> list[Doubles]:
    """Return the effect of each feature of a leaf's path (the formula of `path_sweep`)."""
    if not path:
        return []
    points, weights = gauss_legendre((len(path) + 1) // 2)
    factors = [ratio + (met - ratio)[:, None] * points for ratio, met in path]
    before, after = [np.ones_like(factors[0])], [np.ones_like(factors[0])]
    for factor, later in zip(factors[:-1], factors[:0:-1], strict=True):
        before.append(before[-1] * factor)
        after.append(after[-1] * later)
    return [
        value * (met - ratio) * ((one * other) @ weights)
        for (ratio, met), one, other in zip(path, before, reversed(after), strict=True)
    ]


def _assembled(
    nodes: Nodes, groups: Indices, units: list[_Unit], tree_starts: list[int], numbers: Indices
) -> EffectTable:
    splits = np.flatnonzero(nodes.is_inner)
    chains: dict[tuple[int, ...], int] = {}
    facts: list[list[int]] = []
    slots: list[tuple[int, int, int]] = []
    entries: list[Doubles] = []
    for number, unit in enumerate(units):
        conditions = [
            one.conditions[0]
            if len(one.conditions) == 1
            else 2 * len(splits) + chains.setdefault(one.conditions, len(chains))
            for one in unit.above.values()
        ]
        facts.append([*conditions, *(int(numbers[split]) for split in unit.splits)])
        leaves, effects = _tabulated(unit, nodes, groups, numbers)
        slots += [(group, number, offset) for offset, group in enumerate(effects, 1)]
        entries.append(np.column_stack([leaves, *effects.values()]))
    slots.sort()
    never = 2 * len(splits) + len(chains)
    longest = max(map(len, chains), default=1)
    by_slot = np.array([group for group, *_ in slots], np.intp)
    group_starts = np.flatnonzero(np.diff(by_slot, prepend=-1))
    sizes = [each.size for each in entries]
    # No unit has states beyond its own entries, but the check of an artifact need not know that.
    padding = np.zeros(2**MOST_FACTS * max(each.shape[1] for each in entries))
    return EffectTable(
        features=nodes.feature[splits],
        thresholds=nodes.condition[splits],
        missing_left=nodes.missing_left[splits].astype(np.intp),
        chains=np.array([(*one, *one[-1:] * (longest - len(one))) for one in chains], np.intp)
        .reshape(len(chains), longest)
        .T.copy(),
        facts=np.array([one + [never] * (MOST_FACTS - len(one)) for one in facts], np.intp)
        .reshape(len(units), MOST_FACTS)
        .T.copy(),
        slot_units=np.array([unit for _, unit, _ in slots], np.intp),
        unit_starts=np.cumsum([0, *sizes[:-1]]),
        unit_widths=np.array([each.shape[1] for each in entries]),
        slot_offsets=np.array([offset for *_, offset in slots], np.intp),
        tree_starts=np.array(tree_starts),
        group_starts=group_starts,
        groups=by_slot[group_starts],
        group_count=np.array([int(groups.max()) + 1 if len(groups) else 0]),
        entries=np.concatenate([*map(np.ravel, entries), padding]).astype(np.float32),
    )
