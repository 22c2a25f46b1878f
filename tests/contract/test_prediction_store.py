import sys
from datetime import timedelta

import pytest

from .conftest import Stores
from .examples import NOON, bare_lead, fresh, full_lead, score


def test_a_score_comes_back_as_it_was_written(stores: Stores) -> None:
    record = score(full_lead(fresh()))

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(record.lead.lead_id)) == [record]


def test_what_a_lead_does_not_have_stays_absent(stores: Stores) -> None:
    record = score(bare_lead(fresh()))

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(record.lead.lead_id)) == [record]


def test_empty_texts_stay_empty_texts(stores: Stores) -> None:
    record = score(full_lead(fresh(), description="", category="", location_name=""))

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(record.lead.lead_id)) == [record]


@pytest.mark.parametrize("price", [0.0, 1e12, 1 / 3, 1e-100, 999_999_999_999.9999])
def test_a_price_is_kept_to_the_last_bit(stores: Stores, price: float) -> None:
    record = score(full_lead(fresh(), price=price))

    stores.predictions.add([record])

    [found] = stores.predictions.newest_first(record.lead.lead_id)
    assert found.lead.price == price


def test_a_price_below_what_a_store_can_tell_from_nothing_can_be_stored(stores: Stores) -> None:
    record = score(full_lead(fresh(), price=sys.float_info.min * sys.float_info.epsilon))

    stores.predictions.add([record])

    [found] = stores.predictions.newest_first(record.lead.lead_id)
    assert found.lead.price == pytest.approx(0, abs=1e-130)


def test_the_longest_description_can_be_stored(stores: Stores) -> None:
    record = score(full_lead(fresh(), description="𠮷" * 50_000, title="𠮷" * 500))

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(record.lead.lead_id)) == [record]


def test_a_number_and_its_text_are_the_same_lead_but_keep_their_type(stores: Stores) -> None:
    number = 10**127 + int(fresh("7").replace("-", ""))
    stores.predictions.add([score(full_lead(number))])
    stores.predictions.add([score(full_lead(str(number)), scored_at=NOON + timedelta(seconds=1))])

    newest, oldest = stores.predictions.newest_first(number)

    assert newest.lead.lead_id == str(number)
    assert oldest.lead.lead_id == number


def test_scores_come_newest_first_and_a_batch_in_its_order_backwards(stores: Stores) -> None:
    lead = bare_lead(fresh())
    written = [
        score(lead, scored_at=NOON),
        score(lead, scored_at=NOON + timedelta(microseconds=1), position=0),
        score(lead, scored_at=NOON + timedelta(microseconds=1), position=1),
        score(lead, scored_at=NOON + timedelta(days=400)),
    ]

    stores.predictions.add([written[2], written[0], written[3], written[1]])

    assert list(stores.predictions.newest_first(lead.lead_id)) == written[::-1]


def test_more_scores_than_one_page_come_back_complete(stores: Stores) -> None:
    lead = bare_lead(fresh())
    written = [score(lead, position=position) for position in range(130)]

    stores.predictions.add(written)

    assert list(stores.predictions.newest_first(lead.lead_id)) == written[::-1]


def test_a_lead_without_scores_has_none(stores: Stores) -> None:
    assert list(stores.predictions.newest_first(fresh())) == []


def test_scores_of_other_leads_are_not_shown(stores: Stores) -> None:
    mine, other = fresh(), fresh()
    stores.predictions.add([score(bare_lead(mine)), score(bare_lead(other))])

    found = list(stores.predictions.newest_first(mine))

    assert [each.lead.lead_id for each in found] == [mine]


def test_an_imported_lead_is_no_score(stores: Stores) -> None:
    lead = bare_lead(fresh())

    stores.training_data.add_leads([(lead, NOON)])

    assert list(stores.predictions.newest_first(lead.lead_id)) == []


def test_adding_nothing_changes_nothing(stores: Stores) -> None:
    stores.predictions.add([])


