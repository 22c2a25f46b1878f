"""A client as a process of its own: sends each piece of feedback three times with the same key.

`... NUMBER URL URL` sends to the gateways in turn and prints every answer as JSON. Of every second
piece all three go at once, of the others one after the other.
"""

import http.client
import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from tests.scale import either

PIECES, TIMES = either(quick=50, thorough=200), 3
ACTIONS = ("view", "contact", "convert", "archive", "rate")
_own = threading.local()


def piece(client: int, number: int) -> dict[str, Any]:
    """Return one piece of feedback; clients speak of the same leads, and say different things."""
    action = ACTIONS[number % 5]
    body: dict[str, Any] = {"lead_id": number % 25, "action_type": action}
    if action == "contact":
        body["contact_successful"] = number % 10 == 1
    if action == "convert":
        body["conversion_value"] = 0.1 * (client + 1)
    if action == "rate":
        body["user_rating"] = number % 100
    return body


def post(url: str, key: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Post once, on this thread's connection; repeat what somebody else is working on."""
    address = urlsplit(url)
    connections = _own.__dict__.setdefault("connections", {})
    while True:
        connection = connections.setdefault(url, http.client.HTTPConnection(address.netloc))
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        connection.request("POST", f"{address.path}/feedback", json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 409:
            return response.status, answer
        time.sleep(0.05)


def answers(client: int, urls: list[str]) -> Iterator[list[tuple[int, Any]]]:
    """Send every piece; iterate over the three answers to each."""
    with ThreadPoolExecutor(TIMES) as pool:
        for number in range(PIECES):
            key, body = f"{client}-{number}", piece(client, number)
            targets = list(itertools.islice(itertools.cycle(urls), number % 2, number % 2 + TIMES))
            if number % 2:
                yield [post(url, key, body) for url in targets]
            else:
                sent = [pool.submit(post, url, key, body) for url in targets]
                yield [each.result() for each in sent]


if __name__ == "__main__":
    print(json.dumps(list(answers(int(sys.argv[1]), sys.argv[2:]))))
