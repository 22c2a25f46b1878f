"""The exact additive effects of a forest, tabulated in training, so that scoring looks them up.

A unit is a part of a tree whose effects depend on at most eight facts: for each feature tested
above it, whether the lead meets all conditions on it (o_j of `path_sweep`), and for each split
within it, whether the lead goes left. The table holds, for every state of a unit's facts, the value
of the leaf that the lead reaches, and for every group of features the sum of the effects that the
unit's leaves have.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .distinct import all_distinct
from .errors import ArtifactError
from .forest_nodes import Floats, Indices, Nodes

# The member of the model's file that holds the table; XGBoost ignores it.
STORED_AS = "effect_table"
# A state is a byte.
MOST_FACTS = 8
_MOST_ROWS, _COMPARED_AT_ONCE = 32, 2**16
_INFINITY = np.float32(np.inf)

Doubles = NDArray[np.float64]


class EffectTable(NamedTuple):
    """What a forest asks of a lead, and what the answers mean.

    A condition is a number: of S splits, s says "goes left at s", S + s "goes right at s", 2 S + c
    "meets all of `chains[:, c]`", and the last one is never met. `facts` (8, units) has conditions.
    A unit's `entries` begin at `unit_starts`, and have for each state `unit_widths` numbers: the
    value of the leaf, 0 where the lead is in another unit, and one a slot: the unit's effect on one
    group. So one unit takes a line or two of the processor's cache. Slots come by group: those of
    `groups[g]` begin at `group_starts[g]`. The units of a tree begin at one of `tree_starts`.
    """

    features: Indices
    thresholds: Floats
    missing_left: Indices
    chains: Indices
    facts: Indices
    unit_starts: Indices
    unit_widths: Indices
    slot_units: Indices
    slot_offsets: Indices
    tree_starts: Indices
    group_starts: Indices
    groups: Indices
    group_count: Indices
    entries: Floats

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the table as flat arrays for the artifact."""
        arrays = self._asdict()
        flat = {
            name: array.astype(np.float32 if array.dtype == np.float32 else np.int32).ravel()
            for name, array in arrays.items()
        }
        return flat | {"chain_length": np.array([len(self.chains)], np.int32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], features: int) -> "EffectTable":
        """Read a table over so many features back; raise ArtifactError if it is malformed."""
        try:
            read: dict[str, Any] = {
                name: _flat(arrays[name], floats=name in ("thresholds", "entries"))
                for name in cls._fields
            }
            (length,) = _flat(arrays["chain_length"], floats=False)
            read["chains"] = read["chains"].reshape(int(length), -1)
            read["facts"] = read["facts"].reshape(MOST_FACTS, -1)
            table = cls(**read)
            table._check(features)
        except (KeyError, IndexError, TypeError, ValueError) as fault:
            raise ArtifactError("the table of effects is malformed") from fault
        return table

    def _check(self, features: int) -> None:
        splits, units = len(self.features), self.facts.shape[1]
        conditions = 2 * splits + self.chains.shape[1] + 1
        widest = int(self.unit_widths.max(initial=0))
        # Whatever a state and a slot may be, what they mean begins so far from the end.
        last = len(self.entries) - widest * 2**MOST_FACTS
        within = (
            (self.features, features),
            (self.chains, 2 * splits),
            (self.facts, conditions),
            (self.slot_units, units),
            (self.unit_starts, last + 1),
            (self.unit_widths, widest + 1),
            (self.slot_offsets, widest),
            (self.tree_starts, units),
            (self.group_starts, len(self.slot_units)),
            (self.groups, int(self.group_count[0])),
        )
        if any(array.size and not 0 <= array.min() <= array.max() < end for array, end in within):
            raise ValueError("an index lies outside")
        if not len(self.thresholds) == len(self.missing_left) == splits:
            raise ValueError("the splits are incomplete")
        if np.any(self.thresholds == -np.inf):
            raise ValueError("nothing goes left at a split")
        if not len(self.unit_starts) == len(self.unit_widths) == units:
            raise ValueError("the units are incomplete")
        if len(self.slot_units) != len(self.slot_offsets):
            raise ValueError("the slots are incomplete")
        if len(self.groups) != len(self.group_starts):
            raise ValueError("the groups are incomplete")
        sizes = self.unit_widths << np.count_nonzero(self.facts != conditions - 1, axis=0)
        if not np.array_equal(self.unit_starts, np.cumsum(sizes) - sizes):
            raise ValueError("the units do not lie one behind the other")
        slots = self.slot_units * widest + self.slot_offsets
        wanted = np.repeat(np.arange(units), self.unit_widths - 1)
        if not np.array_equal(np.sort(self.slot_units), wanted) or (
            not all_distinct(slots)
            or np.any(self.slot_offsets < 1)
            or np.any(self.slot_offsets >= self.unit_widths[self.slot_units])
        ):
            raise ValueError("a unit has not each of its slots once")
        for starts in (self.group_starts, self.tree_starts):
            if starts[0] != 0 or np.any(np.diff(starts) <= 0):
                raise ValueError("the groups or the trees are not in order")
        if np.any(np.diff(self.groups) <= 0):
            raise ValueError("the groups are not in order")
        if not np.isfinite(self.entries).all():
            raise ValueError("an effect is no number")

    def require_fit(self, nodes: Nodes, groups: Indices) -> None:
        """Raise ArtifactError unless the table asks what this forest asks, for these groups."""
        splits = np.flatnonzero(nodes.is_inner)
        asked: list[NDArray[Any]] = [
            nodes.feature[splits],
            nodes.condition[splits],
            nodes.missing_left[splits],
        ]
        answered: list[NDArray[Any]] = [self.features, self.thresholds, self.missing_left]
        present = np.flatnonzero(np.bincount(groups[nodes.feature[splits]]))
        if (
            not all(np.array_equal(*each) for each in zip(asked, answered, strict=True))
            or not np.array_equal(self.groups, present)
            or self.group_count.tolist() != [int(groups.max()) + 1]
            or len(self.tree_starts) != len(nodes.roots)
        ):
            raise ArtifactError("the table of effects is that of another forest")


