"""What every DynamoDB store shares: binding a table, and reading and writing in batches."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

from pynamodb.connection import Connection, TableConnection
from pynamodb.models import MetaModel, Model

from ..errors import StoreUnavailableError
from ..settings import Settings
from .aws import PARALLEL_REQUESTS, READ_SECONDS
from .clients import client
from .queries import Values, plain

# Limits of BatchWriteItem and BatchGetItem.
_WRITES_A_REQUEST = 25
READS_A_REQUEST = 100
# How often to offer again what a batch left undone, with pauses of 0.1 s doubling up to 2 s.
_OFFERS = 8

_M = TypeVar("_M", bound=Model)
_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
Key = dict[str, str]


class _Connection(Connection):
    """A connection that shares its client with all others of the same endpoint and patience."""

    @property
    def client(self) -> Any:
        """Return the client; PynamoDB would make one for each table."""
        return client("dynamodb", self.host, self._read_timeout_seconds)


class _Bound(Model):
    """A model whose table has a connection of that kind."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        if not isinstance(table.connection, _Connection):
            host, read_seconds = cls.Meta.host, cls.Meta.read_timeout_seconds
            connection = _Connection(host=host, read_timeout_seconds=read_seconds)
            connection.add_meta_table(table.get_meta_table())
            table.connection = connection
        return table


def bound(
    model: type[_M], table_name: str, settings: Settings, read_seconds: float = READ_SECONDS
) -> type[_M]:
    """Return a model bound to a table, so that stores of different settings may live together.

    `read_seconds` is how long one attempt of a request may take.
    """
    meta = {
        "table_name": table_name,
        "host": settings.aws_endpoint_url,
        "read_timeout_seconds": read_seconds,
    }
    namespace = {"Meta": type("Meta", (), meta), "__module__": model.__module__}
    return cast(type[_M], MetaModel(model.__name__, (_Bound, model), namespace))


def put_all(table: type[_M], items: Iterable[_M]) -> None:
    """Write items, no two of the same key, several requests at once."""
    write = _writer(table)
    for _ in in_parallel(lambda some: write([item.serialize() for item in some], []), items):
        pass


def delete_all(table: type[Model], keys: Iterable[Key]) -> None:
    """Delete items by key, several requests at once."""
    write = _writer(table)
    for _ in in_parallel(lambda some: write([], some), keys):
        pass


def get_all(table: type[Model], keys: Iterable[Key]) -> Iterator[Values]:
    """Iterate over the items that exist under these keys, strongly consistent, in any order."""
    for items in in_parallel(partial(get_some, table), keys, READS_A_REQUEST):
        yield from items


def get_some(table: type[Model], keys: list[Key]) -> list[Values]:
    """Return the items that exist under at most READS_A_REQUEST keys, no two of them the same."""
    connection, found, offer = table._get_connection(), list[Values](), 0
    left: list[Any] = keys
    while offer < _OFFERS:
        answer = connection.batch_get_item(left, consistent_read=True)
        items = answer["Responses"].get(table.Meta.table_name, [])
        found += [plain(item) for item in items]
        left = answer.get("UnprocessedKeys", {}).get(table.Meta.table_name, {}).get("Keys", [])
        if not left:
            return found
        # An answer full at 16 MB leaves keys too; only one that brings nothing is throttled.
        offer = 0 if items else offer + 1
        _pause(offer)
    raise StoreUnavailableError("dynamodb")


def _writer(table: type[Model]) -> Callable[[list[Any], list[Any]], None]:
    def write(puts: list[Any], deletes: list[Any]) -> None:
        connection = table._get_connection()
        for offer in range(_OFFERS):
            answer = connection.batch_write_item(put_items=puts, delete_items=deletes)
            left = answer.get("UnprocessedItems", {}).get(table.Meta.table_name, [])
            if not left:
                return
            puts = [each["PutRequest"]["Item"] for each in left if "PutRequest" in each]
            deletes = [each["DeleteRequest"]["Key"] for each in left if "DeleteRequest" in each]
            _pause(offer)
        raise StoreUnavailableError("dynamodb")

    return write


def in_parallel(
    work: Callable[[list[_Job]], _Result], jobs: Iterable[_Job], chunk: int = _WRITES_A_REQUEST
) -> Iterator[_Result]:
    """Do jobs in chunks, yield the results in order; the first error stops what has not begun."""
    chunks = _chunks(jobs, chunk)
    # The first alone: it makes the client, which must not happen in two threads at once; and
    # one is often all there is.
    for first in islice(chunks, 1):
        yield work(first)
    second = next(chunks, None)
    if second is None:
        return
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        pending: deque[Future[_Result]] = deque([pool.submit(work, second)])
        try:
            for some in chunks:
                pending.append(pool.submit(work, some))
                if len(pending) > 2 * PARALLEL_REQUESTS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _chunks(values: Iterable[_Job], size: int) -> Iterator[list[_Job]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def _pause(offer: int) -> None:
    # Full jitter, so that clients that were refused together do not come back together.
    time.sleep(random.uniform(0, min(2.0, 0.1 * 2**offer)))  # noqa: S311 (not a secret)
