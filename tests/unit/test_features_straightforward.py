"""What one pass over a text finds is what its definition says, on any text."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, isnan, log, nan, sqrt
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lead_scoring import feature_extractor
from lead_scoring.entities import Lead
from lead_scoring.entities.training import TrainingExample
from lead_scoring.features import contact, location, temporal, text
from lead_scoring.features.category import normal_category
from lead_scoring.features.few_words import FewWords
from lead_scoring.features.historical import FEATURES, OutcomeHistory
from lead_scoring.features.keywords import GROUPS, SENIORITY, TERMS, Keywords
from lead_scoring.features.lexicon import Lexicon
from lead_scoring.features.reading import read, words_of
from lead_scoring.features.tfidf import TfidfVocabulary
from tests import forests
from tests.weird_leads import moments, weird_leads

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
KNOWN_WORDS = [
    *(term for group in GROUPS for term in group.terms),
    *SENIORITY,
    *("red", "car", "blue", "C++", "C#", "401k", "3+", "years", "İ", "ß", "ﬁ", "東京", "١٢"),
    *("$50/hr", "80k-120k", "a@b.c"),
]
TEXTS = st.lists(st.sampled_from(KNOWN_WORDS) | st.text(max_size=12), max_size=60).map(" ".join)


LEXICON = Lexicon.of(TERMS)


def by_keyword(written: str) -> list[float]:
    """Return the seniority that a text names and the hits of each group."""
    to_count, words, few = Keywords(LEXICON), words_of(written), FewWords(LEXICON)
    (values,) = to_count.count(LEXICON.find([words]))
    to_count.tell(few.facts)
    assert np.array(few.read(words).keywords).tobytes() == values.tobytes()
    return list(values)


def pairs(words: Sequence[str]) -> list[str]:
    return [f"{first} {second}" for first, second in pairwise(words)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_keywords_are_the_occurrences_of_each_term_of_a_group(written: str) -> None:
    terms = words_of(written) + pairs(words_of(written))
    owner = {term: number for number, group in enumerate(GROUPS) for term in group.terms}

    expected = [
        sum(terms.count(term) for term in set(group.terms) if owner[term] == number)
        for number, group in enumerate(GROUPS)
    ]
    assert by_keyword(written)[1:] == expected


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_seniority_is_the_highest_level_among_the_words(written: str) -> None:
    levels = [SENIORITY[word] for word in words_of(written) if word in SENIORITY]

    found = by_keyword(written)[0]

    assert found == max(levels) if levels else isnan(found)


# Outcomes of titles by words that many share; each is known a day after the last.
TITLES = [
    "red car",
    "red car",
    "blue car red",
    "nurse",
    "red car red",
    "car",
    "red",
    "nurse blue",
] * 3
EXAMPLES = [
    TrainingExample(
        Lead(number, title, description=" ".join(reversed(title.split()))),
        moment=NOW - timedelta(days=40 - number),
        target=number % 3 / 2,
        weight=1.0,
        known_at=NOW - timedelta(days=30 - number),
    )
    for number, title in enumerate(TITLES)
]
HISTORY = OutcomeHistory.fit(EXAMPLES)


def rates_of(one: Lead, moment: datetime, history: OutcomeHistory = HISTORY) -> list[float]:
    found = history.lexicon.find([words_of(one.title), words_of(one.description or "")], kinds=2)
    return list(history.rates([one], [moment], found)[0])


def similar(words: list[str], field: str, moment: datetime) -> tuple[float, float]:
    """Pool what is known of a text's terms, by going through all examples for each of them."""
    before = [one for one in EXAMPLES if one.known_at.date() < moment.date()]
    general = (sum(one.target for one in before) + 0.25 * 20) / (len(before) + 20)
    prior, shifts, cases = log(general / (1 - general)), [], []
    for term in dict.fromkeys(words[:400] + pairs(words[:400])):
        targets = []
        for one in before:
            theirs = words_of(getattr(one.lead, field) or "")
            if term in theirs or term in pairs(theirs):
                targets.append(one.target)
        if len(targets) >= 5:
            rate = (sum(targets) + 10 * general) / (len(targets) + 10)
            shifts.append(log(rate / (1 - rate)) - prior)
            cases.append(len(targets))
    if not shifts:
        return general, 0.0
    pooled = 1 / (1 + exp(-(prior + sum(shifts) / sqrt(len(shifts)))))
    return pooled, min(sum(cases) / len(cases), 100.0)


