"""TF-IDF of a text: fitted by scikit-learn in training, applied here without it.

The same words, pairs of words, weights and norm as scikit-learn's TfidfVectorizer with
`sublinear_tf` (term frequency `1 + ln tf`) and the norm L2. The values are dense: a term that does
not occur is 0.0, never missing, because trees treat zero and missing differently.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..entities import Feature
from .lexicon import Lexicon, Occurrences
from .reading import TOKEN_PATTERN


class TfidfVocabulary:
    """Terms (one word, or two joined by a space) with their inverse document frequencies."""

    def __init__(self, terms: tuple[str, ...], inverse_frequencies: tuple[float, ...]) -> None:
        """Take distinct terms, and a weight above 0 for each; raise ValueError."""
        self.terms, self.inverse_frequencies = terms, inverse_frequencies
        if len(terms) != len(inverse_frequencies):
            raise ValueError("every term needs one inverse document frequency")
        if len(set(terms)) != len(terms):
            raise ValueError("a term occurs twice")
        if not all(math.isfinite(weight) and weight > 0 for weight in inverse_frequencies):
            raise ValueError("inverse document frequencies must be positive numbers")

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


class TermWeights:
    """Several vocabularies, one for each kind of text, as numbers of a lexicon that has them all.

    Their terms are columns from `first` on, those of the first vocabulary first.
    """

    def __init__(
        self, lexicon: Lexicon, vocabularies: Sequence[TfidfVocabulary], first: int = 0
    ) -> None:
        """Look the terms up."""
        self._column_of = np.full(lexicon.size * len(vocabularies), -1)
        self._frequencies = np.zeros(first + sum(len(each.terms) for each in vocabularies))
        for kind, vocabulary in enumerate(vocabularies):
            columns = np.arange(first, first + len(vocabulary.terms))
            numbers = lexicon.numbers(vocabulary.terms)
            self._column_of[kind * lexicon.size + numbers] = columns
            self._frequencies[columns] = vocabulary.inverse_frequencies
            first += len(vocabulary.terms)

    def put(self, found: Occurrences, rows: NDArray[np.float32]) -> None:
        """Write all weights that are not 0 into rows of zeros, one a text of each kind.

        >>> vocabulary = TfidfVocabulary(("data", "data entry"), (3.0, 4.0))
        >>> lexicon, rows = Lexicon.of(vocabulary.terms), np.zeros((1, 2), np.float32)
        >>> TermWeights(lexicon, [vocabulary]).put(lexicon.find([["data", "entry"]]), rows)
        >>> rows.round(2).tolist()
        [[0.6000000238418579, 0.800000011920929]]
        """
        count, width = rows.shape
        columns = self._column_of.take(found.slots)
        known = (columns >= 0).nonzero()[0]
        texts, columns = found.texts.take(known), columns.take(known)
        weights = self._frequencies.take(columns)
        weights *= 1 + np.log(found.counts.take(known))
        norms = np.sqrt(np.bincount(texts, weights * weights, len(found.starts)))
        columns += texts % count * width
        rows.reshape(-1)[columns] = weights / norms.take(texts)

    def tell(self, facts: NDArray[Any]) -> None:
        """Write columns and frequencies where `FewWords` reads them."""
        known = np.flatnonzero(self._column_of >= 0)
        facts["column"][known] = columns = self._column_of[known]
        facts["frequency"][known] = self._frequencies[columns]
