"""Documents name what there is."""

import re

from infra.template import PROJECT
from infra.template_yaml import parse_yaml

RESOURCES = parse_yaml((PROJECT / "template.yaml").read_text("utf-8"))["Resources"]


def test_the_runbook_has_an_entry_for_every_alarm_and_for_no_other() -> None:
    alarms = {n for n, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    runbook = (PROJECT / "docs" / "operations.md").read_text("utf-8").partition("## Runbook")[2]
    entries = re.findall(r"^\| ([\w, ]+Alarm) \|", runbook, re.MULTILINE)

    assert sorted(name for entry in entries for name in entry.split(", ")) == sorted(alarms)


def test_idle_costs_count_the_alarms_that_there_are() -> None:
    alarms = sum(each["Type"] == "AWS::CloudWatch::Alarm" for each in RESOURCES.values())
    text = (PROJECT / "docs" / "operations.md").read_text("utf-8")

    assert f"{alarms} alarms ({alarms * 0.10:.2f})" in text


def test_performance_names_modules_that_there_are() -> None:
    text = (PROJECT / "docs" / "performance.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", text))
    places = (PROJECT, PROJECT / "layers" / "lead_scoring" / "lead_scoring")

    assert len(named) >= 5
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []
