"""Lambda's Invoke API on a port of the loopback, for the functions of `template.yaml`.

`POST /2015-03-31/functions/{name}/invocations` as in the API reference of AWS Lambda: with
`X-Amz-Invocation-Type: Event` the answer is 202 at once, and the function runs in a process of its
own; without, the answer is the function's. An asynchronous call is made once, as the template wants
it (MaximumRetryAttempts 0).
"""

import json
import re
import threading
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.function_processes import FunctionProcesses
from infra.template import Function

_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# Of an event, of a request that is waited for.
EVENT_LIMIT_BYTES, REQUEST_LIMIT_BYTES = 1_048_576, 6_291_456


class LambdaError(Exception):
    """An error of the API itself, by AWS's name and status."""

    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class _Invocation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "lead-scoring-local"
    sys_version = ""
    timeout = 75
    server: "LambdaEndpoint"

    def do_POST(self) -> None:
        """Invoke the function that the path names."""
        try:
            status, body, headers = self._invoke()
        except LambdaError as error:
            # A body that was not read would be taken for the next request.
            self.close_connection = True
            status, headers = error.status, {"X-Amzn-ErrorType": error.kind}
            body = json.dumps({"Type": "User", "Message": error.message}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Amzn-RequestId", str(uuid.uuid4()))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _invoke(self) -> tuple[HTTPStatus, bytes, dict[str, str]]:
        # Clients of AWS sign; a web page that knocks on ports of this machine cannot.
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            message = "Missing Authentication Token"
            raise LambdaError(HTTPStatus.FORBIDDEN, "MissingAuthenticationTokenException", message)
        function = self.server.function(urlsplit(self.path).path)
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        event = self._event(EVENT_LIMIT_BYTES if kind == "Event" else REQUEST_LIMIT_BYTES)
        if kind == "DryRun":
            return HTTPStatus.NO_CONTENT, b"", {}
        call = self.server.processes.start(function, event)
        if kind == "Event":
            return HTTPStatus.ACCEPTED, b"", {}
        ended = call.wait()
        answer = ended.answer if ended else None
        failed = {"X-Amz-Function-Error": "Unhandled"} if ended and ended.fault else {}
        return HTTPStatus.OK, json.dumps(answer).encode(), failed

    def _event(self, limit_bytes: int) -> Any:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > limit_bytes:
            message = f"Request must be smaller than {limit_bytes} bytes for the Invoke operation"
            raise LambdaError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message
            )
        sent = self.rfile.read(int(length))
        try:
            return json.loads(sent or b"{}")
        except ValueError:
            message = "Could not parse request body into json"
            raise LambdaError(
                HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message
            ) from None

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: whoever runs the functions says what matters."""


class LambdaEndpoint(ThreadingHTTPServer):
    """The Invoke API; it listens from the start, on any free port."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        functions: Iterable[Function],
        processes: FunctionProcesses,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__((host, 0), _Invocation)
        self.processes = processes
        self._functions = {function.name: function for function in functions}
        self.url = f"http://{host}:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def function(self, path: str) -> Function:
        """Return the function that a path invokes; raise LambdaError."""
        found = _INVOKE.fullmatch(path)
        name = unquote(found.group(1)) if found else path
        if name not in self._functions:
            message = f"Function not found: {name}"
            raise LambdaError(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", message)
        return self._functions[name]

    def stop(self) -> None:
        """Take no more calls, and end those that run."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        self.processes.stop()
