from datetime import timedelta

import numpy as np
import pytest

from lead_scoring.data_quality import QualityCounts, share_of
from tests import forests

EXAMPLES = forests.training_examples(300, 7)


@pytest.fixture(scope="module")
def model():
    return forests.small_model(0).scoring_model


def counted(model, leads, moments=None, chunks=1):
    moments = moments or [each.moment for each in EXAMPLES[: len(leads)]]
    counts = QualityCounts()
    for places in np.array_split(np.arange(len(leads)), chunks):
        some, when = [leads[i] for i in places], [moments[i] for i in places]
        counts.add(model, some, when, model.extractor.extract(some, when))
    return counts


LEADS = [each.lead for each in EXAMPLES]


def test_what_is_missing_blank_or_null_is_counted_by_field(model):
    whole = LEADS[0]._replace(
        description="x", category="y", location_name="z", price=0.0, email_hash="h"
    )
    changed = [
        whole._replace(description=None, category=" \t", price=None),
        whole._replace(description="", location_name=None, email_hash=None, posted_at=None),
        whole,
    ]

    counts = counted(model, changed)

    assert counts.leads == 3
    assert counts.missing["description"] == 2
    others = ("category", "location_name", "price", "email", "posted_at")
    assert [counts.missing[name] for name in others] == [1] * 5
    assert share_of(counts.shares(), "missing", "description") == 2 / 3


def test_a_price_beyond_the_training_is_out_of_range_once_a_lead(model):
    plain = counted(model, LEADS).out_of_range["Price"]

    counts = counted(model, [each._replace(price=1e11) for each in LEADS])

    assert plain < 0.02 * len(LEADS)
    # Price and its logarithm share a label: a lead is counted once.
    assert counts.out_of_range["Price"] == len(LEADS)


def test_categories_never_seen_are_counted_and_the_most_frequent_named(model):
    leads = [each._replace(category="astronomy") for each in LEADS[:3]]
    leads += [each._replace(category="alchemy") for each in LEADS[3:4]] + LEADS[4:6]

    counts = counted(model, leads)

    assert share_of(counts.shares(), "unseen_categories") == 4 / 6
    assert counts.examples() == ["astronomy", "alchemy"]


def test_a_lead_posted_after_it_was_scored_contradicts_itself(model):
    moment = EXAMPLES[0].moment
    times = [moment, moment + timedelta(seconds=1), None]
    leads = [LEADS[0]._replace(posted_at=each) for each in times]

    counts = counted(model, leads, [moment] * 3)

    assert counts.inconsistent["posted after it was scored"] == 1


@pytest.mark.parametrize(("price", "is_far"), [(100_000, 0), (390_000, 0), (410_000, 1), (24e3, 1)])
def test_a_price_four_times_from_the_salary_in_the_text_contradicts_it(model, price, is_far):
    lead = LEADS[0]._replace(title="Developer $100,000 a year", description=None, price=price)

    counts = counted(model, [lead])

    assert counts.inconsistent["price far from the salary in the text"] == is_far


def test_counting_in_chunks_is_counting_at_once(model):
    assert counted(model, LEADS, chunks=7) == counted(model, LEADS)


def test_nothing_counted_has_shares_of_nothing():
    shares = QualityCounts().shares()

    assert share_of(shares, "missing", "price") == share_of(shares, "out_of_range", "Price") == 0
