"""A/B tests count exactly, whoever writes at the same time and whatever gets lost on the way.

On the embedded AWS, with real threads; moto is not exact here.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.template import Template
from lead_scoring.adapters import transactions
from lead_scoring.adapters.model_directory import LocalModelDirectory
from lead_scoring.bootstrap import Services
from lead_scoring.entities.models import Activation
from lead_scoring.errors import (
    ConflictError,
    NotFoundError,
    StoreUnavailableError,
    TestStoppedError,
)
from lead_scoring.experiments import ABTest, ArmCounts, Ending, Variant
from lead_scoring.settings import Settings
from tests import forests

from .conftest import Stores, local_credentials, real_stores
from .examples import NOON, ab_test, conversion, fresh, full_lead, model, scoring
from .unreliable_aws import DONE, LOST, unreliable_aws

MONTH = timedelta(days=30)
THREADS = 16
KEY = "a key of the tests"


def registered(stores: Stores) -> ABTest:
    versions = [fresh("v") for _ in range(3)]
    for version in versions:
        stores.models.register(model(version))
    return ab_test(fresh("test"), *versions)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do everything at the same moment, each in a thread; return results and errors."""
    ready = threading.Barrier(len(works))

    def do(work: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return work()
        except (ConflictError, NotFoundError) as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))


def ending(name: str | None = None) -> Ending:
    return Ending(NOON, "tests", fresh("operation"), name)


def test_of_two_creations_of_one_name_at_once_one_is_refused(embedded_stores: Stores) -> None:
    create = embedded_stores.ab_tests.create
    for _ in range(10):
        test = registered(embedded_stores)
        wishes = [test._replace(operation_id=fresh("operation")) for _ in range(2)]

        first, second = at_once(*(lambda wish=wish: create(wish) for wish in wishes))

        assert [isinstance(each, ConflictError) for each in (first, second)].count(True) == 1
        kept = embedded_stores.ab_tests.get(test.test_name)
        assert kept in wishes
        assert kept in (first, second)


def test_a_model_is_in_a_test_or_deleted_but_never_both(embedded_stores: Stores) -> None:
    stores, outcomes = embedded_stores, set()
    for _ in range(12):
        test = registered(stores)
        version = test.variants[1].model_version

        created, removed = at_once(
            lambda test=test: stores.ab_tests.create(test),
            lambda version=version: stores.models.remove(version),
        )

        is_created = not isinstance(created, NotFoundError)
        assert is_created is not removed
        outcomes.add(is_created)
        known = [each.model_version for each in stores.models.newest_first()]
        assert (version in known) is is_created


