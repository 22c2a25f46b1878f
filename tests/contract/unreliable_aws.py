"""An AWS between ours and the embedded one, that loses answers or gets in the way as it is told."""

import http.client
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

# What becomes of a call: done and answered; done but the answer lost; or cancelled for a reason.
DONE, LOST = "done", "lost"
Fate = Callable[[str, dict[str, Any]], str]


@contextmanager
def unreliable_aws(endpoint_url: str, fate: Fate) -> Iterator[str]:
    """Pass calls on; `fate` says of each, by operation and content, what becomes of it.

    It returns DONE, LOST, or the reason for which DynamoDB cancels a transaction.
    """
    upstream = urlsplit(endpoint_url).netloc

    class Between(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content = json.loads(body)
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            decided = fate(operation, content)
            if decided not in (DONE, LOST):
                self._answer(400, _cancelled(decided, len(content["TransactItems"])))
                return
            connection = http.client.HTTPConnection(upstream)
            connection.request("POST", self.path, body, dict(self.headers))
            answered = connection.getresponse()
            answer = answered.read()
            connection.close()
            if decided == LOST:
                self.close_connection = True
            else:
                self._answer(answered.status, answer)

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _cancelled(reason: str, actions: int) -> bytes:
    # The last action of ours is the counter's, which all writers share.
    reasons = [{"Code": "None"}] * (actions - 1) + [{"Code": reason, "Message": "no"}]
    content = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled",
        "CancellationReasons": reasons,
    }
    return json.dumps(content).encode()
