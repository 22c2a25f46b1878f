from pathlib import Path

import pytest

from infra.template import Template, TemplateError

TEXT = """
Parameters:
  Days: {Type: Number, Default: 90}
  Zone: {Type: String, Default: UTC}
Conditions:
  Far: !Equals [!Ref AWS::Region, eu-west-1]
Globals:
  Function:
    Handler: app.app
    Timeout: 29
    Environment:
      Variables:
        LEADS_TABLE: !Ref Leads
        BUCKET: !Ref Models
        DAYS: !Ref Days
        DEBUG: false
        REGION: !If [Far, far, near]
        JOINED: !Join ["-", [a, !Ref Zone]]
        ARN: !GetAtt Leads.Arn
        TEXT: !Sub ["${Name} in ${AWS::Region}, ${!Literal}", {Name: !Ref Zone}]
Resources:
  Leads:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
  Models:
    Type: AWS::S3::Bucket
    Properties: {VersioningConfiguration: {Status: Enabled}}
  Scoring:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/scoring/
      Events:
        Score: {Type: Api, Properties: {Path: /score, Method: post}}
        Lead: {Type: Api, Properties: {Path: "/leads/{lead_id}", Method: get}}
  Nightly:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/nightly/
      Handler: app.nightly
      Timeout: 900
      Environment: {Variables: {DAYS: 1}}
      Events: {Night: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}
"""


def test_routes_are_the_http_events_of_every_function() -> None:
    routes = Template.parse(TEXT).routes()

    assert [(route.function, route.method, route.path) for route in routes] == [
        ("Scoring", "POST", "/score"),
        ("Scoring", "GET", "/leads/{lead_id}"),
    ]


def test_a_function_takes_from_the_globals_what_it_does_not_say_itself() -> None:
    scoring, nightly = Template.parse(TEXT, Path("/project")).functions()

    assert (scoring.handler, scoring.timeout_seconds) == ("app.app", 29)
    assert (nightly.handler, nightly.timeout_seconds) == ("app.nightly", 900)
    assert scoring.code_dir == Path("/project/functions/scoring")
    assert nightly.environment["DAYS"] == "1"


def test_expressions_in_the_environment_are_computed() -> None:
    environment = Template.parse(TEXT, stack="demo").environment()

    assert environment == {
        "LEADS_TABLE": "demo-leads",
        "BUCKET": "demo-models",
        "DAYS": "90",
        "DEBUG": "false",
        "REGION": "near",
        "JOINED": "a-UTC",
        "ARN": "arn:aws:local:us-east-1:000000000000:demo-leads",
        "TEXT": "UTC in us-east-1, ${Literal}",
    }


def test_a_table_becomes_the_arguments_of_create_table() -> None:
    [table] = Template.parse(TEXT).tables()

    assert table.create == {
        "TableName": "local-leads",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    assert table.ttl_attribute == "expires_at"


def test_a_bucket_says_whether_it_is_versioned() -> None:
    [bucket] = Template.parse(TEXT).buckets()

    assert (bucket.name, bucket.versioned) == ("local-models", True)


def test_functions_that_disagree_about_a_variable_are_refused_unless_it_is_overridden() -> None:
    text = TEXT.replace(
        "{Night: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}",
        "{Jobs: {Type: Api, Properties: {Path: /jobs, Method: get}}}",
    )

    with pytest.raises(TemplateError, match="disagree about DAYS"):
        Template.parse(text).environment()
    assert Template.parse(text).environment({"DAYS": "7"})["DAYS"] == "7"


def test_a_name_that_nothing_declares_is_an_error() -> None:
    with pytest.raises(KeyError, match="no parameter or resource Missing"):
        Template.parse(TEXT.replace("!Ref Leads", "!Ref Missing")).functions()
