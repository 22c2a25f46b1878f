"""Every store of exposures keeps the same promises: a unit counts once, and converts once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from lead_scoring.errors import TestStoppedError
from lead_scoring.experiments import ABScoring, ABTest, ArmCounts, Ending, Exposure

from .conftest import Stores
from .examples import NOON, ab_test, conversion, fresh, full_lead, model, score, scoring

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


class Scene:
    """A test that runs, with units and leads of its own."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        versions = [fresh("v") for _ in range(3)]
        for version in versions:
            stores.models.register(model(version))
        self.test: ABTest = stores.ab_tests.create(ab_test(fresh("test"), *versions))

    def scored(self, unit: str, lead: str, at: datetime = NOON, **changes: Any) -> ABScoring:
        one = scoring(self.test.test_name, unit, lead, scored_at=at, **changes)
        self.stores.exposures.record(one)
        return one

    def counts(self, place: int = 0) -> ArmCounts:
        counts: ArmCounts = self.stores.ab_tests.tally(self.test).arm(self.test.variants[place])
        return counts

    def of(self, lead: str, user: str | None, at: datetime = NOON) -> list[str]:
        """The units to which something belongs, in this test."""
        found = self.stores.exposures.of(f"hash of {lead}", user, at)
        return [each.unit for each in found if each.test_name == self.test.test_name]


@pytest.fixture
def scene(stores: Stores) -> Scene:
    return Scene(stores)


def test_a_score_is_in_the_audit_log_with_its_test(scene: Scene) -> None:
    lead = fresh()
    one = scene.scored(fresh("unit"), lead, shadow_scores={"shade": 3})
    two = scene.scored(fresh("unit"), lead, NOON + HOUR, shadows={"shade": 0.1 + 0.2})

    found = list(scene.stores.predictions.newest_first(lead))

    assert found == [two.record, one.record]


def test_what_feedback_remembers_of_a_score_has_its_shadows(scene: Scene) -> None:
    lead = fresh()
    scene.scored(fresh("unit"), lead, shadows={"shade": 0.1 + 0.2})

    given = scene.stores.predictions.given_before(lead, NOON + HOUR)

    assert (given.ab_test, given.variant) == (scene.test.test_name, "control")
    assert given.shadows == {"shade": 0.1 + 0.2}


def test_a_unit_counts_once_however_often_it_is_scored(scene: Scene) -> None:
    unit = fresh("unit")
    for hours in range(5):
        scene.scored(unit, fresh(), NOON + hours * HOUR, score=10)

    assert scene.counts() == ArmCounts(samples=1, conversions=0, scorings=5, score_sum=50)


def test_recording_the_same_score_again_changes_nothing(scene: Scene) -> None:
    one = scene.scored(fresh("unit"), fresh(), score=10)

    scene.stores.exposures.record(one)

    assert scene.counts() == ArmCounts(1, 0, 1, 10)


def test_another_process_that_knows_no_unit_counts_it_no_second_time(scene: Scene) -> None:
    unit = fresh("unit")
    scene.scored(unit, fresh())
    # What a process remembers is its own.
    getattr(scene.stores.exposures, "_exposed", {}).clear()

    scene.scored(unit, fresh(), NOON + HOUR)

    assert scene.counts().samples == 1
    assert scene.counts().scorings == 2


def test_a_stopped_test_takes_no_score(scene: Scene) -> None:
    unit, lead = fresh("unit"), fresh()
    scene.scored(unit, lead)
    end = Ending(NOON, "tests", fresh("operation"))
    scene.stores.ab_tests.stop(scene.test.test_name, end, None, {})

    with pytest.raises(TestStoppedError):
        scene.scored(unit, lead, NOON + HOUR)
    with pytest.raises(TestStoppedError):
        scene.scored(fresh("unit"), lead, NOON + HOUR)

    assert scene.counts() == ArmCounts(1, 0, 1, 85)
    assert len(list(scene.stores.predictions.newest_first(lead))) == 1


def test_feedback_of_a_user_belongs_to_the_user_once_the_lead_was_scored(scene: Scene) -> None:
    lead, ann, bob = fresh(), fresh("ann"), fresh("bob")
    scene.scored(ann, lead)
    scene.scored(bob, fresh())

    assert scene.of(lead, ann, NOON) == [ann]
    assert scene.of(lead, ann, NOON + 100 * MONTH) == [ann]
    assert scene.of(lead, ann, NOON - timedelta(microseconds=1)) == []
    assert scene.of(lead, bob) == []


