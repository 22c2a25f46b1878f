"""Features of the title and the description, in ordinary pandas string operations."""

import re

import pandas as pd

KEYWORDS = {
    "salary": r"\b(?:salary|compensation|bonus|commission|equity|401\(?k\)?|pay|hourly|per hour|"
    r"per year|annual|ote)\b",
    "experience": r"\b(?:senior|junior|lead|principal|entry[ -]level|experienced?|years|manager|"
    r"director|head of|intern|graduate|sr|jr)\b",
    "technology": r"\b(?:python|java|javascript|aws|azure|cloud|sql|linux|kubernetes|docker|react|"
    r"software|data|machine learning|api|devops|developer)\b",
    "urgency": r"\b(?:urgent|urgently|immediate|immediately|asap|now hiring|start today|"
    r"right away|deadline|quickly)\b",
    "quality": r"\b(?:benefits|insurance|remote|flexible|growth|training|paid|vacation|"
    r"leading|award|career|full[ -]time)\b",
    "red_flags": r"\b(?:unpaid|volunteer|no pay|commission only|mlm|pyramid|free trial|"
    r"investment required|work from home!|easy money)\b",
}
EMAIL = r"[\w.+-]+@[\w-]+\.[\w.]+"
PHONE = r"\+?\d?[\s.(-]*\d{3}[\s.)-]+\d{3}[\s.-]+\d{4}"
YEARS = re.compile(r"(\d{1,2})\s*(?:\+|-\s*\d{1,2}|to\s+\d{1,2})?\s*years?", re.IGNORECASE)
AMOUNT = re.compile(
    r"[$€£]\s?(?P<amount>\d[\d,.]*)\s?(?P<kilo>k)?(?:\s*(?:/|per|an?)\s*"
    r"(?P<period>hour|hr|h|day|week|month|year|yr|annum))?|\b(?P<bare>\d{2,3})k\b",
    re.IGNORECASE,
)
PERIODS_PER_YEAR = {
    "hour": 2080.0,
    "hr": 2080.0,
    "h": 2080.0,
    "day": 260.0,
    "week": 52.0,
    "month": 12.0,
}


def yearly_amounts(text: str) -> list[float]:
    """Return every salary found in a text, as an amount a year.

    >>> yearly_amounts("$50/hr, or $5,000 per month, or 80k")
    [104000.0, 60000.0, 80000.0]
    """
    amounts = []
    for match in AMOUNT.finditer(text):
        if match["bare"]:
            amounts.append(float(match["bare"]) * 1000)
            continue
        digits = re.sub(r"[,.](?=\d{3}\b)", "", match["amount"]).replace(",", "").rstrip(".")
        try:
            amount = float(digits)
        except ValueError:
            continue
        period = (match["period"] or "year").lower()
        amounts.append(amount * (1000 if match["kilo"] else 1) * PERIODS_PER_YEAR.get(period, 1.0))
    return amounts


def years_of_experience(text: str) -> float:
    """Return the most years of experience that a text asks for; NaN if it asks for none.

    >>> years_of_experience("3+ years of Python, 5 years of SQL")
    5.0
    """
    return max((float(match[1]) for match in YEARS.finditer(text)), default=float("nan"))


def text_columns(text: pd.Series, name: str) -> dict[str, pd.Series]:
    """Return the columns of one text: counts, shares, keyword hits, patterns, pay, experience."""
    lower = text.str.lower()
    characters = text.str.len()
    words = text.str.split().str.len()
    salaries = text.apply(yearly_amounts)
    columns = {
        f"{name}_characters": characters,
        f"{name}_words": words,
        f"{name}_sentences": text.str.count(r"[.!?]+(?:\s|$)"),
        f"{name}_mean_word_length": characters / words.clip(lower=1),
        f"{name}_capitals_share": text.str.count(r"[A-Z]") / characters.clip(lower=1),
        f"{name}_digits": text.str.count(r"\d"),
        f"{name}_exclamations": text.str.count("!"),
        f"{name}_has_email": text.str.contains(EMAIL).astype(int),
        f"{name}_has_phone": text.str.contains(PHONE).astype(int),
        f"{name}_salary_low": salaries.apply(lambda found: min(found, default=float("nan"))),
        f"{name}_salary_high": salaries.apply(lambda found: max(found, default=float("nan"))),
        f"{name}_years": text.apply(years_of_experience),
    }
    for group, pattern in KEYWORDS.items():
        columns[f"{name}_{group}_keywords"] = lower.str.count(pattern)
    return columns
