"""The description of the API in OpenAPI 3.1: from what validates, and the list of operations.

Source: OpenAPI Initiative, "OpenAPI Specification", version 3.1.1.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from . import openapi_answers as answers
from .ab_test_bodies import ABScoreBody, ABTestBody, VariantBody
from .bodies import batch_schema, lead_schema
from .feedback_bodies import FeedbackBody, InteractionBody, SessionBody
from .model_bodies import reason_schema, retrain_schema
from .openapi_examples import EXAMPLES
from .operations import BASE, OPERATIONS, Operation

_REF = "#/components/schemas/"
_MODELS: Mapping[str, type[BaseModel]] = {
    "Feedback": FeedbackBody,
    "Interaction": InteractionBody,
    "Session": SessionBody,
    "Variant": VariantBody,
    "NewABTest": ABTestBody,
    "ABScore": ABScoreBody,
}
_PATH_PARAMETERS = {
    "lead_id": {"type": "string", "minLength": 1, "maxLength": 129},
    "version": {"type": "string", "pattern": r"^v[0-9]{8}_[0-9]{6}_[0-9a-f]{8}$"},
    "job_id": {"type": "string", "minLength": 1, "maxLength": 129},
    "test_name": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 100},
    "asset": {"type": "string", "enum": ["swagger-ui-bundle.js", "swagger-ui.css", "start.js"]},
}
_ERRORS = {
    400: "The body is not JSON, or the address cannot be read",
    403: "The signature is not valid, or grants no access",
    404: "There is nothing under this name",
    409: "It is in use, taken, running, or cannot be done now",
    413: "The body or its answer is too large for Lambda",
    415: "The body is not declared as application/json",
    422: "The request breaks rules; `errors` lists each with its place",
    429: "Too many requests; send them more slowly",
    500: "A defect of ours; the request id helps to find it",
    503: "A store is down, and nothing cached can answer; try again after Retry-After seconds",
}
_ABOUT = """Scores leads with reasons that add up, learns from what becomes of them, and compares
models.

Times are ISO 8601 in UTC. Bodies are JSON; errors are problem details (RFC 9457) that list every
fault of a body at once. Every answer carries `X-Request-Id`. API Gateway signs in callers by AWS
Signature Version 4; a local run asks for nothing.
"""


class Body(NamedTuple):
    """The body that an operation takes: its schema, and whether there must be one."""

    schema: dict[str, Any]
    is_required: bool = True


_NOTHING = Body({"type": "object", "additionalProperties": False}, is_required=False)
_REASON = Body(reason_schema(), is_required=False)


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF + name}


_BODIES: Mapping[tuple[str, str], Body] = {
    ("POST", "/score"): Body(_ref("Lead")),
    ("POST", "/batch-score"): Body(_ref("Batch")),
    ("POST", "/feedback"): Body(_ref("Feedback")),
    ("POST", "/feedback/implicit"): Body(_ref("Session")),
    ("POST", "/models/{version}/activate"): _REASON,
    ("POST", "/models/rollback"): _REASON,
    ("POST", "/retrain"): Body(retrain_schema(), is_required=False),
    ("POST", "/cleanup/models"): _NOTHING,
    ("POST", "/cleanup/feedback"): _NOTHING,
    ("POST", "/ab-tests"): Body(_ref("NewABTest")),
    ("POST", "/ab-tests/{test_name}/score"): Body(_ref("ABScore")),
    ("POST", "/ab-tests/{test_name}/stop"): _NOTHING,
}
# A stopped test scores no more. What heeds a key can be in conflict anyway.
_CONFLICTS = {"/ab-tests/{test_name}/score"}


def document(server: str = BASE) -> dict[str, Any]:
    """Return the description; `server` is where the API answers, as seen from the document."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Lead scoring",
            "version": "1",
            "description": _ABOUT,
        },
        "servers": [{"url": server}],
        "tags": [{"name": each} for each in dict.fromkeys(each.group for each in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "AWS Signature Version 4",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
        },
    }


def _schemas() -> dict[str, Any]:
    bodies = {name: _of_model(model.model_json_schema()) for name, model in _MODELS.items()}
    leads = {"Lead": lead_schema(), "Batch": batch_schema(_ref("Lead"))}
    return {**leads, **bodies, **answers.SCHEMAS}


def _of_model(schema: Any) -> Any:
    """Return a schema that pydantic made, its references resolved and without made-up titles.

    Parts that are read on their own are no fields of the model: `x-model` names theirs.
    """
    if isinstance(schema, list):
        return [_of_model(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "x-model" in schema:
        return {**_ref(schema["x-model"])}
    return {
        name: _of_model(value)
        for name, value in schema.items()
        if name != "title" or isinstance(value, dict)
    }


def _operation(one: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _identifier(one),
        "tags": [one.group],
        "summary": one.summary,
        "parameters": [*_parameters(one)],
        "responses": _responses(one),
        "security": [] if one.is_open else [{"signature": []}],
    }
    body = _BODIES.get((one.method, one.path))
    if body is not None:
        content: dict[str, Any] = {"schema": body.schema}
        if example := EXAMPLES.get(one.path):
            content["examples"] = {name: {"value": value} for name, value in example.items()}
        described["requestBody"] = {
            "required": body.is_required,
            "content": {"application/json": content},
        }
    return described


def _identifier(one: Operation) -> str:
    words = one.path.replace("{", "").replace("}", "").replace(".", "_").replace("-", "_")
    return "_".join([one.method.lower(), *words.strip("/").split("/")])


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    for name, schema in _PATH_PARAMETERS.items():
        if f"{{{name}}}" in one.path:
            yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, reader in one.query.items():
        yield {"name": name, "in": "query", "schema": reader.schema}
    if one.is_keyed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes a repetition harmless: it is answered as the first was.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }


def _responses(one: Operation) -> dict[str, Any]:
    status, schema, media_type = answers.ANSWERS[one.method, one.path]
    request_id = {"X-Request-Id": {"schema": {"type": "string"}, "required": True}}
    responses: dict[str, Any] = {
        str(status): {
            "description": one.summary,
            "headers": request_id,
            "content": {media_type: {"schema": schema}},
        }
    }
    for code in _error_codes(one):
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        headers = dict(request_id)
        if code in (429, 503):
            headers["Retry-After"] = {"schema": {"type": "integer"}, "required": True}
        responses[str(code)] = {
            "description": _ERRORS[code],
            "headers": headers,
            "content": content,
        }
    if one.path == "/health":
        # Not a problem: the same report says what is wrong.
        unhealthy = {"application/json": {"schema": schema}}
        responses["503"] = {
            "description": "It cannot score",
            "headers": request_id,
            "content": unhealthy,
        }
    return responses


def _error_codes(one: Operation) -> list[int]:
    codes = {400, 403, 422, 429, 500, 503}
    if (one.method, one.path) in _BODIES:
        codes |= {413, 415}
    if "{" in one.path:
        codes.add(404)
    if one.is_keyed or one.path in _CONFLICTS:
        codes.add(409)
    return sorted(codes)
