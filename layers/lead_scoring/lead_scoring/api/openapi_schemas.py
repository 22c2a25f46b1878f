"""What the description of answers is made of: kinds of values, and JSON Schemas of them."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
AMOUNT: Schema = {"type": "number", "minimum": 0}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
ID: Schema = {"type": ["integer", "string"]}
VERSION: Schema = {"type": "string", "examples": ["v20240101_120000_abc12345"]}
SCORE: Schema = {"type": "integer", "minimum": 0, "maximum": 100}
TEXTS: Schema = {"type": "array", "items": TEXT}


def about(schema: Schema, text: str) -> Schema:
    """Return a schema with a description: its unit, what it counts, when it is null.

    >>> about(SHARE, "Of all leads")["description"]
    'Of all leads'
    """
    return {**schema, "description": text}


def null_or(schema: Schema) -> Schema:
    """Return a schema that also takes null.

    >>> null_or({"type": "string"}), null_or({"$ref": "#/x"})
    ({'type': ['string', 'null']}, {'anyOf': [{'$ref': '#/x'}, {'type': 'null'}]})
    """
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def fields(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return an object of these members; others may come with later versions."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": [*required],
    }


def a_list(items: Schema) -> Schema:
    """Return a list of such items."""
    return {"type": "array", "items": items}


def a_map(values: Schema) -> Schema:
    """Return an object whose members all have one schema."""
    return {"type": "object", "additionalProperties": values}


def ref(name: str) -> Schema:
    """Return a reference to one of the shared schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(*choices: str) -> Schema:
    """Return a text that is one of these."""
    return {"type": "string", "enum": [*choices]}
