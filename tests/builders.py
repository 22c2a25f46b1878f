"""Builders: a valid thing by default, with only what a test is about spelled out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_scoring.adapters.tfidf_fitting import fit_tfidf
from lead_scoring.entities import Lead
from lead_scoring.entities.training import TrainingExample
from lead_scoring.feature_extractor import FeatureExtractor
from lead_scoring.settings import Settings

POSTED_AT = datetime(2024, 1, 2, 12, 0, tzinfo=UTC)  # a Tuesday


def lead(**changes: Any) -> Lead:
    """Return an ordinary lead with every field filled, with these changes."""
    ordinary = Lead(
        lead_id=123,
        title="Senior Python Developer",
        description="We are looking for a Python developer. 5+ years of experience; remote work.",
        category="software/qa/dba",
        location_name="San Francisco, CA",
        price=150_000.0,
        email_domain="example.com",
        email_hash="0f" * 32,
        posted_at=POSTED_AT,
    )
    return ordinary._replace(**changes)


def bare_lead(**changes: Any) -> Lead:
    """Return a lead with nothing but its id and title, with these changes."""
    return Lead(lead_id=123, title="Senior Python Developer")._replace(**changes)


def settings(**changes: Any) -> Settings:
    """Return the default settings, with a key that is made up."""
    return Settings(**{"hash_key": "a key made up for tests", **changes})


def various_leads(count: int = 60) -> list[Lead]:
    """Return leads that differ in title, category, place, pay, contact and time."""
    titles = ("Python Developer", "Registered Nurse", "Sales Manager!", "Accountant, part-time")
    texts = ("Python and SQL. $50/hr.", None, "Ten years of sales; 80k-120k", "")
    categories = ("software/qa/dba", "jobs/health", "Sales & Marketing", None)
    places = ("San Francisco, CA", "Berlin, DE", None, "Remote")
    return [
        lead(
            lead_id=number,
            title=f"{titles[number % 4]} {'I' * (number % 3)}",
            description=texts[number % 4] and f"{texts[number % 4]} Post {number % 7}.",
            category=categories[number // 2 % 4],
            location_name=places[number // 3 % 4],
            price=None if number % 5 == 0 else 1_000.0 * (40 + number),
            email_hash=None if number % 2 else "0f" * 32,
            email_domain=None if number % 2 else "gmail.com",
            posted_at=None if number % 11 == 0 else POSTED_AT + timedelta(hours=7 * number),
        )
        for number in range(count)
    ]


def examples(leads: Sequence[Lead]) -> list[TrainingExample]:
    """Return training examples of leads, every third converted, known a day after the moment."""
    return [
        TrainingExample(
            lead=one,
            moment=moment,
            target=1.0 if number % 3 == 0 else 0.0,
            weight=1.0,
            known_at=moment + timedelta(days=1),
        )
        for number, one in enumerate(leads)
        for moment in [one.posted_at or POSTED_AT]
    ]


def extractor(leads: Sequence[Lead] | None = None, **changes: Any) -> FeatureExtractor:
    """Return an extractor fitted on leads (`various_leads()` by default), with these settings."""
    chosen = various_leads() if leads is None else leads
    return FeatureExtractor.fit(
        chosen,
        known=examples(chosen),
        fit_tfidf=fit_tfidf,
        settings=settings(**changes),
    )