def test_deleting_removes_every_score_and_says_how_many(stores: Stores) -> None:
    lead, other = bare_lead(fresh()), bare_lead(fresh())
    stores.predictions.add([score(lead, position=position) for position in range(60)])
    stores.predictions.add([score(other)])

    gone = stores.predictions.delete(lead.lead_id)

    assert gone == (60, 0)
    assert list(stores.predictions.newest_first(lead.lead_id)) == []
    assert len(list(stores.predictions.newest_first(other.lead_id))) == 1


def test_deleting_removes_the_imported_copy_which_is_no_score(stores: Stores) -> None:
    lead = bare_lead(fresh())
    stores.training_data.add_leads([(lead, NOON)])

    gone = stores.predictions.delete(lead.lead_id)

    assert gone == (0, 1)


def test_deleting_an_unknown_lead_removes_nothing(stores: Stores) -> None:
    assert stores.predictions.delete(fresh()) == (0, 0)


# Scores as of another moment, and what feedback asks for.


def test_the_test_and_the_variant_of_a_score_are_kept(stores: Stores) -> None:
    record = score(bare_lead(fresh()), ab_test="emails", variant="experimental")

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(record.lead.lead_id)) == [record]


def test_backtests_stand_among_live_scores_by_the_time_they_were_made(stores: Stores) -> None:
    name = fresh()
    live, backtest = bare_lead(name), full_lead(name)
    written = [
        score(backtest if minute % 3 else live, scored_at=NOON + timedelta(minutes=minute))
        for minute in range(130)
    ]
    stores.predictions.add(written[::-1])

    everything = list(stores.predictions.newest_first(name))
    live_only = list(stores.predictions.newest_first(name, live_only=True))

    assert everything == written[::-1]
    assert live_only == [record for record in written[::-1] if record.lead.as_of is None]


def test_the_score_given_before_a_moment_is_the_last_live_one_strictly_before(
    stores: Stores,
) -> None:
    lead = bare_lead(fresh())
    tick = timedelta(microseconds=1)
    stores.predictions.add(
        [
            score(lead, scored_at=NOON, score=1, probability=0.01),
            score(lead, scored_at=NOON, score=2, probability=1 / 3, position=1),
            score(lead, scored_at=NOON + tick, score=3, ab_test="emails", variant="b"),
            score(full_lead(lead.lead_id), scored_at=NOON - tick, score=4),
        ]
    )

    before, at, after, later = (
        stores.predictions.given_before(lead.lead_id, moment)
        for moment in (NOON, NOON + tick, NOON + 2 * tick, NOON + timedelta(days=9999))
    )

    assert before is None
    assert (at.score, at.probability, at.ab_test, at.variant) == (2, 1 / 3, None, None)
    assert (after.score, after.ab_test, after.variant) == (3, "emails", "b")
    assert after.model_version == "v20240101_120000_abc12345"
    assert later == after
    assert later.score_key != at.score_key


def test_neither_an_import_nor_another_lead_gives_a_score(stores: Stores) -> None:
    lead, other = bare_lead(fresh()), bare_lead(fresh())
    stores.training_data.add_leads([(lead, NOON)])
    stores.predictions.add([score(other)])

    assert stores.predictions.given_before(lead.lead_id, NOON + timedelta(days=1)) is None


def test_a_lead_is_known_by_any_score_or_by_its_import(stores: Stores) -> None:
    live, backtested, imported, unknown = (fresh() for _ in range(4))
    stores.predictions.add([score(bare_lead(live)), score(full_lead(backtested))])
    stores.training_data.add_leads([(bare_lead(imported), NOON)])

    known = [stores.predictions.knows(each) for each in (live, backtested, imported, unknown)]

    assert known == [True, True, True, False]


def test_deleting_removes_backtests_too(stores: Stores) -> None:
    name = fresh()
    stores.predictions.add([score(bare_lead(name)), score(full_lead(name), position=1)])

    assert stores.predictions.delete(name) == (2, 0)
    assert not stores.predictions.knows(name)
