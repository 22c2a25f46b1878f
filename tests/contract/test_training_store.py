"""What every store of training data does: imports, evidence, and snapshots of leads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lead_scoring.entities import LeadId, ScoreRecord, lead_key
from lead_scoring.entities.feedback import Feedback, Sender
from lead_scoring.entities.training import LeadSnapshot, Outcome, WantedSnapshot

from .conftest import Stores
from .examples import (
    NOON,
    bare_feedback,
    bare_lead,
    counted,
    fresh,
    full_feedback,
    full_lead,
    full_outcome,
    score,
)

HOUR = timedelta(hours=1)


def evidence_of(
    stores: Stores, lead_id: LeadId, since: datetime | None = None
) -> list[Feedback | Outcome]:
    """What the store tells of one lead; tests share a store."""
    return [
        each
        for each in stores.training_data.evidence(since)
        if lead_key(each.lead_id) == lead_key(lead_id)
    ]


def snapshot_of(stores: Stores, lead_id: LeadId, **wanted: Any) -> LeadSnapshot | None:
    """The one snapshot of a lead that the store finds for a wish."""
    wish = WantedSnapshot(lead_key(lead_id), wanted.get("score_key"), wanted.get("before"))
    found = dict(stores.training_data.snapshots([wish]))
    assert set(found) <= {lead_key(lead_id)}
    return found.get(lead_key(lead_id))


def scored(stores: Stores, lead_id: LeadId, at: datetime, **changes: Any) -> ScoreRecord:
    record = score(full_lead(lead_id, **{"as_of": None} | changes), scored_at=at)
    stores.predictions.add([record])
    return record


def key_of(stores: Stores, record: ScoreRecord) -> str:
    after = record.scored_at + timedelta(microseconds=1)
    key: str = stores.predictions.given_before(record.lead.lead_id, after).score_key
    return key


# Evidence.


def test_an_outcome_comes_back_as_it_was_imported(stores: Stores) -> None:
    full, bare = full_outcome(fresh()), Outcome(fresh(), converted=False)

    stores.training_data.add_outcomes([full, bare])

    assert evidence_of(stores, full.lead_id) == [full]
    assert evidence_of(stores, bare.lead_id) == [bare]


def test_feedback_comes_back_without_its_sender_and_its_variant(stores: Stores) -> None:
    full, bare = full_feedback(fresh()), bare_feedback(fresh())
    assert full.given is not None
    full = full._replace(given=full.given._replace(shadows={"shade": 0.1 + 0.2}))

    stores.feedback.add([counted(full), counted(bare)])

    assert full.given is not None
    given = full.given._replace(variant=None)
    expected = full._replace(sender=Sender(), given=given)
    assert evidence_of(stores, full.lead_id) == [expected]
    assert evidence_of(stores, bare.lead_id) == [bare]


def test_all_that_is_known_of_a_lead_comes_whatever_the_type_of_its_id(stores: Stores) -> None:
    number = int(fresh("9").replace("-", ""))
    outcome, first, second = full_outcome(number), bare_feedback(str(number)), bare_feedback(number)

    stores.training_data.add_outcomes([outcome])
    stores.feedback.add([counted(first), counted(second)])

    found = evidence_of(stores, number)
    assert sorted(found, key=repr) == sorted([outcome, first, second], key=repr)


def test_importing_again_replaces_the_outcome(stores: Stores) -> None:
    lead_id = fresh()
    stores.training_data.add_outcomes([full_outcome(lead_id)])

    stores.training_data.add_outcomes([Outcome(lead_id, converted=False)])

    assert evidence_of(stores, lead_id) == [Outcome(lead_id, converted=False)]


def test_of_a_lead_that_stands_twice_in_one_import_the_last_wins(stores: Stores) -> None:
    name = fresh()
    stores.training_data.add_leads([(full_lead(name, price=1.0), NOON)])

    stores.training_data.add_leads([(full_lead(name, price=n), NOON) for n in (2.0, 3.0)])
    stores.training_data.add_outcomes(
        [Outcome(name, converted=True), Outcome(name, converted=False)]
    )

    found = snapshot_of(stores, name)
    assert found is not None
    assert found.lead.price == 3.0
    assert evidence_of(stores, name) == [Outcome(name, converted=False)]


def test_evidence_since_a_moment_is_what_was_said_or_happened_from_then_on(
    stores: Stores,
) -> None:
    lead_id, other = fresh(), fresh()
    before, at, after = (
        bare_feedback(lead_id, created_at=NOON + timedelta(microseconds=each))
        for each in (-1, 0, 1)
    )
    stores.feedback.add([counted(row) for row in (before, at, after)])
    early = full_outcome(lead_id, occurred_at=NOON - HOUR)
    late = full_outcome(other, occurred_at=NOON)
    stores.training_data.add_outcomes([early, late])

    assert sorted(evidence_of(stores, lead_id, NOON), key=repr) == sorted([at, after], key=repr)
    assert evidence_of(stores, other, NOON) == [late]
    assert evidence_of(stores, other, NOON + timedelta(microseconds=1)) == []


def test_an_outcome_without_a_date_is_as_new_as_its_import(stores: Stores) -> None:
    outcome = Outcome(fresh(), converted=True)
    now = stores.clock.now()

    stores.training_data.add_outcomes([outcome])

    assert evidence_of(stores, outcome.lead_id, now) == [outcome]
    assert evidence_of(stores, outcome.lead_id, now + timedelta(microseconds=1)) == []


def test_more_rows_than_one_request_holds_come_back_each_once(stores: Stores) -> None:
    batch = fresh("many")
    names = [f"{batch}-{number}" for number in range(230)]

    stores.training_data.add_outcomes(full_outcome(name) for name in names)

    found = [str(each.lead_id) for each in stores.training_data.evidence()]
    assert sorted(each for each in found if each.startswith(f"{batch}-")) == sorted(names)


def test_reading_may_stop_at_any_row(stores: Stores) -> None:
    stores.training_data.add_outcomes(full_outcome(fresh()) for _ in range(10))

    reading = stores.training_data.evidence()
    first = next(reading)
    reading.close()

    assert isinstance(first, (Feedback, Outcome))


# Snapshots.


def test_an_imported_lead_comes_with_its_moment_and_without_as_of(stores: Stores) -> None:
    full, bare = full_lead(fresh()), bare_lead(fresh())
    stores.training_data.add_leads([(full, NOON), (bare, NOON + HOUR)])

    expected = LeadSnapshot(full._replace(as_of=None), NOON)
    assert snapshot_of(stores, full.lead_id) == expected
    assert snapshot_of(stores, bare.lead_id) == LeadSnapshot(bare, NOON + HOUR)


def test_the_named_score_is_found_whatever_came_after(stores: Stores) -> None:
    lead_id = fresh()
    first = scored(stores, lead_id, NOON, price=1.0)
    scored(stores, lead_id, NOON + HOUR, price=2.0)
    stores.training_data.add_leads([(full_lead(lead_id, price=3.0), NOON)])

    found = snapshot_of(stores, lead_id, score_key=key_of(stores, first), before=NOON + 9 * HOUR)

    assert found == LeadSnapshot(first.lead, NOON)


def test_without_a_name_it_is_the_last_live_score_before_the_moment(stores: Stores) -> None:
    lead_id = fresh()
    stores.clock.moment = NOON + 5 * HOUR
    scored(stores, lead_id, NOON, price=1.0)
    second = scored(stores, lead_id, NOON + HOUR, price=2.0)
    scored(stores, lead_id, NOON + 2 * HOUR, price=3.0)
    scored(stores, lead_id, NOON + 1.5 * HOUR, as_of=NOON, price=4.0)
    stores.training_data.add_leads([(full_lead(lead_id, price=5.0), NOON)])

    found = snapshot_of(stores, lead_id, before=NOON + 2 * HOUR)

    assert found == LeadSnapshot(second.lead, NOON + HOUR)


def test_without_a_live_score_before_it_is_the_imported_copy(stores: Stores) -> None:
    lead_id = fresh()
    stores.clock.moment = NOON + 5 * HOUR
    scored(stores, lead_id, NOON, price=1.0)
    scored(stores, lead_id, NOON - HOUR, as_of=NOON, price=2.0)
    imported = full_lead(lead_id, price=3.0, as_of=None)
    stores.training_data.add_leads([(imported, NOON - 7 * HOUR)])

    assert snapshot_of(stores, lead_id, before=NOON) == LeadSnapshot(imported, NOON - 7 * HOUR)
    assert snapshot_of(stores, lead_id) == LeadSnapshot(imported, NOON - 7 * HOUR)


def test_without_a_copy_either_it_is_the_first_live_score(stores: Stores) -> None:
    lead_id = fresh()
    first = scored(stores, lead_id, NOON, price=1.0)
    scored(stores, lead_id, NOON + HOUR, price=2.0)
    scored(stores, lead_id, NOON - HOUR, as_of=NOON, price=3.0)

    assert snapshot_of(stores, lead_id, before=NOON) == LeadSnapshot(first.lead, NOON)
    assert snapshot_of(stores, lead_id) == LeadSnapshot(first.lead, NOON)


def test_a_named_score_that_has_expired_is_replaced_by_the_best_there_is(stores: Stores) -> None:
    lead_id, other = fresh(), fresh()
    stores.clock.moment = NOON + 5 * HOUR
    kept = scored(stores, lead_id, NOON, price=1.0)
    imported = full_lead(other, as_of=None)
    stores.training_data.add_leads([(imported, NOON)])
    gone = "2024-01-01T00:00:00.000000Z#gone#0000"

    found = snapshot_of(stores, lead_id, score_key=gone, before=NOON + HOUR)
    copy = snapshot_of(stores, other, score_key=gone, before=NOON + HOUR)

    assert found == LeadSnapshot(kept.lead, NOON)
    assert copy == LeadSnapshot(imported, NOON)


def test_a_lead_that_is_not_known_or_only_backtested_has_no_snapshot(stores: Stores) -> None:
    unknown, tested = fresh(), fresh()
    scored(stores, tested, NOON, as_of=NOON - HOUR)

    for lead_id in (unknown, tested):
        assert snapshot_of(stores, lead_id, before=NOON + HOUR) is None
        assert snapshot_of(stores, lead_id, score_key="2024#gone#0000") is None


def test_many_wishes_of_all_kinds_are_met_each_once(stores: Stores) -> None:
    stores.clock.moment = NOON + 5 * HOUR
    batch = fresh("wish")
    named, dated, imported, unknown = (
        [f"{batch}-{kind}-{number}" for number in range(75)] for kind in "abcd"
    )
    records = {name: score(bare_lead(name), scored_at=NOON) for name in [*named, *dated]}
    stores.predictions.add(list(records.values()))
    stores.training_data.add_leads((bare_lead(name), NOON - HOUR) for name in imported)
    key = key_of(stores, records[named[0]])
    wishes = [
        WantedSnapshot(name, key if name in named else None, NOON + HOUR)
        for four in zip(named, dated, imported, unknown, strict=True)
        for name in four
    ]

    found = list(stores.training_data.snapshots(wishes))

    moments = dict(found)
    assert len(found) == len(moments) == 225
    assert {moments[name].moment for name in [*named, *dated]} == {NOON}
    assert {moments[name].moment for name in imported} == {NOON - HOUR}
    assert all(each.lead == bare_lead(name) for name, each in moments.items())


def test_no_wish_is_met_by_nothing(stores: Stores) -> None:
    assert list(stores.training_data.snapshots([])) == []


# Counting and deleting.


def test_rows_of_both_kinds_are_counted_once_each(stores: Stores) -> None:
    before = stores.training_data.count()
    names = [fresh() for _ in range(30)]
    stores.training_data.add_outcomes(full_outcome(name) for name in names)
    stores.training_data.add_outcomes([full_outcome(names[0], converted=False)])

    stores.feedback.add([counted(bare_feedback(name)) for name in names[:5]])

    assert stores.training_data.count() == before + 35


def test_deleting_removes_feedback_and_outcome_and_says_how_many(stores: Stores) -> None:
    lead_id, other = fresh(), fresh()
    stores.training_data.add_outcomes([full_outcome(lead_id), full_outcome(other)])
    stores.feedback.add([counted(bare_feedback(lead_id)) for _ in range(40)])

    gone = stores.training_data.delete(lead_id)

    assert gone == 41
    assert stores.feedback.all_of(lead_id) == []
    assert evidence_of(stores, lead_id) == []
    assert len(evidence_of(stores, other)) == 1
    assert stores.training_data.delete(lead_id) == 0


def test_an_erased_lead_has_no_snapshot(stores: Stores) -> None:
    lead = bare_lead(fresh())
    stores.training_data.add_leads([(lead, NOON)])
    scored(stores, lead.lead_id, NOON)

    stores.predictions.delete(lead.lead_id)

    assert snapshot_of(stores, lead.lead_id, before=NOON + HOUR) is None


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_any_moment_can_be_asked_for(stores: Stores, at: datetime) -> None:
    record = scored(stores, fresh(), NOON)

    found = snapshot_of(stores, record.lead.lead_id, before=at)

    assert found == LeadSnapshot(record.lead, NOON)
    assert isinstance(list(stores.training_data.evidence(at)), list)
