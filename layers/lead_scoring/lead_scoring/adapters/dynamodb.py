"""What every DynamoDB store shares: binding a table, and reading and writing in batches."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar, cast

from pynamodb.models import MetaModel, Model

from ..errors import StoreUnavailableError
from ..settings import Settings
from .aws import ATTEMPTS, CONNECT_SECONDS, PARALLEL_REQUESTS, READ_SECONDS

# Limits of BatchWriteItem and BatchGetItem.
_WRITES_A_REQUEST = 25
_READS_A_REQUEST = 100
# How often to offer again what a batch left undone, with pauses of 0.1 s doubling up to 2 s.
_OFFERS = 8

_M = TypeVar("_M", bound=Model)
_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
Key = dict[str, str]


def bound(model: type[_M], table_name: str, settings: Settings) -> type[_M]:
    """Return a model bound to a table, so that stores of different settings may live together."""
    meta = {
        "table_name": table_name,
        "host": settings.aws_endpoint_url,
        "connect_timeout_seconds": CONNECT_SECONDS,
        "read_timeout_seconds": READ_SECONDS,
        # PynamoDB makes of it botocore's standard mode: growing pauses of random length.
        "max_retry_attempts": ATTEMPTS - 1,
        "max_pool_connections": PARALLEL_REQUESTS,
    }
    namespace = {"Meta": type("Meta", (), meta), "__module__": model.__module__}
    return cast(type[_M], MetaModel(model.__name__, (model,), namespace))


def put_all(table: type[_M], items: Iterable[_M]) -> None:
    """Write items, no two of the same key, several requests at once."""
    write = _writer(table)
    for _ in _in_parallel(lambda some: write([item.serialize() for item in some], []), items):
        pass


def delete_all(table: type[Model], keys: Iterable[Key]) -> None:
    """Delete items by key, several requests at once."""
    write = _writer(table)
    for _ in _in_parallel(lambda some: write([], some), keys):
        pass


def get_all(table: type[_M], keys: Iterable[Key]) -> Iterator[_M]:
    """Iterate over the items that exist under these keys, strongly consistent, in any order."""
    read = _reader(table)
    for items in _in_parallel(read, keys, _READS_A_REQUEST):
        yield from items


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


def _reader(table: type[_M]) -> Callable[[list[Key]], list[_M]]:
    def read(keys: list[Any]) -> list[_M]:
        connection, found, offer = table._get_connection(), [], 0
        while offer < _OFFERS:
            answer = connection.batch_get_item(keys, consistent_read=True)
            items = answer["Responses"].get(table.Meta.table_name, [])
            found += [table.from_raw_data(item) for item in items]
            keys = answer.get("UnprocessedKeys", {}).get(table.Meta.table_name, {}).get("Keys", [])
            if not keys:
                return found
            # An answer full at 16 MB leaves keys too; only one that brings nothing is throttled.
            offer = 0 if items else offer + 1
            _pause(offer)
        raise StoreUnavailableError("dynamodb")

    return read


def _in_parallel(
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
