"""The functions' Chalice apps behind one client, on services of a test's own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalice.test import Client

from infra.gateway_events import RouteTable
from infra.gateway_functions import load_handler
from infra.template import Template
from lead_scoring.bootstrap import Services
from tests.conformity import assert_conforms

BASE = "/api/v1/ml"
LEAD: dict[str, Any] = {
    "lead_id": 123,
    "title": "Software Engineer Position",
    "description": "Looking for a Python developer, $120k",
    "category": "software/qa/dba",
    "location_name": "San Francisco",
    "price": 120000,
    "email": "recruiter@company.com",
    "posted_at": "2024-01-01T12:00:00Z",
}


@dataclass(frozen=True)
class Answer:
    """An answer, its body parsed."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str

    @property
    def pointers(self) -> list[str]:
        return [each["pointer"] for each in self.body["errors"]]


@cache
def _template() -> Template:
    return Template.load()


class HttpClient:
    """Calls a route of whichever app has it."""

    def __init__(self, services: Services) -> None:
        self.services: Any = services
        template = _template()
        self._routes = RouteTable(template.routes())
        self._clients = {
            function.logical_id: Client(load_handler(function))  # type: ignore[arg-type]
            for function in template.functions()
            if function.handler == "app.app"
        }

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def post(self, path: str, body: Any) -> Answer:
        """Send a body as JSON; bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, {"Content-Type": "application/json"})

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        match = self._routes.match(BASE + path.partition("?")[0])
        assert match is not None
        client = self._clients[match.routes[method].function]
        response = client.http.request(method, BASE + path, headers or {}, body)
        text = response.body.decode("utf-8")
        kind = response.headers["Content-Type"]
        parsed = json.loads(text) if kind.endswith("json") else None
        content = text if parsed is None else parsed
        assert_conforms(method, BASE + path, response.status_code, kind, content)
        return Answer(response.status_code, response.headers, parsed, text)
