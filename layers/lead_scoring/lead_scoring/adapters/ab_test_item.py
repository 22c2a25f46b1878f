"""The table of A/B tests: their definitions in one partition, read together; counters beside.

| test_name | entry | holds |
|---|---|---|
| `#tests` | `test#META` | the test, and how far it has come |
| `#tests` | `test#VARIANT#00` ... | a variant, and its figures when the test was stopped |
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ..experiments import ABTest, Ending, PlannedSize, Variant
from .columns import FloatColumn, MomentColumn, TextMapColumn, WholeColumn

# No test has this name: `#` is none of its characters.
TESTS = "#tests"
_META, _VARIANT = "#META", "#VARIANT#"


class DefinitionItem(Model):
    """A test, or one of its variants; the key says which."""

    test_name = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute(null=True)
    created_at = MomentColumn(null=True)
    updated_at = MomentColumn(null=True)
    # Of a test.
    metric = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    operation_id = UnicodeAttribute(null=True)
    expected_days = WholeColumn(null=True)
    planned_samples = WholeColumn(null=True)
    planned_at = MomentColumn(null=True)
    planned_rate = FloatColumn(null=True)
    final_look = UnicodeAttribute(null=True)
    stopped_at = MomentColumn(null=True)
    stopped_by = UnicodeAttribute(null=True)
    stopping_operation_id = UnicodeAttribute(null=True)
    winner_variant = UnicodeAttribute(null=True)
    # Of a variant.
    variant_name = UnicodeAttribute(null=True)
    model_version = UnicodeAttribute(null=True)
    checksums = TextMapColumn(null=True)
    traffic_percentage = FloatColumn(null=True)
    is_control = BooleanAttribute(null=True)
    is_shadow = BooleanAttribute(null=True)
    is_active = BooleanAttribute(null=True)
    sample_size = WholeColumn(null=True)
    conversion_rate = FloatColumn(null=True)
    avg_score = FloatColumn(null=True)
    confidence_interval_lower = FloatColumn(null=True)
    confidence_interval_upper = FloatColumn(null=True)
    statistical_significance = FloatColumn(null=True)
    start_date = MomentColumn(null=True)
    end_date = MomentColumn(null=True)


def meta_item(table: type[DefinitionItem], test: ABTest) -> DefinitionItem:
    """Make the item of a new test."""
    return table(
        test_name=TESTS,
        entry=test.test_name + _META,
        name=test.test_name,
        metric=test.metric,
        created_at=test.started_at,
        updated_at=test.started_at,
        created_by=test.created_by,
        operation_id=test.operation_id,
        expected_days=test.expected_days,
    )


def variant_items(table: type[DefinitionItem], test: ABTest) -> list[DefinitionItem]:
    """Make the items of a new test's variants."""
    return [
        table(
            test_name=TESTS,
            entry=_variant_entry(test, place),
            name=test.test_name,
            variant_name=variant.variant_name,
            model_version=variant.model_version,
            checksums=variant.checksums,
            traffic_percentage=variant.traffic_percentage,
            is_control=variant.is_control,
            is_shadow=variant.is_shadow,
            is_active=True,
            start_date=test.started_at,
            created_at=test.started_at,
            updated_at=test.started_at,
        )
        for place, variant in enumerate(test.variants)
    ]


def meta_key(table: type[DefinitionItem], test_name: str) -> DefinitionItem:
    """Name the item of a test, to be updated."""
    return table(TESTS, test_name + _META)


def variant_key(table: type[DefinitionItem], test: ABTest, place: int) -> DefinitionItem:
    """Name the item of a variant, to be updated."""
    return table(TESTS, _variant_entry(test, place))


def planned_actions(table: type[DefinitionItem], planned: PlannedSize) -> list[Action]:
    """Return what freezes the plan of a test."""
    return [
        table.planned_samples.set(planned.samples),
        table.planned_at.set(planned.frozen_at),
        table.planned_rate.set(planned.control_rate),
    ]


def final_look_actions(table: type[DefinitionItem], look: Mapping[str, Any]) -> list[Action]:
    """Return what keeps the look that decided."""
    return [table.final_look.set(json.dumps(look, allow_nan=False))]


def ending_actions(table: type[DefinitionItem], ending: Ending) -> list[Action]:
    """Return what stops a test."""
    actions: list[Action] = [
        table.stopped_at.set(ending.at),
        table.stopped_by.set(ending.by),
        table.stopping_operation_id.set(ending.operation_id),
        table.updated_at.set(ending.at),
    ]
    if ending.winner_variant is not None:
        actions.append(table.winner_variant.set(ending.winner_variant))
    return actions


def figures_actions(
    table: type[DefinitionItem], ending: Ending, figures: Mapping[str, float | None]
) -> list[Action]:
    """Return what a variant keeps when its test is stopped."""
    known = {name: value for name, value in figures.items() if value is not None}
    return [
        table.is_active.set(False),
        table.end_date.set(ending.at),
        table.updated_at.set(ending.at),
        *(getattr(table, name).set(value) for name, value in known.items()),
    ]


def read_tests(items: Iterable[DefinitionItem]) -> list[ABTest]:
    """Read whole tests from their items, in the order of the keys."""
    by_test = groupby(items, key=lambda item: item.name)
    return [_read_test(list(own)) for _, own in by_test]


def _read_test(items: Sequence[DefinitionItem]) -> ABTest:
    meta, *variants = items
    planned = ending = None
    if meta.planned_samples is not None:
        planned = PlannedSize(meta.planned_samples, meta.planned_at, meta.planned_rate)
    if meta.stopped_at is not None:
        ending = Ending(
            meta.stopped_at, meta.stopped_by, meta.stopping_operation_id, meta.winner_variant
        )
    return ABTest(
        test_name=meta.name,
        variants=tuple(map(_read_variant, variants)),
        metric=meta.metric,
        started_at=meta.created_at,
        created_by=meta.created_by,
        operation_id=meta.operation_id,
        expected_days=meta.expected_days,
        planned=planned,
        final_look=json.loads(meta.final_look) if meta.final_look else None,
        ending=ending,
    )


def _read_variant(item: DefinitionItem) -> Variant:
    return Variant(
        variant_name=item.variant_name,
        model_version=item.model_version,
        traffic_percentage=item.traffic_percentage,
        is_control=item.is_control,
        is_shadow=item.is_shadow,
        checksums=item.checksums,
    )


def _variant_entry(test: ABTest, place: int) -> str:
    return f"{test.test_name}{_VARIANT}{place:02d}"
