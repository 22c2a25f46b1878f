import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings

from lead_scoring.baseline import BASE_EFFECT, Baseline
from lead_scoring.entities import Lead
from lead_scoring.explanation import OTHER_FEATURES, Explanation
from lead_scoring.scoring_model import Scored
from tests.builders import POSTED_AT, bare_lead, lead, various_leads
from tests.weird_leads import moments, weird_leads

# The ends of the documented scale.
BEST = lead(
    title="Salary bonus equity: engineer",
    description="Great salary, bonus and benefits. " * 40,
    category="software/finance/engineering",
    location_name="New York, remote",
    price=100_000.0,
    email_domain="company.com",
)
WORST = lead(
    title="scam unpaid pyramid mlm commission only",
    description="unpaid commission only scam",
    category=None,
    location_name="Nowhere-upon-Sea",
    price=None,
    email_domain="gmail.com",
    posted_at=POSTED_AT - timedelta(days=365),
)


def scored(one: Lead, moment: datetime = POSTED_AT) -> Scored:
    return Baseline().score([one], [moment]).scored[0]


def explained(one: Lead, moment: datetime = POSTED_AT) -> Explanation:
    return Baseline().score([one], [moment], explain=True).explanations()[0]


def effect(one: Lead, label: str, moment: datetime = POSTED_AT) -> float:
    told = explained(one, moment)
    return next((reason["effect"] for reason in told.reasons if reason["feature"] == label), 0.0)


def test_reasons_follow_the_rules_of_a_trained_models() -> None:
    for one in various_leads(30):
        found, told = scored(one), explained(one)

        total = BASE_EFFECT + sum(reason["effect"] for reason in told.reasons)
        assert total == pytest.approx(found.margin, abs=1e-4)
        assert told.base_effect == BASE_EFFECT
        assert len(told.reasons) <= 11
        assert told.reasons[-1]["feature"] == OTHER_FEATURES
        assert found.probability == pytest.approx(1 / (1 + math.exp(-found.margin)))


@settings(max_examples=100, deadline=None)
@given(weird_leads, moments)
def test_any_lead_scores_between_1_and_87(one: Lead, moment: datetime) -> None:
    found = scored(one, moment)

    assert 0.0095 <= found.probability <= 0.875


def test_the_ends_of_the_scale_are_reached() -> None:
    assert scored(BEST).probability > 0.8
    assert scored(WORST).probability < 0.02


@pytest.mark.parametrize(
    ("one", "label", "expected"),
    [
        (lead(email_domain="acme.com"), "Company E-mail Domain", 0.4),
        (lead(email_domain="gmail.com"), "Company E-mail Domain", -0.3),
        (lead(email_domain=None, email_hash=None), "Company E-mail Domain", 0.0),
        (lead(price=1.0), "Price Missing", 0.3),
        (lead(price=None), "Price Missing", -0.1),
        (lead(category="software"), "Tech Category", 0.3),
        (lead(category="gardening"), "Tech Category", 0.0),
        (lead(category=None), "Tech Category", 0.0),
        (lead(location_name="Remote"), "Remote Work", 0.2),
        (lead(description=None), "Description Length", -0.4),
        (lead(description="x" * 500), "Description Length", -0.1),
        (lead(description="x" * 9000), "Description Length", 0.2),
        (lead(posted_at=None), "Posting Age", 0.0),
    ],
)
def test_each_term_has_its_documented_effect(one: Lead, label: str, expected: float) -> None:
    assert effect(one, label) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("days", "expected"), [(0, 0.0), (7, -0.3), (14, -0.6), (400, -0.9), (-3, 0.0)]
)
def test_a_posting_loses_with_age_up_to_a_limit(days: int, expected: float) -> None:
    moment = POSTED_AT + timedelta(days=days)

    assert effect(lead(), "Posting Age", moment) == pytest.approx(expected)


def test_a_lead_with_only_a_title_is_scored() -> None:
    found = scored(bare_lead(), datetime(2024, 1, 1, tzinfo=UTC))

    assert 0 < found.probability < 0.25


def test_a_batch_is_scored_as_its_leads_are_alone() -> None:
    leads = various_leads(20)

    together = Baseline().score(leads, [POSTED_AT] * 20, explain=True)

    assert together.scored == [scored(one) for one in leads]
    assert together.explanations() == [explained(one) for one in leads]


def test_no_leads_have_no_scores() -> None:
    none = Baseline().score([], [], explain=True)

    assert none.scored == none.explanations() == []


def test_nothing_is_an_outlier() -> None:
    assert not scored(WORST).is_outlier
    assert scored(WORST).outlier_reasons == []
