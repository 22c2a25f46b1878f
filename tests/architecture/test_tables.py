"""The tables of the template are those of the models that read and write them."""

from typing import Any

import pytest

from infra.template import Template
from lead_scoring.adapters.ab_test_item import DefinitionItem
from lead_scoring.adapters.counter_item import CounterItem
from lead_scoring.adapters.daily_item import DailyItem
from lead_scoring.adapters.dynamodb import bound
from lead_scoring.adapters.exposure_item import ExposureItem
from lead_scoring.adapters.feedback_item import FeedbackItem
from lead_scoring.adapters.job_item import JobItem, LeaseItem
from lead_scoring.adapters.lead_item import LeadItem
from lead_scoring.adapters.monitoring_item import MonitoringItem
from lead_scoring.adapters.registry_item import ActiveEntry, LedgerEntry, VersionEntry
from lead_scoring.adapters.reply_item import ReplyItem
from lead_scoring.settings import Settings

TEMPLATE = Template.load()
SETTINGS = Settings.from_environment(TEMPLATE.environment({"HASH_KEY": "a key of the tests"}))
TABLES = {table.name: table for table in TEMPLATE.tables()}
MODELS = [
    (LeadItem, SETTINGS.predictions_table),
    (FeedbackItem, SETTINGS.feedback_table),
    (DailyItem, SETTINGS.daily_feedback_table),
    (ReplyItem, SETTINGS.idempotency_table),
    (DefinitionItem, SETTINGS.ab_test_variants_table),
    (CounterItem, SETTINGS.ab_test_variants_table),
    (ExposureItem, SETTINGS.ab_test_exposures_table),
    (MonitoringItem, SETTINGS.monitoring_table),
    (JobItem, SETTINGS.jobs_table),
    (LeaseItem, SETTINGS.jobs_table),
    (VersionEntry, SETTINGS.models_table),
    (ActiveEntry, SETTINGS.models_table),
    (LedgerEntry, SETTINGS.models_table),
]


def keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {each["KeyType"]: each["AttributeName"] for each in schema}


def as_created(model: Any, name: str) -> dict[str, Any]:
    """Return the arguments with which PynamoDB would create the table of a model."""
    return dict(bound(model, name, SETTINGS)._get_schema())


def test_every_table_has_a_model() -> None:
    assert {name for _, name in MODELS} == set(TABLES)


@pytest.mark.parametrize(("model", "name"), MODELS, ids=lambda each: getattr(each, "__name__", ""))
def test_keys_and_indexes_are_those_of_the_model(model: Any, name: str) -> None:
    ours, declared = as_created(model, name), TABLES[name].create

    assert keys(ours["key_schema"]) == keys(declared["KeySchema"])
    indexes = {each["IndexName"]: each for each in declared.get("GlobalSecondaryIndexes", [])}
    modelled = {each["index_name"]: each for each in ours["global_secondary_indexes"]}
    assert modelled.keys() == indexes.keys()
    for index_name, index in modelled.items():
        assert keys(index["key_schema"]) == keys(indexes[index_name]["KeySchema"])
        projection = indexes[index_name]["Projection"]
        assert index["projection"]["ProjectionType"] == projection["ProjectionType"]
        assert sorted(index["projection"].get("NonKeyAttributes") or []) == sorted(
            projection.get("NonKeyAttributes", [])
        )
    types = {
        each["AttributeName"]: each["AttributeType"] for each in declared["AttributeDefinitions"]
    }
    for each in ours["attribute_definitions"]:
        assert types[each["AttributeName"]] == each["AttributeType"]


@pytest.mark.parametrize(("model", "name"), MODELS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_expires_is_the_attribute_that_the_model_has(model: Any, name: str) -> None:
    expires = TABLES[name].ttl_attribute

    if expires is None:
        assert "expires_at" not in model.get_attributes()
    else:
        assert expires == "expires_at"
