from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as drawing
from hypothesis import strategies as st

from lead_scoring.entities.training import Outcome
from lead_scoring.labels import Evidence, Label, by_lead, is_open, label, revisions, strongest
from tests.evidence import NOON, feedback, given

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def view(at: datetime, target: float = 0.4, **changes: Any) -> Evidence:
    return feedback(1, "view", at, target_score=target, confidence=0.3, **changes)


def archive(at: datetime, **changes: Any) -> Evidence:
    return feedback(1, "archive", at, confidence=0.4, **changes)


def contact(at: datetime, succeeded: bool | None = None, **changes: Any) -> Evidence:
    fields = {"contact_successful": succeeded, "target_score": 0.7, "confidence": 0.7}
    return feedback(1, "contact", at, **(fields | changes))


def told(drawn: Sequence[tuple[Any, int]]) -> list[Evidence]:
    """Evidence of the drawn kinds, so many hours from noon, each with an id of its own."""
    found: list[Evidence] = []
    for number, (kind, hours) in enumerate(drawn):
        one = kind(NOON + hours * HOUR)
        named = one if isinstance(one, Outcome) else one._replace(feedback_id=f"{number:02d}")
        found.append(named)
    return found


def rating(at: datetime, of: float = 20.0, action: str = "view") -> Any:
    return feedback(1, action, at, user_rating=of, target_score=of / 100, confidence=0.9)


def convert(at: datetime, **changes: Any) -> Evidence:
    return feedback(1, "convert", at, **changes)


def imported(**changes: Any) -> Outcome:
    return Outcome(1, **({"converted": False} | changes))


def after(number: int) -> datetime:
    return NOON + number * DAY


# Which evidence counts.

RISING: list[tuple[str, Evidence, float]] = [
    ("view", view(after(9)), 0.4),
    ("contact", contact(after(5)), 0.7),
    ("imported end", imported(occurred_at=after(4)), 0.0),
    ("rating", rating(after(3)), 0.2),
    ("conversion", convert(after(1)), 1.0),
]


@pytest.mark.parametrize("count", range(1, len(RISING) + 1))
def test_stronger_evidence_counts_however_old_it_is(count: int) -> None:
    for order in permutations(RISING[:count]):
        found = strongest([evidence for _, evidence, _ in order])

        assert found.target == RISING[count - 1][2]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (view(after(1), 0.3), view(after(2), 0.5)),
        (view(after(1)), archive(after(2))),
        (archive(after(1)), view(after(2))),
        (contact(after(1), True, target_score=0.9), contact(after(2), False, target_score=0.6)),
        (rating(after(1), 90), rating(after(2), 10)),
        (imported(user_rating=90.0), rating(after(-900), 10)),
        (imported(user_rating=90.0, occurred_at=after(1)), rating(after(2), 10)),
    ],
)
def test_within_one_strength_the_newest_counts(older: Any, newer: Any, newest_first: bool) -> None:
    found = strongest([newer, older] if newest_first else [older, newer])

    assert found.target == newer.target_score
    assert found.known_at == newer.created_at
    assert found.confidence == newer.confidence


def test_at_the_same_moment_the_id_decides() -> None:
    rows = [view(NOON, target, feedback_id=name) for name, target in (("a", 0.3), ("b", 0.5))]

    assert strongest(rows).target == strongest(rows[::-1]).target == 0.5


def test_a_conversion_with_a_rating_is_a_conversion() -> None:
    row = convert(NOON, user_rating=30.0, target_score=0.3)

    found = strongest([row, rating(after(1), 60)])

    assert (found.target, found.converted) == (1.0, True)


@pytest.mark.parametrize("action", ["view", "contact", "archive", "rate"])
def test_any_other_row_with_a_rating_is_a_rating(action: str) -> None:
    row = rating(NOON, 30.0)._replace(action_type=action)

    found = strongest([row, contact(after(1), True, target_score=0.9)])

    assert (found.target, found.converted) == (0.3, False)


@pytest.mark.parametrize(
    ("outcome", "target", "converted"),
    [
        (imported(converted=True), 1.0, True),
        (imported(converted=True, user_rating=10.0), 1.0, True),
        (imported(user_rating=85.0), 0.85, False),
        (imported(user_rating=0.0), 0.0, False),
        (imported(contacted=True), 0.0, False),
        (imported(), 0.0, False),
    ],
)
def test_an_import_says_how_a_lead_ended(outcome: Outcome, target: float, converted: bool) -> None:
    found = strongest([outcome])

    assert (found.target, found.converted, found.confidence) == (target, converted, 1.0)
    assert (found.known_at, found.given) == (None, None)


def test_a_label_answers_to_the_score_of_its_evidence() -> None:
    early, late = given(0.2), given(0.8)._replace(score_key="later")

    found = strongest([convert(after(1), given=early), view(after(5), given=late)])

    assert found == Label(1.0, 1.0, after(1), None, early, converted=True)


# Whether a contact succeeded.


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([view(NOON)], None),
        ([contact(NOON)], None),
        ([contact(NOON, True)], True),
        ([contact(NOON, True), contact(after(1), False)], False),
        ([contact(NOON, True), contact(after(1))], True),
        ([contact(NOON, False), convert(after(1))], False),
        ([convert(NOON, contact_successful=True)], None),
        ([imported(converted=True, contacted=True)], True),
        ([imported(contacted=True)], False),
        ([imported(converted=True, contacted=False)], None),
        ([imported(converted=True)], None),
        ([imported(converted=True, contacted=True), contact(NOON, False)], False),
    ],
)
def test_contact_success_is_that_of_the_newest_contact_with_a_known_outcome(
    evidence: Sequence[Evidence], expected: bool | None
) -> None:
    assert strongest(evidence).contact_succeeded is expected


