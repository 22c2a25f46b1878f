"""What is wrong with the leads themselves: missing, out of range, never seen, contradictory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entities import Lead
from .scoring_model import ScoringModel

FIELDS = ("description", "category", "location_name", "price", "email", "posted_at")
# A salary in the text and a price that differ by more than this factor contradict each other; the
# feature is the logarithm of their ratio.
_FACTOR = 4.0
_AGAINST_TEXT = "price_to_text_salary"
_EXAMPLES, _LONGEST_EXAMPLE = 5, 60


@dataclass(slots=True)
class QualityCounts:
    """What was counted over leads, chunk by chunk."""

    leads: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    out_of_range: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    unseen_leads: int = 0
    inconsistent: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        model: ScoringModel,
        leads: Sequence[Lead],
        moments: Sequence[datetime],
        rows: NDArray[np.float32],
    ) -> None:
        """Count leads; `rows` are their features, as of their moments."""
        self.leads += len(leads)
        for lead, moment in zip(leads, moments, strict=True):
            self.missing.update(name for name in FIELDS if _is_missing(lead, name))
            unseen = model.extractor.unseen_categories(lead)
            self.unseen.update(unseen)
            self.unseen_leads += bool(unseen)
            if lead.posted_at is not None and lead.posted_at > moment:
                self.inconsistent["posted after it was scored"] += 1
        # Features of one label stand apart: bring them together, and ask of each label at once.
        labels = [feature.label for feature in model.extractor.features]
        names, numbers = np.unique(labels, return_inverse=True)
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(len(names)))
        outside = model.training_range.outside(rows)[:, order]
        counts = np.logical_or.reduceat(outside, starts, axis=1).sum(axis=0)
        self.out_of_range.update({str(name): int(n) for name, n in zip(names, counts, strict=True)})
        self._add_contradictions(model, rows)

    def shares(self) -> dict[str, Any]:
        """Return the share of leads by kind of fault and what it concerns."""
        n = max(1, self.leads)
        return {
            "missing": {name: self.missing[name] / n for name in FIELDS},
            "out_of_range": {k: v / n for k, v in self.out_of_range.items() if v},
            "unseen_categories": self.unseen_leads / n,
            "inconsistent": {name: count / n for name, count in self.inconsistent.items()},
        }

    def examples(self) -> list[str]:
        """Return the most frequent categories that training never saw."""
        return [name[:_LONGEST_EXAMPLE] for name, _ in self.unseen.most_common(_EXAMPLES)]

    def _add_contradictions(self, model: ScoringModel, rows: NDArray[np.float32]) -> None:
        names = [feature.name for feature in model.extractor.features]
        ratio = rows[:, names.index(_AGAINST_TEXT)]
        # What is missing compares as false.
        contradict = np.abs(ratio) > np.log(_FACTOR)
        self.inconsistent["price far from the salary in the text"] += int(contradict.sum())


def _is_missing(lead: Lead, name: str) -> bool:
    value = lead.email_hash if name == "email" else getattr(lead, name)
    return value is None or (isinstance(value, str) and not value.strip())


def share_of(shares: Mapping[str, Any], kind: str, name: str | None = None) -> float:
    """Return a share, zero where nothing was counted."""
    found = shares.get(kind, 0.0)
    return float(found.get(name, 0.0) if isinstance(found, Mapping) else found)
