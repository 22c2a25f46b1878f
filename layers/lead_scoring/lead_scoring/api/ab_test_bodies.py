"""Bodies about A/B tests to what the domain wants, with every fault at once."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from ..entities import Lead
from ..errors import Fault, InvalidInputError, NotFoundError
from ..experiments import METRICS, WantedTest, WantedVariant
from . import fields
from .bodies import read_lead
from .validation import optional, validated

LONGEST_TEST_NAME, LONGEST_VARIANT_NAME = 100, 50
_FEWEST_VARIANTS, MOST_VARIANTS, MOST_SHADOWS = 2, 10, 5
_MOST_DAYS = 365
_PERCENT_TOLERANCE = 0.01
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _plain_name(longest: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if not 1 <= len(value) <= longest:
            raise ValueError(f"must have 1 to {longest} characters, not {len(value):,}")
        if not _NAME.fullmatch(value):
            raise ValueError("must be made of letters A-Z and a-z, digits, _ and - only")
        return value

    return read


def _name_schema(longest: int) -> WithJsonSchema:
    pattern = f"^{_NAME.pattern}$"
    return WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern}
    )


def _metric(value: object) -> str:
    if value is None:
        return METRICS[0]
    if not isinstance(value, str) or value not in METRICS:
        raise ValueError(f"must be one of {', '.join(METRICS)}")
    return value


def _days(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    if not 1 <= value <= _MOST_DAYS or value != int(value):
        raise ValueError(f"must be a whole number from 1 to {_MOST_DAYS}")
    return int(value)


def _percentage(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not 0 <= value <= 100:
        raise ValueError("must be from 0 to 100")
    return float(value)


_Flag = Annotated[bool | None, PlainValidator(fields.yes_or_no), optional({"type": "boolean"})]


class VariantBody(BaseModel):
    """A variant of a new test."""

    model_config = ConfigDict(extra="forbid")

    variant_name: Annotated[
        str,
        PlainValidator(_plain_name(LONGEST_VARIANT_NAME)),
        _name_schema(LONGEST_VARIANT_NAME),
    ]
    model_version: Annotated[
        str,
        PlainValidator(fields.required_name),
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255}),
    ]
    traffic_percentage: Annotated[
        float | None,
        PlainValidator(_percentage),
        optional({"type": "number", "minimum": 0, "maximum": 100}),
    ] = None
    is_control: _Flag = None
    shadow: _Flag = None


class ABTestBody(BaseModel):
    """A new test; each variant is read on its own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    test_name: Annotated[
        str, PlainValidator(_plain_name(LONGEST_TEST_NAME)), _name_schema(LONGEST_TEST_NAME)
    ]
    variants: Annotated[
        list[Any],
        Field(
            description="2 to 10 whose traffic adds up to 100, and up to 5 shadows without any.",
            json_schema_extra={
                "minItems": _FEWEST_VARIANTS,
                "maxItems": MOST_VARIANTS + MOST_SHADOWS,
                "items": {"x-model": "Variant"},
            },
        ),
    ]
    metric: Annotated[
        str, PlainValidator(_metric), optional({"type": "string", "enum": list(METRICS)})
    ] = METRICS[0]
    expected_days: Annotated[
        int | None,
        PlainValidator(_days),
        optional({"type": "integer", "minimum": 1, "maximum": _MOST_DAYS}),
    ] = None


class ABScoreBody(BaseModel):
    """What a test is to score, and for whom."""

    model_config = ConfigDict(extra="forbid")

    lead_data: Annotated[Any, Field(json_schema_extra={"x-model": "Lead"})]
    user_id: Annotated[
        str | None,
        PlainValidator(fields.name),
        optional({"type": "string", "minLength": 1, "maxLength": 255}),
    ] = None
    test_name: Annotated[
        str | None,
        PlainValidator(fields.name),
        optional({"type": "string", "minLength": 1, "maxLength": LONGEST_TEST_NAME}),
    ] = None


def known_test_name(text: str) -> str:
    """Return the name if it can be that of a test; raise NotFoundError.

    >>> known_test_name("prices-2")
    'prices-2'
    """
    try:
        return _plain_name(LONGEST_TEST_NAME)(text)
    except ValueError:
        raise NotFoundError("there is no test of this name") from None


