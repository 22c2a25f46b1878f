"""The terms of few words, read one by one, before numpy would have begun: with the same bits.

All that the families know of a term stands side by side, so that one term is one look at memory.
"""

import math
from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .historical import pooled
from .keywords import GROUPS
from .lexicon import Lexicon

# So few words of some leads are read faster one by one than all at once; all of them are early.
FEW_WORDS = 300

# What each family tells of a slot (`Occurrences.slots`); zeros where it knows nothing.
_FIELDS = (
    ("cases", "f8"),  # of those like it, if they are enough (`historical`)
    ("below", "f8"),  # and how far their rate lies below the general one, in log-odds
    ("frequency", "f8"),  # inverse document frequency (`tfidf`)
    ("column", "i4"),  # and where its weight belongs in a row
    ("group", "i1"),  # number of its group of keywords from 1 on (`keywords`)
    ("seniority", "i1"),  # and 1 + the level that it names
    ("_", "i2"),
)
_RECORD = np.dtype(list(_FIELDS))
_read_facts = Struct("=dddibbxx").unpack_from
# How much a term weighs that occurs so often in a text; by the logarithm that `tfidf` takes too.
_DAMPED = [0.0, *(1 + np.log(np.arange(1, FEW_WORDS + 1))).tolist()]


class TextTerms(NamedTuple):
    """What the terms of one text say: features, and the columns and weights that are not 0.

    `keywords` are its highest seniority and the hits of each group; `history` are rate and cases.
    """

    keywords: list[float]
    weights: list[tuple[int, float]]
    history: tuple[float, float]


class FewWords:
    """What is known of every term, as numbers of a lexicon, for texts of FEW_WORDS at most."""

    def __init__(self, lexicon: Lexicon, kinds: int = 1) -> None:
        """Know nothing yet of terms in so many kinds of texts: the families add to `facts`."""
        self._lexicon = lexicon
        self.facts: NDArray[Any] = np.zeros(kinds * lexicon.size, _RECORD)
        self._bytes = self.facts.view(np.uint8).data
        self.general_rate = 0.0

    def read(self, words: Sequence[str], kind: int = 0) -> TextTerms:
        """Return what `Keywords.count`, `TermWeights.put` and `OutcomeHistory.rates` say of a text.

        >>> lexicon = Lexicon.of(["competitive", "pay"])
        >>> few = FewWords(lexicon)
        >>> few.facts["group"][lexicon.numbers(["pay"])] = 1
        >>> few.read(["competitive", "pay"]).keywords[:3]
        [nan, 1.0, 0.0]
        """
        counts = self._lexicon.count(words)
        first = kind * self._lexicon.size
        keywords = [math.nan, *[0.0] * len(GROUPS)]
        weights: list[tuple[int, float]] = []
        terms = below = cases = squares = 0.0
        highest = 0
        # Squares add up in the order of `put`; `sum` adds floats in another way in newer Pythons.
        for number in sorted(counts):
            seen, log_odds, frequency, column, group, seniority = _read_facts(
                self._bytes, _RECORD.itemsize * (first + number)
            )
            if seen:
                terms += 1.0
                cases += seen
                below += log_odds
            if frequency:
                weight = frequency * _DAMPED[counts[number]]
                squares += weight * weight
                weights.append((column, weight))
            if group:
                keywords[group] += counts[number]
            highest = max(highest, seniority)
        if highest:
            keywords[0] = highest - 1.0
        norm = math.sqrt(squares)
        return TextTerms(
            keywords,
            [(column, weight / norm) for column, weight in weights],
            pooled(terms, below, cases, self.general_rate),
        )
