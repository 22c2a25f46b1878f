"""What every store of feedback does; what needs real concurrency is in test_feedback_races."""

import itertools
import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lead_scoring.entities.feedback import Feedback, Sender
from lead_scoring.errors import InvalidInputError, KeyInUseError

from .conftest import Stores
from .examples import (
    NOON,
    bare_feedback,
    bare_lead,
    counted,
    fresh,
    full_feedback,
    full_outcome,
    operation,
    reply,
)

_days = itertools.count(date(2001, 1, 1).toordinal())


def fresh_day() -> datetime:
    """A day of no other test: its counters start at nothing."""
    day = date.fromordinal(next(_days))
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def rows_of(stores: Stores, lead_id: Any) -> list[Feedback]:
    return list(stores.feedback.page(lead_id, 1000).feedback)


def counts_of(stores: Stores, day: datetime) -> dict[str, float]:
    return dict(stores.feedback.counts([day.date()]).get(day.date(), {}))


@pytest.mark.parametrize("make", [full_feedback, bare_feedback])
def test_a_row_comes_back_as_it_was_written(stores: Stores, make: Any) -> None:
    row = make(fresh())

    stores.feedback.add([counted(row)])

    assert rows_of(stores, row.lead_id) == [row]


def test_a_number_and_its_text_are_the_same_lead_but_keep_their_type(stores: Stores) -> None:
    number = 10**127 + int(fresh("7").replace("-", ""))
    first = bare_feedback(number)
    second = bare_feedback(str(number), created_at=NOON + timedelta(seconds=1))

    stores.feedback.add([counted(first), counted(second)])

    assert rows_of(stores, number) == [second, first]
    assert rows_of(stores, str(number)) == [second, first]


def test_a_lead_without_feedback_has_an_empty_page(stores: Stores) -> None:
    page = stores.feedback.page(fresh(), 10)

    assert (list(page.feedback), page.next_cursor) == ([], None)


def test_adding_nothing_changes_nothing(stores: Stores) -> None:
    stores.feedback.add([])


def test_a_row_adds_to_the_counters_of_its_day_and_no_other(stores: Stores) -> None:
    day = fresh_day()

    stores.feedback.add([counted(bare_feedback(fresh(), created_at=day), **{"a.b c#d": 2})])

    neighbours = [(day + timedelta(days=each)).date() for each in (-1, 0, 1)]
    assert stores.feedback.counts(neighbours) == {day.date(): {"rows": 1, "a.b c#d": 2}}


def test_a_row_that_is_there_adds_nothing_not_even_to_the_counters(stores: Stores) -> None:
    day = fresh_day()
    row = full_feedback(fresh(), created_at=day)
    stores.feedback.add([counted(row)])

    stores.feedback.add([counted(row)])
    stores.feedback.add([counted(row._replace(confidence=1.0))])

    assert rows_of(stores, row.lead_id) == [row]
    assert counts_of(stores, day) == {"rows": 1}


def test_of_many_rows_those_that_are_there_add_nothing_and_the_others_do(stores: Stores) -> None:
    day, lead_id = fresh_day(), fresh()
    rows = [bare_feedback(lead_id, created_at=day) for _ in range(120)]
    stores.feedback.add([counted(row) for row in rows[::3]])

    stores.feedback.add([counted(row) for row in rows])
    stores.feedback.add([counted(row) for row in rows])

    assert len(rows_of(stores, lead_id)) == 120
    assert counts_of(stores, day) == {"rows": 120}


def test_a_row_that_stands_twice_in_one_call_counts_once(stores: Stores) -> None:
    day = fresh_day()
    row = bare_feedback(fresh(), created_at=day)

    stores.feedback.add([counted(row), counted(row)])

    assert counts_of(stores, day) == {"rows": 1}


def test_rows_of_many_days_are_counted_each_on_its_own(stores: Stores) -> None:
    lead_id = fresh()
    rows = [full_feedback(lead_id, created_at=fresh_day()) for _ in range(60)]

    stores.feedback.add([counted(row) for row in rows])

    days = [row.created_at.date() for row in rows]
    assert rows_of(stores, lead_id) == rows[::-1]
    assert stores.feedback.counts(days) == {day: {"rows": 1} for day in days}