WORDS = st.lists(st.sampled_from(["red", "car", "blue", "nurse", "none"]), max_size=12).map(
    " ".join
)


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS, st.integers(-45, 5))
def test_similar_leads_are_pooled_as_going_through_all_of_them_says(
    title: str, description: str, day: int
) -> None:
    moment = NOW + timedelta(days=day)
    one = Lead(1, title, description=description)

    rates = rates_of(one, moment)

    values = dict(zip([feature.name for feature in FEATURES], rates, strict=True))
    for field, written in (("title", title), ("description", description)):
        found = (values[f"similar_{field}_success_rate"], values[f"similar_{field}_cases"])
        assert found == pytest.approx(similar(words_of(written), field, moment), abs=1e-9)


def test_words_after_the_first_four_hundred_say_nothing_about_similar_leads() -> None:
    written = "none " * 400 + "red car"

    rates = rates_of(Lead(1, written), NOW)

    assert rates[-4:-2] == pytest.approx(similar(["none"], "title", NOW))


EXTRACTOR = forests.small_model().scoring_model.extractor


def weights(vocabulary: TfidfVocabulary, written: str | None) -> list[float]:
    """Weigh every term by counting it in the list of all terms."""
    words = words_of(written or "")
    terms = words + pairs(words)
    row = [
        frequency * (1 + log(terms.count(term))) if term in terms else 0.0
        for term, frequency in zip(vocabulary.terms, vocabulary.inverse_frequencies, strict=True)
    ]
    norm = sqrt(sum(weight * weight for weight in row))
    return [weight / norm for weight in row] if norm else row


def one_by_one(lead: Lead, moment: datetime) -> list[float]:
    title = read(lead.title)
    described = None if lead.description is None else read(lead.description)
    normal = normal_category(lead.category)
    salary = title.salary or (described.salary if described else None)
    lowered = described.lowered if described else None
    return [
        *text.values(title),
        *by_keyword(lead.title),
        *text.values(described),
        *([nan] * text.BY_TERM if described is None else by_keyword(described.text)),
        *temporal.values(lead.posted_at, moment, UTC),
        *location.values(lead.location_name, title.lowered, lowered),
        *EXTRACTOR.categories.values(normal),
        *EXTRACTOR.prices.values(lead.price, normal, salary),
        *contact.values(lead),
        *weights(EXTRACTOR.title_terms, lead.title),
        *weights(EXTRACTOR.description_terms, lead.description),
        *rates_of(lead, moment, EXTRACTOR.history),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(weird_leads, moments), min_size=1, max_size=70))
def test_a_matrix_is_the_families_of_one_lead_after_another(
    drawn: list[tuple[Lead, datetime]],
) -> None:
    leads, at = [lead for lead, _ in drawn], [moment for _, moment in drawn]

    rows = EXTRACTOR.extract(leads, at)

    expected = [one_by_one(lead, moment) for lead, moment in drawn]
    assert np.array_equal(np.isnan(rows), np.isnan(np.array(expected, dtype=float)))
    assert rows == pytest.approx(np.array(expected, dtype=np.float32), rel=1e-6, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1, max_size=4))
def test_few_words_give_the_same_bits_one_by_one_and_at_once(
    texts: list[tuple[str, str | None]],
) -> None:
    leads = [
        Lead(number, title, description=description)
        for number, (title, description) in enumerate(texts)
    ]
    now = [NOW] * len(leads)

    found = [EXTRACTOR.extract([one], [NOW]) for one in leads]

    assert np.concatenate(found).tobytes() == EXTRACTOR.extract(leads, now).tobytes()
    with mock.patch.object(feature_extractor, "FEW_WORDS", -1):
        assert EXTRACTOR.extract(leads, now).tobytes() == np.concatenate(found).tobytes()


def test_a_batch_of_many_leads_has_the_rows_of_each_alone() -> None:
    leads = [
        Lead(number, f"{title} python", description=f"Some text about the {title}")
        for number, title in enumerate(TITLES * 5)
    ]
    at = [NOW + timedelta(hours=number) for number in range(len(leads))]

    rows = EXTRACTOR.extract(leads, at)

    alone = [EXTRACTOR.extract([lead], [moment]) for lead, moment in zip(leads, at, strict=True)]
    assert rows.tobytes() == np.concatenate(alone).tobytes()
