"""Hold every answer that a test gets against the description of the API."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from infra.gateway_events import RouteTable
from infra.template import Template
from lead_scoring.api.openapi import document
from lead_scoring.api.operations import BASE

# What the gateway itself answers is not described with each operation.
_OF_THE_GATEWAY = (404, 405, 413, 503)


@cache
def _description() -> Any:
    return _closed(document())


@cache
def _routes() -> RouteTable:
    return RouteTable(Template.load().routes())


@cache
def _validator(method: str, path: str, status: int, media_type: str) -> Draft202012Validator | None:
    responses = _description()["paths"][path][method.lower()]["responses"]
    described = responses.get(str(status))
    if described is None:
        assert status in _OF_THE_GATEWAY, (
            f"{method} {path} answers {status}, which is not described"
        )
        return None
    content = described["content"]
    schema = (content.get(media_type) or content.get("*/*") or {}).get("schema")
    assert schema, f"{method} {path} answers {status} as {media_type}, which is not described"
    # The references in it begin at the root of the document.
    return Draft202012Validator({**schema, "components": _description()["components"]})


def _closed(schema: Any) -> Any:
    """Return a description whose objects have no members but those that it tells of.

    The one that is served leaves room for later ones; of those that there are, none is left out.
    """
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in closed else closed


def assert_conforms(
    method: str, whole_path: str, status: int, content_type: str, body: Any
) -> None:
    """Fail unless this answer is one that the description tells of, member by member."""
    match = _routes().match(whole_path.partition("?")[0])
    if match is None or method not in match.routes:
        return
    path = match.resource_path.removeprefix(BASE)
    validator = _validator(method, path, status, content_type.partition(";")[0])
    if validator is not None:
        faults = [f"{each.json_path}: {each.message}" for each in validator.iter_errors(body)]
        assert not faults, f"{method} {path} {status}: {faults[:5]}"


def described_path(whole_path: str) -> str:
    """Return the path of the description that a path is one of."""
    match = _routes().match(whole_path.partition("?")[0])
    assert match is not None
    return match.resource_path.removeprefix(BASE)