def read_ab_test(value: object) -> WantedTest:
    """Validate a new test; raise InvalidInputError with every fault.

    Whether its models are registered is not known here.
    """
    values = value.get("variants") if isinstance(value, Mapping) else None
    bodies, faults = _read_variants(values if isinstance(values, list) else [])
    try:
        body = validated(ABTestBody, value, "", {})
    except InvalidInputError as error:
        raise InvalidInputError((*error.faults, *faults)) from None
    faults += [Fault("/variants", message) for message in _number_of(body.variants)]
    if not faults:
        faults = list(_inconsistent(bodies))
    if faults:
        raise InvalidInputError(tuple(faults))
    marked = any(each.is_control for each in bodies)
    first = next(place for place, each in enumerate(bodies) if not each.shadow)
    variants = [
        WantedVariant(
            variant_name=each.variant_name,
            model_version=each.model_version,
            traffic_percentage=each.traffic_percentage or 0.0,
            is_control=bool(each.is_control) if marked else place == first,
            is_shadow=bool(each.shadow),
        )
        for place, each in enumerate(bodies)
    ]
    return WantedTest(body.test_name, variants, body.metric, body.expected_days)


def read_ab_score(
    value: object, test_name: str, *, now: datetime, hash_key: str
) -> tuple[Lead, str | None]:
    """Validate what a test is to score; return the lead and the user, if one is named.

    Raises InvalidInputError with every fault of the body and of the lead in it.
    """
    sent = value if isinstance(value, Mapping) else {}
    faults: list[Fault] = []
    lead = body = None
    try:
        body = validated(ABScoreBody, value, "", {})
    except InvalidInputError as error:
        faults += error.faults
    if "lead_data" in sent:
        try:
            lead = read_lead(sent["lead_data"], now=now, hash_key=hash_key, pointer="/lead_data")
        except InvalidInputError as error:
            faults += error.faults
    named = sent.get("test_name")
    if isinstance(named, str) and named not in ("", test_name):
        faults.append(Fault("/test_name", f"must be {test_name}, as in the path, or left out"))
    if faults or lead is None or body is None:
        raise InvalidInputError(tuple(faults))
    return lead, body.user_id


def _read_variants(values: Sequence[object]) -> tuple[list[VariantBody], list[Fault]]:
    bodies: list[VariantBody] = []
    faults: list[Fault] = []
    for place, each in enumerate(values[: MOST_VARIANTS + MOST_SHADOWS]):
        pointer = f"/variants/{place}"
        try:
            body = validated(VariantBody, each, pointer, {})
        except InvalidInputError as error:
            faults += error.faults
        else:
            bodies.append(body)
            faults += [Fault(f"{pointer}/{name}", said) for name, said in _traffic_of(body)]
    return bodies, faults


def _traffic_of(body: VariantBody) -> Iterator[tuple[str, str]]:
    if body.shadow:
        if body.traffic_percentage:
            yield "traffic_percentage", "must be 0: a shadow never answers"
        if body.is_control:
            yield "is_control", "must be false: a shadow cannot be the control"
    elif body.traffic_percentage is None:
        yield "traffic_percentage", "is required"
    elif body.traffic_percentage == 0:
        yield "traffic_percentage", "must be above 0, except of a shadow"


def _number_of(values: Sequence[object]) -> Iterator[str]:
    shadows = sum(isinstance(each, Mapping) and each.get("shadow") is True for each in values)
    arms = len(values) - shadows
    if not _FEWEST_VARIANTS <= arms <= MOST_VARIANTS:
        wanted = f"must hold {_FEWEST_VARIANTS} to {MOST_VARIANTS} variants"
        yield f"{wanted}{' besides shadows' if shadows else ''}, not {arms:,}"
    if shadows > MOST_SHADOWS:
        yield f"must hold at most {MOST_SHADOWS} shadows, not {shadows:,}"


def _inconsistent(bodies: Sequence[VariantBody]) -> Iterator[Fault]:
    """Find what is wrong with good variants together."""
    names: dict[str, int] = {}
    for place, each in enumerate(bodies):
        if names.setdefault(each.variant_name, place) != place:
            message = f"is the name of variant {names[each.variant_name]} already"
            yield Fault(f"/variants/{place}/variant_name", message)
    total = math.fsum(each.traffic_percentage or 0.0 for each in bodies)
    if abs(total - 100) > _PERCENT_TOLERANCE + 1e-9:
        yield Fault("/variants", f"must have traffic percentages that add up to 100, not {total:g}")
    controls = sum(bool(each.is_control) for each in bodies)
    if controls > 1:
        yield Fault("/variants", f"must have one control, not {controls}")
