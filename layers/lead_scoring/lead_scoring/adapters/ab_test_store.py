"""A/B tests and what was counted of them, in DynamoDB."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ..entities.models import Activation
from ..errors import ConflictError, NotFoundError
from ..experiments import ABTest, Ending, PlannedSize, StoppedTest, Tally
from ..ports import Figures
from ..settings import Settings
from .ab_test_item import (
    TESTS,
    DefinitionItem,
    ending_actions,
    figures_actions,
    final_look_actions,
    meta_item,
    meta_key,
    planned_actions,
    read_tests,
    variant_items,
    variant_key,
)
from .aws import unavailable_on_failure
from .counter_item import CounterItem, counters_of, read_tally
from .dynamodb import bound, in_parallel
from .model_registry import DynamoModelRegistry, PlannedChange
from .queries import Query
from .transactions import committed, until_settled, write_until_settled, written


class DynamoABTestStore:
    """An ABTestStore in the table of tests; which models they use is written with the models."""

    def __init__(self, settings: Settings) -> None:
        self._table = bound(DefinitionItem, settings.ab_test_variants_table, settings)
        self._counters = bound(CounterItem, settings.ab_test_variants_table, settings)
        self._models = DynamoModelRegistry(settings)

    def create(self, test: ABTest) -> ABTest:
        """Keep a new test and that it uses its models, in one transaction; return it.

        Creating it again with the same operation changes nothing. Raises ConflictError if the name
        is taken, NotFoundError if one of the models is not registered.
        """
        return until_settled(lambda: self._create(test))

    def get(self, test_name: str) -> ABTest:
        """Return a test; raise NotFoundError."""
        found = self._find(test_name)
        if found is None:
            raise NotFoundError(f"there is no test {test_name}")
        return found

    def newest_first(self) -> list[ABTest]:
        """Return all tests."""
        with unavailable_on_failure("dynamodb"):
            tests = read_tests(self._table.query(TESTS, consistent_read=True))
        return sorted(tests, key=lambda each: (each.started_at, each.test_name), reverse=True)

    def tally(self, test: ABTest) -> Tally:
        """Return what was counted of a test."""
        with unavailable_on_failure("dynamodb"):
            return read_tally(Query(self._counters, test.test_name).items())

    def freeze_plan(self, test_name: str, planned: PlannedSize) -> ABTest:
        """Keep the planned size unless there is one already; return the test as it is then."""
        actions = planned_actions(self._table, planned)
        is_first = self._table.planned_samples.does_not_exist()
        return self._once(test_name, actions, is_first, lambda test: test.planned is not None)

    def keep_final_look(self, test_name: str, look: Mapping[str, Any]) -> ABTest:
        """Keep the look that decided unless there is one already; return the test as it is then."""
        actions = final_look_actions(self._table, look)
        is_first = self._table.final_look.does_not_exist()
        return self._once(test_name, actions, is_first, lambda test: test.final_look is not None)

    def stop(
        self, test_name: str, ending: Ending, activation: Activation | None, figures: Figures
    ) -> StoppedTest:
        """Stop a test and activate a model if wished, in one transaction; count no score after it.

        `figures` are kept with the variants. Stopping it again with the same operation changes
        nothing more. Raises NotFoundError, ConflictError if somebody else stopped it.
        """
        stopped = until_settled(lambda: self._stop(test_name, ending, activation, figures))
        self._close(stopped.test)
        return stopped

    def _find(self, test_name: str) -> ABTest | None:
        with unavailable_on_failure("dynamodb"):
            own = self._table.entry.startswith(f"{test_name}#")
            found = read_tests(self._table.query(TESTS, own, consistent_read=True))
        return found[0] if found else None

    def _create(self, test: ABTest) -> ABTest | None:
        def fill(write: TransactWrite) -> None:
            meta = meta_item(self._table, test)
            write.save(meta, self._table.entry.does_not_exist())
            for item in variant_items(self._table, test):
                write.save(item)
            for version in _versions(test):
                self._models.begin_use(write, version, test.test_name)

        if committed(self._table, fill):
            return test
        known = self._find(test.test_name)
        if known is not None:
            if known.operation_id == test.operation_id:
                return known
            raise ConflictError(f"there is a test {test.test_name} already; choose another name")
        for version in _versions(test):
            self._models.get(version)
        return None

    def _once(
        self,
        test_name: str,
        actions: list[Action],
        is_first: Condition,
        is_done: Callable[[ABTest], bool],
    ) -> ABTest:
        def attempt() -> ABTest | None:
            item = meta_key(self._table, test_name)
            written(lambda: item.update(actions, self._table.entry.exists() & is_first))
            test = self.get(test_name)
            return test if is_done(test) else None

        return until_settled(attempt)

    def _stop(
        self, test_name: str, ending: Ending, activation: Activation | None, figures: Figures
    ) -> StoppedTest | None:
        test = self.get(test_name)
        if test.ending is not None:
            if test.ending.operation_id != ending.operation_id:
                raise ConflictError(f"the test {test_name} is stopped already")
            change = self._models.change_by(activation) if activation else None
            return StoppedTest(test, change)
        planned = self._models.plan(activation) if activation else None
        if committed(self._table, self._ending_of(test, ending, planned, figures)):
            return StoppedTest(self.get(test_name), planned.change if planned else None)
        return None

    def _ending_of(
        self, test: ABTest, ending: Ending, planned: PlannedChange | None, figures: Figures
    ) -> Callable[[TransactWrite], None]:
        table = self._table

        def fill(write: TransactWrite) -> None:
            is_running = table.entry.exists() & table.stopped_at.does_not_exist()
            meta = meta_key(table, test.test_name)
            write.update(meta, ending_actions(table, ending), is_running)
            for place, variant in enumerate(test.variants):
                own = figures.get(variant.variant_name, {})
                actions = figures_actions(table, ending, own)
                write.update(variant_key(table, test, place), actions)
            for version in _versions(test):
                self._models.end_use(write, version, test.test_name, planned)
            if planned:
                self._models.write_pointer(write, planned)

        return fill

    def _close(self, test: ABTest) -> None:
        """Have no score counted any more, whatever other processes know of the test."""
        closed: list[Action] = [self._counters.closed.set(True)]

        def close(items: list[CounterItem]) -> None:
            for item in items:
                write_until_settled(partial(item.update, closed))

        with unavailable_on_failure("dynamodb"):
            for _ in in_parallel(close, counters_of(self._counters, test), chunk=4):
                pass


def _versions(test: ABTest) -> list[str]:
    """Return each model of a test once."""
    return list(dict.fromkeys(each.model_version for each in test.variants))
