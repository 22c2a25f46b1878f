"""Clients of AWS: one session for all of an endpoint, so that botocore reads descriptions once.

Reading them is most of what making a client costs, and a session of its own for every table, as
PynamoDB has it, reads them anew.
"""

from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config

from .aws import ATTEMPTS, CONNECT_SECONDS, PARALLEL_REQUESTS, READ_SECONDS


class _Clients:
    """The clients of this process by service, endpoint and patience."""

    def __init__(self) -> None:
        self._sessions: dict[str | None, Any] = {}
        self._made: dict[tuple[str, str | None, float], Any] = {}
        # Making a client is not thread-safe in botocore, using one is.
        self._making = Lock()

    def get(self, service: str, endpoint_url: str | None, read_seconds: float) -> Any:
        key = service, endpoint_url, read_seconds
        with self._making:
            if key not in self._made:
                # Another endpoint may be another AWS, with other credentials.
                session = self._sessions.get(endpoint_url) or botocore.session.get_session()
                config = _config(service, endpoint_url, read_seconds)
                client = session.create_client(service, endpoint_url=endpoint_url, config=config)
                # Without credentials both would stay so, though some may be there a moment later.
                if session.get_credentials() is None:
                    return client
                self._sessions[endpoint_url], self._made[key] = session, client
            return self._made[key]


_CLIENTS = _Clients()


def client(service: str, endpoint_url: str | None, read_seconds: float = READ_SECONDS) -> Any:
    """Return a service's client, which is made at the first call and kept.

    `read_seconds` is how long one attempt of a request may take.
    """
    return _CLIENTS.get(service, endpoint_url, read_seconds)


def _config(service: str, endpoint_url: str | None, read_seconds: float) -> Config:
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=PARALLEL_REQUESTS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # PynamoDB has checked what it sends.
        parameter_validation=service != "dynamodb",
        signature_version="s3v4" if service == "s3" else None,
        # A bucket is a name of its own in AWS's domain only.
        s3={"addressing_style": "path"} if service == "s3" and endpoint_url else None,
    )
