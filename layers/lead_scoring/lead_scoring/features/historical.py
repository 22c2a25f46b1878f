"""Historical features: what became of comparable leads, as of the lead's own moment.

An outcome counts from the first midnight (UTC) after it became known; a lead sees the outcomes that
counted before its moment's day began or on it. So no lead ever sees its own outcome or a later one,
in training as in backtests, and the table has at most one entry a key and day.
"""

import base64
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, log, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from ..entities import Feature, Lead, TrainingExample
from ..errors import ArtifactError
from .reading import Reading, terms_of, words_of

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
# Backtests go from day to day; live scoring needs one.
_MOST_DAYS_SEEN = 16
_SECONDS_PER_DAY = 86400


class KnownTarget(NamedTuple):
    """What was known of a lead from a moment on: a target in [0, 1].

    `replaces` is the target that was known of the same lead before, None if there was none.
    """

    lead: Lead
    known_at: datetime
    target: float
    replaces: float | None = None


@dataclass(frozen=True, slots=True)
class _AsOf:
    """A day's general rate, its log-odds, and by key a term's evidence once it was needed."""

    day: int
    general: float
    prior: float
    evidence: dict[int, tuple[float, ...]]


class OutcomeHistory:
    """Cumulative outcomes of every category, place and term, by the day they were known."""

    def __init__(
        self,
        keys: Sequence[str],
        starts: "array[int]",
        days: "array[int]",
        cases: "array[float]",
        successes: "array[float]",
    ) -> None:
        """Hold parallel arrays: key k owns entries starts[k] to starts[k + 1], days ascending."""
        self._keys, self._starts = keys, starts
        self._days, self._cases, self._successes = days, cases, successes
        self._numbers = {key: number for number, key in enumerate(keys)}
        self._title_terms = _terms_of(_TITLE, keys)
        self._description_terms = _terms_of(_DESCRIPTION, keys)
        self._seen: dict[int, _AsOf] = {}

    @classmethod
    def fit(cls, known: Iterable[KnownTarget | TrainingExample]) -> "OutcomeHistory":
        """Count the outcomes of leads; success is the target, in [0, 1].

        At any time a lead counts once, with what was known of it by then.
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
        starts, days = array("i", [0]), array("i")
        cases, successes = array("f"), array("f")
        kept: list[str] = []
        for key, entries in sorted(by_key.items()):
            is_term = key.startswith((_TITLE, _DESCRIPTION))
            if is_term and sum(new for new, _ in entries.values()) < _MIN_TERM_CASES:
                continue
            kept.append(key)
            case_count = success_count = 0.0
            for day, (new_cases, new_successes) in sorted(entries.items()):
                case_count, success_count = case_count + new_cases, success_count + new_successes
                days.append(day)
                cases.append(case_count)
                # What was added and taken back need not leave exactly nothing.
                successes.append(min(max(success_count, 0.0), case_count))
            starts.append(len(days))
        return cls(kept, starts, days, cases, successes)

    def rates(
        self, lead: Lead, moment: datetime, title: Reading, description: Reading | None
    ) -> list[float]:
        """Return the values of FEATURES for a lead as of a moment; NaN where nothing applies.

        `title` and `description` are what was read from its two texts.
        """
        as_of = self._as_of(_day(moment))
        general = as_of.general
        values: list[float] = []
        for key in _plain_keys(lead):
            cases, successes = self._known(key, as_of.day) if key else (0.0, 0.0)
            rate = (successes + _PRIOR_CASES * general) / (cases + _PRIOR_CASES)
            values += [rate, min(cases, _MOST_CASES)] if key else [nan, nan]
        values += self._similar(_distinct_terms(title), self._title_terms, as_of)
        values += self._similar(
            _distinct_terms(description) if description else (), self._description_terms, as_of
        )
        return values

    def _as_of(self, day: int) -> "_AsOf":
        """Return what was worked out for a day already, so that its next lead costs less."""
        found = self._seen.get(day)
        if found is None:
            cases, successes = self._known(_ALL, day)
            general = (successes + _PRIOR_RATE * _PRIOR_RATE_CASES) / (cases + _PRIOR_RATE_CASES)
            found = _AsOf(day, general, log(general / (1 - general)), {})
            if len(self._seen) >= _MOST_DAYS_SEEN:
                self._seen.clear()
            self._seen[day] = found
        return found

    def _known(self, key: str, day: int) -> tuple[float, float]:
        """Return cases and successes of a key that were known when the day began."""
        number = self._numbers.get(key)
        return (0.0, 0.0) if number is None else self._counted(number, day)

    def _counted(self, number: int, day: int) -> tuple[float, float]:
        start, end = self._starts[number], self._starts[number + 1]
        at = end if self._days[end - 1] <= day else bisect_right(self._days, day, start, end)
        return (self._cases[at - 1], self._successes[at - 1]) if at > start else (0.0, 0.0)

    def _similar(
        self, terms: Iterable[str], numbers: Mapping[str, int], as_of: "_AsOf"
    ) -> list[float]:
        """Pool the terms' shifts in log-odds, as a damped naive Bayes; rate and mean cases."""
        known = [number for number in map(numbers.get, terms) if number is not None]
        evidence = as_of.evidence
        try:
            found = [evidence[number] for number in known]
        except KeyError:
            found = [self._evidence(number, as_of) for number in known]
        enough = [pair for pair in found if pair]
        if not enough:
            return [as_of.general, 0.0]
        shifts, cases = zip(*enough, strict=True)
        # Terms of one text are far from independent: their sum is damped by the square root.
        rate = 1 / (1 + exp(-(as_of.prior + sum(shifts) / sqrt(len(enough)))))
        return [rate, min(sum(cases) / len(enough), _MOST_CASES)]

    def _evidence(self, number: int, as_of: "_AsOf") -> tuple[float, ...]:
        """Return a term's shift in log-odds and its cases; nothing if it had too few."""
        found = as_of.evidence.get(number)
        if found is None:
            cases, successes = self._counted(number, as_of.day)
            found = ()
            if cases >= _MIN_TERM_CASES:
                rate = (successes + _PRIOR_CASES * as_of.general) / (cases + _PRIOR_CASES)
                found = (log(rate / (1 - rate)) - as_of.prior, cases)
            as_of.evidence[number] = found
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the table for the artifact; numbers as base64 of little-endian arrays."""
        arrays = {"starts": "<i4", "days": "<i4", "cases": "<f4", "successes": "<f4"}
        packed = {
            name: base64.b64encode(np.asarray(getattr(self, f"_{name}"), kind).tobytes()).decode()
            for name, kind in arrays.items()
        }
        return {"keys": list(self._keys), **packed}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "OutcomeHistory":
        """Read the table back; raise ArtifactError if it is malformed."""
        try:
            starts = _unpack(value["starts"], "<i4", "i")
            days = _unpack(value["days"], "<i4", "i")
            cases = _unpack(value["cases"], "<f4", "f")
            successes = _unpack(value["successes"], "<f4", "f")
            keys = list(map(str, value["keys"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise ArtifactError("the outcome history is malformed") from fault
        if len(starts) != len(keys) + 1 or not len(days) == len(cases) == len(successes):
            raise ArtifactError("the outcome history is incomplete")
        if starts[0] != 0 or starts[-1] != len(days) or np.any(np.diff(starts) < 1):
            raise ArtifactError("the outcome history is incomplete")
        known, succeeded = np.asarray(cases), np.asarray(successes)
        if not np.all((succeeded >= 0) & (succeeded <= known) & np.isfinite(known)):
            raise ArtifactError("the outcome history counts more successes than cases")
        return cls(keys, starts, days, cases, successes)


def _unpack(text: str, stored: str, kind: str) -> Any:
    numbers = np.frombuffer(base64.b64decode(text, validate=True), stored)
    return array(kind, numbers.astype(np.dtype(kind)).tobytes())


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


def _distinct_terms(reading: Reading) -> Iterable[str]:
    """Return the distinct words of a text, and its pairs of neighbours, in order."""
    is_long = len(reading.words) > _MAX_WORDS
    return terms_of(reading.words[:_MAX_WORDS]) if is_long else reading.terms


def _terms_of(prefix: str, keys: Sequence[str]) -> dict[str, int]:
    return {key[len(prefix) :]: i for i, key in enumerate(keys) if key.startswith(prefix)}
