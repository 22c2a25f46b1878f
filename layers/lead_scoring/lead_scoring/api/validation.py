"""Validate a body against its pydantic model: every fault at once, in our words."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, WithJsonSchema

from ..errors import Fault, InvalidInputError, json_pointer
from .bodies import NO_OBJECT, REQUIRED, UNKNOWN

_Body = TypeVar("_Body", bound=BaseModel)


def optional(schema: dict[str, Any]) -> WithJsonSchema:
    """Describe a field that may be null."""
    return WithJsonSchema(schema | {"type": [schema["type"], "null"]})


def validated(model: type[_Body], value: object, pointer: str, context: Mapping[str, Any]) -> _Body:
    """Return a body read by its model; raise InvalidInputError with each fault under `pointer`.

    `context` is what the readers of the fields may ask for.
    """
    strangers = _strangers(model, value)
    faults = [Fault(pointer + json_pointer((name,)), UNKNOWN) for name in strangers]
    if strangers and isinstance(value, Mapping):
        value = {name: value[name] for name in model.model_fields if name in value}
    try:
        body = model.model_validate(value, context=dict(context))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults += [_fault(each, pointer) for each in found]
    if faults:
        raise InvalidInputError(tuple(faults))
    return body


def _strangers(model: type[BaseModel], value: object) -> list[str]:
    """Return the unknown fields of a body that must have none.

    Pydantic would say the same, but gives up at a name that is no Unicode text.
    """
    if model.model_config.get("extra") != "forbid" or not isinstance(value, Mapping):
        return []
    return [name for name in value if name not in model.model_fields]


def _fault(error: Mapping[str, Any], pointer: str) -> Fault:
    return Fault(pointer + json_pointer(error["loc"]), _message(error))


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return {
        "missing": REQUIRED,
        "model_type": NO_OBJECT,
        "list_type": "must be a list",
        "too_short": "must not be empty",
    }[error["type"]]
