"""Find the salaries that a text names and bring them to a year.

One pattern, which starts at a digit and has only bounded repetitions, so that its time is linear
in the text whatever the text is. An amount counts when a currency or a `k` marks it as money.
Without a period, 10,000 and more is read as a year, a range of small amounts as an hour, a range
of thousands as a month; a lone small amount (a bonus, a gift card) is no salary.
"""

import re
from typing import NamedTuple

# Working hours, days and weeks of a full-time year: 52 weeks of five days of eight hours.
_PER_YEAR = {"h": 2080.0, "d": 260.0, "w": 52.0, "m": 12.0, "y": 1.0}
_PERIODS = {
    "h": "hour hr hrs h std stunde heure hora hourly ph",
    "d": "day d diem tag jour dia día daily",
    "w": "week wk w woche semaine semana weekly",
    "m": "month mo mth monat mois mes monthly",
    "y": "year yr y jahr annum an año ano annually annual yearly pa",
}
_PERIOD_OF = {word: _PER_YEAR[key] for key, words in _PERIODS.items() for word in words.split()}
_ALONE = "hourly daily weekly monthly yearly annually annual pa ph"

_SYMBOLS = "$€£¥₹₽₩₺₪₴฿"
_CODES = ("usd", "eur", "gbp", "cad", "aud", "chf", "inr", "jpy", "sek", "pln", "brl", "sgd")
_SYMBOL_LIST = tuple(_SYMBOLS)
_CURRENCY = rf"[{_SYMBOLS}]|(?:{'|'.join(_CODES)}|euros?|dollars?|pounds?)(?![a-z])"
_NUMBER = r"[0-9](?:[0-9.,'’]{0,12}[0-9])?(?:[ \u00a0\u202f][0-9]{3}(?![0-9])){0,3}"
_UNIT = r"(?:\s?(%|(?:k|m|mm|mio|million|millionen|b|bn|billion|lakh|lakhs|lpa)(?![a-z0-9])))?"
_AMOUNT = re.compile(
    rf"((?<![0-9.,]){_NUMBER}){_UNIT}(?:\s?({_CURRENCY}))?"
    rf"(?:\s?(?:-|–|—|to\s|bis\s)\s?(?:(?:us|a|c)?({_CURRENCY})\s?)?"
    rf"({_NUMBER}){_UNIT}(?:\s?({_CURRENCY}))?)?"
)
_PERIOD = re.compile(
    r"\s?(?:/|per\s|an?\s|pro\s|par\s|por\s|im\s)\s?"
    rf"({'|'.join(sorted(_PERIOD_OF, key=len, reverse=True))})(?![a-z])"
    rf"|\s?({'|'.join(_ALONE.split())})(?![a-z])|\s?(p\.\s?[ahm]\.)"
)
_match_amount, _match_period = _AMOUNT.match, _PERIOD.match
# From one digit to the next bytes are searched in a third of the time that `re` takes.
_DIGIT = b"0"
_ONLY_DIGITS = bytes(_DIGIT[0] if chr(byte) in "0123456789" else 0 for byte in range(256))
_SPACES = str.maketrans("", "", " \u00a0\u202f'’")
_LOWEST_YEAR, _HIGHEST_YEAR = 1_000.0, 10_000_000.0
_YEARLY_FROM = 10_000.0


class Salary(NamedTuple):
    """The lowest and the highest amount that a text names, a year, in the text's own currency."""

    low: float
    high: float


def find_salary(lowered: str) -> Salary | None:
    """Return the span of all salaries in a lower-cased text, None where it names none.

    >>> find_salary("$50/hr"), find_salary("80k-120k")
    (Salary(low=104000.0, high=104000.0), Salary(low=80000.0, high=120000.0))
    >>> find_salary("€60.000"), find_salary("£450/day"), find_salary("401k and 3 years")
    (Salary(low=60000.0, high=60000.0), Salary(low=117000.0, high=117000.0), None)
    """
    low, high = _HIGHEST_YEAR + 1, 0.0
    next_digit = lowered.encode("ascii", "replace").translate(_ONLY_DIGITS).find
    start = next_digit(_DIGIT)
    while start >= 0:
        match = _match_amount(lowered, start)
        # Most numbers stand alone, without any mark of money: leave them at once.
        if match and (match.lastindex != 1 or _marked_before(lowered, start)):
            found = _salary_of(lowered, match)
            if found is not None:
                low, high = min(low, found.low), max(high, found.high)
        start = next_digit(_DIGIT, match.end() if match else start + 1)
    return Salary(low, high) if high else None


def _marked_before(lowered: str, start: int) -> bool:
    """Tell whether a currency stands before the number: `$`, `us$`, `usd `."""
    before = lowered[max(0, start - 5) : start].rstrip()
    if before.endswith(_SYMBOL_LIST):
        return True
    return before[-3:] in _CODES and not before[-4:-3].isalpha()


def _salary_of(lowered: str, match: re.Match[str]) -> Salary | None:
    first, unit, after, before_second, second, second_unit, after_second = match.groups()
    currency = bool(
        after or before_second or after_second or _marked_before(lowered, match.start())
    )
    if (unit or second_unit or "k") != "k":
        return None
    low = _number(first)
    high = _number(second) if second else low
    if "k" in (unit, second_unit):
        low = low * 1000 if low < 1000 else low
        high = high * 1000 if high < 1000 else high
    elif not currency:
        return None
    if unit == "k" and not currency and low == 401_000:
        return None  # a pension plan, not an amount
    period = _match_period(lowered, match.end())
    if "bonus" in lowered[max(0, match.start() - 16) : (period or match).end() + 20]:
        return None  # paid once
    is_range = high > low
    factor = _factor(period, low, is_range)
    if factor is None:
        return None
    low, high = low * factor, max(low, high) * factor
    return Salary(low, high) if _LOWEST_YEAR <= low <= high <= _HIGHEST_YEAR else None


def _factor(period: re.Match[str] | None, low: float, is_range: bool) -> float | None:
    """Return how many such amounts make a year, None where nothing tells."""
    if period:
        word, alone, abbreviated = period.groups()
        if abbreviated:
            return _PER_YEAR[{"a": "y", "h": "h", "m": "m"}[abbreviated[-2]]]
        return _PERIOD_OF[word or alone]
    if low >= _YEARLY_FROM:
        return 1.0
    if not is_range:
        return None
    if 7 <= low < 250:
        return _PER_YEAR["h"]
    return _PER_YEAR["m"] if low >= 1000 else None


def _number(text: str) -> float:
    """Read a number: a last group of three digits belongs to thousands, any other is decimal."""
    digits = text.translate(_SPACES)
    cut = max(digits.rfind("."), digits.rfind(","))
    if cut < 0 or len(digits) - cut == 4:
        return float(digits.replace(".", "").replace(",", ""))
    whole = digits[:cut].replace(".", "").replace(",", "")
    return float(f"{whole}.{digits[cut + 1 :]}")
