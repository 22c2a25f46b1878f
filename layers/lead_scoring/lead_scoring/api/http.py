"""HTTP for Chalice views: a view parses, makes one call, answers; everything else is here.

@endpoint(app, "POST", "/api/v1/ml/score")
def score(request: ApiRequest) -> object:
    return bootstrap.connect().lead_scorer.predict_single(request.json())
"""

import functools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from chalice.app import Chalice, MultiDict, Request, Response

from ..entities.models import KeyedRequest
from ..errors import Fault, InvalidInputError, NotFoundError
from .operations import operation
from .problems import NotJsonError, UnsupportedMediaTypeError, compact_json, problem_of
from .queries import Reader, read_query
from .telemetry import report_request

# A number of more digits breaks the same rules as one of so many, and costs less to read.
_MOST_DIGITS = 1_000
_JSON_WHITESPACE = " \t\n\r"
# No id or name in a path is longer, not even a number of 128 digits with its sign.
_LONGEST_NAME = 129
_LONGEST_KEY = 255
_NO_READERS: Mapping[str, Reader] = {}


class Reply(NamedTuple):
    """An answer with another status than 200, or with headers of its own.

    With headers the body is a text that is sent as it is.
    """

    status: int
    body: object
    headers: Mapping[str, str] | None = None


class ApiRequest:
    """A request, each part of it read and checked when a view asks for it."""

    def __init__(
        self, request: Request, request_id: str, readers: Mapping[str, Reader] = _NO_READERS
    ) -> None:
        self.request_id = request_id
        self._request, self._readers = request, readers

    def query(self) -> dict[str, Any]:
        """Read the query; raise InvalidInputError for what is wrong, unknown, or given twice."""
        given = self._request.query_params or MultiDict(None)
        return read_query({name: given.getlist(name) for name in given}, self._readers)

    def path(self, name: str) -> str:
        """Return a parameter of the path, percent-decoded: API Gateway hands it over as sent.

        Raises NotFoundError if it is no text or too long: nothing can be stored under it.
        """
        try:
            text = unquote((self._request.uri_params or {})[name], errors="strict")
        except UnicodeDecodeError:
            text = ""
        if not 1 <= len(text) <= _LONGEST_NAME:
            raise NotFoundError("there is nothing under this name")
        return text

    @property
    def caller(self) -> str:
        """Who is asking: the identity that signed the request, or `api`."""
        identity = self._request.context.get("identity") or {}
        return str(identity.get("userArn") or "api")

    @property
    def called_path(self) -> str:
        """The path as it was called, with the stage that it may begin with."""
        return str(self._request.context.get("path") or self._request.path)

    @property
    def source_ip(self) -> str | None:
        """The address that the request came from."""
        return (self._request.context.get("identity") or {}).get("sourceIp")

    @property
    def user_agent(self) -> str | None:
        """The program that sent the request."""
        return self._request.headers.get("user-agent")

    def keyed(self, body: object = None, **query: object) -> KeyedRequest:
        """Return the request by its idempotency key; raise InvalidInputError if it is no key.

        A key counts per method and path, and for this content.
        """
        key: str | None = self._request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
            message = f"must have 1 to {_LONGEST_KEY} characters, not {len(key)}"
            raise InvalidInputError((Fault("/Idempotency-Key", message),))
        names = self._request.uri_params or {}
        path = self._request.path.format_map({name: names[name] for name in names})
        return KeyedRequest(key, f"{self._request.method} {path}", {"body": body, "query": query})

    def json(self, empty: Any = None) -> Any:
        """Parse the body; raise UnsupportedMediaTypeError and NotJsonError.

        `empty` is what an empty body means; None: it must not be empty.
        """
        try:
            sent = self._request.raw_body
            text = sent if isinstance(sent, str) else sent.decode("utf-8")
        except ValueError:
            raise NotJsonError("the body is not UTF-8") from None
        if not text.strip(_JSON_WHITESPACE):
            if empty is not None:
                return empty
            raise NotJsonError("the body is empty")
        media_type = self._request.headers.get("content-type", "").partition(";")[0]
        if media_type.strip().lower() != "application/json":
            raise UnsupportedMediaTypeError("send the body with Content-Type: application/json")
        return parse_json(text)


View = Callable[[ApiRequest], object]


def endpoint(app: Chalice, method: str, path: str) -> Callable[[View], View]:
    """Make a function the view of a route of a Chalice app, one of `operations`."""
    readers = operation(method, path).query

    def register(view: View) -> View:
        @functools.wraps(view)
        def handle(**_: str) -> Response:
            request = app.current_request
            assert request is not None  # noqa: S101 (Chalice sets it before it calls a view)
            # Of API Gateway, else of Lambda itself.
            request_id = request.context.get("requestId") or app.lambda_context.aws_request_id
            started = time.perf_counter()
            answered = answer(view, ApiRequest(request, request_id, readers))
            milliseconds = 1000 * (time.perf_counter() - started)
            report_request(
                app.app_name, method, path, answered.status_code, milliseconds, request_id
            )
            return answered

        # Chalice's own check of the content type has errors of its own form, and passes none.
        app.route(path, methods=[method], content_types=["*/*"])(handle)
        return view

    return register


def answer(view: View, request: ApiRequest) -> Response:
    """Call a view and answer with what it returns, or with the problem that it raises."""
    try:
        result = view(request)
        reply = result if isinstance(result, Reply) else Reply(200, result)
        return _response(reply.status, reply.body, request.request_id, reply.headers)
    except Exception as error:  # noqa: BLE001 (the outermost frame: all becomes an answer here)
        problem = problem_of(error, request.request_id)
        headers = {"Content-Type": "application/problem+json", **problem.headers}
        return _response(problem.status, problem.body, request.request_id, headers)


def parse_json(text: str) -> Any:
    """Parse JSON as RFC 8259 has it; raise NotJsonError.

    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        raise NotJsonError("the body is nested too deeply") from None
    except ValueError as error:
        raise NotJsonError(f"the body is not JSON: {_reason(error)}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _whole(digits: str) -> int:
    return int(digits[:_MOST_DIGITS])


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)


def _response(
    status: int, body: object, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    common = {"Content-Type": "application/json", "X-Request-Id": request_id}
    text = body if isinstance(body, str) else compact_json(body)
    return Response(text, {**common, **(headers or {})}, status)
