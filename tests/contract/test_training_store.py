from datetime import timedelta
from typing import Any

from lead_scoring.entities import LeadId, Outcome, lead_key

from .conftest import Stores
from .examples import NOON, bare_lead, fresh, full_lead, full_outcome


def labelled(stores: Stores, lead_id: LeadId) -> list[Any]:
    """What the store tells of one lead; tests share a store."""
    return [
        found
        for found in stores.training_data.labelled_leads()
        if lead_key(found[0].lead_id) == lead_key(lead_id)
    ]


def test_a_lead_comes_back_with_its_moment_and_its_outcome(stores: Stores) -> None:
    lead = full_lead(fresh())
    outcome = full_outcome(lead.lead_id)

    stores.training_data.add_leads([(lead, NOON)])
    stores.training_data.add_outcomes([outcome])

    assert labelled(stores, lead.lead_id) == [(lead, NOON, outcome)]


def test_what_is_not_known_stays_unknown(stores: Stores) -> None:
    lead = bare_lead(fresh())
    outcome = Outcome(lead.lead_id, converted=False)

    stores.training_data.add_leads([(lead, NOON)])
    stores.training_data.add_outcomes([outcome])

    assert labelled(stores, lead.lead_id) == [(lead, NOON, outcome)]


def test_an_outcome_finds_its_lead_whether_its_id_is_a_number_or_a_text(stores: Stores) -> None:
    number = int(fresh("9").replace("-", ""))
    lead, outcome = full_lead(number), full_outcome(str(number))

    stores.training_data.add_leads([(lead, NOON)])
    stores.training_data.add_outcomes([outcome])

    assert labelled(stores, number) == [(lead, NOON, outcome)]


def test_a_lead_without_outcome_and_an_outcome_without_lead_are_not_labelled(
    stores: Stores,
) -> None:
    unlabelled, unknown = bare_lead(fresh()), fresh()

    stores.training_data.add_leads([(unlabelled, NOON)])
    stores.training_data.add_outcomes([full_outcome(unknown)])

    assert labelled(stores, unlabelled.lead_id) == []
    assert labelled(stores, unknown) == []


def test_importing_again_replaces_lead_moment_and_outcome(stores: Stores) -> None:
    before, after = bare_lead(fresh()), full_lead(fresh())
    after = full_lead(before.lead_id)
    stores.training_data.add_leads([(before, NOON)])
    stores.training_data.add_outcomes([full_outcome(before.lead_id)])

    stores.training_data.add_leads([(after, NOON + timedelta(days=1))])
    stores.training_data.add_outcomes([Outcome(before.lead_id, converted=False)])

    [(lead, moment, outcome)] = labelled(stores, before.lead_id)
    assert lead == after
    assert moment == NOON + timedelta(days=1)
    assert outcome == Outcome(before.lead_id, converted=False)


def test_of_a_lead_that_stands_twice_in_one_import_the_last_wins(stores: Stores) -> None:
    name = fresh()
    first, last = full_lead(name, price=1.0), full_lead(name, price=2.0)

    stores.training_data.add_leads([(first, NOON), (last, NOON)])
    stores.training_data.add_outcomes(
        [Outcome(name, converted=True), Outcome(name, converted=False)]
    )

    [(lead, _, outcome)] = labelled(stores, name)
    assert lead.price == 2.0
    assert outcome.converted is False


def test_more_leads_than_one_request_holds_come_back_each_once(stores: Stores) -> None:
    batch = fresh("many")
    names = [f"{batch}-{number}" for number in range(230)]
    stores.training_data.add_leads((bare_lead(name), NOON) for name in names)
    stores.training_data.add_outcomes(full_outcome(name) for name in names)

    found = [
        str(lead.lead_id)
        for lead, _, _ in stores.training_data.labelled_leads()
        if str(lead.lead_id).startswith(f"{batch}-")
    ]

    assert sorted(found) == sorted(names)


def test_outcomes_are_counted_once_each(stores: Stores) -> None:
    before = stores.training_data.count()
    names = [fresh() for _ in range(30)]
    stores.training_data.add_outcomes(full_outcome(name) for name in names)

    stores.training_data.add_outcomes([full_outcome(names[0], converted=False)])

    assert stores.training_data.count() == before + 30


def test_deleting_removes_the_outcome_and_says_so(stores: Stores) -> None:
    lead = bare_lead(fresh())
    stores.training_data.add_leads([(lead, NOON)])
    stores.training_data.add_outcomes([full_outcome(lead.lead_id)])

    gone = stores.training_data.delete(lead.lead_id)

    assert gone == 1
    assert labelled(stores, lead.lead_id) == []
    assert stores.training_data.delete(lead.lead_id) == 0


def test_an_erased_lead_is_not_trained_on(stores: Stores) -> None:
    lead = bare_lead(fresh())
    stores.training_data.add_leads([(lead, NOON)])
    stores.training_data.add_outcomes([full_outcome(lead.lead_id)])

    stores.predictions.delete(lead.lead_id)

    assert labelled(stores, lead.lead_id) == []
