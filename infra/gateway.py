"""Serve every function of `template.yaml` on one port, as API Gateway would.

`Gateway` turns a request into a Lambda event, calls the function that the template names for it,
and turns the reply into a response. `gateway_server` speaks HTTP around it.
"""

import base64
import json
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from infra.gateway_events import HttpRequest, Match, RouteTable, proxy_event
from infra.gateway_functions import FunctionTimeoutError, LoadedFunction
from infra.template import Function, Template

# Lambda's limits of a synchronous call, for the whole JSON and not only the body in it.
LAMBDA_REQUEST_LIMIT_BYTES = 6_291_456
LAMBDA_RESPONSE_LIMIT_BYTES = 6_291_556

access_log = logging.getLogger("infra.gateway")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


class Gateway:
    """Answers requests from the functions of a template."""

    def __init__(
        self, template: Template, functions: Mapping[str, Callable[[dict[str, Any]], Any]]
    ) -> None:
        self._table = RouteTable(template.routes())
        self._functions = functions

    @classmethod
    def from_template(
        cls,
        template: Template,
        load: Callable[[Function], Callable[[dict[str, Any]], Any]] = LoadedFunction,
    ) -> "Gateway":
        """Load every function that has a route; the environment must be set before."""
        serving = {route.function for route in template.routes()}
        loaded = {
            function.logical_id: load(function)
            for function in template.functions()
            if function.logical_id in serving
        }
        return cls(template, loaded)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request and log it; never raises."""
        started = time.perf_counter()
        response = self.answer(request)
        match = self._table.match(request.path)
        access_log.info(
            "%s %s %d %.1f ms",
            request.method if request.method.isalpha() else "?",
            # The route and not the path, which names a lead.
            match.resource_path if match else "(no route)",
            response.status,
            1000 * (time.perf_counter() - started),
        )
        return response

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; never raises."""
        request_id = str(uuid.uuid4())
        try:
            return self._answer(request, self._table.match(request.path), request_id)
        except FunctionTimeoutError:
            retry = [("Retry-After", "1")]
            return problem(503, "No answer came in time; try again.", request_id, retry)
        except Exception:  # noqa: BLE001 (Lambda contains a crash of a handler the same way)
            traceback.print_exc()
            # As DEFAULT_5XX of the template's GatewayResponses.
            detail = "Something went wrong here; the request id helps to find it."
            return problem(500, detail, request_id)

    def _answer(self, request: HttpRequest, match: Match | None, request_id: str) -> HttpResponse:
        if match is None:
            return problem(404, "Nothing is served at this path.", request_id)
        allowed = _allowed_methods(match)
        if request.method == "OPTIONS" and "OPTIONS" not in match.routes:
            return HttpResponse(204, [("Allow", allowed), ("X-Request-Id", request_id)])
        # HEAD is GET without the body, which the server leaves out.
        method = "GET" if request.method == "HEAD" else request.method
        route = match.routes.get(method) or match.routes.get("ANY")
        if route is None:
            detail = f"{request.method} is not allowed here, only {allowed}."
            return problem(405, detail, request_id, [("Allow", allowed)])
        as_sent = HttpRequest(
            method, request.target, request.headers, request.body, request.source_ip
        )
        event = proxy_event(as_sent, match, request_id)
        if _json_bytes(event) > LAMBDA_REQUEST_LIMIT_BYTES:
            return problem(413, "The request is over Lambda's limit of 6 MB.", request_id)
        reply = self._functions[route.function](event)
        if _json_bytes(reply) > LAMBDA_RESPONSE_LIMIT_BYTES:
            return problem(413, "The answer would be over Lambda's limit of 6 MB.", request_id)
        return _response(reply, request_id)


def _allowed_methods(match: Match) -> str:
    methods = set(match.routes) | {"OPTIONS"} | ({"HEAD"} if "GET" in match.routes else set())
    return ", ".join(sorted(methods))


def _json_bytes(payload: Mapping[str, Any]) -> int:
    # JSON needs at most six bytes for one of the body's; most requests are far below.
    if 6 * len(payload.get("body") or "") < LAMBDA_REQUEST_LIMIT_BYTES // 2:
        return 0
    return len(json.dumps(payload, ensure_ascii=False).encode("utf-8"))


def _response(reply: Mapping[str, Any], request_id: str) -> HttpResponse:
    headers = [(name, str(value)) for name, value in (reply.get("headers") or {}).items()]
    for name, values in (reply.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    if not any(name.lower() == "x-request-id" for name, _ in headers):
        headers.append(("X-Request-Id", request_id))
    body = reply.get("body") or ""
    if reply.get("isBase64Encoded"):
        return HttpResponse(int(reply["statusCode"]), headers, base64.b64decode(body))
    return HttpResponse(int(reply["statusCode"]), headers, body.encode("utf-8"))


def problem(
    status: int, detail: str, request_id: str, headers: list[tuple[str, str]] | None = None
) -> HttpResponse:
    """Build an error of the gateway itself, in the form of every other (RFC 9457).

    >>> problem(404, "Nothing is served at this path.", "r-1").headers[-1]
    ('X-Request-Id', 'r-1')
    """
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return HttpResponse(
        status,
        [
            *(headers or []),
            ("Content-Type", "application/problem+json"),
            ("X-Request-Id", request_id),
        ],
        json.dumps(content).encode("utf-8"),
    )
