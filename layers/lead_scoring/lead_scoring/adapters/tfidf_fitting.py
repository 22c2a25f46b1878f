"""Fit a TF-IDF vocabulary with scikit-learn. Training only: scoring never imports this."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

# A pair of words is left out where it is in nearly every text of its rarer word: it would only
# repeat that word and take the place of another.
_SAME_TEXTS_SHARE = 0.9
# A term of nearly every text tells nothing; one of a single text tells nothing about others.
_MOST_TEXTS_SHARE = 0.8
_SMALL_CORPUS = 20


def fit_tfidf(
    texts: Sequence[str], token_pattern: str, max_features: int
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Learn up to `max_features` terms of one or two words, the most frequent.

    Returns the terms and their inverse document frequencies; both are empty without any term.
    Deterministic: equally frequent terms go by name, where scikit-learn's own `max_features` leaves
    their order to the processor's sort.
    """
    vectorizer = CountVectorizer(token_pattern=token_pattern, ngram_range=(1, 2))
    split = vectorizer.build_analyzer()
    if not any(split(text) for text in texts):
        return (), ()
    counts = vectorizer.fit_transform(texts)
    terms = vectorizer.get_feature_names_out()
    chosen = _choose(np.diff(counts.tocsc().indptr), terms, len(texts), max_features)
    if not chosen:
        return (), ()
    transformer = TfidfTransformer(sublinear_tf=True).fit(counts[:, chosen])
    return tuple(str(terms[index]) for index in chosen), tuple(map(float, transformer.idf_))


def _choose(
    document_counts: NDArray[np.integer], terms: NDArray[np.object_], texts: int, limit: int
) -> list[int]:
    """Return the columns of the terms that occur in the most texts, in the order of the terms."""
    small = texts < _SMALL_CORPUS
    fewest, most = (1, texts) if small else (2, int(texts * _MOST_TEXTS_SHARE))
    allowed = np.flatnonzero((document_counts >= fewest) & (document_counts <= most))
    columns = {str(term): index for index, term in enumerate(terms)}
    ranked = sorted(allowed, key=lambda index: (-int(document_counts[index]), terms[index]))
    chosen: list[int] = []
    for index in ranked:
        words = str(terms[index]).split(" ")
        rarer = min(int(document_counts[columns[word]]) for word in words)
        if len(words) == 1 or document_counts[index] <= _SAME_TEXTS_SHARE * rarer:
            chosen.append(int(index))
        if len(chosen) == limit:
            break
    return sorted(chosen)
