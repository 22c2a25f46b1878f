"""All feature families together: from leads and their moments to the matrix a model reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from struct import Struct
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from .entities import Feature, Lead
from .errors import ArtifactError
from .features import contact, historical, location, price, temporal, text
from .features.category import CategoryVocabulary, normal_category
from .features.historical import OutcomeHistory
from .features.price import PriceLevels
from .features.reading import TOKEN_PATTERN, Reading, read
from .features.tfidf import TfidfVocabulary
from .settings import Settings

# Raised whenever a feature of this code comes to mean something else under the same name.
FORMAT = 1
# Step by step over so many leads: the tables of one step stay in the processor's cache.
_AT_ONCE = 32

FitTfidf = Callable[[Sequence[str], str, int], tuple[tuple[str, ...], tuple[float, ...]]]


@dataclass(frozen=True)
class FeatureExtractor:
    """The fitted state of every family; its `features` are the columns, and their order counts."""

    title_terms: TfidfVocabulary
    description_terms: TfidfVocabulary
    categories: CategoryVocabulary
    prices: PriceLevels
    business_time_zone: str
    history: OutcomeHistory
    features: tuple[Feature, ...] = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _row: Struct = field(init=False, repr=False, compare=False)
    _terms: slice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        features = (
            *text.FEATURES,
            *temporal.FEATURES,
            *location.FEATURES,
            *self.categories.features,
            *price.FEATURES,
            *contact.FEATURES,
            *self.title_terms.features("title"),
            *self.description_terms.features("description"),
            *historical.FEATURES,
        )
        object.__setattr__(self, "features", features)
        terms = len(self.title_terms.terms) + len(self.description_terms.terms)
        after = len(features) - len(historical.FEATURES)
        object.__setattr__(self, "_terms", slice(after - terms, after))
        object.__setattr__(self, "_row", Struct(f"{len(features) - terms}f"))
        object.__setattr__(self, "_zone", ZoneInfo(self.business_time_zone))

    @classmethod
    def fit(
        cls,
        leads: Sequence[Lead],
        *,
        history: OutcomeHistory,
        fit_tfidf: FitTfidf,
        settings: Settings,
    ) -> "FeatureExtractor":
        """Learn vocabularies and price levels from training leads; nothing here sees an outcome.

        The history is fitted elsewhere, as of each lead's moment. `fit_tfidf` takes texts, the
        pattern of a word and the most terms to keep (`adapters.tfidf_fitting`). Deterministic in
        the leads and their order.
        """
        descriptions = [lead.description for lead in leads if lead.description]
        normal = [normal_category(lead.category) for lead in leads]
        titles = [lead.title for lead in leads]
        title_terms = fit_tfidf(titles, TOKEN_PATTERN, settings.tfidf_max_features_title)
        terms = fit_tfidf(descriptions, TOKEN_PATTERN, settings.tfidf_max_features_desc)
        return cls(
            TfidfVocabulary(*title_terms),
            TfidfVocabulary(*terms),
            CategoryVocabulary.fit(normal),
            PriceLevels.fit(zip(normal, (lead.price for lead in leads), strict=True)),
            settings.business_time_zone,
            history,
        )

    def extract(self, leads: Sequence[Lead], moments: Sequence[datetime]) -> NDArray[np.float32]:
        """Return the features of each lead as of its moment, shape (leads, features).

        NaN is missing. A lead has the same bits alone and among others: each is computed by itself.
        """
        if len(leads) != len(moments):
            raise ValueError(f"{len(leads)} leads have {len(moments)} moments")
        rows = np.zeros((len(leads), len(self.features)), dtype=np.float32)
        for start in range(0, len(leads), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self._fill(rows[part], leads[part], moments[part])
        return rows

    def _fill(
        self, rows: NDArray[np.float32], leads: Sequence[Lead], moments: Sequence[datetime]
    ) -> None:
        titles = [read(lead.title) for lead in leads]
        texts = [None if lead.description is None else read(lead.description) for lead in leads]
        size, first = self._row.size, self._terms.start
        # Packing floats into a buffer takes a quarter of the time of making an array of a list.
        packed = bytearray(size * len(leads))
        for number, given in enumerate(zip(leads, moments, titles, texts, strict=True)):
            self._row.pack_into(packed, size * number, *self._values(*given))
        dense = np.frombuffer(packed, dtype=np.float32).reshape(len(leads), -1)
        rows[:, :first] = dense[:, :first]
        rows[:, self._terms.stop :] = dense[:, first:]
        # Few of the terms occur in any one text.
        places, weights = list[int](), list[float]()
        second = first + len(self.title_terms.terms)
        for start, vocabulary, readings in (
            (first, self.title_terms, titles),
            (second, self.description_terms, texts),
        ):
            for number, reading in enumerate(readings):
                if reading is not None:
                    found = vocabulary.weights(reading.terms)
                    begins = start + number * len(self.features)
                    places += [begins + term for term in found]
                    weights += found.values()
        rows.reshape(-1)[places] = weights

    def _values(
        self, lead: Lead, moment: datetime, title: Reading, description: Reading | None
    ) -> list[float]:
        """Return one lead's features but those of single terms, in the order of `features`."""
        normal = normal_category(lead.category)
        salary = title.salary or (description.salary if description else None)
        return [
            *text.values(title, description),
            *temporal.values(lead.posted_at, moment, self._zone),
            *location.values(
                lead.location_name, title.lowered, description.lowered if description else None
            ),
            *self.categories.values(normal),
            *self.prices.values(lead.price, normal, salary),
            *contact.values(lead),
            *self.history.rates(lead, moment, title, description),
        ]

    def unseen_categories(self, lead: Lead) -> list[str]:
        """Return what categories of the lead training never saw; empty without a category."""
        normal = normal_category(lead.category)
        return [] if normal is None or self.categories.knows(normal) else [normal]

    def to_json(self) -> dict[str, Any]:
        """Write everything that was learned, with the names of the features in their order."""
        return {
            "format": FORMAT,
            "features": [feature.name for feature in self.features],
            "business_time_zone": self.business_time_zone,
            "title_terms": self.title_terms.to_json(),
            "description_terms": self.description_terms.to_json(),
            "categories": self.categories.to_json(),
            "prices": self.prices.to_json(),
            "history": self.history.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any) -> "FeatureExtractor":
        """Read an extractor back; raise ArtifactError where it does not fit this code."""
        try:
            if data["format"] != FORMAT:
                raise ArtifactError(f"the extractor has format {data['format']!r}, not {FORMAT}")
            extractor = cls(
                TfidfVocabulary.from_json(data["title_terms"]),
                TfidfVocabulary.from_json(data["description_terms"]),
                CategoryVocabulary.from_json(data["categories"]),
                PriceLevels.from_json(data["prices"]),
                data["business_time_zone"],
                OutcomeHistory.from_json(data["history"]),
            )
            names = list(data["features"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as fault:
            raise ArtifactError(f"the extractor is malformed: {fault!r}") from fault
        if names != [feature.name for feature in extractor.features]:
            raise ArtifactError("the extractor's features are not those of this code, in its order")
        return extractor