def test_the_largest_session_on_as_many_days_is_written_whole(embedded_stores: Stores) -> None:
    lead_id = fresh()
    rows = [full_feedback(lead_id, created_at=fresh_day()) for _ in range(500)]

    embedded_stores.feedback.add([counted(row) for row in rows])

    days = [row.created_at.date() for row in rows]
    assert rows_of(embedded_stores, lead_id) == rows[::-1]
    assert embedded_stores.feedback.counts(days) == {day: {"rows": 1} for day in days}


def test_sums_are_exact_where_those_of_floats_are_not(stores: Stores) -> None:
    day = fresh_day()
    values = [0.1, 0.2, 0.7, 1e12, 1e12, 123456.789012, 999_999.999999] * 10

    stores.feedback.add(
        [counted(bare_feedback(fresh(), created_at=day), value=value) for value in values]
    )

    exact = float(sum(Decimal(repr(value)) for value in values))
    assert counts_of(stores, day) == {"rows": 70, "value": exact}


def test_counters_of_a_year_come_back_in_one_call(embedded_stores: Stores) -> None:
    first = fresh_day()
    days = [first + timedelta(days=each) for each in range(365)]
    for _ in range(365):
        fresh_day()
    embedded_stores.feedback.add(
        [counted(bare_feedback(fresh(), created_at=each), value=i) for i, each in enumerate(days)]
    )

    counts = embedded_stores.feedback.counts([each.date() for each in days])

    assert [counts[each.date()].get("value") for each in days[1:]] == list(range(1, 365))
    assert sum(each["rows"] for each in counts.values()) == 365


# A reply in the same transaction.


def test_a_reply_is_kept_with_its_row(stores: Stores) -> None:
    row, kept = full_feedback(fresh()), reply(fresh("key"))

    stores.feedback.add([counted(row)], kept)

    assert stores.replies.kept(kept.key) == kept
    assert rows_of(stores, row.lead_id) == [row]


def test_under_a_key_in_use_nothing_is_written_and_nothing_counted(stores: Stores) -> None:
    day, kept = fresh_day(), reply(fresh("key"))
    first, second = (bare_feedback(fresh(), created_at=day) for _ in range(2))
    stores.feedback.add([counted(first)], kept)

    with pytest.raises(KeyInUseError):
        stores.feedback.add([counted(second)], kept._replace(body='{"another": "answer"}'))

    assert stores.replies.kept(kept.key) == kept
    assert rows_of(stores, second.lead_id) == []
    assert counts_of(stores, day) == {"rows": 1}


def test_a_key_that_another_request_is_working_under_is_in_use(stores: Stores) -> None:
    key, row, now = fresh("key"), bare_feedback(fresh()), stores.clock.now()
    stores.replies.begin(key, "f" * 64, operation(now), now + timedelta(seconds=35))

    with pytest.raises(KeyInUseError):
        stores.feedback.add([counted(row)], reply(key))

    assert rows_of(stores, row.lead_id) == []


def test_a_key_is_free_again_after_a_day_though_its_reply_is_still_there(stores: Stores) -> None:
    first, second = bare_feedback(fresh()), bare_feedback(fresh())
    key = fresh("key")
    stores.feedback.add([counted(first)], reply(key))
    stores.clock.advance(hours=24)

    stores.feedback.add([counted(second)], reply(key, body='{"another": "answer"}'))

    assert stores.replies.kept(key) == reply(key, body='{"another": "answer"}')
    assert rows_of(stores, second.lead_id) == [second]


# Pages.