class EffectLookup:
    """A table of effects, arranged for rows as `_all_ways` reads them."""

    def __init__(self, table: EffectTable, features: int) -> None:
        """Arrange a table over so many features."""
        units, self._trees = np.arange(table.facts.shape[1]), len(table.tree_starts)
        self._entries, self._widths = table.entries, table.unit_widths
        self._units = np.concatenate([units, table.slot_units])
        self._offsets = table.unit_starts.take(self._units)
        self._offsets[len(units) :] += table.slot_offsets
        self._starts = np.concatenate([table.tree_starts, len(units) + table.group_starts])
        splits, never = len(table.features), 2 * len(table.features) + table.chains.shape[1]
        facts = table.facts.T.ravel()
        self._chained = np.flatnonzero((facts >= 2 * splits) & (facts < never))
        # All conditions of a chain: the first in the fact's own place, the others behind all facts.
        first, *others = table.chains[:, facts[self._chained] - 2 * splits]
        first_asked = facts.copy()
        first_asked[self._chained] = first
        asked = np.concatenate([first_asked, *others])
        splits_asked, is_right = asked % splits, asked >= splits
        below = np.float32(np.inf)
        thresholds = table.thresholds[splits_asked]
        self._columns = (
            table.features[splits_asked]
            + features * (1 - table.missing_left[splits_asked])
            + 2 * features * is_right
        )
        self._thresholds = np.where(is_right, np.nextafter(-thresholds, below), thresholds)
        self._columns[asked == never], self._thresholds[asked == never] = 0, -below
        self._facts_end = len(facts)
        # So many rows at once that what they are compared with stays in the processor's cache.
        self.rows_at_once = max(1, min(_MOST_ROWS, _COMPARED_AT_ONCE // len(asked)))

    def leaves_and_effects(self, rows: Floats) -> tuple[Doubles, Doubles]:
        """Return the leaf of each row in each tree, and the row's additive effects in log-odds.

        Their shapes are (n, trees) and (n, groups of the table).
        """
        # Of each unit its leaf and then its effects on groups, all in one pass.
        at = (self._states(_all_ways(rows)) * self._widths).take(self._units, axis=1)
        at += self._offsets
        sums = np.add.reduceat(self._entries.take(at), self._starts, axis=1, dtype=np.float64)
        return sums[:, : self._trees], sums[:, self._trees :]

    def _states(self, values: Floats) -> NDArray[np.uint8]:
        """Return the state of every unit for every row, shape (n, units)."""
        met = values.take(self._columns, axis=1) < self._thresholds
        facts = met[:, : self._facts_end]
        chained = len(self._chained)
        for start in range(self._facts_end, met.shape[1], chained or 1):
            facts[:, self._chained] &= met[:, start : start + chained]
        return np.packbits(facts, axis=1, bitorder="little")


def _all_ways(rows: Floats) -> Floats:
    """Return rows four times side by side, so that every fact says: below a threshold.

    First a missing value is below all others, then above them, and then come both with their signs
    changed.
    """
    count, width = rows.shape
    ways = np.empty((count, 4 * width), np.float32)
    np.fmax(rows, -_INFINITY, out=ways[:, :width])
    np.fmin(rows, _INFINITY, out=ways[:, width : 2 * width])
    np.negative(ways[:, : 2 * width], out=ways[:, 2 * width :])
    return ways


def _flat(stored: Any, floats: bool) -> NDArray[Any]:
    array = np.asarray(stored)
    if array.ndim != 1 or array.dtype.kind not in ("f" if floats else "iu"):
        raise ValueError("neither one array of numbers, nor of the right kind")
    return array.astype(np.float32 if floats else np.intp)


def stored_table(model: Mapping[str, Any], features: int) -> EffectTable | None:
    """Return the table that a parsed model carries, if it does; raise ArtifactError."""
    arrays = model.get(STORED_AS) if isinstance(model, Mapping) else None
    return None if arrays is None else EffectTable.from_arrays(arrays, features)
