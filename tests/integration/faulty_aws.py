"""An AWS between ours and the embedded one, that fails at a call, and from there on if it is told.

Unlike `tests.contract.unreliable_aws`, it passes S3 on, and is given a fault for all operations.
"""

import http.client
import http.server
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

# What becomes of a call: never passed on; done, but the answer lost; refused; done when whoever
# called has given up; answered with an error; done after a while; not answered at all.
CUT, LOST, THROTTLED, LATE = "cut", "lost", "throttled", "late"
FAILED, SLOW, HANGING = "failed", "slow", "hanging"
LATE_SECONDS, SLOW_SECONDS, HANGING_SECONDS = 3.0, 0.3, 20.0


class Call(NamedTuple):
    """A call: the operation, and how often it was called before and with this."""

    operation: str
    number: int


class Faults:
    """Which calls fail, and how; notes all that there were since it was set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Let all be well again."""
        self.set("", None)

    def set(self, fault: str, at: Call | None, lasting: bool = True) -> None:
        """Have a call fail, and every one after it if `lasting`."""
        with self._lock:
            self._fault, self._at, self._lasting = fault, at, lasting
            self.calls: list[Call] = []
            self._counts = Counter[str]()
            self._is_on = False
            # A call that a busy machine makes less often may never come.
            self.has_struck = False
            self.has_arrived = threading.Event()

    def of(self, operation: str) -> str | None:
        """Return how the next call of an operation fails, None if it does not."""
        with self._lock:
            self._counts[operation] += 1
            call = Call(operation, self._counts[operation])
            self.calls.append(call)
            self._is_on = (self._is_on and self._lasting) or call == self._at
            self.has_struck |= self._is_on
            return self._fault if self._is_on else None


class RandomFaults(Faults):
    """Every call may fail while it is on: `odds` are those of each fault."""

    def __init__(self, odds: Mapping[str, float], seed: int) -> None:
        super().__init__()
        self.is_on, self.struck = False, Counter[str]()
        self._odds, self._chance = odds, random.Random(seed)

    def of(self, _operation: str) -> str | None:
        with self._lock:
            drawn = self._chance.random()
            if not self.is_on:
                return None
            for fault, odds in self._odds.items():
                drawn -= odds
                if drawn < 0:
                    self.struck[fault] += 1
                    return fault
            return None


class _Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets: the second must not wait for the first to be confirmed.
    disable_nagle_algorithm = True
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.upstream)

    def finish(self) -> None:
        super().finish()
        self._upstream.close()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fault = self.server.faults.of(self._operation())
        if fault == THROTTLED:
            self._refuse("ProvisionedThroughputExceededException", 400, 503, "SlowDown")
        elif fault == FAILED:
            self._refuse("InternalServerError", 500, 500, "InternalError")
        elif fault == HANGING:
            time.sleep(HANGING_SECONDS)
            self.close_connection = True
        elif fault == SLOW:
            time.sleep(SLOW_SECONDS)
            self._answer(body, is_lost=False)
        elif fault == CUT:
            self.close_connection = True
        elif fault == LATE:
            time.sleep(LATE_SECONDS)
            self._answer(body, is_lost=True)
            self.server.faults.has_arrived.set()
        else:
            self._answer(body, is_lost=fault == LOST)

    # Names that the base class gives.
    do_GET = do_HEAD = do_PUT = do_POST = _pass_on  # noqa: N815

    def _operation(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        return target.partition(".")[2] or f"{self.command} {self.path.rpartition('/')[2]}"

    def _answer(self, body: bytes, is_lost: bool) -> None:
        self._upstream.request(self.command, self.path, body, dict(self.headers))
        answered = self._upstream.getresponse()
        content = answered.read()
        if is_lost:
            self.close_connection = True
            return
        self.send_response(answered.status)
        for name, value in answered.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, of_dynamodb: str, status: int, status_of_s3: int, of_s3: str) -> None:
        if "X-Amz-Target" in self.headers:
            kind = f"com.amazonaws.dynamodb.v20120810#{of_dynamodb}"
            content = json.dumps({"__type": kind, "message": "not now"}).encode()
        else:
            status, content = status_of_s3, f"<Error><Code>{of_s3}</Code></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Between)
        self.upstream, self.faults = upstream, faults


@contextmanager
def faulty_aws(endpoint_url: str, faults: Faults) -> Iterator[str]:
    """Give the address of an AWS that has these faults."""
    with _Server(urlsplit(endpoint_url).netloc, faults) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
