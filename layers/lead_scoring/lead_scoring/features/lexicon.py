"""Every term that a feature family knows, numbered, and how often each occurs in which text.

A term is a word, or two neighbours joined by a space. Words are looked up once a text, and pairs by
the numbers of their words: no text of a pair is ever made.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

# What stands in the first words of a text says what it is about.
EARLY = 400
# Between texts stands what is no word.
_GAP = ("",)
# No code of a pair: whatever is looked up is found below it.
_END = np.iinfo(np.int64).max


class Occurrences(NamedTuple):
    """Known terms in texts: parallel arrays, by text and then by the number of the term.

    A text is one of `texts_count`. `counts` says how often a term occurs in it. `slots` tell a term
    by the kind of its text as well: number of the kind times size of the lexicon plus number of the
    term. `early_slots` have 0 instead where it does not occur among a text's first EARLY words.
    """

    texts: Indices
    terms: Indices
    slots: Indices
    early_slots: Indices
    counts: Indices
    texts_count: int


class Lexicon:
    """Words and pairs of words with their numbers: 0 is any other word, then words, then pairs.

    >>> lexicon = Lexicon.of(["new car", "old"])
    >>> found = lexicon.find([["a", "new", "car", "new"], ["old"]])
    >>> found.texts.tolist(), found.counts.tolist()
    ([0, 0, 0, 1], [1, 2, 1, 1])
    >>> lexicon.numbers(["new car"]) == found.terms[2]
    array([ True])
    """

    def __init__(self, words: Sequence[str], pairs: NDArray[np.int64]) -> None:
        """Take distinct words, and pairs as ascending codes: first number times base plus second.

        The base is the number of the first pair, one more than there are words.
        """
        self.words, self.pairs = words, pairs
        self._numbers = dict(zip(words, range(1, len(words) + 1), strict=True))
        self._base = len(words) + 1
        self.size = self._base + len(pairs)
        self._codes = np.append(pairs, _END)

    @classmethod
    def of(cls, terms: Iterable[str]) -> "Lexicon":
        """Number the terms and every word in them; the same ones in any order are the same."""
        split = {tuple(term.split(" ")) for term in terms}
        words = sorted(set(chain.from_iterable(split)))
        number = {word: place + 1 for place, word in enumerate(words)}
        codes = [
            number[first] * (len(words) + 1) + number[second]
            for first, second in (term for term in split if len(term) > 1)
        ]
        return cls(words, np.array(sorted(codes), np.int64))

    def numbers(self, terms: Collection[str]) -> Indices:
        """Return the number of each term; raise KeyError if one is not here."""
        split = [term.split(" ") for term in terms]
        found = np.zeros(len(split), np.intp)
        for place, (first, *second) in enumerate(split):
            found[place] = self._numbers[first]
            if second:
                code = int(found[place]) * self._base + self._numbers[second[0]]
                at = int(self._codes.searchsorted(code))
                if self._codes[at] != code:
                    raise KeyError(terms)
                found[place] = self._base + at
        return found

    def find(self, texts: Sequence[Sequence[str]], kinds: int = 1) -> Occurrences:
        """Count the known terms of each text, which is given as its words in order.

        The texts are those of the first kind, then as many of the next.
        """
        # One unknown word after each text, so that no pair reaches into the next one.
        sizes = [len(words) + 1 for words in texts]
        in_a_row = chain.from_iterable(chain.from_iterable(zip(texts, repeat(_GAP))))
        words = np.fromiter(map(self._numbers.get, in_a_row, repeat(0)), np.intp, sum(sizes))
        known = words.nonzero()[0]
        codes = words[:-1] * self._base
        codes += words[1:]
        at = self._codes.searchsorted(codes)
        pairs = (self._codes.take(at) == codes).nonzero()[0]
        places = np.concatenate([known, pairs + 1])
        terms = np.concatenate([words.take(known), at.take(pairs) + self._base])
        text_of = np.arange(len(texts)).repeat(sizes)
        occurrences = text_of.take(places) * self.size
        occurrences += terms
        if max(sizes, default=0) <= EARLY + 1:
            return self._counted(occurrences, len(texts), kinds)
        # Sorted as one number each: a tenth of the time of sorting by two keys.
        starts = np.cumsum([0, *sizes[:-1]])
        is_late = places - starts.take(text_of.take(places)) >= EARLY
        return self._counted(2 * occurrences + is_late, len(texts), kinds, are_flagged=True)

    def _counted(
        self, occurrences: Indices, texts_count: int, kinds: int, *, are_flagged: bool = False
    ) -> Occurrences:
        """Count equal occurrences, each a number of its text and its term.

        If they are flagged, the last bit says that one is late.
        """
        occurrences.sort()
        both = occurrences >> 1 if are_flagged else occurrences
        # For a text or two, `numpy.diff` would take longer than all else here.
        is_first = np.ones(len(both), np.bool_)
        np.not_equal(both[1:], both[:-1], out=is_first[1:])
        starts = is_first.nonzero()[0]
        counts = np.empty_like(starts)
        np.subtract(starts[1:], starts[:-1], out=counts[:-1])
        counts[-1:] = len(both) - starts[-1:]
        both = both.take(starts)
        texts = both // self.size
        terms = both - texts * self.size
        slots = terms + texts // max(1, texts_count // kinds) * self.size
        early = np.where(occurrences.take(starts) & 1, 0, slots) if are_flagged else slots
        return Occurrences(texts, terms, slots, early, counts, texts_count)

    @classmethod
    def read(cls, words: Sequence[str], pairs: NDArray[np.int64]) -> "Lexicon":
        """Make a lexicon of what was stored; raise ValueError if it is malformed."""
        if len(set(words)) != len(words):
            raise ValueError("a word occurs twice")
        base = len(words) + 1
        if len(pairs) and not (base < pairs[0] and pairs[-1] < base * base):
            raise ValueError("a pair is of no words")
        if np.any(pairs[1:] <= pairs[:-1]) or np.any(pairs % base == 0):
            raise ValueError("the pairs are out of order")
        return cls(words, pairs)
