from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.features.few_words import FEW_WORDS
from lead_scoring.features.lexicon import EARLY, Lexicon, Occurrences

LEXICON = Lexicon.of(["red", "car", "red car", "car red", "red red", "new"])
TERMS = ["red", "car", "red car", "car red", "red red", "new"]
TEXTS = st.lists(
    st.lists(st.sampled_from(["red", "car", "new", "other"]), max_size=8), min_size=2, max_size=8
).filter(lambda texts: len(texts) % 2 == 0)


def by_text(found: Occurrences) -> list[dict[int, int]]:
    """Return for each text how often each slot occurs."""
    texts: list[dict[int, int]] = [{} for _ in found.starts]
    for text, slot, count in zip(found.texts, found.slots, found.counts, strict=True):
        texts[text][int(slot)] = int(count)
    return texts


@given(TEXTS)
def test_every_term_of_a_text_is_counted_in_the_slots_of_its_kind(texts: list[list[str]]) -> None:
    found = by_text(LEXICON.find(texts, kinds=2))

    for number, words in enumerate(texts):
        counted = Counter([*words, *map(" ".join, pairwise(words))])
        shift = LEXICON.size if number >= len(texts) // 2 else 0
        expected = {
            shift + int(LEXICON.numbers([term])[0]): counted[term]
            for term in TERMS
            if term in counted
        }
        assert found[number] == {shift + 1: 1} | expected
        assert {shift + term: n for term, n in LEXICON.count(words).items()} == expected


@given(TEXTS)
def test_the_terms_of_a_text_begin_at_its_start_and_ascend(texts: list[list[str]]) -> None:
    found = LEXICON.find(texts, kinds=2)

    assert found.texts[found.starts].tolist() == list(range(len(texts)))
    assert sorted(zip(found.texts, found.slots, strict=True)) == [
        *zip(found.texts, found.slots, strict=True)
    ]


def test_few_words_are_all_early() -> None:
    assert FEW_WORDS <= EARLY


def test_an_early_term_stands_among_the_first_words_and_others_do_not() -> None:
    words = ["other"] * (EARLY - 1) + ["red", "car", "new"]

    found = LEXICON.find([words])

    red, car, both, new = (
        int(LEXICON.numbers([term])[0]) for term in ("red", "car", "red car", "new")
    )
    early = dict(zip(found.slots.tolist(), found.early_slots.tolist(), strict=True))
    assert early[red] == red
    assert early[car] == early[both] == early[new] == 0
