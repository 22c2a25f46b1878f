"""What the functions measure and what the template watches are the same things."""

import re

from infra.template import PROJECT
from lead_scoring.alerting import CODES

TEMPLATE = (PROJECT / "template.yaml").read_text("utf-8")


def test_there_is_an_alarm_for_every_alert_and_for_no_other() -> None:
    watched = re.findall(r"\{Name: Alert, Value: (\w+)\}", TEMPLATE)

    assert sorted(watched) == sorted(CODES)


def test_the_dashboard_shows_every_alert() -> None:
    dashboard = TEMPLATE[TEMPLATE.index("DashboardBody") :]

    assert all(f'"{code}"' in dashboard for code in CODES)


def test_every_alarm_tells_somebody() -> None:
    alarms = re.findall(r"AWS::CloudWatch::Alarm\n(.*?)(?=\n  \w)", TEMPLATE, re.DOTALL)

    assert len(alarms) > len(CODES)
    assert all("AlarmActions: [!Ref AlarmTopic]" in alarm for alarm in alarms)


def test_every_alert_that_a_rule_can_open_is_known() -> None:
    package = PROJECT / "layers" / "lead_scoring" / "lead_scoring"
    sources = [(package / f"{name}.py").read_text() for name in ("drift_findings", "health_rules")]
    opened = re.findall(r'(?:Finding|_rose)\(\s*"(\w+)"', "".join(sources))

    assert sorted(opened) == sorted(CODES)


def test_alarms_and_dashboard_read_the_namespace_that_the_functions_write_to() -> None:
    own = "LeadScoring/${AWS::StackName}"

    assert f"METRICS_NAMESPACE: !Sub {own}\n" in TEMPLATE
    namespaces = set(re.findall(r"Namespace: (?:!Sub )?(\S+)", TEMPLATE)) - {own}
    assert all(each.startswith("AWS/") for each in namespaces)
    assert re.findall(r'\[+"([^".]\S*)", "\w+", "(?:Function|Alert)"', TEMPLATE) == [own] * 5
