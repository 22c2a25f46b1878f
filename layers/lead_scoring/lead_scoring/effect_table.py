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
_PLACES = np.arange(MOST_FACTS, dtype=np.uint8)[:, None, None]

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

    def leaves_and_effects(self, left: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
        """Return the leaf of each row in each tree, and the row's additive effects in log-odds.

        Their shapes are (trees, n) and (n, len(self.groups)); `left` tells at which splits each row
        goes left, shape (splits, n).
        """
        states = self._states(left) * self.unit_widths[:, None]
        states += self.unit_starts[:, None]
        leaves = self._sums(states, self.tree_starts)
        slots = states.take(self.slot_units, axis=0)
        slots += self.slot_offsets[:, None]
        return leaves, self._sums(slots, self.group_starts).T

    def _sums(self, entries: Indices, starts: Indices) -> Doubles:
        return np.add.reduceat(self.entries.take(entries), starts, axis=0, dtype=np.float64)

    def _states(self, left: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the state of every unit for every row, shape (units, n)."""
        splits, chains = len(self.features), self.chains.shape[1]
        met = np.empty((2 * splits + chains + 1, left.shape[1]), dtype=np.bool_)
        met[:splits], met[-1] = left, False
        np.logical_not(left, out=met[splits : 2 * splits])
        np.logical_and.reduce(met.take(self.chains, axis=0), axis=0, out=met[2 * splits : -1])
        bits = met.view(np.uint8).take(self.facts, axis=0)
        # The eight bits of a byte; `numpy.packbits` along this axis takes 20 times as long.
        bits <<= _PLACES
        states: NDArray[np.uint8] = np.bitwise_or.reduce(bits, axis=0)
        return states

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


def _flat(stored: Any, floats: bool) -> NDArray[Any]:
    array = np.asarray(stored)
    if array.ndim != 1 or array.dtype.kind not in ("f" if floats else "iu"):
        raise ValueError("neither one array of numbers, nor of the right kind")
    return array.astype(np.float32 if floats else np.intp)


def stored_table(model: Mapping[str, Any], features: int) -> EffectTable | None:
    """Return the table that a parsed model carries, if it does; raise ArtifactError."""
    arrays = model.get(STORED_AS) if isinstance(model, Mapping) else None
    return None if arrays is None else EffectTable.from_arrays(arrays, features)
