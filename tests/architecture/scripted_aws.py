"""An AWS that knows one model and nothing else, and counts what it is asked."""

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Calls:
    """The operations that were called, in their order."""

    def __init__(self) -> None:
        self._operations: list[str] = []

    def note(self, operation: str) -> None:
        self._operations.append(operation)

    def taken(self) -> list[str]:
        """Return them, sorted, and begin anew."""
        taken, self._operations = sorted(self._operations), []
        return taken


@contextmanager
def scripted_aws(
    entries: Mapping[str, Any], files: Mapping[str, bytes]
) -> Iterator[tuple[str, Calls]]:
    """Give its address: GetItem finds the registry's entries, S3 has files, each by its name."""
    calls = Calls()

    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            calls.note("GetObject" if self.path.count("/") > 1 else "ListObjectsV2")
            self._answer(files.get(self.path.rpartition("/")[2], b"<ListBucketResult/>"))

        def do_HEAD(self) -> None:
            calls.note("HeadBucket")
            self._answer(b"")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            calls.note(operation)
            answer: dict[str, Any] = {"Items": [], "Count": 0, "ScannedCount": 0, "Responses": {}}
            if operation == "GetItem":
                entry = asked["Key"].get("entry", {}).get("S")
                answer = {"Item": entries[entry]} if entry in entries else {}
            self._answer(json.dumps(answer).encode())

        def _answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", calls
        server.shutdown()
