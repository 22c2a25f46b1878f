"""Every store of A/B tests keeps the same promises: one test a name, one plan, one end."""

from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.entities.models import Activation
from lead_scoring.errors import ConflictError, NotFoundError
from lead_scoring.experiments import ABTest, ArmCounts, Ending, PlannedSize, Tally

from .conftest import Stores
from .examples import NOON, ab_test, fresh, model, scoring

FIGURES: dict[str, dict[str, float | None]] = {
    "control": {"sample_size": 3, "conversion_rate": 1 / 3, "statistical_significance": None},
    "other-1": {"sample_size": 0, "conversion_rate": None},
}


def registered(stores: Stores, **changes: Any) -> ABTest:
    """A test whose models are registered, not created yet."""
    versions = [fresh("v") for _ in range(3)]
    for version in versions:
        stores.models.register(model(version))
    return ab_test(fresh("test"), *versions, **changes)


def created(stores: Stores, **changes: Any) -> ABTest:
    test: ABTest = stores.ab_tests.create(registered(stores, **changes))
    return test


def ending(**changes: Any) -> Ending:
    end = Ending(NOON + timedelta(days=1), "tests", fresh("operation"))
    return end._replace(**changes)


def activation(version: str, end: Ending) -> Activation:
    return Activation(end.at, end.by, version, "won", "r", end.operation_id)


def test_a_test_comes_back_as_it_was_created(stores: Stores) -> None:
    test = registered(stores, metric="contact_success", expected_days=14)

    stores.ab_tests.create(test)

    assert stores.ab_tests.get(test.test_name) == test


def test_an_unknown_test_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFoundError):
        stores.ab_tests.get("nobody")


def test_a_test_is_not_found_under_the_beginning_of_its_name(stores: Stores) -> None:
    test = created(stores)

    with pytest.raises(NotFoundError):
        stores.ab_tests.get(test.test_name[:-1])


def test_tests_are_listed_newest_first_each_whole(stores: Stores) -> None:
    tests = [created(stores, started_at=NOON + timedelta(days=day)) for day in (1, 3, 2)]

    listed = [each for each in stores.ab_tests.newest_first() if each in tests]

    assert listed == [tests[1], tests[2], tests[0]]


def test_a_name_is_taken_once(stores: Stores) -> None:
    test = created(stores)

    with pytest.raises(ConflictError, match="already"):
        stores.ab_tests.create(test._replace(operation_id=fresh("operation"), metric="x"))

    assert stores.ab_tests.get(test.test_name) == test


def test_creating_again_as_the_same_operation_changes_nothing(stores: Stores) -> None:
    test = created(stores)

    assert stores.ab_tests.create(test._replace(started_at=NOON + timedelta(1))) == test


def test_a_test_of_an_unknown_model_is_not_created(stores: Stores) -> None:
    test = registered(stores)
    unknown = test.variants[1]._replace(model_version=fresh("v"))
    test = test._replace(variants=(test.variants[0], unknown))

    with pytest.raises(NotFoundError):
        stores.ab_tests.create(test)

    with pytest.raises(NotFoundError):
        stores.ab_tests.get(test.test_name)


def test_a_test_counts_nothing_at_first(stores: Stores) -> None:
    test = created(stores)

    tally = stores.ab_tests.tally(test)

    assert [tally.arm(arm) for arm in test.arms] == [ArmCounts(), ArmCounts()]
    assert tally.shadow(test.shadows[0]).pairs == {}


def test_what_is_counted_adds_up_by_variant(stores: Stores) -> None:
    test = created(stores)
    name = test.test_name
    for number in range(40):
        one = scoring(name, f"{name} u{number % 10}", fresh(), score=number)
        stores.exposures.record(one)
    stores.exposures.record(scoring(name, f"{name} x", fresh(), variant="other-1", score=100))

    tally: Tally = stores.ab_tests.tally(test)

    assert tally.arm(test.variants[0]) == ArmCounts(10, 0, 40, sum(range(40)))
    assert tally.arm(test.variants[1]) == ArmCounts(1, 0, 1, 100)


def test_pairs_of_scores_and_failures_add_up_by_shadow(stores: Stores) -> None:
    test = created(stores)
    name = test.test_name
    for given, ours in [(0, 100), (7, 8), (7, 8), (7, None)]:
        one = scoring(name, f"{name} u", fresh(), score=given, shadow_scores={"shade": ours})
        stores.exposures.record(one)

    counts = stores.ab_tests.tally(test).shadow(test.shadows[0])

    assert counts.pairs == {(0, 100): 1, (7, 8): 2}
    assert counts.failures == 1


