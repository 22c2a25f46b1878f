"""What stands in two places says the same in both."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice

from infra.gateway_functions import load_handler
from infra.template import Function, Template
from infra.template_yaml import parse_yaml
from lead_scoring.adapters.aws import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS
from lead_scoring.settings import Settings

PROJECT = Path(__file__).parents[2]
TEMPLATE = Template.load()
DOCUMENT = parse_yaml((PROJECT / "template.yaml").read_text("utf-8"))


def chalice_routes(function: Function) -> set[tuple[str, str]]:
    app: Any = load_handler(function)
    assert isinstance(app, Chalice)
    return {(method, path) for path, methods in app.routes.items() for method in methods}


@pytest.mark.parametrize(
    "function",
    [function for function in TEMPLATE.functions() if function.handler == "app.app"],
    ids=lambda function: function.logical_id,
)
def test_the_template_has_one_event_for_each_route_of_an_app(function: Function) -> None:
    events = [
        (route.method, route.path)
        for route in TEMPLATE.routes()
        if route.function == function.logical_id
    ]

    assert len(events) == len(set(events))
    assert set(events) == chalice_routes(function)


def test_every_function_has_its_folder_and_every_folder_its_function() -> None:
    folders = {app.parent for app in PROJECT.glob("functions/*/app.py")}

    assert {function.code_dir for function in TEMPLATE.functions()} == folders


# By SAM, and by the writer of metrics.
_READ_ELSEWHERE = {"RELEASE", "METRICS_NAMESPACE"}


def test_every_variable_of_the_template_is_a_setting() -> None:
    known = {entry.metadata["variable"] for entry in fields(Settings)}

    for function in TEMPLATE.functions():
        assert set(function.environment) - known <= _READ_ELSEWHERE


def test_a_deployment_of_a_new_layer_publishes_new_versions() -> None:
    resources = DOCUMENT["Resources"].values()
    aliased = [each["Properties"] for each in resources if "AutoPublishAlias" in each["Properties"]]

    assert aliased
    assert all(each["AutoPublishAliasAllProperties"] is True for each in aliased)
    assert "RELEASE" in DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]
    assert "s/ RELEASE: .*/" in (PROJECT / "Makefile").read_text("utf-8")


def test_the_api_has_its_one_stage() -> None:
    assert "OpenApiVersion" in DOCUMENT["Resources"]["Api"]["Properties"]


def test_alarms_may_encrypt_for_their_topic() -> None:
    key = DOCUMENT["Resources"]["AlarmTopic"]["Properties"]["KmsMasterKeyId"]
    statements = DOCUMENT["Resources"]["DataKey"]["Properties"]["KeyPolicy"]["Statement"]

    assert key == {"Fn::If": ["HasCustomerKey", {"Ref": "DataKey"}, {"Ref": "AWS::NoValue"}]}
    assert any(
        each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(each["Action"])
        for each in statements
    )


def test_a_function_behind_the_api_outlives_two_stores_that_hang_but_not_the_api() -> None:
    one_store = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + sum(2**n for n in range(ATTEMPTS - 1))

    behind = {route.function for route in TEMPLATE.routes()}
    for function in TEMPLATE.functions():
        if function.logical_id in behind:
            assert 2 * one_store < function.timeout_seconds <= 29


def test_the_readme_lists_every_setting_with_its_default() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]*) \|", readme, re.MULTILINE)

    assert dict(rows) == documented_defaults()


def documented_defaults() -> Mapping[str, str]:
    return {entry.metadata["variable"]: documented(entry.default) for entry in fields(Settings)}


def documented(default: object) -> str:
    if default is MISSING:
        return "required"
    return f"`{default}`" if default is not None else ""
