import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.demo_clock import SimulatedClock
from infra.demo_history import MOST_CHECKS, History
from infra.demo_story import Scored
from infra.state import RunError

FIRST = datetime(2020, 2, 3, 12, tzinfo=UTC)


def at(**later: float) -> str:
    return (FIRST + timedelta(**later)).isoformat().replace("+00:00", "Z")


def history(
    folder: Path, leads: list[dict[str, Any]], outcomes: list[dict[str, Any]], **options: Any
) -> History:
    for name, rows in (("leads", leads), ("outcomes", outcomes)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return History(folder / "leads.jsonl", folder / "outcomes.jsonl", **options)


def lead(number: int, **later: float) -> dict[str, Any]:
    return {"lead_id": number, "title": "Chef", "posted_at": at(**later)}


def feedback(story: History) -> list[dict[str, Any]]:
    return [body for step in story.steps for body in story.work(step, []).feedback]


def test_leads_come_in_their_true_order_and_days_ends_before_now(tmp_path: Path) -> None:
    leads = [lead(n, days=(7 * n) % 40) for n in range(40)]
    story = history(tmp_path, leads, [{"lead_id": n, "converted": n % 2} for n in range(40)])

    arrivals = [each for step in story.steps for _, new in step.scorings for each in new]

    moments = [each.moment for each in arrivals]
    assert moments == sorted(moments)
    assert [each.lead["lead_id"] for each in arrivals] == sorted(
        range(40), key=lambda n: (7 * n) % 40
    )
    # Moved by whole weeks: each lead has its weekday and hour, and all the same shift.
    assert moments[0] - FIRST == (moments[0] - FIRST) // timedelta(weeks=1) * timedelta(weeks=1)
    assert moments[-1] - moments[0] == timedelta(days=39)
    assert moments[-1] < datetime.now(UTC)
    posted = [datetime.fromisoformat(each.lead["posted_at"]) for each in arrivals]
    assert posted == moments


def test_a_lead_is_scored_at_its_scored_at_if_it_has_one(tmp_path: Path) -> None:
    leads = [lead(1), lead(2) | {"scored_at": at(days=3)}]
    story = history(tmp_path, leads, [{"lead_id": n, "converted": 1} for n in (1, 2)])

    arrivals = [each for step in story.steps for _, new in step.scorings for each in new]

    assert arrivals[1].moment - arrivals[0].moment == timedelta(days=3)
    assert "scored_at" not in arrivals[1].lead
    assert arrivals[1].lead["posted_at"] == arrivals[0].lead["posted_at"]


def test_outcomes_come_when_they_occurred_else_two_days_later(tmp_path: Path) -> None:
    leads = [lead(1), lead(2), lead(3), lead(4, days=30)]
    outcomes = [
        {"lead_id": 1, "converted": True, "conversion_value": 50.5, "occurred_at": at(days=9)},
        {"lead_id": 2, "converted": False, "contacted": True},
        {"lead_id": 3, "converted": False, "user_rating": 35},
        {"lead_id": 4, "converted": False},
    ]
    story = history(tmp_path, leads, outcomes)
    shift = story.steps[0].scorings[0][0] - FIRST

    sent = feedback(story)

    told = [
        (body["lead_id"], datetime.fromisoformat(body.pop("created_at")) - shift - FIRST)
        for body in sent
    ]
    two, nine = timedelta(days=2), timedelta(days=9)
    assert told == [(2, two), (2, two), (3, two), (1, nine)]
    assert sent == [
        {"lead_id": 2, "action_type": "contact", "contact_successful": True},
        {"lead_id": 2, "action_type": "rate", "user_rating": 0},
        {"lead_id": 3, "action_type": "rate", "user_rating": 35.0},
        {"lead_id": 1, "action_type": "convert", "conversion_value": 50.5},
    ]


def test_the_best_scored_fifth_counts_as_worked(tmp_path: Path) -> None:
    leads = [lead(n, minutes=n) for n in range(10)]
    story = history(tmp_path, leads, [{"lead_id": n, "converted": 0} for n in range(10)])
    [step] = story.steps
    scored = [
        Scored(each, at, each.lead["lead_id"] / 10, "v")
        for at, new in step.scorings
        for each in new
    ]

    worked = story.work(step, scored).worked

    assert [each.arrival.lead["lead_id"] for each in worked] == [9, 8]


def test_a_large_file_is_sampled_evenly_and_it_says_so(tmp_path: Path) -> None:
    leads = [lead(n, hours=n) for n in range(100)]
    outcomes = [{"lead_id": n, "converted": 0} for n in range(100)]

    story = history(tmp_path, leads, outcomes, most_leads=25)

    played = [each for step in story.steps for _, new in step.scorings for each in new]
    assert [each.lead["lead_id"] for each in played] == list(range(0, 100, 4))
    assert "100 leads are too many to play in minutes: 25 of them" in story.title


def test_the_last_days_only_are_played_if_that_is_wanted(tmp_path: Path) -> None:
    leads = [lead(n, days=n) for n in range(20)]
    outcomes = [{"lead_id": n, "converted": 0} for n in range(20)]

    story = history(tmp_path, leads, outcomes, days=5)

    played = [each for step in story.steps for _, new in step.scorings for each in new]
    assert [each.lead["lead_id"] for each in played] == [15, 16, 17, 18, 19]


def test_steps_begin_at_the_time_of_the_daily_check_and_hold_all_leads_between(
    tmp_path: Path,
) -> None:
    leads = [lead(n, hours=5 * n) for n in range(300)]
    story = history(tmp_path, leads, [{"lead_id": n, "converted": 0} for n in range(300)])

    assert 2 <= len(story.steps) <= MOST_CHECKS + 1
    for step, following in zip(story.steps, story.steps[1:], strict=False):
        assert (step.check_at.hour, step.check_at.minute) == (3, 0)
        moments = [at for at, _ in step.scorings]
        assert step.check_at - timedelta(minutes=1) < moments[0]
        assert moments[-1] < following.check_at
        assert step.ends_at < following.check_at


def test_rows_that_cannot_be_played_are_counted(tmp_path: Path) -> None:
    leads = [lead(1), {"lead_id": 2, "title": "no time"}, {"lead_id": 3}, lead(4)]
    story = history(tmp_path, leads, [{"lead_id": n, "converted": 1} for n in (1, 2, 3)])

    assert "3 rows of" in story.title
    assert "are left out: no good lead, no time, or no outcome" in story.title


def test_files_without_anything_to_play_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no lead with a time and an outcome"):
        history(tmp_path, [lead(1)], [{"lead_id": 2, "converted": 1}])


def test_the_clock_goes_to_the_past_and_on_from_there_but_never_back(tmp_path: Path) -> None:
    clock, moment = SimulatedClock(tmp_path / "clock"), datetime(2001, 1, 1, tzinfo=UTC)

    clock.move_to(moment)
    past = clock.now()
    clock.move_to(moment + timedelta(days=1))
    later = clock.now()
    clock.move_to(moment)

    assert timedelta(0) <= past - moment < timedelta(seconds=5)
    assert timedelta(days=1) <= later - moment < timedelta(days=1, seconds=5)
    assert clock.now() >= later
    assert float((tmp_path / "clock").read_text()) < 0
