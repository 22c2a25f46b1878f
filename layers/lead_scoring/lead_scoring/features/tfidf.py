"""TF-IDF of a text: fitted by scikit-learn in training, applied here without it.

The same words, pairs of words, weights and norm as scikit-learn's TfidfVectorizer with
`sublinear_tf` (term frequency `1 + ln tf`) and the norm L2. The values are dense: a term that does
not occur is 0.0, never missing, because trees treat zero and missing differently.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..entities import Feature
from .reading import TOKEN_PATTERN


@dataclass(frozen=True)
class TfidfVocabulary:
    """Terms (one word, or two joined by a space) with their inverse document frequencies.

    >>> TfidfVocabulary(("data", "data entry"), (3.0, 4.0)).weights({"data": 1, "data entry": 1})
    {0: 0.6, 1: 0.8}
    """

    terms: tuple[str, ...]
    inverse_frequencies: tuple[float, ...]
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.inverse_frequencies):
            raise ValueError("every term needs one inverse document frequency")
        if len(set(self.terms)) != len(self.terms):
            raise ValueError("a term occurs twice")
        if not all(math.isfinite(weight) and weight > 0 for weight in self.inverse_frequencies):
            raise ValueError("inverse document frequencies must be positive numbers")
        numbers = {term: number for number, term in enumerate(self.terms)}
        object.__setattr__(self, "_numbers", numbers)

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

    def weights(self, terms: Mapping[str, int]) -> dict[int, float]:
        """Return the weights that are not 0, by the number of their term.

        `terms` counts the words of a text and its pairs of neighbours (`reading.terms_of`).
        """
        weights, squares = dict[int, float](), 0.0
        numbers, inverse_frequencies = self._numbers, self.inverse_frequencies
        # In the order of the text, so that sums have the same bits in every process.
        for term in [term for term in terms if term in numbers]:
            number, count = numbers[term], terms[term]
            weight = inverse_frequencies[number]
            if count > 1:
                weight *= 1.0 + math.log(count)
            weights[number] = weight
            squares += weight * weight
        norm = math.sqrt(squares)
        return {number: weight / norm for number, weight in weights.items()}

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
