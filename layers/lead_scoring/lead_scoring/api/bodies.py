"""Request bodies to entities, with every fault at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from ..entities import Lead, LeadId
from ..errors import Fault, InvalidInputError, TooLargeError
from ..hashing import keyed_hash
from . import fields
from .validation import optional, validated

# Lambda's answer is limited to 6 MB, as its request is.
MOST_WITH_REASONS = 2_000
MOST_WITHOUT_REASONS = 5_000

LEAD_ID_SCHEMA = {
    "anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1, "maxLength": 128}]
}
TIME_SCHEMA = {"type": "string", "format": "date-time"}
_Time = optional(TIME_SCHEMA)
_ShortText = Annotated[
    str | None,
    PlainValidator(fields.short_text),
    optional({"type": "string", "maxLength": 200}),
]


class LeadBody(BaseModel):
    """A lead. Fields that are not listed are ignored."""

    model_config = ConfigDict(extra="ignore")

    lead_id: Annotated[
        int | str,
        PlainValidator(fields.lead_id),
        WithJsonSchema(LEAD_ID_SCHEMA),
        Field(validation_alias=AliasChoices("lead_id", "id")),
    ]
    title: Annotated[
        str,
        PlainValidator(fields.title),
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 500}),
    ]
    description: Annotated[
        str | None,
        PlainValidator(fields.description),
        optional({"type": "string", "maxLength": 50_000}),
    ] = None
    category: _ShortText = None
    location_name: _ShortText = None
    price: Annotated[
        float | None,
        PlainValidator(fields.price),
        optional({"type": "number", "minimum": 0, "maximum": 1e12}),
    ] = None
    email: Annotated[
        str | None,
        PlainValidator(fields.email),
        optional({"type": "string", "maxLength": 320}),
    ] = None
    posted_at: Annotated[datetime | None, PlainValidator(fields.posted_at), _Time] = None
    as_of: Annotated[datetime | None, PlainValidator(fields.as_of), _Time] = None


class BatchBody(BaseModel):
    """Leads to score at once; each is read on its own, so that a bad one spoils no other."""

    model_config = ConfigDict(extra="forbid", strict=True)

    leads: Annotated[
        list[Any],
        Field(
            min_length=1,
            description=f"At most {MOST_WITH_REASONS:,}, or {MOST_WITHOUT_REASONS:,} without"
            " reasons. A bad lead is reported under `errors` and spoils no other; one at least"
            " must be good.",
            json_schema_extra={"contains": {"x-model": "Lead"}},
        ),
    ]


@dataclass(frozen=True, slots=True)
class BadLead:
    """A lead of a batch that cannot be scored: where it stood and all that is wrong with it."""

    index: int
    lead_id: LeadId | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """The leads of a batch that can be scored, in their order, and those that cannot."""

    leads: list[Lead]
    bad: list[BadLead]


def read_lead(value: object, *, now: datetime, hash_key: str, pointer: str = "") -> Lead:
    """Validate a lead; raise InvalidInputError with every fault, each under `pointer`.

    Of the e-mail address only the domain and a hash under `hash_key` are kept.

    >>> from datetime import UTC
    >>> now = datetime(2024, 1, 1, tzinfo=UTC)
    >>> read_lead({"id": 7, "title": " Chef "}, now=now, hash_key="k" * 16).title
    'Chef'
    """
    body = validated(LeadBody, value, pointer, {"now": now})
    return Lead(
        lead_id=body.lead_id,
        title=body.title,
        description=body.description,
        category=body.category,
        location_name=body.location_name,
        price=body.price,
        email_domain=_domain(body.email),
        email_hash=keyed_hash(body.email, hash_key),
        posted_at=body.posted_at,
        as_of=body.as_of,
    )


def read_batch(value: object, *, explain: bool, now: datetime, hash_key: str) -> Batch:
    """Validate a batch: at most 2,000 leads with reasons, or 5,000 without.

    Raises TooLargeError for more; InvalidInputError where it is no batch, or all leads are bad.
    """
    values = validated(BatchBody, value, "", {}).leads
    most = MOST_WITH_REASONS if explain else MOST_WITHOUT_REASONS
    if len(values) > most:
        raise TooLargeError(
            f"{len(values):,} leads are too many: at most {MOST_WITH_REASONS:,} with reasons, "
            f"or {MOST_WITHOUT_REASONS:,} with ?explain=false"
        )
    batch = Batch([], [])
    for index, each in enumerate(values):
        try:
            batch.leads.append(
                read_lead(each, now=now, hash_key=hash_key, pointer=f"/leads/{index}")
            )
        except InvalidInputError as error:
            batch.bad.append(BadLead(index, _usable_id(each), error.faults))
    if not batch.leads:
        raise InvalidInputError(tuple(fault for bad in batch.bad for fault in bad.faults))
    return batch


def _usable_id(value: object) -> LeadId | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return fields.lead_id(value.get("lead_id", value.get("id")))
    except ValueError:
        return None


def _domain(email: str | None) -> str | None:
    """Return what follows the last @, None if nothing does.

    >>> _domain("ann@example.com")
    'example.com'
    """
    _, at, domain = (email or "").rpartition("@")
    return domain.strip().rstrip(".") or None if at else None
