import math
from datetime import UTC, datetime

from infra.demo_leads import demo_leads
from infra.load_data import lead_and_moment
from infra.outcome_rows import read_outcome

END = datetime(2024, 6, 1, tzinfo=UTC)


def test_the_same_seed_and_end_make_the_same_leads() -> None:
    assert list(demo_leads(50, END)) == list(demo_leads(50, END))
    assert list(demo_leads(50, END)) != list(demo_leads(50, END, seed=1))


def test_every_demo_lead_is_a_valid_lead_and_says_that_it_is_synthetic() -> None:
    for made in demo_leads(400, END):
        lead, moment = lead_and_moment(made.lead, END, "a key of enough letters")

        assert str(lead.lead_id).startswith("demo-")
        assert moment is not None
        assert lead.posted_at is not None
        assert lead.posted_at <= moment <= END
        if made.outcome:
            outcome = read_outcome(made.outcome, END)
            assert outcome.occurred_at is not None
            assert moment < outcome.occurred_at < END


def test_about_a_quarter_converts_and_leads_of_high_odds_far_more_often() -> None:
    known = [made for made in demo_leads(4000, END) if made.outcome]
    ranked = sorted(known, key=lambda made: made.log_odds)
    tenth = len(ranked) // 10

    def rate(some: list) -> float:  # type: ignore[type-arg]
        return sum(made.outcome["converted"] for made in some) / len(some)

    assert 0.22 < rate(known) < 0.28
    assert rate(ranked[-tenth:]) > 0.6
    assert rate(ranked[:tenth]) < 0.05


def test_outcomes_follow_the_documented_odds() -> None:
    known = [made for made in demo_leads(4000, END) if made.outcome]

    expected = sum(1 / (1 + math.exp(-made.log_odds)) for made in known)
    happened = sum(made.outcome["converted"] for made in known if made.outcome)

    # Three standard deviations of a sum of independent coins.
    assert abs(happened - expected) < 3 * math.sqrt(0.25 * len(known))
