"""Leads and batches of them as they are sent, to entities, with every fault at once.

Without pydantic: its import, and making its models, took scoring as long to start as numpy. What
reads a field and what describes it stand in one table, of which `openapi` makes the description.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ..entities import Lead, LeadId
from ..errors import Fault, InvalidInputError, TooLargeError, json_pointer
from ..hashing import keyed_hash
from . import fields

# Lambda's answer is limited to 6 MB, as its request is.
MOST_WITH_REASONS = 2_000
MOST_WITHOUT_REASONS = 5_000

UNKNOWN = "is not known here; leave it out"
REQUIRED = "is required"
NO_OBJECT = "must be an object"
LEAD_ID_SCHEMA = {
    "anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1, "maxLength": 128}]
}
TIME_SCHEMA = {"type": "string", "format": "date-time"}
_TITLE_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 500}
_SHORT_TEXT_SCHEMA = {"type": "string", "maxLength": 200}


class _Field(NamedTuple):
    """An optional field: what reads its value (or raises ValueError), and its JSON schema."""

    read: Callable[..., Any]
    schema: dict[str, Any]


_OPTIONAL = {
    "description": _Field(fields.description, {"type": "string", "maxLength": 50_000}),
    "category": _Field(fields.short_text, _SHORT_TEXT_SCHEMA),
    "location_name": _Field(fields.short_text, _SHORT_TEXT_SCHEMA),
    "price": _Field(fields.price, {"type": "number", "minimum": 0, "maximum": 1e12}),
    "email": _Field(fields.email, {"type": "string", "maxLength": 320}),
    "posted_at": _Field(fields.posted_at, TIME_SCHEMA),
    "as_of": _Field(fields.as_of, TIME_SCHEMA),
}
# What time is it? Only times are read by that.
_READERS = [(name, each.read, each.schema is TIME_SCHEMA) for name, each in _OPTIONAL.items()]


def lead_schema() -> dict[str, Any]:
    """Describe a lead as JSON Schema."""
    optional = {
        name: field.schema | {"type": [field.schema["type"], "null"], "default": None}
        for name, field in _OPTIONAL.items()
    }
    return {
        "description": "A lead. Fields that are not listed are ignored.",
        "properties": {"lead_id": LEAD_ID_SCHEMA, "title": _TITLE_SCHEMA, **optional},
        "required": ["lead_id", "title"],
        "type": "object",
    }


def batch_schema(lead: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a batch as JSON Schema; `lead` is the schema of a lead, or a reference to it."""
    return {
        "additionalProperties": False,
        "description": "Leads to score at once; each is read on its own, so that a bad one spoils"
        " no other.",
        "properties": {
            "leads": {
                "contains": lead,
                "description": f"At most {MOST_WITH_REASONS:,}, or {MOST_WITHOUT_REASONS:,} without"
                " reasons. A bad lead is reported under `errors` and spoils no other; one at least"
                " must be good.",
                "items": {},
                "minItems": 1,
                "type": "array",
            }
        },
        "required": ["leads"],
        "type": "object",
    }


class BadLead(NamedTuple):
    """A lead of a batch that cannot be scored: where it stood and all that is wrong with it."""

    position: int
    lead_id: LeadId | None
    faults: tuple[Fault, ...]


class Batch(NamedTuple):
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
    if not isinstance(value, Mapping):
        raise InvalidInputError((Fault(pointer, NO_OBJECT),))
    faults: list[Fault] = []
    lead_id = title = None
    try:
        lead_id = fields.lead_id(value["lead_id"] if "lead_id" in value else value["id"])
    except KeyError:
        faults.append(Fault(f"{pointer}/lead_id", REQUIRED))
    except ValueError as error:
        faults.append(Fault(pointer + ("/lead_id" if "lead_id" in value else "/id"), str(error)))
    try:
        title = fields.title(value["title"])
    except KeyError:
        faults.append(Fault(f"{pointer}/title", REQUIRED))
    except ValueError as error:
        faults.append(Fault(f"{pointer}/title", str(error)))
    given: dict[str, Any] = {}
    for name, read, by_now in _READERS:
        each = value.get(name)
        if each is None:
            continue
        try:
            given[name] = read(each, now) if by_now else read(each)
        except ValueError as error:
            faults.append(Fault(f"{pointer}/{name}", str(error)))
    if faults or lead_id is None or title is None:
        raise InvalidInputError(tuple(faults))
    email = given.pop("email", None)
    return Lead(
        lead_id,
        title,
        email_domain=_domain(email),
        email_hash=keyed_hash(email, hash_key),
        **given,
    )


def read_batch(value: object, *, explain: bool, now: datetime, hash_key: str) -> Batch:
    """Validate a batch: at most 2,000 leads with reasons, or 5,000 without.

    Raises TooLargeError for more; InvalidInputError where it is no batch, or all leads are bad.
    """
    values = _values_of(value)
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


def _values_of(value: object) -> list[Any]:
    """Return the leads of a batch, unread; raise InvalidInputError where it is no batch."""
    if not isinstance(value, Mapping):
        raise InvalidInputError((Fault("", NO_OBJECT),))
    faults = [Fault(json_pointer((name,)), UNKNOWN) for name in value if name != "leads"]
    leads = value.get("leads")
    if "leads" not in value:
        faults.append(Fault("/leads", REQUIRED))
    elif not isinstance(leads, list):
        faults.append(Fault("/leads", "must be a list"))
    elif not leads:
        faults.append(Fault("/leads", "must not be empty"))
    if faults or not isinstance(leads, list):
        raise InvalidInputError(tuple(faults))
    return leads


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
