"""Idempotency keys: the same request again is answered as before, and done once.

A key counts per method and path. Most requests are noted before they are done, so that one which
was cut off goes on as the same operation when it is repeated. What is done in a single transaction
keeps its reply in that very transaction instead.
"""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from .entities.models import KeptReply, KeyedRequest, Operation
from .errors import (
    ANOTHER_CONTENT,
    ArtifactError,
    Fault,
    InvalidInputError,
    KeyInUseError,
    LeadScoringError,
    StoreUnavailableError,
)
from .ports import Clock, ReplyStore

# Longer than any function behind the API lives.
WORKING_SECONDS = 35

Answer = tuple[int, object]
Keep = Callable[[int, object], KeptReply | None]


class Idempotency:
    """Does the request of a key once."""

    def __init__(self, clock: Clock, replies: ReplyStore, hash_key: str) -> None:
        """Wire it; keys and contents are kept only as hashes under `hash_key`."""
        self._clock, self._replies, self._hash_key = clock, replies, hash_key.encode()

    def once(self, request: KeyedRequest, act: Callable[[Operation], Answer]) -> Answer:
        """Return what `act` answers (status and body), or what it answered before.

        `act` must change nothing more when it is called again with the same operation. Raises
        KeyInUseError while the first request is being worked on; InvalidInputError if the key stood
        for another content; whatever `act` raises, which is not kept.
        """
        operation = self._new_operation()
        if request.key is None:
            return act(operation)
        key, fingerprint = self._key(request), self._fingerprint(request)
        until = operation.at + timedelta(seconds=WORKING_SECONDS)
        begun = self._replies.begin(key, fingerprint, operation, until)
        if isinstance(begun, KeptReply):
            return begun.status, json.loads(begun.body)
        with self._noted(key):
            status, body = act(begun)
        self._replies.finish(KeptReply(key, fingerprint, status, json.dumps(body)))
        return status, body

    def once_in_one_write(
        self,
        request: KeyedRequest,
        act: Callable[[Operation, Keep], Answer],
        again: Callable[[Any], None],
    ) -> Answer:
        """Do the same for what is one transaction, in which `act` keeps what `keep` makes.

        `act` raises KeyInUseError if something is kept under the key already. What it does after
        the transaction may have been cut off: `again` does it anew, from the body that was kept.
        """
        operation = self._new_operation()
        if request.key is None:
            return act(operation, lambda _status, _body: None)
        key, fingerprint = self._key(request), self._fingerprint(request)

        def keep(status: int, body: object) -> KeptReply:
            return KeptReply(key, fingerprint, status, json.dumps(body))

        try:
            return act(operation, keep)
        except KeyInUseError:
            kept = self._replies.kept(key)
            if kept is None:
                raise
        if kept.fingerprint != fingerprint:
            raise InvalidInputError((ANOTHER_CONTENT,))
        body = json.loads(kept.body)
        again(body)
        return kept.status, body

    def _new_operation(self) -> Operation:
        return Operation(uuid4().hex, self._clock.now())

    @contextmanager
    def _noted(self, key: str) -> Iterator[None]:
        """Forget a request that was refused; let one that failed be repeated at once."""
        try:
            yield
        except BaseException as error:
            refused = isinstance(error, LeadScoringError) and not isinstance(
                error, (StoreUnavailableError, ArtifactError)
            )
            # If the store does not answer, the note stands until it expires by itself.
            with contextlib.suppress(StoreUnavailableError):
                (self._replies.forget if refused else self._replies.release)(key)
            raise

    def _key(self, request: KeyedRequest) -> str:
        return self._hash(f"{request.scope}\n{request.key}")

    def _fingerprint(self, request: KeyedRequest) -> str:
        try:
            return self._hash(json.dumps(_canonical(request.content), sort_keys=True))
        except RecursionError:
            raise InvalidInputError((Fault("", "is nested too deeply"),)) from None

    def _hash(self, text: str) -> str:
        return hmac.new(self._hash_key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _canonical(value: Any) -> Any:
    """Make equal numbers look equal: JSON knows no difference between 1 and 1.0.

    >>> _canonical({"a": [1.0, 2.5]})
    {'a': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {name: _canonical(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
