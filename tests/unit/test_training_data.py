from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities import Outcome, TrainingExample
from lead_scoring.training_data import (
    fingerprint,
    in_time_order,
    split_by_time,
    target,
    to_examples,
)
from tests.builders import lead

MOMENT = datetime(2024, 3, 10, 12, tzinfo=UTC)


def example(hours: float, lead_id: int | str = 1, value: float = 0.0) -> TrainingExample:
    moment = MOMENT + timedelta(hours=hours)
    return TrainingExample(lead(lead_id=lead_id), moment, value, 1.0, known_at=moment)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(1, converted=True), 1.0),
        (Outcome(1, converted=True, user_rating=10.0), 1.0),
        (Outcome(1, converted=False, user_rating=85.0), 0.85),
        (Outcome(1, converted=False, user_rating=0.0), 0.0),
        (Outcome(1, converted=False, contacted=True), 0.0),
        (Outcome(1, converted=False), 0.0),
    ],
)
def test_a_conversion_outranks_a_rating_and_that_everything_else(
    outcome: Outcome, expected: float
) -> None:
    assert target(outcome) == expected


@pytest.mark.parametrize(
    ("occurred_at", "known_at"),
    [
        (None, MOMENT + timedelta(hours=24)),
        (MOMENT + timedelta(hours=3), MOMENT + timedelta(hours=3)),
        (MOMENT - timedelta(days=9), MOMENT),
    ],
)
def test_an_outcome_is_known_when_it_occurred_but_never_before_its_lead(
    occurred_at: datetime | None, known_at: datetime
) -> None:
    outcome = Outcome(1, converted=True, contacted=False, occurred_at=occurred_at)

    (made,) = to_examples([(lead(), MOMENT, outcome)], 24)

    assert made == TrainingExample(lead(), MOMENT, 1.0, 1.0, known_at, contacted=False)


def test_examples_are_ordered_by_moment_and_then_by_lead() -> None:
    examples = [example(1, "b"), example(1, 10), example(0, 5), example(1, "a")]

    ordered = in_time_order(examples)

    assert [each.lead.lead_id for each in ordered] == [5, 10, "a", "b"]
    assert in_time_order(reversed(examples)) == ordered


def test_the_newest_share_is_held_out() -> None:
    examples = [example(hour) for hour in range(50)]

    training, holdout = split_by_time(examples, 0.2)

    assert (training, holdout) == (examples[:40], examples[40:])


def test_leads_of_one_moment_are_not_split() -> None:
    examples = [example(min(hour, 39)) for hour in range(42)]

    training, holdout = split_by_time(examples, 0.05)

    assert len(holdout) == 3
    assert training[-1].moment < holdout[0].moment


def test_a_moment_that_holds_most_leads_is_cut_through() -> None:
    examples = [example(0), *(example(1, number) for number in range(99))]

    training, holdout = split_by_time(examples, 0.2)

    assert (len(training), len(holdout)) == (80, 20)


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).map(sorted),
    st.floats(0.05, 0.5),
)
def test_a_split_loses_nothing_and_leaves_something_on_both_sides(
    hours: list[int], share: float
) -> None:
    examples = [example(hour) for hour in hours]

    training, holdout = split_by_time(examples, share)

    assert training + holdout == examples
    assert training
    assert 1 <= len(holdout) <= 2 * max(1, round(share * len(examples)))


def test_a_fingerprint_tells_which_leads_when_and_with_what_targets() -> None:
    base = [example(0, 1), example(1, 2)]
    others = [
        [example(0, 1), example(1, 3)],
        [example(0, 1), example(2, 2)],
        [example(0, 1), example(1, 2, value=0.5)],
        [example(0, 1)],
    ]

    found = {fingerprint(each) for each in [base, *others]}

    assert len(found) == 5
    assert fingerprint(base) == fingerprint([example(0, "1"), example(1, 2)])
