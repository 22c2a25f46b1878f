"""The baseline: what answers before any model was trained.

A fixed additive rule in log-odds over a few features, in the spirit of a points sheet. It has
learned nothing: its weights are editorial, its scores are for sorting on the first day, and they
never enter an A/B test or a metric of a trained model. Every term is capped, so that scores stay
between 1 and 87.

| feature | effect in log-odds |
|---|---|
| base | -1.1 (a quarter of leads convert) |
| Posting Age | -0.3 a week, at most -0.9; unknown 0 |
| Title Salary Keywords, Description Salary Keywords | +0.2 each word, at most +0.4 |
| Price Missing | +0.3 if a price is given, -0.1 if not |
| Tech, Finance, Engineering Category | +0.3 if so |
| Location Popularity | from -0.2 (0) to +0.2 (1); unknown 0 |
| Remote Work | +0.2 if the place is remote |
| Company E-mail Domain | +0.4 for a company's, -0.3 for a free mailbox |
| Description Length | from -0.4 (none) to +0.2 (1,000 characters and more) |
| Title Red Flags, Description Red Flags | -0.4 each word, at most -0.8 |
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from .entities import Lead
from .explanation import Explainer
from .features import category, contact, location, temporal, text
from .features.keywords import TERMS, Keywords
from .features.lexicon import Lexicon
from .features.reading import Reading, read
from .scoring_model import Scored, ScoredLeads

BASE_EFFECT = -1.1
_HOURS_PER_WEEK = 168.0


def _capped(step: float, limit: float) -> Callable[[float], float]:
    return lambda value: math.copysign(min(abs(step * value), limit), step)


def _if_true(effect: float) -> Callable[[float], float]:
    return lambda value: effect if value else 0.0


# Feature name, label, effect of its value; a missing value has no effect.
_TERMS: tuple[tuple[str, str, Callable[[float], float]], ...] = (
    ("age_hours", "Posting Age", lambda hours: -min(0.3 * max(hours, 0) / _HOURS_PER_WEEK, 0.9)),
    ("title_salary_keywords", "Title Salary Keywords", _capped(0.2, 0.4)),
    ("description_salary_keywords", "Description Salary Keywords", _capped(0.2, 0.4)),
    ("price_missing", "Price Missing", lambda missing: -0.1 if missing else 0.3),
    ("category_technology", "Tech Category", _if_true(0.3)),
    ("category_finance", "Finance Category", _if_true(0.3)),
    ("category_engineering", "Engineering Category", _if_true(0.3)),
    ("location_popularity", "Location Popularity", lambda share: 0.4 * (share - 0.5)),
    ("remote_in_location", "Remote Work", _if_true(0.2)),
    ("email_company_domain", "Company E-mail Domain", lambda company: 0.4 if company else -0.3),
    (
        "description_characters",
        "Description Length",
        lambda size: -0.4 + 0.6 * min(size, 1000) / 1000,
    ),
    ("title_red_flags_keywords", "Title Red Flags", _capped(-0.4, 0.8)),
    ("description_red_flags_keywords", "Description Red Flags", _capped(-0.4, 0.8)),
)
_LABELS = [label for _, label, _ in _TERMS]


class Baseline:
    """Scores by fixed weights; nothing is an outlier, because there was no training."""

    def __init__(self) -> None:
        """Number the keywords."""
        self._lexicon = Lexicon.of(TERMS)
        self._keywords = Keywords(self._lexicon)
        self._explainer = Explainer(BASE_EFFECT, _LABELS, range(len(_TERMS)))

    def score(
        self, leads: Sequence[Lead], moments: Sequence[datetime], *, explain: bool = False
    ) -> ScoredLeads:
        """Score each lead as of its moment."""
        named = [self._features(lead, moment) for lead, moment in zip(leads, moments, strict=True)]
        names = [name for name, _, _ in _TERMS]
        values = np.array([[one[name] for name in names] for one in named]).reshape(-1, len(_TERMS))
        effects = np.array([_effects(row) for row in values]).reshape(values.shape)
        margins = [BASE_EFFECT + float(row.sum()) for row in effects]
        return ScoredLeads(
            [_scored(margin) for margin in margins],
            lambda: self._explainer.explain(effects, values, margins) if explain else [],
        )

    def _features(self, lead: Lead, moment: datetime) -> dict[str, float]:
        normal = category.normal_category(lead.category)
        high_value = category.high_value_groups(normal) if normal else [math.nan] * 3
        title, description = read(lead.title), read(lead.description or "")
        families = (
            (text.TITLE_FEATURES, self._text_values(title)),
            (text.DESCRIPTION_FEATURES, self._text_values(description)),
            (temporal.FEATURES, temporal.values(lead.posted_at, moment, UTC)),
            (
                location.FEATURES,
                location.values(lead.location_name, title.lowered, description.lowered),
            ),
            (contact.FEATURES, contact.values(lead)),
            (category.FEATURES[:3], high_value),
        )
        named = {
            feature.name: value
            for features, values in families
            for feature, value in zip(features, values, strict=True)
        }
        return {**named, "price_missing": float(lead.price is None)}

    def _text_values(self, reading: Reading) -> list[float]:
        (by_term,) = self._keywords.count(self._lexicon.find([reading.words])).tolist()
        return [*text.values(reading), *by_term]


def _effects(values: NDArray[np.float64]) -> list[float]:
    return [
        0.0 if math.isnan(value) else effect(float(value))
        for value, (_, _, effect) in zip(values, _TERMS, strict=True)
    ]


def _scored(margin: float) -> Scored:
    return Scored(margin, 1 / (1 + math.exp(-margin)), [], False)
