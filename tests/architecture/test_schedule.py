"""The hour of the daily check: the template decides it, and tells the functions."""

from typing import Any

import pytest
import yaml

from infra.template import PROJECT, Template
from lead_scoring.settings import Settings


class Plain(yaml.SafeLoader):
    """YAML in which CloudFormation's short forms are what they are given."""


def given(loader: Any, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Plain.add_multi_constructor("!", given)


@pytest.fixture(scope="module")
def document() -> Any:
    """The template as it stands, nothing computed."""
    text = (PROJECT / "template.yaml").read_text("utf-8")
    return yaml.load(text, Loader=Plain)


def test_the_schedule_and_the_setting_say_the_same_hour(document: Any) -> None:
    check = document["Resources"]["TrainingFunction"]["Properties"]["Events"]["DailyCheck"]
    variables = document["Globals"]["Function"]["Environment"]["Variables"]

    assert check["Type"] == "ScheduleV2"
    assert check["Properties"]["ScheduleExpression"] == "cron(0 ${RetrainCheckHour} * * ? *)"
    assert variables["RETRAIN_CHECK_HOUR"] == "RetrainCheckHour"


def test_the_schedule_is_in_utc_as_the_setting_is(document: Any) -> None:
    check = document["Resources"]["TrainingFunction"]["Properties"]["Events"]["DailyCheck"]

    assert check["Properties"].get("ScheduleExpressionTimezone", "UTC") == "UTC"


def test_without_a_parameter_both_have_the_same_default(document: Any) -> None:
    parameter = document["Parameters"]["RetrainCheckHour"]

    assert parameter["Default"] == Settings(hash_key="a key of the tests").retrain_check_hour
    assert (parameter["MinValue"], parameter["MaxValue"]) == (0, 23)


def test_every_function_is_told_the_hour_as_a_setting_reads_it() -> None:
    for function in Template.load().functions():
        environment = {"HASH_KEY": "a key of the tests"} | {
            "RETRAIN_CHECK_HOUR": function.environment["RETRAIN_CHECK_HOUR"]
        }

        assert Settings.from_environment(environment).retrain_check_hour == 3
