"""Every term that a feature family knows, numbered, and how often each occurs in which text.

A term is a word, or two neighbours joined by a space. Words are looked up once a text, and pairs by
the numbers of their words: no text of a pair is ever made.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

# What stands in the first words of a text says what it is about.
EARLY = 400
# The end of a text is counted as if it were a word, so that no text is without any.
_END_OF_TEXT = ("",)
FIRST_WORD = 2
# No code of a pair: whatever is looked up is found below it.
_BEYOND = np.iinfo(np.int64).max


class Occurrences(NamedTuple):
    """Known terms in texts: parallel arrays, by text and then by the number of the term.

    The terms of each text begin at one of `starts`. `counts` says how often a term occurs in it.
    `slots` tell a term by the kind of its text as well: number of the kind times size of the
    lexicon plus number of the term. `early_slots` have 0 instead where it does not occur among a
    text's first EARLY words.
    """

    texts: Indices
    slots: Indices
    early_slots: Indices
    counts: Indices
    starts: Indices


class Lexicon:
    """Words and pairs of words with their numbers, after 0, any other word, and 1, a text's end.

    >>> lexicon = Lexicon.of(["new car", "old"])
    >>> found = lexicon.find([["a", "new", "car", "new"], ["old"]])
    >>> found.texts.tolist(), found.counts.tolist()
    ([0, 0, 0, 0, 1, 1], [1, 1, 2, 1, 1, 1])
    >>> lexicon.numbers(["new car"]) == found.slots[3]
    array([ True])
    """

    def __init__(self, words: Sequence[str], pairs: NDArray[np.int64]) -> None:
        """Take distinct words, and pairs as ascending codes: first number times base plus second.

        The base is the number of the first pair, one more than there are words.
        """
        self.words, self.pairs = words, pairs
        numbered = zip((*_END_OF_TEXT, *words), range(1, len(words) + FIRST_WORD), strict=True)
        self._numbers = dict(numbered)
        self._base = len(words) + FIRST_WORD
        self.size = self._base + len(pairs)
        self._codes = np.append(pairs, _BEYOND)

    @classmethod
    def of(cls, terms: Iterable[str]) -> "Lexicon":
        """Number the terms and every word in them; the same ones in any order are the same."""
        split = {tuple(term.split(" ")) for term in terms}
        words = sorted(set(chain.from_iterable(split)))
        base = len(words) + FIRST_WORD
        number = dict(zip(words, range(FIRST_WORD, base), strict=True))
        codes = [
            number[first] * base + number[second]
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

    @cached_property
    def _pair_numbers(self) -> dict[int, int]:
        return dict(zip(self.pairs.tolist(), range(self._base, self.size), strict=True))

    def count(self, words: Iterable[str]) -> dict[int, int]:
        """Count the known terms of one text, by their numbers.

        The same as `find` says but for a text's end; that takes many words to be as fast.

        >>> Lexicon.of(["new car", "old"]).count(["a", "new", "car", "new"])
        {3: 2, 2: 1, 5: 1}
        """
        counts: dict[int, int] = {}
        pair_number, base, before = self._pair_numbers.get, self._base, 0
        for number in map(self._numbers.get, words, repeat(0)):
            if number:
                counts[number] = counts.get(number, 0) + 1
                if before:
                    pair = pair_number(before * base + number)
                    if pair:
                        counts[pair] = counts.get(pair, 0) + 1
            before = number
        return counts

    def find(self, texts: Sequence[Sequence[str]], kinds: int = 1) -> Occurrences:
        """Count the known terms of each text, which is given as its words in order.

        The texts are those of the first kind, then as many of the next.
        """
        sizes = [len(words) + 1 for words in texts]
        in_a_row = chain.from_iterable(chain.from_iterable(zip(texts, repeat(_END_OF_TEXT))))
        words = np.fromiter(map(self._numbers.get, in_a_row, repeat(0)), np.intp, sum(sizes))
        codes = words * self._base
        codes[:-1] += words[1:]
        pairs = self._codes.searchsorted(codes)
        is_other = self._codes.take(pairs) != codes
        pairs += self._base
        pairs[is_other] = 0
        # Each word, and then each pair where its first word stands.
        terms = np.concatenate([words, pairs])
        places = terms.nonzero()[0]
        # A power of two of slots to a text.
        bits, a_kind = (kinds * self.size).bit_length(), max(1, len(texts) // kinds)
        shifts = [(text << bits) + text // a_kind * self.size for text in range(len(texts))]
        occurrences = np.array(2 * shifts, np.intp).repeat(2 * sizes).take(places)
        occurrences += terms.take(places)
        if max(sizes, default=0) <= EARLY + 1:
            return self._counted(occurrences, len(texts), bits)
        # Sorted as one number each: a tenth of the time of sorting by two keys. A pair is where its
        # second word is.
        starts = np.cumsum([0, *sizes[:-1]])
        within = np.arange(len(words)) - starts.repeat(sizes)
        is_late = np.concatenate([within, within + 1]).take(places) >= EARLY
        return self._counted(2 * occurrences + is_late, len(texts), bits, are_flagged=True)

    def _counted(
        self, occurrences: Indices, texts_count: int, bits: int, *, are_flagged: bool = False
    ) -> Occurrences:
        """Count equal occurrences, each a text's number before so many bits with a slot.

        If they are flagged, the last bit says that one is late.
        """
        occurrences.sort()
        both = occurrences >> 1 if are_flagged else occurrences
        # For a text or two, `numpy.diff` would take longer than all else here.
        is_new = np.empty(len(both) + 1, np.bool_)
        is_new[0] = is_new[-1] = True
        np.not_equal(both[1:], both[:-1], out=is_new[1:-1])
        places = is_new.nonzero()[0]
        firsts, counts = places[:-1], places[1:] - places[:-1]
        both = both.take(firsts)
        texts, slots = both >> bits, both & ((1 << bits) - 1)
        starts = texts.searchsorted(np.arange(texts_count))
        early = np.where(occurrences.take(firsts) & 1, 0, slots) if are_flagged else slots
        return Occurrences(texts, slots, early, counts, starts)

    @classmethod
    def read(cls, words: Sequence[str], pairs: NDArray[np.int64]) -> "Lexicon":
        """Make a lexicon of what was stored; raise ValueError if it is malformed."""
        if len(set(words)) != len(words):
            raise ValueError("a word occurs twice")
        base = len(words) + FIRST_WORD
        if len(pairs) and not (FIRST_WORD * base < pairs[0] and pairs[-1] < base * base):
            raise ValueError("a pair is of no words")
        if np.any(pairs[1:] <= pairs[:-1]) or np.any(pairs % base < FIRST_WORD):
            raise ValueError("the pairs are out of order")
        return cls(words, pairs)
