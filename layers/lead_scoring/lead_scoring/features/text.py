"""Text: how long and how loud title and description are, and which words and amounts they hold.

An absent description (None) is not known, so that all its features are missing (NaN); an empty
one has counts of zero. Shares and means of nothing are missing. What is counted by terms, from
`seniority` on, comes from `keywords` for all texts at once.
"""

import math
import re

from ..entities import Feature
from .keywords import GROUPS
from .reading import Reading

_MEASURES = (
    ("characters", "Length"),
    ("words", "Length"),
    ("sentences", "Sentences"),
    ("mean_word_length", "Word Length"),
    ("capitals_share", "Capitals"),
    ("digits", "Digits"),
    ("exclamation_marks", "Exclamation Marks"),
    ("list_items", "Listed Items"),
    ("email_address", "E-mail Address"),
    ("phone_number", "Phone Number"),
    ("links", "Links"),
    ("salary_low", "Salary"),
    ("salary_high", "Salary"),
    ("salary_mean", "Salary"),
    ("experience_years_low", "Years of Experience"),
    ("experience_years_high", "Years of Experience"),
    ("seniority", "Seniority"),
)


def _features(field: str) -> tuple[Feature, ...]:
    title = field.capitalize()
    measures = tuple(
        Feature(f"{field}_{name}", f"{title} {label}", "text") for name, label in _MEASURES
    )
    keywords = tuple(
        Feature(f"{field}_{group.name}_keywords", f"{title} {group.label}", "text")
        for group in GROUPS
    )
    return measures + keywords


TITLE_FEATURES = _features("title")
DESCRIPTION_FEATURES = _features("description")
FEATURES = TITLE_FEATURES + DESCRIPTION_FEATURES

_NAN = math.nan
BY_TERM = 1 + len(GROUPS)
_ABSENT = [_NAN] * (len(DESCRIPTION_FEATURES) - BY_TERM)
_ENDS = tuple((mark, f"{mark} ", f"{mark}\n") for mark in ".!?")
_TRAILING = " \n\t\r.!?…。！？"

# Both begin with one literal or set, and repeat within bounds or over disjoint stretches: linear.
_find_email = re.compile(r"@(?<=[\w.+-]@)[\w-]+\.\w").search
_find_phone = re.compile(
    r"[+(0-9](?<![\w.,+(/-][+(0-9])(?:"
    r"(?<=\+)[0-9](?:[ .()/-]{0,2}[0-9]){7,13}"
    r"|(?<=\()[0-9]{2,5}\)[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,5}"
    r"|(?<=[0-9])[0-9]{2}[ .-]?[0-9]{3}[ .-]?[0-9]{4}"
    r"|(?<=0)[0-9]{1,4}[ /-][0-9]{3,4}[ -]?[0-9]{3,5}"
    r"|(?<=1)[ .-]\(?[0-9]{3}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}"
    r")(?![0-9,])"
).search

_YEAR_WORDS = frozenset({"years", "year", "yrs", "yr", "jahre", "années", "años", "anos"})
_SMALL_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBER_WORDS = {word: number for number, word in enumerate(_SMALL_NUMBERS.split())}
_CONNECTORS = frozenset({"to", "or", "and", "more", "plus", "bis", "a", "over", "full"})
# What makes a number of years something else than experience.
_OTHER_YEARS = frozenset({"old", "ago", "degree", "contract", "warranty", "anniversary", "plan"})
_MOST_YEARS = 30


def values(reading: Reading | None) -> list[float]:
    """Return the features of a title or a description but those by term; NaN of an absent one."""
    if reading is None:
        return _ABSENT
    text, words = reading.text, reading.words
    lowered, letters, digits = reading.lowered, reading.letters, reading.digits
    low, high = reading.salary or (_NAN, _NAN)
    years_low, years_high = experience_years(words)
    return [
        len(text),
        len(words),
        _sentences(text),
        len("".join(words)) / len(words) if words else _NAN,
        reading.capitals / letters if letters else _NAN,
        digits,
        reading.exclamation_marks,
        reading.list_marks,
        1.0 if "@" in text and _find_email(text) else 0.0,
        1.0 if digits >= 7 and _find_phone(text) else 0.0,
        _links(lowered),
        low,
        high,
        (low + high) / 2,
        years_low,
        years_high,
    ]


def _links(lowered: str) -> int:
    # To look for what is not there takes half of the time of counting it.
    if "http" in lowered or "www." in lowered:
        return lowered.count("http") + lowered.count("www.")
    return 0


def _sentences(text: str) -> int:
    """Count the ends of sentences: a mark before a space, a full-width mark, an empty line."""
    body = text.strip(_TRAILING)
    if not body:
        return 0
    ends, has_lines = 1, "\n" in body
    for mark, before_space, before_line in _ENDS:
        if mark in body:
            ends += body.count(before_space)
            if has_lines:
                ends += body.count(before_line)
    if not body.isascii():
        ends += body.count("。") + body.count("！") + body.count("？")
    return ends + body.count("\n\n") if has_lines else ends


def experience_years(words: list[str]) -> tuple[float, float]:
    """Return the fewest and the most years of experience asked for, NaN where none are.

    >>> experience_years(["five", "to", "seven", "years"]), experience_years(["3+", "years"])
    ((5.0, 7.0), (3.0, 3.0))
    """
    found: list[float] = []
    for word in _YEAR_WORDS.intersection(words):
        position = -1
        for _ in range(words.count(word)):
            position = words.index(word, position + 1)
            found += _numbers_before(words, position)
    return (min(found), max(found)) if found else (_NAN, _NAN)


def _numbers_before(words: list[str], position: int) -> list[float]:
    following = words[position + 1 : position + 3]
    if not _OTHER_YEARS.isdisjoint(following) or following == ["of", "age"]:
        return []
    numbers: list[float] = []
    for word in reversed(words[max(0, position - 5) : position]):
        number = _NUMBER_WORDS.get(word)
        if number is None:
            figure = word.rstrip("+")
            if len(figure) < 3 and figure.isascii() and figure.isdigit():
                number = int(figure)
            elif word in _CONNECTORS:
                continue
            else:
                break
        if number <= _MOST_YEARS:
            numbers.append(float(number))
    return numbers
