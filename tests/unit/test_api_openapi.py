import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from infra.template import PROJECT, Template
from infra.template_yaml import parse_yaml
from lead_scoring.api.ab_test_bodies import read_ab_score, read_ab_test
from lead_scoring.api.bodies import read_batch, read_lead
from lead_scoring.api.feedback_bodies import read_feedback, read_session
from lead_scoring.api.model_bodies import read_reason, read_retrain
from lead_scoring.api.openapi import document
from lead_scoring.api.operations import BASE, OPERATIONS

NOW, KEY = datetime(2026, 1, 1, tzinfo=UTC), "a key of the tests"
READERS: dict[str, Any] = {
    "/score": lambda body: read_lead(body, now=NOW, hash_key=KEY),
    "/batch-score": lambda body: read_batch(body, explain=True, now=NOW, hash_key=KEY),
    "/feedback": lambda body: read_feedback(body, now=NOW, hash_key=KEY),
    "/feedback/implicit": lambda body: read_session(body, now=NOW, hash_key=KEY),
    "/models/{version}/activate": read_reason,
    "/models/rollback": read_reason,
    "/retrain": read_retrain,
    "/ab-tests": read_ab_test,
    "/ab-tests/{test_name}/score": lambda body: read_ab_score(body, "t", now=NOW, hash_key=KEY),
}

# What is not described member by member, on purpose.
FREE_FORM = {
    # This very document: the specification of OpenAPI describes it.
    "/openapi.json get responses 200 content application/json",
    # Each is read on its own: a bad one, whatever it is, spoils no other.
    "Batch/leads/items",
    "Session/interactions/items",
}


def bodies() -> dict[str, dict[str, Any]]:
    return {
        path: operation["requestBody"]["content"]["application/json"]
        for path, methods in document()["paths"].items()
        for operation in methods.values()
        if "requestBody" in operation
    }


def schemas_in(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Find the schemas of parameters, headers, bodies and answers."""
    if isinstance(value, list):
        value = {str(each.get("name", number)): each for number, each in enumerate(value)}
    for name, each in value.items():
        if name == "schema":
            yield place, each
        elif isinstance(each, dict | list) and name not in ("examples", "security", "tags"):
            yield from schemas_in(each, f"{place} {name}".strip())


def loose_places(schema: Any, place: str) -> Iterator[str]:
    """Find where a schema does not say what is in there."""
    parts = [part for kind in ("anyOf", "oneOf", "allOf") for part in schema.get(kind, ())]
    for part in parts:
        yield from loose_places(part, place)
    if parts or "$ref" in schema:
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    members, others = schema.get("properties", {}), schema.get("additionalProperties")
    is_vague_object = "object" in kinds and not members and others in (None, True, {})
    is_vague_list = "array" in kinds and "items" not in schema
    if not kinds or is_vague_object or is_vague_list:
        yield place
    for name, member in members.items():
        yield from loose_places(member, f"{place}/{name}")
    if isinstance(others, dict) and others:
        yield from loose_places(others, f"{place}/*")
    if "items" in schema:
        yield from loose_places(schema["items"], f"{place}/items")


def test_the_description_is_valid_openapi() -> None:
    validate(document())


def test_it_describes_the_routes_of_the_template_and_no_others() -> None:
    described = {
        (method.upper(), BASE + path)
        for path, methods in document()["paths"].items()
        for method in methods
    }

    assert described == {(route.method, route.path) for route in Template.load().routes()}
    assert len(OPERATIONS) == len(described)


def test_it_asks_for_no_signature_where_the_template_asks_for_none() -> None:
    resources = parse_yaml((PROJECT / "template.yaml").read_text(encoding="utf-8"))["Resources"]
    events = [
        event["Properties"]
        for resource in resources.values()
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    unsigned = {
        (event["Method"], event["Path"].removeprefix(BASE))
        for event in events
        if event.get("Auth", {}).get("Authorizer") == "NONE"
    }

    described = {
        (method, path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == []
    }

    assert unsigned
    assert described == unsigned


@pytest.mark.parametrize("path", READERS)
def test_every_example_fits_its_schema_and_is_accepted(path: str) -> None:
    content = bodies()[path]
    schema = {**content["schema"], "components": document()["components"]}

    for example in content["examples"].values():
        Draft202012Validator(schema).validate(example["value"])
        READERS[path](example["value"])


def test_every_operation_says_whether_it_asks_for_a_signature() -> None:
    described = [
        operation["security"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]

    assert all(each in ([], [{"signature": []}]) for each in described)
    assert [{"signature": []}] in described
    assert "security" not in document()


def test_every_member_is_described_with_its_type() -> None:
    described = document()
    schemas = [*schemas_in(described["paths"]), *described["components"]["schemas"].items()]

    loose = {place for name, schema in schemas for place in loose_places(schema, name)}

    assert len(schemas) > 100
    assert loose == FREE_FORM


def test_a_loosely_described_member_is_found() -> None:
    schema = {
        "type": "object",
        "properties": {
            "card": {"anyOf": [{"type": ["object", "null"]}]},
            "bins": {"type": "array"},
            "rows": {"type": "array", "items": {"description": "of something"}},
            "shares": {"type": "object", "additionalProperties": True},
            "text": {"type": "string"},
            "nothing": {"type": "object", "additionalProperties": False},
        },
    }

    assert [*loose_places(schema, "")] == ["/card", "/bins", "/rows/items", "/shares"]


def test_every_body_but_the_empty_ones_has_an_example() -> None:
    without = {path for path, content in bodies().items() if "examples" not in content}

    assert without == {"/cleanup/models", "/cleanup/feedback", "/ab-tests/{test_name}/stop"}


def test_limits_are_those_that_validate() -> None:
    described = document()
    schemas = described["components"]["schemas"]
    [limit] = [
        each
        for each in described["paths"]["/leads/{lead_id}/scores"]["get"]["parameters"]
        if each["name"] == "limit"
    ]
    retrain = bodies()["/retrain"]["schema"]["properties"]["params"]["properties"]

    assert schemas["Lead"]["properties"]["title"]["maxLength"] == 500
    assert schemas["Session"]["properties"]["interactions"]["maxItems"] == 500
    assert "2,000, or 5,000" in schemas["Batch"]["properties"]["leads"]["description"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    assert retrain["max_depth"] == {"type": "integer", "minimum": 1, "maximum": 12}


def test_keys_are_named_where_they_are_heeded() -> None:
    keyed = {
        (method, path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
    }

    assert ("post", "/feedback") in keyed
    assert ("post", "/score") not in keyed
    assert len(keyed) == 9


def test_it_is_json_and_names_the_server_that_it_is_told() -> None:
    described = json.loads(json.dumps(document("/live/api/v1/ml"), allow_nan=False))

    assert described["servers"] == [{"url": "/live/api/v1/ml"}]
