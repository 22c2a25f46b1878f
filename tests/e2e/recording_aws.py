"""An AWS between ours and the embedded one that notes which function did what to what."""

import http.client
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_CALLER = re.compile(r"Credential=([^/]+)/")
# DynamoDB's transactions are no actions of their own: their parts are.
_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_S3 = {"GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject", "HEAD": "GetObject"}


class Use(NamedTuple):
    """What a function did to what, as IAM names it; a table's index and a bucket's keys apart."""

    function: str
    action: str
    resource: str


class Recording:
    """All uses, each once."""

    def __init__(self) -> None:
        self.uses: set[Use] = set()

    def note(self, method: str, path: str, headers: Any, body: bytes) -> None:
        caller = _CALLER.search(headers.get("Authorization", ""))
        if caller:
            for action, resource in _actions(method, path, headers, body):
                self.uses.add(Use(caller.group(1), action, resource))


def _actions(method: str, path: str, headers: Any, body: bytes) -> Iterator[tuple[str, str]]:
    operation = headers.get("X-Amz-Target", "").partition(".")[2]
    if not operation:
        yield _of_s3(method, path)
        return
    content = json.loads(body)
    for item in content.get("TransactItems", []):
        for part, asked in item.items():
            yield f"dynamodb:{_PARTS[part]}", asked["TableName"]
    for table in content.get("RequestItems", {}):
        yield f"dynamodb:{operation}", table
    if "TableName" in content and operation != "DescribeTable":
        index = f"/index/{content['IndexName']}" if "IndexName" in content else ""
        yield f"dynamodb:{operation}", content["TableName"] + index


def _of_s3(method: str, path: str) -> tuple[str, str]:
    bucket, _, key = urlsplit(path).path.strip("/").partition("/")
    if key:
        return f"s3:{_S3[method]}", f"{bucket}/{key.partition('/')[0]}/*"
    return "s3:ListBucket", bucket


@contextmanager
def recording_aws(endpoint_url: str, recording: Recording) -> Iterator[str]:
    """Give the address of an AWS that is watched."""
    upstream = urlsplit(endpoint_url).netloc

    class Between(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self._upstream = http.client.HTTPConnection(upstream)

        def finish(self) -> None:
            super().finish()
            self._upstream.close()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            recording.note(self.command, self.path, self.headers, body)
            self._upstream.request(self.command, self.path, body, dict(self.headers))
            answered = self._upstream.getresponse()
            content = answered.read()
            self.send_response(answered.status)
            for name, value in answered.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        # Names that the base class gives.
        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
