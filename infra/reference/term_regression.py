"""Two references of one idea each: a logistic regression on words, and the constant."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

Doubles = NDArray[np.float64]
TERMS = 20_000


class TermRegression:
    """Logistic regression on 20,000 TF-IDF terms: one and two words, all texts together."""

    def fit(self, leads: Sequence[Mapping[str, Any]], labels: Doubles) -> "TermRegression":
        """Learn from the words alone; labels are 0 or 1."""
        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_features=TERMS)
        self._regression = LogisticRegression(max_iter=1000)
        self._regression.fit(self._vectorizer.fit_transform(_texts(leads)), labels.astype(int))
        return self

    def probabilities(self, leads: Sequence[Mapping[str, Any]]) -> Doubles:
        """Return the probability of each lead, shape (n,)."""
        terms = self._vectorizer.transform(_texts(leads))
        return np.asarray(self._regression.predict_proba(terms)[:, 1])


class Constant:
    """Gives every lead the share of conversions it was fitted on.

    >>> Constant().fit(np.array([1.0, 0.0])).probabilities(3)
    array([0.5, 0.5, 0.5])
    """

    def fit(self, labels: Doubles) -> "Constant":
        """Remember the share."""
        self._share = float(labels.mean())
        return self

    def probabilities(self, count: int) -> Doubles:
        """Return the same probability for each of `count` leads."""
        return np.full(count, self._share)


def _texts(leads: Sequence[Mapping[str, Any]]) -> list[str]:
    fields = ("title", "description", "location_name")
    return [" ".join(str(lead.get(field) or "") for field in fields) for lead in leads]