def test_an_earlier_score_of_a_lead_for_a_user_counts_whenever_it_is_written(scene: Scene) -> None:
    lead, ann = fresh(), fresh("ann")
    scene.scored(ann, lead, NOON + HOUR)
    scene.scored(ann, lead, NOON + 2 * HOUR)

    assert scene.of(lead, ann, NOON + HOUR) == [ann]


def test_feedback_of_a_user_belongs_to_the_lead_where_it_was_scored_for_nobody(
    scene: Scene,
) -> None:
    lead = fresh()
    scene.scored(f"hash of {lead}", lead)

    assert scene.of(lead, fresh("ann")) == [f"hash of {lead}"]


def test_feedback_of_a_user_belongs_to_the_user_before_the_lead(scene: Scene) -> None:
    lead, ann = fresh(), fresh("ann")
    scene.scored(ann, lead)
    scene.scored(f"hash of {lead}", lead, NOON + HOUR)

    assert scene.of(lead, ann, NOON + 2 * HOUR) == [ann]
    assert scene.of(lead, fresh("bob"), NOON + 2 * HOUR) == [f"hash of {lead}"]


def test_feedback_of_nobody_belongs_to_the_unit_scored_last_by_then(scene: Scene) -> None:
    lead, ann, bob = fresh(), fresh("ann"), fresh("bob")
    for hours, unit in enumerate([ann, bob, ann, bob]):
        scene.scored(unit, lead, NOON + hours * HOUR)

    belongs = [scene.of(lead, None, NOON + half * HOUR / 2) for half in range(-1, 8)]

    assert belongs == [[], *[[unit] for unit in (ann, ann, bob, bob, ann, ann, bob, bob)]]


def test_feedback_belongs_to_one_unit_of_every_test_that_scored_the_lead(stores: Stores) -> None:
    lead, ann, bob = fresh(), fresh("ann"), fresh("bob")
    scenes = [Scene(stores) for _ in range(3)]
    scenes[0].scored(ann, lead, NOON)
    scenes[1].scored(bob, lead, NOON + HOUR)
    scenes[1].scored(ann, lead, NOON + 3 * HOUR)
    scenes[2].scored(bob, lead, NOON + 4 * HOUR)

    by_nobody = {
        (x.test_name, x.unit) for x in stores.exposures.of(f"hash of {lead}", None, NOON + 2 * HOUR)
    }
    by_ann = {
        (x.test_name, x.unit) for x in stores.exposures.of(f"hash of {lead}", ann, NOON + 5 * HOUR)
    }

    names = [each.test.test_name for each in scenes]
    assert by_nobody == {(names[0], ann), (names[1], bob)}
    assert by_ann == {(names[0], ann), (names[1], ann)}


def test_tests_whose_names_begin_alike_are_told_apart(stores: Stores) -> None:
    lead, unit, name = fresh(), fresh("unit"), fresh("begin")
    versions = [fresh("v") for _ in range(3)]
    for version in versions:
        stores.models.register(model(version))
    names = [name, f"{name}-", f"{name}0", f"{name}_a"]
    for each in names:
        stores.ab_tests.create(ab_test(each, *versions))
        stores.exposures.record(scoring(each, unit, lead))

    found = stores.exposures.of(f"hash of {lead}", None, NOON)

    assert sorted(each.test_name for each in found) == sorted(names)
    assert len(stores.exposures.of(f"hash of {lead}", unit, NOON)) == 4
    assert stores.ab_tests.get(name).test_name == name


def test_a_lead_that_no_test_scored_belongs_to_nobody(scene: Scene) -> None:
    assert scene.of(fresh(), None) == []
    assert scene.of(fresh(), fresh("ann")) == []


def test_a_unit_converts_once(scene: Scene) -> None:
    unit = fresh("unit")
    exposure = scene.scored(unit, fresh()).exposure

    counted = [
        scene.stores.exposures.convert(exposure, conversion("x", NOON + hours * HOUR), MONTH)
        for hours in (3, 3, 1)
    ]

    assert counted == [True, False, False]
    assert scene.counts().conversions == 1


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (timedelta(microseconds=-1), False),
        (timedelta(0), True),
        (MONTH, True),
        (MONTH + timedelta(microseconds=1), False),
    ],
)
def test_a_conversion_counts_from_the_exposure_to_the_end_of_the_window(
    scene: Scene, after: timedelta, counts: bool
) -> None:
    exposure = scene.scored(fresh("unit"), fresh()).exposure

    assert scene.stores.exposures.convert(exposure, conversion("x", NOON + after), MONTH) is counts
    assert scene.counts().conversions == int(counts)


