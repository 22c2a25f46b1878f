"""Bodies about models to what the domain wants, with every fault at once.

Written without pydantic, which the function of the models would load for these few fields.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import Fault, InvalidInputError, json_pointer

_MAX_REASON = 500


class Range(NamedTuple):
    """From where to where a hyperparameter may be set, and whether in whole steps."""

    low: float
    high: float
    is_whole: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        kind = "integer" if self.is_whole else "number"
        return {"type": kind, "minimum": self.low, "maximum": self.high}


# What one request may ask for: nobody buys an hour of computing with it.
PARAMS: Mapping[str, Range] = {
    "max_depth": Range(1, 12, is_whole=True),
    "learning_rate": Range(0.001, 1),
    "n_estimators": Range(10, 1000, is_whole=True),
    "subsample": Range(0.1, 1),
    "colsample_bytree": Range(0.1, 1),
    "min_child_weight": Range(0, 100),
    "gamma": Range(0, 100),
    "reg_alpha": Range(0, 1000),
    "reg_lambda": Range(0, 1000),
    "scale_pos_weight": Range(0.01, 100),
    "random_state": Range(0, 2_147_483_647, is_whole=True),
}
VALIDATION_SPLIT = Range(0.05, 0.5)

_Faults = list[Fault]


class RetrainRequest(NamedTuple):
    """What `POST /retrain` asks for; None where the default is meant."""

    force_retrain: bool
    validation_split: float | None
    params: Mapping[str, float] | None


def reason_schema() -> dict[str, Any]:
    """Return what `read_reason` takes, as JSON Schema."""
    reason = {"type": ["string", "null"], "maxLength": _MAX_REASON}
    return {"type": "object", "properties": {"reason": reason}, "additionalProperties": False}


def retrain_schema() -> dict[str, Any]:
    """Return what `read_retrain` takes, as JSON Schema."""
    params = {
        "type": ["object", "null"],
        "properties": {name: each.schema for name, each in PARAMS.items()},
        "additionalProperties": False,
    }
    split = VALIDATION_SPLIT.schema | {"type": ["number", "null"]}
    properties = {
        "force_retrain": {"type": ["boolean", "null"]},
        "validation_split": split,
        "params": params,
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def read_nothing(body: object) -> None:
    """Raise InvalidInputError unless the body is an object without fields."""
    faults: _Faults = []
    _fields(body, "", {}, faults)
    if faults:
        raise InvalidInputError(tuple(faults))


def read_reason(body: object) -> str | None:
    """Read why somebody changes the active model, if it is said; raise InvalidInputError.

    >>> read_reason({"reason": "drift"}), read_reason({})
    ('drift', None)
    """
    faults: _Faults = []
    reason = _fields(body, "", {"reason": _reason}, faults).get("reason")
    if faults:
        raise InvalidInputError(tuple(faults))
    return reason


def read_retrain(body: object) -> RetrainRequest:
    """Read how to train; raise InvalidInputError with every fault.

    >>> read_retrain({"params": {"max_depth": 8.0}}).params
    {'max_depth': 8}
    """
    faults: _Faults = []
    readers: dict[str, Callable[[object], Any]] = {
        "force_retrain": _flag,
        "validation_split": lambda value: _number(value, VALIDATION_SPLIT),
        "params": lambda value: _params(value, faults),
    }
    given = _fields(body, "", readers, faults)
    if faults:
        raise InvalidInputError(tuple(faults))
    return RetrainRequest(
        given.get("force_retrain") or False, given.get("validation_split"), given.get("params")
    )


def _params(value: object, faults: _Faults) -> dict[str, float]:
    readers = {name: _reader(PARAMS[name]) for name in PARAMS}
    return _fields(value, "/params", readers, faults, takes_null=False)


def _reader(allowed: Range) -> Callable[[object], float]:
    return lambda value: _number(value, allowed)


def _fields(
    value: object,
    pointer: str,
    readers: Mapping[str, Callable[[object], Any]],
    faults: _Faults,
    takes_null: bool = True,
) -> dict[str, Any]:
    """Read the members of an object, noting each fault; null means absent."""
    if not isinstance(value, dict):
        faults.append(Fault(pointer, f"must be an object, not {_kind(value)}"))
        return {}
    read: dict[str, Any] = {}
    for name, member in value.items():
        try:
            if name not in readers:
                raise ValueError("is not known here; leave it out")
            if member is not None or not takes_null:
                read[name] = readers[name](member)
        except ValueError as error:
            faults.append(Fault(pointer + json_pointer((name,)), str(error)))
    return read


def _reason(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {_kind(value)}")
    if len(value) > _MAX_REASON:
        raise ValueError(f"must have at most {_MAX_REASON} characters, not {len(value):,}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_kind(value)}")
    return value


def _number(value: object, allowed: Range) -> float:
    wanted = "a whole number" if allowed.is_whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be {wanted}, not {_kind(value)}")
    if not allowed.low <= value <= allowed.high:
        raise ValueError(f"must be from {allowed.low:.10g} to {allowed.high:.10g}")
    if not allowed.is_whole:
        # Adding zero makes zero of the negative zero.
        return float(value) + 0.0
    if value != int(value):
        raise ValueError("must be a whole number")
    return int(value)


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "a number")
