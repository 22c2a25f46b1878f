"""A client as a process of its own: sends its part of a plan to the gateways in turn.

`... PLAN NUMBER URL URL` reads the NUMBERth list of requests in a JSON file, sends each, and prints
every answer that matters as JSON: for scores the user and the variant, for feedback the status.
"""

import http.client
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def send(
    connection: http.client.HTTPConnection, base: str, request: dict[str, Any]
) -> tuple[int, Any]:
    """Send once; repeat what somebody else is working on under the same key."""
    headers = {"Content-Type": "application/json"}
    if request.get("key"):
        headers["Idempotency-Key"] = request["key"]
    while True:
        connection.request("POST", base + request["path"], json.dumps(request["body"]), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 409:
            return response.status, answer
        time.sleep(0.05)


def main(plan: str, number: str, *urls: str) -> None:
    own = json.loads(Path(plan).read_text())[int(number)]
    gateways = [
        (http.client.HTTPConnection(urlsplit(url).netloc), urlsplit(url).path) for url in urls
    ]
    answers = []
    for request, (connection, base) in zip(own, itertools.cycle(gateways), strict=False):
        status, answer = send(connection, base, request)
        said = answer.get("ab_test_variant") if "lead_data" in request["body"] else None
        answers.append([status, request["body"].get("user_id"), said, answer.get("degraded")])
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
