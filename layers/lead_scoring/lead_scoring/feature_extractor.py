"""All feature families together: from leads and their moments to the matrix a model reads."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .entities import Feature, Lead
from .errors import ArtifactError
from .features import contact, historical, keywords, location, price, temporal, text
from .features.category import CategoryVocabulary, normal_category
from .features.few_words import FEW_WORDS, FewWords
from .features.historical import KnownTarget, OutcomeHistory
from .features.keywords import Keywords
from .features.price import PriceLevels
from .features.reading import TOKEN_PATTERN, Reading, read
from .features.tfidf import TermWeights, TfidfVocabulary
from .settings import Settings
from .time_zones import time_zone

if TYPE_CHECKING:
    from .entities.training import TrainingExample

# Raised whenever a feature of this code comes to mean something else under the same name.
FORMAT = 2
# So many leads at once share numpy's calls, and take little memory meanwhile.
_AT_ONCE = 512
# How features are written into a row.
_BY_TERM = Struct(f"={text.BY_TERM}f")
_HISTORY = Struct(f"={len(historical.FEATURES)}f")

FitTfidf = Callable[[Sequence[str], str, int], tuple[tuple[str, ...], tuple[float, ...]]]


class FeatureExtractor:
    """The fitted state of every family; its `features` are the columns, and their order counts."""

    def __init__(
        self,
        title_terms: TfidfVocabulary,
        description_terms: TfidfVocabulary,
        categories: CategoryVocabulary,
        prices: PriceLevels,
        business_time_zone: str,
        history: OutcomeHistory,
    ) -> None:
        """Take what was fitted, and place the features of every family."""
        self.title_terms, self.description_terms = title_terms, description_terms
        self.categories, self.prices, self.history = categories, prices, history
        self.business_time_zone = business_time_zone
        families = (
            text.TITLE_FEATURES,
            text.DESCRIPTION_FEATURES,
            (
                *temporal.FEATURES,
                *location.FEATURES,
                *categories.features,
                *price.FEATURES,
                *contact.FEATURES,
            ),
            (*title_terms.features("title"), *description_terms.features("description")),
            historical.FEATURES,
        )
        columns = _Columns.of(*map(len, families))
        self.features: tuple[Feature, ...] = tuple(chain.from_iterable(families))
        self._zone = time_zone(business_time_zone)
        self._columns, self._row = columns, columns.row_of_one()
        self._keywords = Keywords(history.lexicon, kinds=2)
        self._weights = TermWeights(
            history.lexicon, (title_terms, description_terms), columns.terms.start
        )
        self._few_words: dict[int, FewWords] = {}

    @classmethod
    def fit(
        cls,
        leads: Sequence[Lead],
        *,
        known: Iterable["KnownTarget | TrainingExample"],
        fit_tfidf: FitTfidf,
        settings: Settings,
    ) -> "FeatureExtractor":
        """Learn vocabularies and price levels from training leads, the history from what is known.

        Only the history sees outcomes, as of each lead's moment. `fit_tfidf` takes texts, the
        pattern of a word and the most terms to keep (`adapters.tfidf_fitting`). Deterministic in
        the leads and their order.
        """
        descriptions = [lead.description for lead in leads if lead.description]
        normal = [normal_category(lead.category) for lead in leads]
        titles = [lead.title for lead in leads]
        title_terms, description_terms = (
            TfidfVocabulary(*fit_tfidf(texts, TOKEN_PATTERN, most))
            for texts, most in (
                (titles, settings.tfidf_max_features_title),
                (descriptions, settings.tfidf_max_features_desc),
            )
        )
        terms = (*keywords.TERMS, *title_terms.terms, *description_terms.terms)
        return cls(
            title_terms,
            description_terms,
            CategoryVocabulary.fit(normal),
            PriceLevels.fit(zip(normal, (lead.price for lead in leads), strict=True)),
            settings.business_time_zone,
            OutcomeHistory.fit(known, terms),
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
        # Packing floats into a row takes a quarter of the time of making an array of a list.
        buffer, row_bytes = rows.data, rows.strides[0]
        for number, given in enumerate(zip(leads, moments, titles, texts, strict=True)):
            self._row.pack_into(buffer, row_bytes * number, *self._values(*given))
        words = [one.words for one in titles] + [one.words if one else [] for one in texts]
        are_few = sum(map(len, words)) <= FEW_WORDS
        # Either way the same bits.
        if are_few and (day := self.history.live_day(moments)) is not None:
            self._fill_one_by_one(rows, leads, day, words)
        else:
            self._fill_at_once(rows, leads, moments, words)
        if None in texts:
            rows[[one is None for one in texts], self._columns.description_keywords] = np.nan

    def _fill_at_once(
        self,
        rows: NDArray[np.float32],
        leads: Sequence[Lead],
        moments: Sequence[datetime],
        words: Sequence[Sequence[str]],
    ) -> None:
        """Write the features by term and the history; `words` are of all titles, then the rest."""
        columns = self._columns
        found = self.history.lexicon.find(words, kinds=2)
        by_term = self._keywords.count(found)
        rows[:, columns.title_keywords] = by_term[: len(leads)]
        rows[:, columns.description_keywords] = by_term[len(leads) :]
        self._weights.put(found, rows)
        rows[:, columns.history] = self.history.rates(leads, moments, found)

    def _fill_one_by_one(
        self,
        rows: NDArray[np.float32],
        leads: Sequence[Lead],
        day: int,
        words: Sequence[Sequence[str]],
    ) -> None:
        """Do the same for few words, on a day of live scoring: before numpy would have begun."""
        columns, row_bytes, few_words = self._columns, rows.strides[0], self._few_words_on(day)
        cells: Any = rows.data
        by_kind = columns.title_keywords.start, columns.description_keywords.start
        for number, lead in enumerate(leads):
            row = row_bytes * number
            rates = self.history.rates_of_keys(lead, day)
            for kind, first in enumerate(by_kind):
                said = few_words.read(words[number + kind * len(leads)], kind)
                _BY_TERM.pack_into(cells, row + 4 * first, *said.keywords)
                for column, weight in said.weights:
                    cells[number, column] = weight
                rates += said.history
            _HISTORY.pack_into(cells, row + 4 * columns.history.start, *rates)

    def _few_words_on(self, day: int) -> FewWords:
        """Gather once what is known of every term on a day of live scoring."""
        if day not in self._few_words:
            known = FewWords(self.history.lexicon, kinds=2)
            self._keywords.tell(known.facts)
            self._weights.tell(known.facts)
            known.general_rate = self.history.tell(known.facts, day)
            self._few_words[day] = known
        return self._few_words[day]

    def _values(
        self, lead: Lead, moment: datetime, title: Reading, description: Reading | None
    ) -> list[float]:
        """Return those of one lead's features that need no other text, in their order."""
        normal = normal_category(lead.category)
        salary = title.salary or (description.salary if description else None)
        return [
            *text.values(title),
            *text.values(description),
            *temporal.values(lead.posted_at, moment, self._zone),
            *location.values(
                lead.location_name, title.lowered, description.lowered if description else None
            ),
            *self.categories.values(normal),
            *self.prices.values(lead.price, normal, salary),
            *contact.values(lead),
        ]

    def unseen_categories(self, lead: Lead) -> list[str]:
        """Return what categories of the lead training never saw; empty without a category."""
        normal = normal_category(lead.category)
        return [] if normal is None or self.categories.knows(normal) else [normal]

    def to_json(self) -> dict[str, Any]:
        """Write what was learned but the history, which is large (`OutcomeHistory.to_arrays`)."""
        return {
            "format": FORMAT,
            "business_time_zone": self.business_time_zone,
            "title_terms": self.title_terms.to_json(),
            "description_terms": self.description_terms.to_json(),
            "categories": self.categories.to_json(),
            "prices": self.prices.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any, history: OutcomeHistory) -> "FeatureExtractor":
        """Read an extractor back; raise ArtifactError where it does not fit this code."""
        try:
            if data["format"] != FORMAT:
                raise ArtifactError(f"the extractor has format {data['format']!r}, not {FORMAT}")
            return cls(
                TfidfVocabulary.from_json(data["title_terms"]),
                TfidfVocabulary.from_json(data["description_terms"]),
                CategoryVocabulary.from_json(data["categories"]),
                PriceLevels.from_json(data["prices"]),
                data["business_time_zone"],
                history,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as fault:
            raise ArtifactError(f"the extractor is malformed: {fault!r}") from fault


class _Columns(NamedTuple):
    """Where in a row stand the features that are worked out for all leads at once."""

    title_keywords: slice
    description_keywords: slice
    terms: slice
    history: slice

    @classmethod
    def of(cls, title: int, description: int, others: int, terms: int, history: int) -> "_Columns":
        """Place families of these sizes; the last features of either text are its keywords'."""
        texts = title + description
        first = texts + others
        return cls(
            slice(title - text.BY_TERM, title),
            slice(texts - text.BY_TERM, texts),
            slice(first, first + terms),
            slice(first + terms, first + terms + history),
        )

    def row_of_one(self) -> Struct:
        """Return how the features of one lead by itself are written, with gaps for the others."""
        gap = f"{4 * text.BY_TERM}x"
        first, second = self.title_keywords, self.description_keywords
        return Struct(
            f"={first.start}f{gap}{second.start - first.stop}f{gap}"
            f"{self.terms.start - second.stop}f"
        )
