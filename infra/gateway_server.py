"""HTTP/1.1 around the gateway: connections, threads, bodies, and a clean stop."""

import contextlib
import errno
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from infra.gateway import Gateway, HttpResponse, problem
from infra.gateway_bodies import (
    BODY_LIMIT_BYTES,
    RefusedRequestError,
    declared_length,
    read_body,
    too_large,
)
from infra.gateway_events import HttpRequest

# A request holds a thread; one that sends nothing for so long is hung up on.
IDLE_SECONDS = 75
FINISH_SECONDS = 20
LINGER_SECONDS = 0.5


class _Connection(BaseHTTPRequestHandler):
    """One connection: any number of requests, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "lead-scoring-local"
    sys_version = ""
    timeout = IDLE_SECONDS
    # One packet a response, and at once: otherwise Nagle's algorithm costs 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: "GatewayServer"

    def __getattr__(self, name: str) -> Any:
        # The base class looks for a method by the name of the request's, such as do_GET; which
        # of them are allowed is for the gateway to say.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        with self.server.one_request():
            try:
                response = self._respond()
            except RefusedRequestError as refused:
                self.close_connection = True
                self._send(problem(refused.status, refused.detail, str(uuid.uuid4())))
                self._let_the_answer_arrive()
            else:
                self._send(response)

    def _respond(self) -> HttpResponse:
        length = declared_length(self.headers)
        if self.headers.get("Expect", "").lower() == "100-continue":
            if length is not None and length > BODY_LIMIT_BYTES:
                raise too_large(BODY_LIMIT_BYTES)
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()
        body = read_body(self.rfile, length)
        return self.server.gateway.handle(
            HttpRequest(
                self.command,
                origin_form(self.path),
                self.headers.items(),
                body,
                self.client_address[0],
            )
        )

    def handle_expect_100(self) -> bool:
        """Leave the permission to `_respond`, which knows whether the body is welcome."""
        return True

    def _send(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection or self.server.stopping:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def _let_the_answer_arrive(self) -> None:
        # Closing with unread input resets the connection, and with it the answer.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER_SECONDS)
            read_body(self.rfile, BODY_LIMIT_BYTES)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class cannot read in our form instead of HTML."""
        self.close_connection = True
        self.command = self.command or ""
        self.request_version = self.protocol_version
        detail = explain or message or HTTPStatus(code).description or HTTPStatus(code).phrase
        self._send(problem(code, detail, str(uuid.uuid4())))

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the gateway logs each request itself, without the lead's id."""


def origin_form(target: str) -> str:
    """Return a request target as path and query, in ASCII.

    >>> origin_form("http://localhost:8000/health?x=1"), origin_form("/leads/\xc3\xa4")
    ('/health?x=1', '/leads/%C3%A4')
    """
    if target.lower().startswith(("http://", "https://")):
        target = "/" + target.partition("//")[2].partition("/")[2]
    # The request line was read as Latin-1: each character is one byte of what was sent.
    return "".join(char if char < "\x80" else f"%{ord(char):02X}" for char in target)


class GatewayServer(ThreadingHTTPServer):
    """HTTP/1.1 on the loopback, a thread for each connection.

    The port is taken at once, so that a busy one shows before anything is loaded; connections
    are refused until `start`.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # Two servers on one port would share its requests.
    allow_reuse_port = False
    quiet_errors: ClassVar[tuple[type[Exception], ...]] = (ConnectionError, TimeoutError)

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), _Connection, bind_and_activate=False)
        self.gateway: Gateway
        self.stopping = False
        self._busy = 0
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None
        try:
            self.server_bind()
            # Not every system refuses the loopback's port to us when somebody has it everywhere.
            _refuse_if_taken(host, self.server_port)
        except OSError:
            self.server_close()
            raise

    def server_bind(self) -> None:
        """Bind without the base class's look-up of our name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.socket.getsockname()[1]

    def start(self, gateway: Gateway) -> None:
        """Begin to listen, and answer in the background."""
        self.gateway = gateway
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, finish the requests that run, and free the port."""
        self.stopping = True
        if self._thread:
            self.shutdown()
            self._thread.join()
            with self._idle:
                self._idle.wait_for(lambda: self._busy == 0, FINISH_SECONDS)
        self.server_close()

    @contextlib.contextmanager
    def one_request(self) -> Iterator[None]:
        """Count a request as running for the length of a `with` block."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client hangs up; everything else is our fault and shows."""
        if not isinstance(sys.exception(), self.quiet_errors):
            super().handle_error(request, client_address)


def _refuse_if_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            raise OSError(errno.EADDRINUSE, "the port is in use")
