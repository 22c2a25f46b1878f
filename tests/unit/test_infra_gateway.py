"""The gateway over real sockets, with a small Chalice app in the place of ours."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from infra.gateway import Gateway
from infra.gateway_server import GatewayServer
from infra.template import Template

TEMPLATE = """
Globals: {Function: {Handler: app.app}}
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      Events:
        Post: {Type: Api, Properties: {Path: /echo, Method: post}}
        Get: {Type: Api, Properties: {Path: "/echo/{name}", Method: get}}
        Literal: {Type: Api, Properties: {Path: /echo/literal, Method: get}}
        Big: {Type: Api, Properties: {Path: /big, Method: get}}
        Slow: {Type: Api, Properties: {Path: "/slow/{name}", Method: get}}
  Crash:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      Handler: app.crash
      Events:
        Crash: {Type: Api, Properties: {Path: /crash, Method: get}}
"""
APP = """
import time
from chalice import Chalice, Response
app = Chalice(app_name="echo")

@app.route("/echo", methods=["POST"], content_types=["application/json", "text/plain"])
def post():
    return dict(app.current_request.to_original_event())

@app.route("/echo/{name}", methods=["GET"])
def get(name):
    return {"name": name, "event": app.current_request.to_original_event()}

@app.route("/echo/literal", methods=["GET"])
def literal():
    return Response(
        body="literal", headers={"Content-Type": "text/plain", "X-Request-Id": "mine"}
    )

@app.route("/big", methods=["GET"])
def big():
    return {"text": "x" * 6_300_000}

def crash(event, context):
    raise KeyError("an inner secret")

