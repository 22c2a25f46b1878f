"""Feedback bodies to interactions: what somebody says, and what was observed in a session."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema

from ..entities import ACTION_TYPES
from ..entities.feedback import Interaction, Sender
from ..errors import Fault, InvalidInputError
from ..hashing import keyed_hash
from . import fields
from .bodies import LEAD_ID_SCHEMA, TIME_SCHEMA
from .validation import optional, validated

MOST_INTERACTIONS = 500
_RATING_MISSING = Fault("/user_rating", "is required where action_type is rate")

_LeadId = Annotated[int | str, PlainValidator(fields.lead_id), WithJsonSchema(LEAD_ID_SCHEMA)]
_NAME_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
_Name = Annotated[str | None, PlainValidator(fields.name), optional(_NAME_SCHEMA)]
_Seconds = Annotated[
    float | None,
    PlainValidator(fields.seconds),
    optional({"type": "number", "minimum": 0, "maximum": 604_800}),
]


def _created_at(value: object, info: ValidationInfo) -> datetime | None:
    return fields.created_at(value, (info.context or {})["now"])


_Time = Annotated[datetime | None, PlainValidator(_created_at), optional(TIME_SCHEMA)]


class FeedbackBody(BaseModel):
    """What somebody says about a lead."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "if": {"properties": {"action_type": {"const": "rate"}}, "required": ["action_type"]},
            "then": {
                "properties": {"user_rating": {"type": "number"}},
                "required": ["user_rating"],
            },
        },
    )

    lead_id: _LeadId
    action_type: Annotated[
        str,
        PlainValidator(fields.action_type),
        WithJsonSchema({"type": "string", "enum": list(ACTION_TYPES)}),
    ]
    user_rating: Annotated[
        float | None,
        PlainValidator(fields.rating),
        optional({"type": "number", "minimum": 0, "maximum": 100}),
    ] = None
    interaction_duration: _Seconds = None
    contact_successful: Annotated[
        bool | None, PlainValidator(fields.yes_or_no), optional({"type": "boolean"})
    ] = None
    contact_response_time: _Seconds = None
    conversion_value: Annotated[
        float | None,
        PlainValidator(fields.price),
        optional({"type": "number", "minimum": 0, "maximum": 1e12}),
    ] = None
    session_id: _Name = None
    user_id: _Name = None
    created_at: _Time = None


class InteractionBody(BaseModel):
    """What was observed once in a session."""

    model_config = ConfigDict(extra="forbid")

    lead_id: _LeadId
    type: Annotated[
        str,
        PlainValidator(fields.observed_action),
        WithJsonSchema(
            {"type": "string", "enum": [each for each in ACTION_TYPES if each != "rate"]}
        ),
    ]
    duration: _Seconds = None
    at: _Time = None


class SessionBody(BaseModel):
    """A session; each interaction is read on its own, so that a bad one spoils no other."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: Annotated[str, PlainValidator(fields.required_name), WithJsonSchema(_NAME_SCHEMA)]
    user_id: _Name = None
    interactions: Annotated[
        list[Any],
        Field(
            description="A bad one is skipped and spoils no other; one at least must be good.",
            json_schema_extra={
                "minItems": 1,
                "maxItems": MOST_INTERACTIONS,
                "contains": {"x-model": "Interaction"},
            },
        ),
    ]


class Origin(NamedTuple):
    """Where a request came from, as far as it is known."""

    source_ip: str | None = None
    user_agent: str | None = None


_UNKNOWN_ORIGIN = Origin()


class Session(NamedTuple):
    """The good interactions of a session, each with its place, and the faults of the bad ones."""

    session_id: str
    sender: Sender
    interactions: Sequence[tuple[int, Interaction]]
    skipped: Mapping[int, Sequence[Fault]]

    @property
    def size(self) -> int:
        """How many interactions were sent."""
        return len(self.interactions) + len(self.skipped)


def read_feedback(
    value: object, *, now: datetime, hash_key: str, origin: Origin = _UNKNOWN_ORIGIN
) -> tuple[Interaction, Sender]:
    """Validate feedback; raise InvalidInputError with every fault.

    Of persons, addresses and programs only hashes under `hash_key` are kept.

    >>> from datetime import UTC
    >>> now = datetime(2024, 1, 1, tzinfo=UTC)
    >>> body = {"lead_id": 7, "action_type": "view", "interaction_duration": 90}
    >>> interaction, _ = read_feedback(body, now=now, hash_key="k" * 16)
    >>> interaction.interaction_seconds
    90.0
    """
    faults = [_RATING_MISSING] if _lacks_rating(value) else []
    try:
        body = validated(FeedbackBody, value, "", {"now": now})
    except InvalidInputError as error:
        raise InvalidInputError((*error.faults, *faults)) from None
    if faults:
        raise InvalidInputError(tuple(faults))
    interaction = Interaction(
        lead_id=body.lead_id,
        action_type=body.action_type,
        user_rating=body.user_rating,
        interaction_seconds=body.interaction_duration,
        contact_successful=body.contact_successful,
        contact_response_seconds=body.contact_response_time,
        conversion_value=body.conversion_value,
        created_at=body.created_at,
    )
    return interaction, _sender(body, origin, hash_key)


def read_session(
    value: object, *, now: datetime, hash_key: str, origin: Origin = _UNKNOWN_ORIGIN
) -> Session:
    """Validate implicit feedback, from 1 to 500 interactions.

    Raises InvalidInputError with every fault where it is no session, or all of it is bad.
    """
    values = value.get("interactions") if isinstance(value, Mapping) else None
    good, bad = _read_all(values if isinstance(values, list) else [], now)
    faults = [fault for each in bad.values() for fault in each]
    try:
        body = validated(SessionBody, value, "", {})
    except InvalidInputError as error:
        raise InvalidInputError((*error.faults, *faults)) from None
    if not 1 <= len(body.interactions) <= MOST_INTERACTIONS:
        wrong = f"must hold 1 to {MOST_INTERACTIONS} interactions, not {len(body.interactions):,}"
        raise InvalidInputError((Fault("/interactions", wrong),))
    if not good:
        raise InvalidInputError(tuple(faults))
    return Session(body.session_id, _sender(body, origin, hash_key), good, bad)


def _sender(body: FeedbackBody | SessionBody, origin: Origin, hash_key: str) -> Sender:
    return Sender(
        session_id=body.session_id,
        user_hash=keyed_hash(body.user_id, hash_key, "user"),
        ip_hash=keyed_hash(origin.source_ip, hash_key, "ip"),
        user_agent_hash=keyed_hash(origin.user_agent, hash_key, "agent"),
    )


def _lacks_rating(value: object) -> bool:
    if not isinstance(value, Mapping) or value.get("action_type") != "rate":
        return False
    return value.get("user_rating") is None


def _read_all(
    values: Sequence[object], now: datetime
) -> tuple[list[tuple[int, Interaction]], dict[int, tuple[Fault, ...]]]:
    good: list[tuple[int, Interaction]] = []
    bad: dict[int, tuple[Fault, ...]] = {}
    for place, value in enumerate(values[: MOST_INTERACTIONS + 1]):
        try:
            body = validated(InteractionBody, value, f"/interactions/{place}", {"now": now})
        except InvalidInputError as error:
            bad[place] = error.faults
        else:
            interaction = Interaction(
                lead_id=body.lead_id,
                action_type=body.type,
                interaction_seconds=body.duration,
                created_at=body.at,
            )
            good.append((place, interaction))
    return good, bad
