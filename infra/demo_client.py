"""Talk to the service over HTTP as any client would, on connections that are kept."""

import http.client
import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60
# Pieces of feedback on their way at once.
PARALLEL_REQUESTS = 4


class UnexpectedAnswerError(Exception):
    """The service answered with an error where the simulation needs an answer."""


class ServiceClient:
    """A client of one base URL; usable from several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address, self._base = parts.netloc, parts.path
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(PARALLEL_REQUESTS)

    def get(self, path: str) -> Any:
        """Return what is at a path; raise UnexpectedAnswerError."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """Send a body as JSON and return the answer; raise UnexpectedAnswerError."""
        return self._ask("POST", path, json.dumps(body).encode())

    def post_all(self, path: str, bodies: Iterable[Any]) -> list[Any]:
        """Send bodies, several at once; return the answers in order."""
        return list(self._pool.map(lambda body: self.post(path, body), bodies))

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(
                self._address, timeout=TIMEOUT_SECONDS
            )
        connection = self._own.connection
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, self._base + path, body, headers)
        response = connection.getresponse()
        content = response.read()
        if response.status >= 400:
            answered = content.decode("utf-8", "replace")[:500]
            raise UnexpectedAnswerError(f"{method} {path}: {response.status} {answered}")
        return json.loads(content)
