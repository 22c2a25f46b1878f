"""Domain errors to problem details (RFC 9457): the one table, and nothing that is internal."""

import json
import logging
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from ..errors import (
    ArtifactError,
    ConflictError,
    Fault,
    InvalidInputError,
    JobRunningError,
    KeyInUseError,
    LeadScoringError,
    LeaseLostError,
    NotFoundError,
    StoreUnavailableError,
    TooFewSamplesError,
    TooLargeError,
)

logger = logging.getLogger(__name__)

# Far more faults than anyone reads, and all of any batch that is not made of them; Lambda cannot
# send an answer of more than 6 MB.
_MOST_BYTES_OF_FAULTS = 5_000_000
# Of an endless recursion the last ones say it all.
_MOST_FRAMES = 20


class NotJsonError(LeadScoringError):
    """The body is not JSON."""


class UnsupportedMediaTypeError(LeadScoringError):
    """The body is not declared as JSON."""


_STATUS: dict[type[LeadScoringError], HTTPStatus] = {
    NotJsonError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    KeyInUseError: HTTPStatus.CONFLICT,
    LeaseLostError: HTTPStatus.CONFLICT,
    TooFewSamplesError: HTTPStatus.CONFLICT,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    ArtifactError: HTTPStatus.SERVICE_UNAVAILABLE,
}
# What these say of themselves names stores and files, which is nobody's business.
_DETAIL: dict[type[LeadScoringError], str] = {
    InvalidInputError: "The request breaks rules; each is listed under errors.",
    StoreUnavailableError: "A store does not answer; try again.",
    ArtifactError: "The files of a model cannot be used; try again.",
}

# The names that RFC 9110 gives now; older Pythons know older ones.
_TITLE = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}


class Problem(NamedTuple):
    """What answers an error: status, body, and further headers."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


def problem_of(error: Exception, request_id: str) -> Problem:
    """Find the answer to an error.

    Whatever is not in the table is a defect of ours: it is logged, and the answer says no more.

    >>> problem_of(NotFoundError("this lead was never scored"), "r-1").body["detail"]
    'This lead was never scored.'
    """
    kind = next((each for each in _STATUS if isinstance(error, each)), None)
    status = _STATUS[kind] if kind else HTTPStatus.INTERNAL_SERVER_ERROR
    detail = _DETAIL.get(kind) or _sentence(str(error)) if kind else "Something went wrong here."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(error, status, request_id)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLE.get(status, status.phrase),
        "status": int(status),
        "detail": detail,
    }
    if isinstance(error, InvalidInputError):
        body["errors"] = listed(error.faults)
    if isinstance(error, JobRunningError):
        body["job_id"] = error.job_id
    if status is not HTTPStatus.SERVICE_UNAVAILABLE:
        return Problem(status, body)
    return Problem(status, body, {"Retry-After": str(getattr(error, "retry_after_seconds", 5))})


def compact_json(body: object) -> str:
    """Write a body as compact as JSON gets: an answer of more than 6 MB cannot leave Lambda.

    >>> compact_json({"name": "ä", "values": [1, None]})
    '{"name":"ä","values":[1,null]}'
    """
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def listed(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """Write faults for an answer, up to what an answer can hold.

    >>> listed([Fault("/title", "is required")])
    [{'pointer': '/title', 'message': 'is required'}]
    """
    written: list[dict[str, str]] = []
    room = _MOST_BYTES_OF_FAULTS
    for fault in faults:
        entry = {"pointer": _printable(fault.pointer), "message": fault.message}
        room -= len(json.dumps(entry))
        if room < 0:
            written.append({"pointer": "", "message": "has more faults than can be listed"})
            break
        written.append(entry)
    return written


def _printable(pointer: str) -> str:
    # Half of a surrogate pair, in the name of an unknown field, cannot be sent as UTF-8.
    return pointer.encode("utf-8", "replace").decode("utf-8")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _log(error: Exception, status: int, request_id: str) -> None:
    """Log what helps to find the cause: where it happened, but no value of a lead."""
    record: dict[str, Any] = {"event": "failed", "status": status, "request_id": request_id}
    causes: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) < 5:
        # The message of an unforeseen error may quote what it stumbled over.
        said = f": {cause}" if isinstance(cause, LeadScoringError) else ""
        causes.append(type(cause).__name__ + said)
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error(json.dumps(record | {"error": causes, "where": where}))