@app.route("/slow/{name}", methods=["GET"])
def slow(name):
    time.sleep(0.05)
    return {"name": app.current_request.uri_params["name"]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    project = tmp_path_factory.mktemp("project")
    (project / "echo").mkdir()
    (project / "echo" / "app.py").write_text(APP)
    server = GatewayServer(0)
    server.start(Gateway.from_template(Template.parse(TEMPLATE, project)))
    yield server
    server.stop()


@pytest.fixture
def client(server: GatewayServer) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    yield connection
    connection.close()


def answer(
    client: HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    client.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    response = client.getresponse()
    return response.status, dict(response.getheaders()), response.read()


def raw(server: GatewayServer, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while read := connection.recv(65536):
            received += read
    return received


def test_a_body_in_utf8_reaches_the_function_as_text(client: HTTPConnection) -> None:
    sent = '{"title": "Köchin 料理"}'.encode()

    status, _, body = answer(client, "POST", "/echo", sent, Content_Type="application/json")

    event = json.loads(body)
    assert status == 200
    assert (event["body"], event["isBase64Encoded"]) == ('{"title": "Köchin 料理"}', False)


def test_a_body_that_is_no_utf8_reaches_the_function_byte_for_byte(client: HTTPConnection) -> None:
    status, _, body = answer(client, "POST", "/echo", b'{"a": "\xff"}', Content_Type="text/plain")

    event = json.loads(body)
    assert status == 200
    assert (event["body"], event["isBase64Encoded"]) == ("eyJhIjogIv8ifQ==", True)


def test_an_empty_body_is_null(client: HTTPConnection) -> None:
    _, _, body = answer(client, "POST", "/echo", Content_Type="application/json")

    assert json.loads(body)["body"] is None


def test_path_parameters_stay_percent_encoded_and_queries_are_decoded(
    client: HTTPConnection,
) -> None:
    _, _, body = answer(client, "GET", "/echo/a%2Fb%20c?x=1&x=2%263&y=")

    answered = json.loads(body)
    event = answered["event"]
    assert answered["name"] == "a%2Fb%20c"
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2&3"], "y": [""]}
    assert event["queryStringParameters"] == {"x": "2&3", "y": ""}
    assert event["requestContext"]["resourcePath"] == "/echo/{name}"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_no_query_is_null_as_in_a_real_event(client: HTTPConnection) -> None:
    _, _, body = answer(client, "GET", "/echo/a")

    assert json.loads(body)["event"]["multiValueQueryStringParameters"] is None


def test_repeated_headers_are_all_kept_and_the_last_one_counts(server: GatewayServer) -> None:
    request = b"GET /echo/a HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n"

    event = json.loads(raw(server, request).partition(b"\r\n\r\n")[2])["event"]

    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]
    assert event["headers"]["X-A"] == "2"


def test_a_literal_path_wins_over_a_parameter(client: HTTPConnection) -> None:
    status, headers, body = answer(client, "GET", "/echo/literal")

    assert (status, body) == (200, b"literal")
    assert headers["X-Request-Id"] == "mine"


@pytest.mark.parametrize("path", ["/", "/nothing", "/echo/a/b", "/echo//", "/%00", "/echo/.."])
def test_an_unknown_path_or_an_empty_parameter_is_no_crash(
    client: HTTPConnection, path: str
) -> None:
    status, headers, body = answer(client, "GET", path)

    assert status in (200, 404)
    assert headers["X-Request-Id"]
    if status == 404:
        assert headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["status"] == 404


@pytest.mark.parametrize("method", ["GET", "DELETE", "TRACE", "BREW"])
def test_a_method_that_is_not_served_is_405_and_names_those_that_are(
    client: HTTPConnection, method: str
) -> None:
    status, headers, body = answer(client, method, "/echo")

    assert status == 405
    assert headers["Allow"] == "OPTIONS, POST"
    assert json.loads(body)["title"] == "Method Not Allowed"


def test_options_says_what_is_allowed_and_keeps_the_connection(client: HTTPConnection) -> None:
    status, headers, body = answer(client, "OPTIONS", "/echo/a")
    again, _, _ = answer(client, "GET", "/echo/a")

    assert (status, headers["Allow"], body) == (204, "GET, HEAD, OPTIONS", b"")
    assert again == 200


def test_head_is_get_without_the_body(client: HTTPConnection) -> None:
    status, headers, body = answer(client, "HEAD", "/echo/literal")
    again, _, _ = answer(client, "GET", "/echo/a")

    assert (status, headers["Content-Length"], body) == (200, "7", b"")
    assert again == 200


def test_a_function_that_crashes_is_500_and_tells_nothing(
    client: HTTPConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    status, _, body = answer(client, "GET", "/crash")

    assert status == 500
    assert b"inner secret" not in body
    assert "inner secret" in capfd.readouterr().err


def test_an_answer_over_lambdas_limit_is_413(client: HTTPConnection) -> None:
    status, _, body = answer(client, "GET", "/big")

    assert status == 413
    assert "6 MB" in json.loads(body)["detail"]


@pytest.mark.parametrize("size", [6_300_000, 11_000_000])
def test_a_body_over_the_limits_is_413_and_the_sender_sees_it(
    client: HTTPConnection, size: int
) -> None:
    status, _, body = answer(client, "POST", "/echo", b"x" * size, Content_Type="text/plain")

    assert status == 413
    assert json.loads(body)["title"]


def test_a_body_that_only_grows_over_the_limit_as_json_is_413(client: HTTPConnection) -> None:
    quotes = b'"' * 3_200_000

    status, _, _ = answer(client, "POST", "/echo", quotes, Content_Type="text/plain")

    assert status == 413


def test_a_chunked_body_arrives_whole_and_the_connection_goes_on(client: HTTPConnection) -> None:
    chunks = iter([b'{"a":', b" 1}"])

    client.request("POST", "/echo", chunks, {"Content-Type": "text/plain"}, encode_chunked=True)
    event = json.loads(client.getresponse().read())
    status, _, _ = answer(client, "GET", "/echo/a")

    assert event["body"] == '{"a": 1}'
    assert status == 200


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        (b"Content-Length: abc", b"", b"400"),
        (b"Content-Length: -1", b"", b"400"),
        (b"Content-Length: 1\r\nContent-Length: 2", b"xx", b"400"),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"0\r\n\r\n", b"400"),
        (b"Transfer-Encoding: gzip", b"", b"501"),
        (b"Transfer-Encoding: chunked", b"zz\r\n", b"400"),
        (b"Transfer-Encoding: chunked", b"1\r\nabc\r\n0\r\n\r\n", b"400"),
        (b"Expect: 100-continue\r\nContent-Length: 99999999", b"", b"413"),
        # The length behind a line that is no header is not seen: the body would be a next request.
        (b"no header\r\nContent-Length: 2", b"{}", b"400"),
        (b"X-\xff: latin\r\nContent-Length: 2", b"{}", b"400"),
        (b": no name\r\nContent-Length: 2", b"{}", b"400"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_the_connection_closed(
    server: GatewayServer, header: bytes, body: bytes, status: bytes
) -> None:
    received = raw(server, b"POST /echo HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n" + body)

    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in received
    assert b"X-Request-Id" in received
    assert b"Connection: close" in received


def test_whoever_asks_first_is_told_to_go_on(server: GatewayServer) -> None:
    request = (
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\nhi"
    )

    received = raw(server, request)

    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_does_no_harm(server: GatewayServer, sent: bytes) -> None:
    raw(server, sent)

    alive = raw(server, b"GET /echo/literal HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert alive.startswith(b"HTTP/1.1 200")


def test_a_sender_that_hangs_up_does_no_harm(
    server: GatewayServer, capfd: pytest.CaptureFixture[str]
) -> None:
    raw(server, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")

    alive = raw(server, b"GET /echo/literal HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert alive.startswith(b"HTTP/1.1 200")
    assert "Traceback" not in capfd.readouterr().err


def test_requests_at_the_same_time_do_not_see_each_other(server: GatewayServer) -> None:
    def ask(name: str) -> str:
        client = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        _, _, body = answer(client, "GET", f"/slow/{name}")
        client.close()
        return str(json.loads(body)["name"])

    names = [f"n{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(ask, names))

    assert answered == names


def test_nobody_is_answered_before_the_start_and_a_running_request_is_finished_at_the_stop(
    tmp_path: Path,
) -> None:
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "app.py").write_text(APP.replace("sleep(0.05)", "sleep(0.5)"))
    server = GatewayServer(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.server_port), timeout=5)
    server.start(Gateway.from_template(Template.parse(TEMPLATE, tmp_path)))
    client = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    client.request("GET", "/slow/last")

    # The request is under way when the server is told to stop.
    threading.Event().wait(0.2)
    server.stop()

    assert client.getresponse().status == 200


def test_a_port_that_is_taken_is_refused_at_once(server: GatewayServer) -> None:
    with pytest.raises(OSError, match="in use"):
        GatewayServer(server.server_port)