def test_pages_go_on_where_the_one_before_ended_newest_first(stores: Stores) -> None:
    lead_id = fresh()
    rows = [
        bare_feedback(lead_id, created_at=NOON + timedelta(microseconds=i // 2)) for i in range(25)
    ]
    shuffled = random.Random(1).sample(rows, len(rows))
    stores.feedback.add([counted(row) for row in shuffled])
    in_order = sorted(rows, key=lambda row: (row.created_at, row.feedback_id), reverse=True)

    pages, cursor = [], None
    while True:
        page = stores.feedback.page(lead_id, 10, cursor)
        pages.append(list(page.feedback))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert [len(page) for page in pages] == [10, 10, 5]
    assert list(itertools.chain(*pages)) == in_order


def test_a_page_that_is_just_full_is_the_last(stores: Stores) -> None:
    lead_id = fresh()
    stores.feedback.add([counted(bare_feedback(lead_id)) for _ in range(3)])

    page = stores.feedback.page(lead_id, 3)

    assert (len(page.feedback), page.next_cursor) == (3, None)


def test_what_came_meanwhile_moves_no_page(stores: Stores) -> None:
    lead_id = fresh()
    old = [bare_feedback(lead_id, created_at=NOON - timedelta(hours=i)) for i in range(4)]
    stores.feedback.add([counted(row) for row in old])
    cursor = stores.feedback.page(lead_id, 2).next_cursor

    stores.feedback.add([counted(bare_feedback(lead_id, created_at=NOON + timedelta(hours=1)))])

    assert list(stores.feedback.page(lead_id, 2, cursor).feedback) == old[2:]


def test_an_imported_outcome_is_no_feedback(stores: Stores) -> None:
    lead_id = fresh()
    row = bare_feedback(lead_id)
    stores.training_data.add_outcomes([full_outcome(lead_id)])
    stores.feedback.add([counted(row)])

    page = stores.feedback.page(lead_id, 1)

    assert (list(page.feedback), page.next_cursor) == ([row], None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "aW1wb3J0", "====", "ä", "../..", "null", "2024-06-01", "A" * 999, "\x00"]
)
def test_a_cursor_that_was_never_given_is_a_fault_of_the_request(
    stores: Stores, cursor: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        stores.feedback.page(fresh(), 10, cursor)

    assert [fault.pointer for fault in raised.value.faults] == ["/cursor"]


# All of one lead, and letting go.


def test_all_of_a_lead_is_its_feedback_and_its_outcome_without_any_sender(stores: Stores) -> None:
    lead_id = fresh()
    rows, outcome = [full_feedback(lead_id) for _ in range(3)], full_outcome(lead_id)
    stores.feedback.add([counted(row) for row in rows])
    stores.feedback.add([counted(full_feedback(fresh()))])
    stores.training_data.add_outcomes([outcome])

    found = stores.feedback.all_of(lead_id)

    without = [row._replace(sender=Sender()) for row in rows]
    assert sorted(found, key=repr) == sorted([*without, outcome], key=repr)


def test_nothing_is_known_of_a_lead_that_nobody_spoke_of(stores: Stores) -> None:
    stores.training_data.add_leads([(bare_lead(lead := fresh()), NOON)])

    assert stores.feedback.all_of(lead) == []


def test_only_feedback_before_the_cutoff_is_deleted_and_counters_stay(stores: Stores) -> None:
    cutoff = fresh_day() - timedelta(days=10_000)
    lead_id = fresh()
    old, edge, young = (
        bare_feedback(lead_id, created_at=cutoff + timedelta(microseconds=each))
        for each in (-1, 0, 1)
    )
    outcome = full_outcome(lead_id, occurred_at=cutoff - timedelta(days=1))
    stores.training_data.add_outcomes([outcome])
    stores.feedback.add([counted(row) for row in (old, edge, young)])

    gone = stores.feedback.delete_before(cutoff)

    assert gone == 1
    assert rows_of(stores, lead_id) == [young, edge]
    assert outcome in stores.feedback.all_of(lead_id)
    assert sum(counts_of(stores, row.created_at)["rows"] for row in (old, young)) >= 2
    assert stores.feedback.delete_before(cutoff) == 0


def test_much_old_feedback_of_many_leads_goes_at_once(stores: Stores) -> None:
    cutoff = fresh_day() - timedelta(days=20_000)
    old = [bare_feedback(fresh(), created_at=cutoff - timedelta(minutes=i + 1)) for i in range(60)]
    stores.feedback.add([counted(row) for row in old])

    assert stores.feedback.delete_before(cutoff) == 60
    assert all(rows_of(stores, row.lead_id) == [] for row in old[::20])


def test_an_answer_about_the_largest_session_can_be_kept(stores: Stores) -> None:
    # Nothing of it repeats itself: the longest ids and names of letters that take most room.
    letters = random.Random(7)
    rows = [
        {
            "feedback_id": f"{letters.getrandbits(128):032x}-{i:03d}",
            "lead_id": "".join(chr(letters.randint(0x10000, 0x10FFFF)) for _ in range(128)),
            "target_score": letters.random(),
            "confidence": letters.random(),
            "model_version": "v20240101_120000_abc12345",
        }
        for i in range(500)
    ]
    kept = reply(fresh("key"), body=json.dumps({"feedback": rows}))

    stores.replies.finish(kept)

    assert stores.replies.kept(kept.key) == kept