def test_the_window_begins_with_the_first_exposure(scene: Scene) -> None:
    unit = fresh("unit")
    exposure = scene.scored(unit, fresh()).exposure
    scene.scored(unit, fresh(), NOON + 10 * HOUR)

    assert not scene.stores.exposures.convert(exposure, conversion("x", NOON + MONTH + HOUR), MONTH)


def test_a_unit_that_was_never_exposed_does_not_convert(scene: Scene) -> None:
    exposure = Exposure(scene.test.test_name, "control", "conversion", fresh("unit"))

    assert not scene.stores.exposures.convert(exposure, conversion("x", NOON), MONTH)
    assert scene.counts() == ArmCounts()


def test_the_same_feedback_counts_for_one_unit_of_a_test(scene: Scene) -> None:
    lead = fresh()
    first = scene.scored(fresh("ann"), lead).exposure
    second = scene.scored(fresh("bob"), lead, NOON + HOUR).exposure
    row = conversion(f"hash of {lead}", NOON + 2 * HOUR)

    counted = [scene.stores.exposures.convert(each, row, MONTH) for each in (first, second)]

    assert counted == [True, False]
    assert scene.counts().conversions == 1


def test_the_same_feedback_counts_in_every_test_that_it_belongs_to(stores: Stores) -> None:
    lead, unit = fresh(), fresh("unit")
    scenes = [Scene(stores), Scene(stores)]
    row = conversion(f"hash of {lead}", NOON)

    counted = [
        stores.exposures.convert(each.scored(unit, lead).exposure, row, MONTH) for each in scenes
    ]

    assert counted == [True, True]


def test_a_conversion_still_counts_after_the_test_was_stopped(scene: Scene) -> None:
    exposure = scene.scored(fresh("unit"), fresh()).exposure
    end = Ending(NOON, "tests", fresh("operation"))
    scene.stores.ab_tests.stop(scene.test.test_name, end, None, {})

    assert scene.stores.exposures.convert(exposure, conversion("x", NOON + HOUR), MONTH)
    assert scene.counts().conversions == 1


def test_an_erased_lead_leaves_the_tests_and_what_was_counted_stays(scene: Scene) -> None:
    lead, ann = fresh(), fresh("ann")
    scene.scored(ann, lead)
    scene.scored(ann, lead, NOON + HOUR)
    own = scene.scored(f"hash of {lead}", lead, NOON + 2 * HOUR).exposure
    scene.stores.exposures.convert(own, conversion("x", NOON + 3 * HOUR), MONTH)
    before = scene.counts()

    first = scene.stores.exposures.erase(f"hash of {lead}")
    again = scene.stores.exposures.erase(f"hash of {lead}")

    assert (first, again) == (2, 0)
    assert scene.of(lead, None, NOON + MONTH) == scene.of(lead, ann, NOON + MONTH) == []
    assert scene.counts() == before == ArmCounts(2, 1, 3, 255)


def test_an_erased_unit_is_not_counted_anew(scene: Scene) -> None:
    lead = fresh()
    scene.scored(f"hash of {lead}", lead)
    scene.stores.exposures.erase(f"hash of {lead}")

    again = scene.scored(f"hash of {lead}", lead, NOON + HOUR).exposure
    converts = scene.stores.exposures.convert(again, conversion("x", NOON + 2 * HOUR), MONTH)

    assert not converts
    assert scene.counts() == ArmCounts(samples=1, conversions=0, scorings=2, score_sum=170)


def test_erasing_one_lead_leaves_the_other_leads_of_a_user(scene: Scene) -> None:
    lead, other, ann = fresh(), fresh(), fresh("ann")
    scene.scored(ann, lead)
    scene.scored(ann, other)

    scene.stores.exposures.erase(f"hash of {lead}")

    assert scene.of(other, ann) == [ann]
    assert scene.stores.exposures.erase(f"hash of {fresh()}") == 0


def test_a_backtest_in_a_test_is_no_live_score(stores: Stores) -> None:
    lead = fresh()
    record = score(full_lead(lead), ab_test="t", variant="control")

    stores.predictions.add([record])

    assert list(stores.predictions.newest_first(lead)) == [record]
    assert stores.predictions.given_before(lead, NOON + HOUR) is None
    assert record._replace(shadows=None) == record
