"""Historical features: what became of comparable leads, as of the lead's own moment.

An outcome counts from the first midnight (UTC) after it became known; a lead sees the outcomes that
counted before its moment's day began or on it. So no lead ever sees its own outcome or a later one,
in training as in backtests, and the table has at most one entry a key and day.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..distinct import all_distinct
from ..entities import Feature, Lead
from ..errors import ArtifactError
from .lexicon import EARLY, FIRST_WORD, Indices, Lexicon, Occurrences
from .reading import terms_of, words_of

if TYPE_CHECKING:
    from ..entities.training import TrainingExample

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
# Log-odds in such steps add up to the same sum in any order.
_STEPS_OF_LOG_ODDS = 2.0**32
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
        self._entries = starts, days, *_ = entries
        self._numbers = {key: number for number, key in enumerate(keys)}
        # One key more is any other, and one more what a lead does not have.
        self._other = len(starts) - 1
        self._absent = self._other + 1
        self._keys_of = lru_cache(maxsize=4096)(
            partial(_key_numbers, self._numbers, self._other, self._absent)
        )
        # The key of every term in a title, then of every term in a description.
        self._key_of = np.full(2 * lexicon.size, self._other)
        slots = np.concatenate([terms[0], terms[1] + lexicon.size])
        self._key_of[slots] = np.arange(len(keys), self._other)
        self._said: dict[int, _Said] = {}
        self._newest_day = int(days.max(initial=np.iinfo(np.int64).min))

    @classmethod
    def fit(
        cls, known: Iterable["KnownTarget | TrainingExample"], other_terms: Iterable[str] = ()
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
        count = len(leads)
        of_each = (self._keys_of(lead.category, lead.location_name) for lead in leads)
        keys = np.fromiter(chain.from_iterable(of_each), np.intp, 3 * count)
        day = self.live_day(moments)
        if day is not None:
            said = self._said_on(day)
            by_key = said.by_key.take(keys, axis=0)
            by_term = said.by_term.take(found.early_slots, axis=0)
            general = said.general
        else:
            days = np.array([_day(moment) for moment in moments])
            of = np.concatenate([np.arange(count).repeat(3), found.texts % count])
            terms = self._key_of.take(found.early_slots)
            said = self._as_of(days, np.concatenate([keys, terms]), of)
            by_key, by_term = said.by_key[: len(keys)], said.by_term[len(keys) :]
            general = np.tile(said.general, 2)
        values = np.empty((count, len(FEATURES)))
        values[:, :6] = by_key.reshape(count, 6)
        rates, cases = _pooled(np.add.reduceat(by_term, found.starts, axis=0), general)
        values[:, 6::2] = rates.reshape(2, count).T
        values[:, 7::2] = cases.reshape(2, count).T
        return values

    def rates_of_keys(self, lead: Lead, day: int) -> list[float]:
        """Return what `rates` says of a lead's category and place, on a day of `live_day`."""
        by_key = self._said_on(day).by_key.reshape(-1).data
        keys = self._keys_of(lead.category, lead.location_name)
        return [by_key[2 * key + part] for key in keys for part in (0, 1)]

    def tell(self, facts: NDArray[Any], day: int) -> float:
        """Write what is known of terms on a day of `live_day` where `FewWords` reads it.

        Returns the general rate.
        """
        said = self._said_on(day)
        _, facts["below"], facts["cases"] = said.by_term.T
        return float(said.general[0])

    def live_day(self, moments: Sequence[datetime]) -> int | None:
        """Return the day of the one moment that all leads have, if it is one of live scoring.

        Those are the day of the training, whose own outcomes count from the next day on, and all
        days after, on which the same is known.
        """
        if moments.count(moments[0]) < len(moments):
            return None
        day = min(_day(moments[0]), self._newest_day)
        return None if day < self._newest_day - 1 else day

    def _said_on(self, day: int) -> "_Said":
        """Work out once what is known of every key, and slot, on a day of live scoring."""
        if day not in self._said:
            keys = np.arange(self._absent + 1)
            said = self._as_of(np.array([day]), keys, np.zeros_like(keys))
            by_slot = said.by_term.take(self._key_of, axis=0)
            self._said[day] = said._replace(by_term=by_slot)
        return self._said[day]

    def _as_of(self, days: Indices, keys: Indices, of: Indices) -> "_Said":
        """Return what was known when each day began; `of` has the place of each key's day."""
        of_all = self._numbers.get(_ALL, self._other)
        general = _general(*self._known(np.full(len(days), of_all), days))
        cases, successes = self._known(keys, days.take(of))
        # All about what a lead does not have is missing.
        cases[keys == self._absent] = np.nan
        return _Said.of(general, general.take(of), cases, successes)

    def _known(self, keys: Indices, days: Indices) -> tuple[Doubles, Doubles]:
        """Return cases and successes of keys that were known when each one's day began."""
        starts, _, *entries = self._entries
        if not len(entries[0]):
            return np.zeros(len(keys)), np.zeros(len(keys))
        at = self._last_until(keys, days)
        is_known = (keys < self._other) & (at >= starts.take(np.minimum(keys, self._other)))
        cases, successes = (each.take(at).astype(np.float64) * is_known for each in entries)
        return cases, successes

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

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return lexicon and table for the artifact; texts as bytes, a line each."""
        starts, days, cases, successes = self._entries
        return {
            "words": _lines(self.lexicon.words),
            "pairs": self.lexicon.pairs,
            "keys": _lines(self._keys),
            "title_terms": self._terms[0].astype(np.int32),
            "description_terms": self._terms[1].astype(np.int32),
            "starts": starts.astype(np.int32),
            "days": days.astype(np.int32),
            "cases": cases,
            "successes": successes,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "OutcomeHistory":
        """Read the table back; raise ArtifactError if it is malformed."""
        try:
            lexicon = Lexicon.read(_read_lines(arrays["words"]), _numbers(arrays["pairs"]))
            terms = _numbers(arrays["title_terms"]), _numbers(arrays["description_terms"])
            starts, days = _numbers(arrays["starts"]), _numbers(arrays["days"])
            cases, successes = (
                np.asarray(arrays[name], np.float32).reshape(-1) for name in ("cases", "successes")
            )
            keys = _read_lines(arrays["keys"])
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise ArtifactError("the outcome history is malformed") from fault
        for numbers in terms:
            if not all_distinct(numbers) or not _all_within(numbers, lexicon.size):
                raise ArtifactError("the outcome history is of unknown terms")
        count = len(keys) + sum(map(len, terms))
        if len(starts) != count + 1 or not len(days) == len(cases) == len(successes):
            raise ArtifactError("the outcome history is incomplete")
        if starts[0] != 0 or starts[-1] != len(days) or np.any(np.diff(starts) < 1):
            raise ArtifactError("the outcome history is incomplete")
        if not np.all((successes >= 0) & (successes <= cases) & np.isfinite(cases)):
            raise ArtifactError("the outcome history counts more successes than cases")
        return cls(lexicon, keys, terms, (starts, days, cases, successes))


def _lines(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode("utf-8", "surrogatepass"), np.uint8)


def _read_lines(stored: NDArray[Any]) -> list[str]:
    if stored.dtype != np.uint8:
        raise ValueError("the bytes of a text are needed")
    text = stored.tobytes().decode("utf-8", "surrogatepass")
    return text.split("\n") if text else []


def _numbers(stored: NDArray[Any]) -> Indices:
    numbers = np.asarray(stored)
    if numbers.ndim != 1 or (len(numbers) and numbers.dtype.kind not in "iu"):
        raise ValueError("whole numbers are needed")
    return numbers.astype(np.intp)


class _Said(NamedTuple):
    """What is known at one time, in general and of keys.

    `general` is the general rate. `by_key` has shape (keys, 2): the rate, and the cases up to the
    most that count. `by_term` has shape (keys, 3), or (slots, 3) on a day of live scoring: of a
    term with enough cases 1, how far its rate lies below the general one in log-odds, and its
    cases; of any other zeros.
    """

    general: Doubles
    by_key: Doubles
    by_term: Doubles

    @classmethod
    def of(cls, general: Doubles, of_each: Doubles, cases: Doubles, successes: Doubles) -> "_Said":
        """Weigh cases and successes; `of_each` is the general rate for each key, or for all."""
        rates = (successes + _PRIOR_CASES * of_each) / (cases + _PRIOR_CASES)
        steps = np.rint((_logit(of_each) - _logit(rates)) * _STEPS_OF_LOG_ODDS)
        by_key = np.column_stack([rates, np.minimum(cases, _MOST_CASES)])
        by_term = np.column_stack([np.ones_like(cases), steps / _STEPS_OF_LOG_ODDS, cases])
        by_term[~(cases >= _MIN_TERM_CASES)] = 0
        return cls(general, by_key, by_term)


def _general(cases: Doubles, successes: Doubles) -> Doubles:
    return (successes + _PRIOR_RATE * _PRIOR_RATE_CASES) / (cases + _PRIOR_RATE_CASES)


def _logit(rates: Doubles) -> Doubles:
    log_odds: Doubles = np.log(rates / (1 - rates))
    return log_odds


def _pooled(said: Doubles, general: Doubles) -> tuple[Doubles, Doubles]:
    """Do what `pooled` does for many texts at once.

    `said` has the sums of `_Said.by_term`, shape (texts, 3); `general` is of each text, or of all.
    """
    terms, below, cases = said.T
    at_least_one = np.maximum(terms, 1)
    odds = np.fromiter(map(math.exp, (below / np.sqrt(at_least_one)).tolist()), float, len(terms))
    rates = general / (general + (1 - general) * odds)
    return rates, np.minimum(cases / at_least_one, _MOST_CASES)


def pooled(terms: float, below: float, cases: float, general: float) -> tuple[float, float]:
    """Pool what is said of the terms of a text, as a damped naive Bayes: rate, and mean cases.

    So many terms have so many cases together, and their rates lie so far below the general one, in
    log-odds. Terms of one text are far from independent: their sum is damped by the square root.
    """
    at_least_one = max(terms, 1.0)
    odds = math.exp(below / math.sqrt(at_least_one))
    return general / (general + (1 - general) * odds), min(cases / at_least_one, _MOST_CASES)


def _all_within(numbers: Indices, size: int) -> bool:
    return not len(numbers) or bool(numbers.min() >= FIRST_WORD and numbers.max() < size)


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
    yield from (key for key in _plain_keys(lead.category, lead.location_name) if key)
    yield from (_TITLE + term for term in terms_of(words_of(lead.title)[:EARLY]))
    words = words_of(lead.description or "")[:EARLY]
    yield from (_DESCRIPTION + term for term in terms_of(words))


def _key_numbers(
    numbers: Mapping[str, int],
    other: int,
    absent: int,
    category: str | None,
    location_name: str | None,
) -> list[int]:
    names = _plain_keys(category, location_name)
    return [numbers.get(name, other) if name else absent for name in names]


@lru_cache(maxsize=4096)
def _plain_keys(
    category: str | None, location_name: str | None
) -> tuple[str | None, str | None, str | None]:
    named = _normal(category) if category else None
    location = _normal(location_name) if location_name else None
    both = f"b:{named}\t{location}" if named and location else None
    return named and f"c:{named}", location and f"l:{location}", both


def _normal(name: str) -> str:
    # A key is a line of the artifact.
    return name.strip().casefold().replace("\n", " ")
