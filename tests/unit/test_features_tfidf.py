import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from lead_scoring.adapters.tfidf_fitting import fit_tfidf
from lead_scoring.features.few_words import FewWords
from lead_scoring.features.lexicon import Lexicon
from lead_scoring.features.reading import TOKEN_PATTERN, read
from lead_scoring.features.tfidf import TermWeights, TfidfVocabulary

CORPUS = [
    "Senior Python developer, remote work, C++ and C#",
    "Registered nurse; night shift. Night shift bonus",
    "İstanbul office: Python developer",
    "東京 エンジニア 募集 東京",
    "café manager and café staff",
    "हिन्दी शिक्षक और हिन्दी अनुवादक",
    "Разработчик Python, удаленная работа",
    "🍕 driver wanted 🍕 driver",
]


def fitted(texts: list[str], most: int) -> TfidfVocabulary:
    return TfidfVocabulary(*fit_tfidf(texts, TOKEN_PATTERN, most))


VOCABULARY = fitted(CORPUS, 200)
# Texts of the vocabulary's own words and signs, between texts of anything (no lone surrogates).
WORDS = st.sampled_from([word for line in CORPUS for word in line.split(" ")])
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TEXTS = st.lists(WORDS | ANY_TEXT, max_size=25).map(" ".join)


def weights(vocabulary: TfidfVocabulary, words: list[str]) -> list[float]:
    """Return the weight of every term, 0 where it does not occur."""
    lexicon = Lexicon.of([*vocabulary.terms, "other", "other word"])
    # In double precision, which tells sums in another order apart.
    rows: Any = np.zeros((1, len(vocabulary.terms) + 1))
    to_weigh = TermWeights(lexicon, [vocabulary])
    to_weigh.put(lexicon.find([words]), rows)
    assert rows[0, -1] == 0
    by_itself = np.zeros_like(rows)
    few = FewWords(lexicon)
    to_weigh.tell(few.facts)
    for column, weight in few.read(words).weights:
        by_itself[0, column] = weight
    assert by_itself.tobytes() == rows.tobytes()
    return list(rows[0, :-1])


def by_scikit_learn(vocabulary: TfidfVocabulary, text: str) -> list[float]:
    vectorizer = TfidfVectorizer(
        token_pattern=TOKEN_PATTERN,
        ngram_range=(1, 2),
        sublinear_tf=True,
        vocabulary={term: index for index, term in enumerate(vocabulary.terms)},
    )
    vectorizer.idf_ = np.array(vocabulary.inverse_frequencies)
    return list(vectorizer.transform([text]).toarray()[0])


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_weights_equal_those_of_scikit_learn_on_any_text(text: str) -> None:
    ours = weights(VOCABULARY, read(text).words)

    assert ours == pytest.approx(by_scikit_learn(VOCABULARY, text), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=30), st.integers(1, 40), TEXTS)
def test_any_corpus_gives_a_vocabulary_that_scikit_learn_agrees_with(
    corpus: list[str], most: int, text: str
) -> None:
    vocabulary = fitted(corpus, most)

    ours = weights(vocabulary, read(text).words)

    assert len(ours) <= most
    assert not vocabulary.terms or ours == pytest.approx(
        by_scikit_learn(vocabulary, text), abs=1e-6
    )


def test_inverse_frequencies_are_those_that_scikit_learn_fits() -> None:
    reference = TfidfVectorizer(
        token_pattern=TOKEN_PATTERN, ngram_range=(1, 2), sublinear_tf=True,
        vocabulary=list(VOCABULARY.terms),
    ).fit(CORPUS)  # fmt: skip

    assert list(reference.idf_) == pytest.approx(list(VOCABULARY.inverse_frequencies), abs=1e-12)


def test_weights_of_a_short_text_are_as_computed_by_hand() -> None:
    vocabulary = TfidfVocabulary(("a", "b"), (1.0, 2.0))

    found = weights(vocabulary, ["a", "a", "b"])

    first = 1 + math.log(2)
    assert found == pytest.approx([first / math.hypot(first, 2), 2 / math.hypot(first, 2)])


def test_a_term_that_does_not_occur_is_zero_and_not_missing() -> None:
    assert weights(TfidfVocabulary(("a", "b"), (1.0, 2.0)), ["c"]) == [0.0, 0.0]


@pytest.mark.parametrize("corpus", [[], [""], ["!!!", "..."], [" "] * 50])
def test_a_corpus_without_words_gives_an_empty_vocabulary(corpus: list[str]) -> None:
    vocabulary = fitted(corpus, 100)

    assert vocabulary.terms == ()
    assert weights(vocabulary, ["word"]) == []


def test_terms_of_nearly_every_text_are_left_out_of_a_large_corpus() -> None:
    corpus = [f"position number{n % 5} open" for n in range(50)]

    vocabulary = fitted(corpus, 100)

    assert "position" not in vocabulary.terms
    assert "number3" in vocabulary.terms


def test_a_pair_that_only_repeats_one_of_its_words_is_left_out() -> None:
    corpus = ["real estate agent", "real estate broker", "agent broker", "agent smith"]

    terms = fitted(corpus, 100).terms

    assert "real" in terms
    assert "real estate" not in terms


def test_equally_frequent_terms_are_kept_by_name() -> None:
    assert fitted(["delta alpha", "charlie bravo"], 2).terms == ("alpha", "bravo")


def test_fitting_twice_gives_the_same_vocabulary() -> None:
    assert fitted(CORPUS, 20).to_json() == fitted(CORPUS, 20).to_json()


def test_a_vocabulary_survives_json() -> None:
    assert TfidfVocabulary.from_json(VOCABULARY.to_json()).to_json() == VOCABULARY.to_json()


def test_every_term_is_a_feature_people_can_read() -> None:
    feature = TfidfVocabulary(("python",), (1.0,)).features("title")[0]

    assert feature == ("title_tfidf:python", 'Title Mentions "python"', "tfidf")
