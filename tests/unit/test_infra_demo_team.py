from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.demo_story import Scored, Step, Work
from infra.demo_team import AT_A_GLANCE, AT_RANDOM, BEST, MOST_DAYS, START, Team
from lead_scoring.api.bodies import read_lead
from lead_scoring.api.feedback_bodies import read_feedback, read_session

# What is measured is the layers; this is about what is beside them.
pytestmark = pytest.mark.untraced

KEY = "a key of the tests"


def play(team: Team) -> list[tuple[Step, list[Scored], Work]]:
    """Play a story where a lead's probability is its place in the alphabet, so to say."""
    played = []
    for step in team.steps:
        scored = [
            Scored(each, at, int(each.lead["lead_id"][-2:]) / 100, "baseline")
            for at, arrivals in step.scorings
            for each in arrivals
        ]
        played.append((step, scored, team.work(step, scored)))
    return played


def lead_id(lead: Scored) -> str:
    return str(lead.arrival.lead["lead_id"])


@pytest.fixture(scope="module")
def played() -> list[tuple[Step, list[Scored], Work]]:
    return play(Team(days=12))


def test_the_same_seed_plays_the_same_story_and_another_one_another() -> None:
    first, second, other = (play(Team(days=4, seed=seed)) for seed in (1, 1, 2))

    assert first == second
    assert first != other


def test_leads_come_in_from_the_first_day_on_as_many_as_were_asked_for(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    counts = [len(scored) for _, scored, _ in played]

    assert all(50 < count < 110 for count in counts)
    assert played[0][0].check_at.date() == START.date()
    # As far apart as days are.
    assert played[1][0].check_at - played[0][0].check_at == timedelta(days=1)


def test_the_best_open_leads_are_worked_and_some_others_at_random(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    _, scored, work = played[0]
    ranked = sorted(scored, key=lambda lead: (-lead.probability, lead_id(lead)))

    assert list(work.worked[:BEST]) == ranked[:BEST]
    assert len(work.worked) == BEST + AT_RANDOM
    assert set(map(lead_id, work.worked[BEST:])) < set(map(lead_id, ranked[BEST:]))


def test_no_lead_is_worked_twice_or_once_it_is_too_old(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    worked = Counter(lead_id(lead) for _, _, work in played for lead in work.worked)

    assert max(worked.values()) == 1
    for step, _, work in played:
        assert all(step.ends_at - lead.at < timedelta(days=3) for lead in work.worked)


def test_outcomes_come_back_late_only_of_worked_leads_and_never_before_their_time(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    worked_on = {lead_id(lead): step.ends_at for step, _, work in played for lead in work.worked}
    late = 0
    for step, _, work in played:
        for body in work.feedback:
            at = datetime.fromisoformat(body["created_at"])
            assert at <= step.ends_at
            assert body["lead_id"] in worked_on
            if body["action_type"] == "convert":
                late += at - worked_on[body["lead_id"]] > timedelta(days=1)
    assert late > 5


def test_what_the_team_says_at_the_end_is_the_truth(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    truth = {lead_id(lead): lead.arrival.converts for _, scored, _ in played for lead in scored}
    ended: dict[str, bool] = {}

    for _, _, work in played:
        for body in work.feedback:
            if body["action_type"] in ("convert", "rate"):
                assert body["lead_id"] not in ended
                ended[body["lead_id"]] = body["action_type"] == "convert"

    assert len(ended) > 100
    assert ended == {key: truth[key] for key in ended}


def test_everything_it_sends_is_good_input(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    for step, scored, work in played:
        now = step.ends_at
        for lead in scored:
            read_lead(lead.arrival.lead, now=lead.at, hash_key=KEY)
        for body in work.feedback:
            read_feedback(body, now=now, hash_key=KEY)
        for session in work.sessions:
            read = read_session(session, now=now, hash_key=KEY)
            assert not read.skipped


def test_the_service_is_never_told_the_truth_of_a_lead(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    fields = {name for _, scored, _ in played for lead in scored for name in lead.arrival.lead}

    assert fields == {
        "lead_id",
        "title",
        "description",
        "category",
        "location_name",
        "price",
        "email",
        "posted_at",
    }


def test_leads_that_nobody_works_are_seldom_seen(
    played: list[tuple[Step, list[Scored], Work]],
) -> None:
    _, _, work = played[3]

    kinds: Any = Counter(each["type"] for each in work.sessions[0]["interactions"])

    assert kinds["view"] + kinds["archive"] == BEST + AT_RANDOM + AT_A_GLANCE
    assert kinds["archive"] <= AT_A_GLANCE


def test_every_lead_of_the_longest_story_has_an_outcome() -> None:
    last = Team(days=MOST_DAYS).steps[-1]

    assert len(last.scorings[0][1]) > 50
