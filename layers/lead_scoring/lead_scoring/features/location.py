"""Location: the popularity of its market, remote work, and the city, state and country it names.

Popularity is that of the city (see `places`); UNKNOWN_CITY where a place is named that the table
does not have; NaN where no place is named, or only a state or country. Codes are NaN where
nothing is recognised.
"""

import math
import re
from functools import lru_cache

from ..entities import Feature
from .places import (
    AMBIGUOUS_CODES,
    CANADA,
    CITIES,
    COUNTRIES,
    PROVINCES,
    STATE_ABBREVIATIONS,
    STATES,
    USA,
    City,
    fold,
)

FEATURES = (
    Feature("location_popularity", "Location Popularity", "location"),
    Feature("location_major_city", "Major City", "location"),
    Feature("location_country", "Country", "location"),
    Feature("location_state", "State", "location"),
    Feature("location_detail", "Location Detail", "location"),
    Feature("remote_in_location", "Remote Work", "location"),
    Feature("remote_in_title", "Remote Work", "location"),
    Feature("remote_in_description", "Remote Work", "location"),
    Feature("hybrid_work", "Hybrid Work", "location"),
)
UNKNOWN_CITY = 0.2
MAJOR_FROM = 0.7
_NAN = math.nan
_NOWHERE = (_NAN, 0.0, _NAN, _NAN, _NAN, _NAN)
# Detail: how precisely the place is named.
_COUNTRY_ONLY, _STATE_ONLY, _PLACE = 1.0, 2.0, 3.0

_split_parts = re.compile(r"[,;/|()·•，、\n]").split
_split_words = re.compile(r"[\s–—-]+").split
# "Greater Boston", "Atlanta Metropolitan Area": what surrounds the name of a market.
_SURROUNDINGS = frozenset({"greater", "metropolitan", "metro", "metroplex", "area", "region"})
_REMOTE = (
    "remote", "remoto", "work from home", "work-from-home", "home office", "homeoffice",
    "telecommut", "telework", "teletrabajo", "wfh", "anywhere", "fernarbeit",
)  # fmt: skip
_REMOTE_BEYOND_ASCII = (
    "télétravail", "удален", "удалён", "リモート", "在宅", "远程", "遠程", "재택",
)  # fmt: skip
_NOT_REMOTE = ("not remote", "no remote", "non-remote", "not a remote", "remote: no")


def values(name: str | None, title: str, description: str | None) -> list[float]:
    """Return the location features; title and description are in lower case."""
    place = _NOWHERE if name is None else _read_place(name)
    in_title, in_description = _is_remote(title), _NAN
    hybrid = "hybrid" in title
    if description is not None:
        in_description = _is_remote(description)
        hybrid = hybrid or "hybrid" in description
    return [*place, in_title, in_description, 1.0 if hybrid else 0.0]


def _is_remote(lowered: str) -> float:
    # Few texts have what the words of _REMOTE are made of. Written out, because a loop over it
    # takes longer than the search in a title.
    names_remote = (
        "remot" in lowered
        or "home" in lowered
        or "tele" in lowered
        or "wfh" in lowered
        or "anywhere" in lowered
        or "fernarbeit" in lowered
    ) and any(word in lowered for word in _REMOTE)
    if not names_remote and not lowered.isascii():
        names_remote = any(word in lowered for word in _REMOTE_BEYOND_ASCII)
    return 1.0 if names_remote and not any(phrase in lowered for phrase in _NOT_REMOTE) else 0.0


@lru_cache(maxsize=4096)
def _read_place(name: str) -> tuple[float, ...]:
    """Return popularity, major city, country, state, detail and remote of a place as written."""
    remote = _is_remote(name.lower())
    parts = [part for part in map(_core, map(fold, _split_parts(name))) if part]
    if not parts:
        return _NOWHERE
    country, state = _read_region(parts)
    city = _find_city(parts, country, state)
    if city is not None:
        return (
            city.popularity,
            1.0 if city.popularity >= MAJOR_FROM else 0.0,
            city.country,
            city.state or _NAN,
            _PLACE,
            remote,
        )
    named = country or _NAN, state or _NAN
    if all(_is_region(part, country) or _is_remote(part) for part in parts):
        detail = _STATE_ONLY if state else _COUNTRY_ONLY if country else _NAN
        return (_NAN, 0.0, *named, detail, remote)
    return (UNKNOWN_CITY, 0.0, *named, _PLACE, remote)


def _core(part: str) -> str:
    if part in CITIES:
        return part
    return " ".join([word for word in part.split() if word not in _SURROUNDINGS])


def _is_region(part: str, country: int) -> bool:
    if country == CANADA and part in PROVINCES:
        return True
    return part in COUNTRIES or part in STATES or part in STATE_ABBREVIATIONS


def _read_region(parts: list[str]) -> tuple[int, int]:
    """Return the codes of country and state that the parts name, 0 where they name none."""
    country = state = 0
    for index, part in enumerate(reversed(parts)):
        if not country:
            country = COUNTRIES.get(part, 0)
        if not state and country in (0, USA):
            # A city may share a state's name: "Washington, DC", "New York, NY".
            state = STATES.get(part, 0)
            if not state and index < len(parts) - 1:
                abbreviated, state = _read_abbreviation(part, parts[0])
                country = country or abbreviated
            # What stands before a state is no province: "Ontario, CA" is in California.
            country = USA if state else country
        if not country and part in PROVINCES:
            country = CANADA
    if not state and country in (0, USA):
        state = next((STATES[words] for part in parts for words in _windows(part, STATES)), 0)
        country = USA if state else country
    return country, state


def _read_abbreviation(part: str, first: str) -> tuple[int, int]:
    """Return country and state of two letters after a place: "Dover, DE", but "Berlin, DE"."""
    state = STATE_ABBREVIATIONS.get(part, 0)
    abroad = AMBIGUOUS_CODES.get(part, 0)
    cities = CITIES.get(first, ())
    if any(city.country == abroad for city in cities) and all(c.state != state for c in cities):
        return abroad, 0
    return (USA, state) if state else (0, 0)


def _find_city(parts: list[str], country: int, state: int) -> City | None:
    """Return the first city that the parts name and that the region does not contradict."""
    for part in parts:
        if part in COUNTRIES and part not in CITIES:
            continue
        for name in _candidates(part):
            for city in CITIES.get(name, ()):
                if _agrees(city, country, state):
                    return city
    return None


def _candidates(part: str) -> list[str]:
    names = [part, *_windows(part, CITIES)]
    if not part.isascii():
        # Chinese and Japanese write no spaces: 北京市朝阳区 begins with 北京.
        names += [part[:length] for length in (4, 3, 2) if part[:length] in CITIES]
    return names


def _windows(part: str, table: dict[str, int] | dict[str, list[City]]) -> list[str]:
    """Return the runs of up to three words that the table has, the first and longest first."""
    words = [word for word in _split_words(part) if word][:16]
    runs = (
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in (3, 2, 1)
        if start + length <= len(words)
    )
    # Two letters within a longer name ("la", "de") are no abbreviation.
    return [run for run in runs if (len(run) > 2 or not run.isascii()) and run in table]


def _agrees(city: City, country: int, state: int) -> bool:
    if state and country == USA:
        return city.state == state
    return not country or city.country == country