# What may be used yet.


@pytest.mark.parametrize("kind", [view, contact])
@pytest.mark.parametrize(
    ("age", "usable"),
    [
        (-DAY, False),
        (timedelta(0), False),
        (DAY - timedelta(microseconds=1), False),
        (DAY, True),
        (9 * DAY, True),
    ],
)
def test_a_view_or_an_open_contact_waits_for_what_may_follow(
    kind: Any, age: timedelta, usable: bool
) -> None:
    found = label([kind(NOON - age)], NOON, 24)

    assert (found is not None) == usable


@pytest.mark.parametrize(
    "newest",
    [
        archive(NOON),
        contact(NOON, True),
        contact(NOON, False),
        contact(NOON, contact_response_seconds=60.0),
        rating(NOON),
        convert(NOON),
        convert(NOON + DAY),
        imported(),
        imported(occurred_at=NOON),
    ],
)
def test_everything_else_is_used_at_once(newest: Evidence) -> None:
    assert label([newest], NOON, 24) is not None


@pytest.mark.parametrize("weak", [archive(after(-9)), contact(after(-9), True), view(after(-9))])
def test_a_young_view_makes_a_lead_wait_whose_outcome_is_not_known_yet(weak: Evidence) -> None:
    assert label([weak, view(NOON - HOUR)], NOON, 24) is None
    assert label([weak, contact(NOON - HOUR)], NOON, 24) is None
    assert label([weak, view(NOON - 25 * HOUR)], NOON, 24) is not None


@pytest.mark.parametrize(
    "strong", [rating(after(-9)), convert(after(-9)), imported(), imported(converted=True)]
)
def test_a_young_view_takes_no_outcome_away(strong: Evidence) -> None:
    found = label([strong, view(NOON)], NOON, 24)

    assert found == strongest([strong, view(NOON)])


def test_a_young_view_that_was_followed_by_something_is_not_waited_for() -> None:
    found = label([view(NOON - 2 * HOUR), archive(NOON - HOUR)], NOON, 24)

    assert found is not None
    assert found.target == 0.3


def test_without_a_maturity_only_what_is_dated_ahead_waits() -> None:
    assert label([view(NOON)], NOON, 0) is not None
    assert label([view(NOON + HOUR)], NOON, 0) is None


# How a label came about.


def test_revisions_tell_what_was_known_when() -> None:
    evidence = [convert(after(9)), view(after(0)), contact(after(3), False), view(after(5))]

    found = revisions(evidence, NOON, after(30), 24)

    assert found == [(after(1), 0.4), (after(3), 0.7), (after(9), 1.0)]


def test_what_was_overtaken_before_it_was_mature_never_counted() -> None:
    evidence = [view(NOON), contact(NOON + HOUR), contact(NOON + 2 * HOUR, True)]

    assert revisions(evidence, NOON, after(30), 24) == [(NOON + 2 * HOUR, 0.7)]


def test_what_is_not_mature_yet_does_not_count_yet() -> None:
    assert revisions([archive(after(-2)), view(NOON - HOUR)], NOON, NOON, 24) == [(after(-2), 0.3)]
    assert revisions([view(NOON - HOUR)], NOON, NOON, 24) == []


def test_an_undated_import_counts_from_the_moment_given_for_it() -> None:
    evidence = [imported(), rating(after(-5)), view(after(5))]

    found = revisions([imported(converted=True), rating(after(-5))], after(2), after(30), 24)

    assert found == [(after(-5), 0.2), (after(2), 1.0)]
    assert revisions(evidence, after(2), after(30), 24) == [(after(-5), 0.2)]


KINDS = [
    view,
    archive,
    contact,
    lambda at: contact(at, True, target_score=0.9),
    rating,
    lambda at: rating(at, 70, "contact"),
    convert,
    lambda at: imported(occurred_at=at),
]


@drawing(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-200, 200)), min_size=1, max_size=8),
    st.integers(-200, 250),
    st.randoms(use_true_random=False),
)
def test_what_was_known_at_a_moment_depends_on_nothing_later(
    drawn: list[tuple[Any, int]], cut_hours: int, random: Any
) -> None:
    cut = NOON + cut_hours * HOUR
    evidence = told(drawn)
    earlier = [one for one, (_, hours) in zip(evidence, drawn, strict=True) if hours <= cut_hours]
    random.shuffle(evidence)

    everything = revisions(evidence, NOON, after(99), 24) if evidence else []
    known_then = revisions(earlier, NOON, after(99), 24) if earlier else []

    assert [one for one in everything if one.known_at <= cut] == [
        one for one in known_then if one.known_at <= cut
    ]


@drawing(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-200, 0)), min_size=1, max_size=8))
def test_the_last_revision_is_the_label(drawn: list[tuple[Any, int]]) -> None:
    evidence = told(drawn)

    assert revisions(evidence, NOON, after(99), 24)[-1].target == strongest(evidence).target


# Details.


def test_a_rated_view_is_not_open() -> None:
    assert is_open(view(NOON))
    assert not is_open(rating(NOON))


def test_evidence_is_put_together_by_lead_whatever_the_type_of_its_id() -> None:
    rows: list[Evidence] = [feedback(7), Outcome("7", converted=True), feedback("x")]

    assert by_lead(rows) == {"7": rows[:2], "x": rows[2:]}