def test_the_plan_is_frozen_once(stores: Stores) -> None:
    test = created(stores)
    first = PlannedSize(3841, NOON, 0.1)

    frozen = stores.ab_tests.freeze_plan(test.test_name, first)
    again = stores.ab_tests.freeze_plan(test.test_name, PlannedSize(1, NOON, 0.9))

    assert frozen.planned == again.planned == first
    assert stores.ab_tests.get(test.test_name) == test._replace(planned=first)


def test_the_look_that_decided_is_kept_once(stores: Stores) -> None:
    test = created(stores)
    first = {"code": "ship", "comparisons": [{"z": 0.1 + 0.2, "p": None}], "text": "ä"}

    kept = stores.ab_tests.keep_final_look(test.test_name, first)
    again = stores.ab_tests.keep_final_look(test.test_name, {"code": "keep_control"})

    assert kept.final_look == again.final_look == first


def test_nothing_is_kept_of_an_unknown_test(stores: Stores) -> None:
    with pytest.raises(NotFoundError):
        stores.ab_tests.freeze_plan("nobody", PlannedSize(1, NOON, 0.9))
    with pytest.raises(NotFoundError):
        stores.ab_tests.keep_final_look("nobody", {"code": "ship"})
    with pytest.raises(NotFoundError):
        stores.ab_tests.stop("nobody", ending(), None, {})


def test_a_test_is_stopped_once(stores: Stores) -> None:
    test, end = created(stores), ending()

    stopped = stores.ab_tests.stop(test.test_name, end, None, FIGURES)
    with pytest.raises(ConflictError, match="stopped already"):
        stores.ab_tests.stop(test.test_name, ending(), None, FIGURES)

    assert stopped.test == test._replace(ending=end) == stores.ab_tests.get(test.test_name)
    assert stopped.change is None


def test_a_winner_becomes_active_with_a_row_in_the_ledger(stores: Stores) -> None:
    test = created(stores)
    winner, end = test.variants[1].model_version, ending(winner_variant="other-1")
    before = stores.models.active()

    stopped = stores.ab_tests.stop(test.test_name, end, activation(winner, end), FIGURES)

    assert stopped.test.ending == end
    assert stopped.change == stores.models.history(1)[0]
    assert stopped.change.to_version == winner == stores.models.active().model_version
    assert stopped.change.from_version == (before.model_version if before else None)
    assert stores.models.get(winner).deployed_at == stopped.change.at


def test_stopping_again_as_the_same_operation_answers_the_same(stores: Stores) -> None:
    test = created(stores)
    end = ending(winner_variant="other-1")
    wish = activation(test.variants[1].model_version, end)
    first = stores.ab_tests.stop(test.test_name, end, wish, FIGURES)
    changes = len(stores.models.history(1000))

    again = stores.ab_tests.stop(test.test_name, end, wish, FIGURES)

    assert again == first
    assert len(stores.models.history(1000)) == changes


def test_a_winner_that_is_active_already_changes_nothing(stores: Stores) -> None:
    test = created(stores)
    version, end = test.variants[0].model_version, ending(winner_variant="control")
    stores.models.activate(Activation(NOON, "tests", version))
    changes = len(stores.models.history(1000))

    stopped = stores.ab_tests.stop(test.test_name, end, activation(version, end), FIGURES)

    assert stopped.change is None
    assert len(stores.models.history(1000)) == changes
    assert stores.models.active().model_version == version


def test_the_models_of_a_running_test_stay(stores: Stores) -> None:
    test = created(stores)
    versions = [each.model_version for each in test.variants]
    successors = [fresh("v"), fresh("v")]
    for version in successors:
        stores.models.register(model(version))
        stores.models.activate(Activation(NOON, "tests", version))

    while_it_runs = [stores.models.remove(version) for version in versions]
    stores.ab_tests.stop(test.test_name, ending(), None, FIGURES)
    afterwards = [stores.models.remove(version) for version in versions]

    assert while_it_runs == [False, False, False]
    assert afterwards == [True, True, True]


def test_a_model_stays_until_the_last_of_its_tests_is_stopped(stores: Stores) -> None:
    first = created(stores)
    versions = [each.model_version for each in first.variants]
    second = stores.ab_tests.create(ab_test(fresh("test"), *versions))

    stores.ab_tests.stop(first.test_name, ending(), None, FIGURES)
    after_one = stores.models.remove(versions[2])
    stores.ab_tests.stop(second.test_name, ending(), None, FIGURES)

    assert (after_one, stores.models.remove(versions[2])) == (False, True)
