"""TF-IDF of a text: fitted by scikit-learn in training, applied here without it.

The same words, pairs of words, weights and norm as scikit-learn's TfidfVectorizer with
`sublinear_tf` (term frequency `1 + ln tf`) and the norm L2. The values are dense: a term that does
not occur is 0.0, never missing, because trees treat zero and missing differently.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..entities import Feature
from .reading import TOKEN_PATTERN


@dataclass(frozen=True)
class TfidfVocabulary:
    """Terms (one word, or two joined by a space) with their inverse document frequencies.

    >>> TfidfVocabulary(("data", "data entry"), (3.0, 4.0)).weights(["data", "entry"])
    [0.6, 0.8]
    """

    terms: tuple[str, ...]
    inverse_frequencies: tuple[float, ...]
    _entries: dict[str, tuple[int, dict[str, int]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.inverse_frequencies):
            raise ValueError("every term needs one inverse document frequency")
        if len(set(self.terms)) != len(self.terms):
            raise ValueError("a term occurs twice")
        if not all(math.isfinite(weight) and weight > 0 for weight in self.inverse_frequencies):
            raise ValueError("inverse document frequencies must be positive numbers")
        for index, term in enumerate(self.terms):
            word, _, second = term.partition(" ")
            own, pairs = self._entries.get(word, (-1, {}))
            if second:
                pairs[second] = index
            else:
                own = index
            self._entries[word] = (own, pairs)

    def features(self, field_name: str) -> tuple[Feature, ...]:
        """Return one feature a term; `field_name` is `title` or `description`."""
        return tuple(
            Feature(
                f"{field_name}_tfidf:{term}",
                f'{field_name.capitalize()} Mentions "{term}"',
                "tfidf",
            )
            for term in self.terms
        )

    def weights(self, words: Sequence[str]) -> list[float]:
        """Return the weight of every term in a text of these words; time linear in them."""
        row = [0.0] * len(self.terms)
        counts = self._counts(words)
        if not counts:
            return row
        squares = 0.0
        for index, count in counts.items():
            weight = self.inverse_frequencies[index]
            if count > 1:
                weight *= 1.0 + math.log(count)
            row[index] = weight
            squares += weight * weight
        norm = math.sqrt(squares)
        for index in counts:
            row[index] /= norm
        return row

    def _counts(self, words: Sequence[str]) -> dict[int, int]:
        entries = self._entries
        counts: dict[int, int] = {}
        last = len(words) - 1
        for position in [place for place, word in enumerate(words) if word in entries]:
            own, pairs = entries[words[position]]
            if own >= 0:
                counts[own] = counts.get(own, 0) + 1
            if pairs and position < last:
                pair = pairs.get(words[position + 1], -1)
                if pair >= 0:
                    counts[pair] = counts.get(pair, 0) + 1
        return counts

    def to_json(self) -> dict[str, Any]:
        """Write the vocabulary, with the pattern that its words were found by."""
        return {
            "token_pattern": TOKEN_PATTERN,
            "terms": list(self.terms),
            "inverse_frequencies": list(self.inverse_frequencies),
        }

    @classmethod
    def from_json(cls, data: Any) -> "TfidfVocabulary":
        """Read it back; raise KeyError, TypeError or ValueError if it does not fit this code."""
        if data["token_pattern"] != TOKEN_PATTERN:
            raise ValueError("the words were found by another pattern")
        terms = tuple(data["terms"])
        if not all(isinstance(term, str) for term in terms):
            raise TypeError("a term is no text")
        return cls(terms, tuple(map(float, data["inverse_frequencies"])))