def test_units_and_conversions_are_exact_under_many_threads(embedded_stores: Stores) -> None:
    stores = embedded_stores
    test = stores.ab_tests.create(registered(stores))
    units = [fresh("unit") for _ in range(24)]
    leads = [fresh() for _ in range(10)]
    scorings = [
        scoring(test.test_name, unit, leads[number % 10], score=number)
        for number, unit in enumerate(units * 3)
    ]
    # Each is sent twice, and several stores stand for processes that know nothing of each other.
    with local_credentials(), ThreadPoolExecutor(THREADS) as pool:
        processes = [real_stores(_endpoint(stores)) for _ in range(2)]
        for process in processes:
            # The first use makes the client.
            process.exposures.record(scoring(fresh("test"), fresh("unit"), fresh()))

        def record(number: int) -> None:
            processes[number % 2].exposures.record(scorings[number // 2])

        list(pool.map(record, range(2 * len(scorings))))
        exposures = [each.exposure for each in scorings[:16]]

        rows = [conversion("x", NOON + timedelta(hours=1)) for _ in range(32)]

        def convert(number: int) -> bool:
            found: bool = processes[number % 2].exposures.convert(
                exposures[number % 16], rows[number % 32], MONTH
            )
            return found

        converted = list(pool.map(convert, range(64)))

    assert sum(converted) == 16
    counts = stores.ab_tests.tally(test).arm(test.variants[0])
    assert counts == ArmCounts(24, 16, 72, sum(range(72)))


def _endpoint(stores: Stores) -> str:
    return str(stores.models._versions.Meta.host)


def test_nothing_is_counted_after_a_stop_has_returned(embedded_stores: Stores) -> None:
    stores = embedded_stores
    test = stores.ab_tests.create(registered(stores))
    stopping, counted_when_stopped = threading.Event(), threading.Event()
    late: list[bool] = []

    def score_on() -> None:
        number = 0
        while number < 400:
            number += 1
            begun_late = counted_when_stopped.is_set()
            try:
                stores.exposures.record(scoring(test.test_name, fresh("unit"), fresh()))
            except TestStoppedError:
                return
            if begun_late:
                late.append(True)
            if number == 5:
                stopping.set()

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(score_on) for _ in range(6)]
        stopping.wait(20)
        stores.ab_tests.stop(test.test_name, ending(), None, {})
        counted_when_stopped.set()
        for each in running:
            each.result(60)
    afterwards = stores.ab_tests.tally(test).arm(test.variants[0])

    assert late == []
    assert afterwards.samples == afterwards.scorings >= 5


def test_of_two_stops_with_different_winners_one_counts(embedded_stores: Stores) -> None:
    stores = embedded_stores
    for _ in range(6):
        test = stores.ab_tests.create(registered(stores))

        def stop(place: int, test: ABTest = test) -> Any:
            winner, end = test.variants[place], ending(test.variants[place].variant_name)
            wish = Activation(NOON, "tests", winner.model_version, operation_id=end.operation_id)
            return stores.ab_tests.stop(test.test_name, end, wish, {})

        answers = at_once(lambda: stop(0), lambda: stop(1))

        assert [isinstance(each, ConflictError) for each in answers].count(True) == 1
        kept = stores.ab_tests.get(test.test_name).ending
        assert kept is not None
        winner = next(x for x in test.variants if x.variant_name == kept.winner_variant)
        assert stores.models.active().model_version == winner.model_version
        assert stores.models.history(1)[0].to_version == winner.model_version


def test_a_stop_and_an_activation_at_once_leave_one_chain_of_changes(
    embedded_stores: Stores,
) -> None:
    stores = embedded_stores
    for _ in range(6):
        test = stores.ab_tests.create(registered(stores))
        end = ending("other-1")
        wish = Activation(
            NOON, "tests", test.variants[1].model_version, operation_id=end.operation_id
        )
        another = Activation(NOON, "tests", test.variants[0].model_version)

        at_once(
            lambda test=test, end=end, wish=wish: stores.ab_tests.stop(
                test.test_name, end, wish, {}
            ),
            lambda another=another: stores.models.activate(another),
        )

        newest, before, *_ = stores.models.history(2)
        assert newest.from_version == before.to_version
        assert stores.models.active().model_version == newest.to_version


def lose_the_first(name: str) -> Callable[[str, dict[str, Any]], str]:
    seen = 0

    def fate(operation: str, _: dict[str, Any]) -> str:
        nonlocal seen
        seen += operation == name
        return LOST if operation == name and seen == 1 else DONE

    return fate


def test_a_score_whose_answer_is_lost_counts_once(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    one = scoring(test.test_name, fresh("unit"), fresh(), score=7)

    with unreliable_aws(embedded_endpoint, lose_the_first("TransactWriteItems")) as endpoint_url:
        real_stores(endpoint_url).exposures.record(one)

    counts = embedded_stores.ab_tests.tally(test).arm(test.variants[0])
    assert counts == ArmCounts(1, 0, 1, 7)


def test_a_conversion_whose_answer_is_lost_counts_once(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    one = scoring(test.test_name, fresh("unit"), fresh())
    embedded_stores.exposures.record(one)

    with unreliable_aws(embedded_endpoint, lose_the_first("TransactWriteItems")) as endpoint_url:
        real_stores(endpoint_url).exposures.convert(one.exposure, conversion("x"), MONTH)

    assert embedded_stores.ab_tests.tally(test).arm(test.variants[0]).conversions == 1


def test_a_creation_whose_answer_is_lost_is_there(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = registered(embedded_stores)

    with unreliable_aws(embedded_endpoint, lose_the_first("TransactWriteItems")) as endpoint_url:
        created = real_stores(endpoint_url).ab_tests.create(test)

    assert created == test == embedded_stores.ab_tests.get(test.test_name)


def test_a_stop_whose_answer_is_lost_has_happened_once(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    end = ending("other-1")
    wish = Activation(NOON, "tests", test.variants[1].model_version, operation_id=end.operation_id)

    with unreliable_aws(embedded_endpoint, lose_the_first("TransactWriteItems")) as endpoint_url:
        stopped = real_stores(endpoint_url).ab_tests.stop(test.test_name, end, wish, {})

    assert stopped.test.ending == end
    assert stopped.change == embedded_stores.models.history(1)[0]
    assert stopped.change.to_version == wish.model_version


def test_conflicts_on_a_counter_are_waited_out(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    refused = 0

    def refuse_five(operation: str, _: dict[str, Any]) -> str:
        nonlocal refused
        if operation != "TransactWriteItems" or refused == 5:
            return DONE
        refused += 1
        return "TransactionConflict"

    with unreliable_aws(embedded_endpoint, refuse_five) as endpoint_url:
        real_stores(endpoint_url).exposures.record(scoring(test.test_name, fresh("u"), fresh()))

    assert refused == 5
    assert embedded_stores.ab_tests.tally(test).arm(test.variants[0]).scorings == 1


def test_conflicts_that_never_end_are_an_outage(
    embedded_stores: Stores, embedded_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "_PATIENCE_SECONDS", 0.3)
    test = embedded_stores.ab_tests.create(registered(embedded_stores))

    def never(operation: str, _: dict[str, Any]) -> str:
        return "TransactionConflict" if operation == "TransactWriteItems" else DONE

    with (
        unreliable_aws(embedded_endpoint, never) as endpoint_url,
        pytest.raises(StoreUnavailableError),
    ):
        real_stores(endpoint_url).exposures.record(scoring(test.test_name, fresh("u"), fresh()))

    assert embedded_stores.ab_tests.tally(test).arm(test.variants[0]) == ArmCounts()


@pytest.mark.parametrize(("is_known", "writes"), [(False, 1), (True, 1)])
def test_a_score_of_a_test_is_one_write(
    embedded_stores: Stores, embedded_endpoint: str, is_known: bool, writes: int
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    unit = fresh("unit")
    calls: list[str] = []

    def note(operation: str, _: dict[str, Any]) -> str:
        calls.append(operation)
        return DONE

    with unreliable_aws(embedded_endpoint, note) as endpoint_url:
        exposures = real_stores(endpoint_url).exposures
        if is_known:
            exposures.record(scoring(test.test_name, unit, fresh()))
        calls.clear()
        exposures.record(scoring(test.test_name, unit, fresh()))

    assert [each for each in calls if each != "DescribeTable"] == ["TransactWriteItems"] * writes


def test_a_unit_that_another_process_exposed_costs_one_write_more(
    embedded_stores: Stores, embedded_endpoint: str
) -> None:
    test = embedded_stores.ab_tests.create(registered(embedded_stores))
    unit = fresh("unit")
    embedded_stores.exposures.record(scoring(test.test_name, unit, fresh()))
    calls: list[str] = []

    def note(operation: str, _: dict[str, Any]) -> str:
        calls.append(operation)
        return DONE

    with unreliable_aws(embedded_endpoint, note) as endpoint_url:
        exposures = real_stores(endpoint_url).exposures
        for _ in range(2):
            exposures.record(scoring(test.test_name, unit, fresh()))

    assert [each for each in calls if each != "DescribeTable"] == ["TransactWriteItems"] * 3


def test_scoring_in_a_test_costs_one_read_more_than_plain_scoring_and_no_write(
    embedded_stores: Stores, embedded_endpoint: str, tmp_path: Path
) -> None:
    calls: list[str] = []

    def note(operation: str, _: dict[str, Any]) -> str:
        calls.append(operation)
        return DONE

    def cost(act: Callable[[], object]) -> list[str]:
        calls.clear()
        act()
        return sorted(each for each in calls if each != "DescribeTable")

    # The files of the models are there already: what is between passes on DynamoDB alone.
    folder, record = LocalModelDirectory(str(tmp_path)), forests.model_record(forests.small_model())
    folder.keep(record.model_version, forests.small_model().artifact)
    embedded_stores.models.register(record)
    embedded_stores.models.activate(Activation(NOON, "tests", record.model_version))
    variants = tuple(
        Variant(name, record.model_version, 50, name == "a", checksums=record.checksums)
        for name in ("a", "b")
    )
    test = embedded_stores.ab_tests.create(ab_test(fresh("test"), "", "", "", variants=variants))
    with unreliable_aws(embedded_endpoint, note) as endpoint_url, local_credentials():
        own = {"HASH_KEY": KEY, "MODEL_DIR": str(tmp_path), "AWS_ENDPOINT_URL": endpoint_url}
        services = Services(Settings.from_environment(Template.load().environment(own)))
        scorer, tests = services.lead_scorer, services.ab_tests
        user, lead = fresh("user"), full_lead(fresh(), as_of=None)
        scorer.predict_single(lead)
        tests.score_with_ab_test(test.test_name, lead, fresh("user"))

        plain = cost(lambda: scorer.predict_single(lead))
        first = cost(lambda: tests.score_with_ab_test(test.test_name, lead, user))
        again = cost(lambda: tests.score_with_ab_test(test.test_name, lead, user))

    assert plain == ["BatchWriteItem"]
    assert first == again == ["Query", "TransactWriteItems"]
