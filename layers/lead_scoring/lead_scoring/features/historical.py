"""Historical features: what became of comparable leads, as of the lead's own moment.

An outcome counts from the first midnight (UTC) after it became known; a lead sees the outcomes that
counted before its moment's day began or on it. So no lead ever sees its own outcome or a later one,
in training as in backtests, and the table has at most one entry a key and day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..entities import Feature, Lead, TrainingExample
from ..errors import ArtifactError
from .lexicon import Indices, Lexicon, Occurrences
from .packing import packed, unpacked
from .reading import terms_of, words_of

FEATURES = (
    Feature("category_success_rate", "Category Success Rate", "historical"),
    Feature("category_cases", "Category Cases", "historical"),
    Feature("location_success_rate", "Location Success Rate", "historical"),
    Feature("location_cases", "Location Cases", "historical"),
    Feature("category_location_success_rate", "Category and Location Success Rate", "historical"),
    Feature("category_location_cases", "Category and Location Cases", "historical"),
    Feature("similar_title_success_rate", "Similar Title Success Rate", "historical"),
    Feature("similar_title_cases", "Similar Title Cases", "historical"),
    Feature("similar_description_success_rate", "Similar Description Success Rate", "historical"),
    Feature("similar_description_cases", "Similar Description Cases", "historical"),
)

# A rate is pulled towards the general one as if by this many cases more; with m = 10 the rate of a
# key seen ten times is half its own (additive smoothing, Micci-Barreca, SIGKDD Explorations 2001).
_PRIOR_CASES = 10.0
# Before anything is known the general rate is a quarter, as if twenty leads had said so.
_PRIOR_RATE, _PRIOR_RATE_CASES = 0.25, 20.0
# More cases than this make a rate no surer, but would tell the date: counts only ever grow.
_MOST_CASES = 100.0
# Terms rarer than this say more about one lead than about those like it.
_MIN_TERM_CASES = 5
_MAX_WORDS = 400
_ALL, _TITLE, _DESCRIPTION = "all", "tw:", "dw:"
_SECONDS_PER_DAY = 86400
Doubles = NDArray[np.float64]


class KnownTarget(NamedTuple):
    """What was known of a lead from a moment on: a target in [0, 1].

    `replaces` is the target that was known of the same lead before, None if there was none.
    """

    lead: Lead
    known_at: datetime
    target: float
    replaces: float | None = None


class OutcomeHistory:
    """Cumulative outcomes of every category, place and term, by the day they were known."""

    def __init__(
        self,
        lexicon: Lexicon,
        keys: Sequence[str],
        terms: tuple[Indices, Indices],
        entries: tuple[Indices, Indices, NDArray[np.float32], NDArray[np.float32]],
    ) -> None:
        """Hold the entries of keys: first `keys`, then those of `terms` in titles, in descriptions.

        Terms are numbers of the lexicon. The entries are starts, days, cases and successes: key k
        owns those from starts[k] to starts[k + 1], days ascending.
        """
        self.lexicon = lexicon
        self._keys, self._terms = keys, terms
        self._entries = starts, days, cases, successes = entries
        self._numbers = {key: number for number, key in enumerate(keys)}
        # One key more, without entries, is any other; nothing is looked up beyond the end.
        self._other = len(starts) - 1
        self._starts, self._days = np.append(starts, starts[-1]), np.append(days, 0)
        self._cases, self._successes = np.append(cases, 0), np.append(successes, 0)
        # The key of every term in a title, then of every term in a description.
        self._key_of = np.full(2 * lexicon.size, self._other)
        slots = np.concatenate([terms[0], terms[1] + lexicon.size])
        self._key_of[slots] = np.arange(len(keys), self._other)

    @classmethod
    def fit(
        cls, known: Iterable[KnownTarget | TrainingExample], other_terms: Iterable[str] = ()
    ) -> "OutcomeHistory":
        """Count the outcomes of leads; success is the target, in [0, 1].

        At any time a lead counts once, with what was known of it by then. The lexicon has the terms
        of the history and `other_terms`.
        """
        by_key: dict[str, dict[int, list[float]]] = {}
        for one in known:
            day = _day(one.known_at) + 1
            before = one.replaces if isinstance(one, KnownTarget) else None
            change = one.target - (before or 0.0)
            for key in _all_keys(one.lead):
                entry = by_key.setdefault(key, {}).setdefault(day, [0.0, 0.0])
                entry[0] += before is None
                entry[1] += change
        kept: tuple[list[str], list[str], list[str]] = ([], [], [])
        for key, days in sorted(by_key.items()):
            kind = (_TITLE, _DESCRIPTION).index(key[:3]) + 1 if _is_term(key) else 0
            if not kind or sum(new for new, _ in days.values()) >= _MIN_TERM_CASES:
                kept[kind].append(key)
        plain, *by_text = kept
        terms = [[key[3:] for key in keys] for keys in by_text]
        lexicon = Lexicon.of(chain(*terms, other_terms))
        title_terms, description_terms = map(lexicon.numbers, terms)
        entries = _cumulated(by_key[key] for key in chain(*kept))
        return cls(lexicon, plain, (title_terms, description_terms), entries)

    def rates(
        self, leads: Sequence[Lead], moments: Sequence[datetime], found: Occurrences
    ) -> Doubles:
        """Return FEATURES of each lead as of its moment, shape (leads, 10); NaN where none applies.

        `found` has the terms of all titles and then of all descriptions, in the order of the leads.
        """
        days = np.array([_day(moment) for moment in moments], np.int64)
        cases, successes = self._known(np.full(len(days), self._number(_ALL)), days)
        general = (successes + _PRIOR_RATE * _PRIOR_RATE_CASES) / (cases + _PRIOR_RATE_CASES)
        values = np.empty((len(leads), len(FEATURES)))
        keys = [key for lead in leads for key in _plain_keys(lead)]
        numbers = np.array([self._number(key) for key in keys])
        cases, successes = self._known(numbers, days.repeat(3))
        rates = (successes + _PRIOR_CASES * general.repeat(3)) / (cases + _PRIOR_CASES)
        is_absent = np.array([not key for key in keys])
        rates[is_absent] = cases[is_absent] = np.nan
        values[:, 0:6:2], values[:, 1:6:2] = rates.reshape(-1, 3), cases.reshape(-1, 3)
        rates, cases = self._similar(found, days, general)
        values[:, 6::2], values[:, 7::2] = rates.reshape(2, -1).T, cases.reshape(2, -1).T
        np.minimum(values[:, 1::2], _MOST_CASES, out=values[:, 1::2])
        return values

    def _number(self, key: str | None) -> int:
        return self._numbers.get(key, self._other) if key else self._other

    def _known(self, keys: Indices, days: Indices) -> tuple[Doubles, Doubles]:
        """Return cases and successes of keys that were known when each one's day began."""
        starts, at = self._starts.take(keys), self._starts.take(keys + 1) - 1
        is_later = self._days.take(at) > days
        if is_later.any():
            at[is_later] = self._last_until(keys[is_later], days[is_later])
        is_known = at >= starts
        return (
            self._cases.take(at) * is_known.astype(np.float64),
            self._successes.take(at) * is_known.astype(np.float64),
        )

    def _last_until(self, keys: Indices, days: Indices) -> Indices:
        """Return the last entry of each key up to its day, or what stands before its first."""
        timeline, first, span = self._timeline
        wanted = keys * span + np.clip(days - first, -1, span - 2)
        return timeline.searchsorted(wanted, side="right") - 1

    @cached_property
    def _timeline(self) -> tuple[Indices, int, int]:
        """All entries as one ascending array of key and day; its first day, its days a key."""
        starts, days, *_ = self._entries
        first = int(days.min())
        span = int(days.max()) - first + 2
        owners = np.arange(len(starts) - 1).repeat(np.diff(starts))
        return owners * span + (days - first), first, span

    def _similar(
        self, found: Occurrences, days: Indices, general: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Pool the terms' shifts in log-odds, as a damped naive Bayes; rates and mean cases."""
        leads = found.texts % max(1, len(days))
        keys = self._key_of.take(found.terms + self.lexicon.size * (found.texts >= len(days)))
        is_usable = (keys != self._other) & (found.ends < _MAX_WORDS)
        texts, leads, keys = found.texts[is_usable], leads[is_usable], keys[is_usable]
        cases, successes = self._known(keys, days.take(leads))
        is_enough = cases >= _MIN_TERM_CASES
        texts, leads, cases = texts[is_enough], leads[is_enough], cases[is_enough]
        own = (successes[is_enough] + _PRIOR_CASES * general.take(leads)) / (cases + _PRIOR_CASES)
        prior = np.log(general / (1 - general))
        shifts = np.log(own / (1 - own)) - prior.take(leads)
        count = np.bincount(texts, minlength=found.texts_count)
        at_least_one = np.maximum(count, 1)
        # Terms of one text are far from independent: their sum is damped by the square root.
        shift = np.bincount(texts, shifts, found.texts_count) / np.sqrt(at_least_one)
        rates = np.where(count, 1 / (1 + np.exp(-(np.tile(prior, 2) + shift))), np.tile(general, 2))
        return rates, np.bincount(texts, cases, found.texts_count) / at_least_one

    def to_json(self) -> dict[str, Any]:
        """Return lexicon and table for the artifact."""
        starts, days, cases, successes = self._entries
        return {
            "lexicon": self.lexicon.to_json(),
            "keys": list(self._keys),
            "title_terms": packed(self._terms[0], "<i4"),
            "description_terms": packed(self._terms[1], "<i4"),
            "starts": packed(starts, "<i4"),
            "days": packed(days, "<i4"),
            "cases": packed(cases, "<f4"),
            "successes": packed(successes, "<f4"),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "OutcomeHistory":
        """Read the table back; raise ArtifactError if it is malformed."""
        try:
            lexicon = Lexicon.from_json(value["lexicon"])
            terms = (
                unpacked(value["title_terms"], "<i4").astype(np.intp),
                unpacked(value["description_terms"], "<i4").astype(np.intp),
            )
            starts = unpacked(value["starts"], "<i4").astype(np.intp)
            days = unpacked(value["days"], "<i4").astype(np.intp)
            cases, successes = (unpacked(value[name], "<f4") for name in ("cases", "successes"))
            keys = list(map(str, value["keys"]))
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise ArtifactError("the outcome history is malformed") from fault
        for numbers in terms:
            if len(np.unique(numbers)) < len(numbers) or not _all_within(numbers, lexicon.size):
                raise ArtifactError("the outcome history is of unknown terms")
        count = len(keys) + sum(map(len, terms))
        if len(starts) != count + 1 or not len(days) == len(cases) == len(successes):
            raise ArtifactError("the outcome history is incomplete")
        if starts[0] != 0 or starts[-1] != len(days) or np.any(np.diff(starts) < 1):
            raise ArtifactError("the outcome history is incomplete")
        if not np.all((successes >= 0) & (successes <= cases) & np.isfinite(cases)):
            raise ArtifactError("the outcome history counts more successes than cases")
        return cls(lexicon, keys, terms, (starts, days, cases, successes))


def _all_within(numbers: Indices, size: int) -> bool:
    return not len(numbers) or bool(numbers.min() > 0 and numbers.max() < size)


def _is_term(key: str) -> bool:
    return key.startswith((_TITLE, _DESCRIPTION))


def _cumulated(
    by_key: Iterable[Mapping[int, Sequence[float]]],
) -> tuple[Indices, Indices, NDArray[np.float32], NDArray[np.float32]]:
    """Return starts, days, cases and successes of keys, given what each day adds to each."""
    starts, days = [0], list[int]()
    cases, successes = list[float](), list[float]()
    for entries in by_key:
        case_count = success_count = 0.0
        for day, (new_cases, new_successes) in sorted(entries.items()):
            case_count, success_count = case_count + new_cases, success_count + new_successes
            days.append(day)
            cases.append(case_count)
            # What was added and taken back need not leave exactly nothing.
            successes.append(min(max(success_count, 0.0), case_count))
        starts.append(len(days))
    return (
        np.array(starts, np.intp),
        np.array(days, np.intp),
        np.array(cases, np.float32),
        np.array(successes, np.float32),
    )


def _day(moment: datetime) -> int:
    return int(moment.timestamp() // _SECONDS_PER_DAY)


def _all_keys(lead: Lead) -> Iterator[str]:
    yield _ALL
    yield from (key for key in _plain_keys(lead) if key)
    yield from (_TITLE + term for term in terms_of(words_of(lead.title)[:_MAX_WORDS]))
    words = words_of(lead.description or "")[:_MAX_WORDS]
    yield from (_DESCRIPTION + term for term in terms_of(words))


def _plain_keys(lead: Lead) -> tuple[str | None, str | None, str | None]:
    category = lead.category.strip().casefold() if lead.category else None
    location = lead.location_name.strip().casefold() if lead.location_name else None
    both = f"b:{category}\n{location}" if category and location else None
    return category and f"c:{category}", location and f"l:{location}", both
