"""Read a text once: lower case, terms, digits, and the salary it names, for every family."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .salary import Salary, find_salary

# Words as TF-IDF and the keywords see them; `+` and `#` keep C++ and C# apart from C.
TOKEN_PATTERN = r"\w[\w+#]*"  # noqa: S105 - words are meant, not a password
_find_words = re.compile(TOKEN_PATTERN).findall
# Between ASCII words is whatever is no letter, digit, underscore or sign of a word.
_BETWEEN = bytes(byte if chr(byte).isalnum() or chr(byte) in "_+#" else 32 for byte in range(128))
_BETWEEN = _BETWEEN.lower() + bytes(128)
_find_other_scripts = re.compile(r"[^\x00-\x7f]+").findall

_DIGITS = b"0123456789"
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMALL_LETTERS = _CAPITALS.lower()
_LIST_MARKS = b",;|\n"


class Reading(NamedTuple):
    """A text and what was read from it; the counts are of characters, in any script."""

    text: str
    lowered: str
    words: list[str]
    digits: int
    letters: int
    capitals: int
    exclamation_marks: int
    list_marks: int
    salary: Salary | None


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, as `Reading.words` has them."""
    return _words(text.lower(), text.encode("ascii", "ignore"), text)


def _words(lowered: str, plain: bytes, text: str) -> list[str]:
    """Find words; `plain` is what is ASCII in the text."""
    if len(plain) != len(text):
        return _find_words(lowered)
    # The same for nearly every text, in a third of the time.
    apart = plain.translate(_BETWEEN)
    words = apart.decode().split()
    if b" +" in apart or b" #" in apart or apart.startswith((b"+", b"#")):
        # No word begins with a sign.
        words = [word for word in (each.lstrip("+#") for each in words) if word]
    return words


def terms_of(words: Sequence[str]) -> set[str]:
    """Return the words, and the pairs of neighbours joined by a space.

    >>> sorted(terms_of(["new", "new", "car"]))
    ['car', 'new', 'new car', 'new new']
    """
    return {*words, *map(" ".join, pairwise(words))}


def read(text: str) -> Reading:
    """Tokenise a text and count its kinds of characters, in time linear in its length.

    >>> read("Senior C++ Engineer, 2 posts").words
    ['senior', 'c++', 'engineer', '2', 'posts']
    """
    lowered = text.lower()
    # Deleting from bytes counts a kind of character a hundred times as fast as a loop does, and
    # without its small letters a text is short.
    plain = text.encode("ascii", "ignore")
    rest = plain.translate(None, _SMALL_LETTERS)
    size = len(rest)
    digits = size - len(rest.translate(None, _DIGITS))
    capitals = size - len(rest.translate(None, _CAPITALS))
    letters = len(plain) - size + capitals
    exclamation_marks = rest.count(b"!")
    list_marks = size - len(rest.translate(None, _LIST_MARKS))
    if len(plain) != len(text):
        others = "".join(_find_other_scripts(text))
        digits += sum(map(str.isdigit, others))
        letters += sum(map(str.isalpha, others))
        capitals += sum(map(str.isupper, others))
        exclamation_marks += others.count("！")
        list_marks += others.count("•")
    salary = find_salary(lowered) if digits else None
    words = _words(lowered, plain, text)
    return Reading(
        text, lowered, words, digits, letters, capitals, exclamation_marks, list_marks, salary
    )
