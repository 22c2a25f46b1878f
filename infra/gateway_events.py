"""What API Gateway (a REST API with Lambda proxy integrations) makes of an HTTP request.

Field by field as in "Input format of a Lambda function for proxy integration" of the API Gateway
developer guide. Two things that differ between API Gateway's kinds and matter here: a REST API
hands path parameters over as they were sent, percent-encoded, and query parameters decoded.
"""

import base64
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.template import Route

STAGE = "local"
ACCOUNT_ID = "000000000000"
API_ID = "local"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request; `target` is the path with its query, `headers` are in order of arrival."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0].partition("#")[0]

    @property
    def query(self) -> str:
        """The query as sent, without the question mark."""
        return self.target.partition("?")[2].partition("#")[0]


@dataclass(frozen=True, slots=True)
class Match:
    """A path that is served: by which route for each method, and with which parameters."""

    routes: Mapping[str, Route]
    resource_path: str
    parameters: Mapping[str, str]


class RouteTable:
    """Find the routes of a path; a literal segment wins over a parameter.

    >>> table = RouteTable([Route("F", "GET", "/leads/{lead_id}"), Route("G", "GET", "/leads/new")])
    >>> table.match("/leads/a%20b").parameters, table.match("/leads/new").resource_path
    ({'lead_id': 'a%20b'}, '/leads/new')
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        # "{" sorts after every letter, so literal segments come first.
        self._by_path = dict(sorted(by_path.items()))

    def match(self, path: str) -> Match | None:
        """Return what serves this path, None if nothing does."""
        # API Gateway does not tell a path from the same one with a slash at its end.
        segments = (path[:-1] if len(path) > 1 and path.endswith("/") else path).split("/")
        for resource_path, routes in self._by_path.items():
            parameters = _parameters(resource_path.split("/"), segments)
            if parameters is not None:
                return Match(routes, resource_path, parameters)
        return None


def _parameters(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    found: dict[str, str] = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected.startswith("{") and given:
            found[expected[1:-1]] = given
        elif expected != given:
            return None
    return found


def proxy_event(request: HttpRequest, match: Match, request_id: str) -> dict[str, Any]:
    """Build the event that the Lambda function gets for this request."""
    headers = _grouped(request.headers)
    # max_num_fields is left open: the length of the request line bounds it already.
    query = _grouped(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
    body, is_base64 = _body(request.body)
    return {
        "resource": match.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        # Of several values of one name the single-value maps hold the last.
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": _request_context(request, match, request_id),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        # The bytes reach the handler untouched, so that it can refuse them.
        return base64.b64encode(body).decode("ascii"), True


def _request_context(request: HttpRequest, match: Match, request_id: str) -> dict[str, Any]:
    now = time.time()
    host = next((value for name, value in request.headers if name.lower() == "host"), "localhost")
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), None)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": uuid.uuid4().hex,
        "httpMethod": request.method,
        "identity": {"sourceIp": request.source_ip, "userAgent": agent, "user": None},
        # As it was called: with a domain of its own an API has no stage in its paths.
        "path": request.path,
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": match.resource_path,
        "resourcePath": match.resource_path,
        "stage": STAGE,
    }
