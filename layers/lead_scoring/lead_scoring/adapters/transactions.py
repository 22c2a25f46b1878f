"""Conditional writes that others may get in the way of: look again, decide, try again."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..errors import StoreUnavailableError
from .aws import error_code, unavailable_on_failure

# How long to try again while others keep getting in between, with pauses of 0.02 s doubling up to
# 0.5 s. The rest of what API Gateway waits for (29 s) is left to a store that hangs meanwhile.
_PATIENCE_SECONDS = 8.0
# A condition did not hold; or another write on the same item was under way. Alone, and as a reason
# why a transaction was cancelled, they are called differently.
_REFUSALS = {
    "ConditionalCheckFailed",
    "ConditionalCheckFailedException",
    "TransactionConflict",
    "TransactionConflictException",
}

REFUSED = "ConditionalCheckFailed"
# What cancels a transaction that may well succeed a moment later.
PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

_Result = TypeVar("_Result")


def committed(table: type[Model], fill: Callable[[TransactWrite], None]) -> bool:
    """Write what `fill` asks for in one transaction; return False if it was refused.

    The reasons may come in another order than the call's, so they do not tell which condition did
    not hold: whoever wants to know reads what the conditions were about.
    """
    connection = table._get_connection().connection
    with unavailable_on_failure("dynamodb"):
        try:
            with TransactWrite(connection=connection) as write:
                fill(write)
        except TransactWriteError as error:
            if not _was_refused(error):
                raise
            return False
    return True


def reasons_against(
    connection: Connection, fill: Callable[[TransactWrite], None]
) -> Sequence[str | None]:
    """Write what `fill` asks for in one transaction; return why each action was refused.

    Nothing at all if it was written. The reasons come in the order in which PynamoDB sends the
    actions: checks, deletions, what is saved, updates; each kind in the order of the calls. One is
    REFUSED (a condition did not hold), among PASSING, or None: the action was not to blame.
    """
    try:
        with TransactWrite(connection=connection) as write:
            fill(write)
    except TransactWriteError as error:
        codes = [each.code if each else None for each in error.cancellation_reasons]
        if not {REFUSED, *PASSING} & set(codes):
            raise
        return codes
    return ()


def written(write: Callable[[], Any]) -> bool:
    """Call what writes a single item under a condition; return False if it was refused."""
    with unavailable_on_failure("dynamodb"):
        try:
            write()
        except PynamoDBException as error:
            if error_code(error) not in _REFUSALS:
                raise
            return False
    return True


def until_settled(attempt: Callable[[], _Result | None]) -> _Result:
    """Try until an attempt returns something or raises; None says that others got in between.

    Raises StoreUnavailableError if they still do after some seconds.
    """
    deadline, pause_seconds = time.monotonic() + _PATIENCE_SECONDS, 0.02
    while True:
        result = attempt()
        if result is not None:
            return result
        if time.monotonic() > deadline:
            raise StoreUnavailableError("dynamodb")
        time.sleep(random.uniform(0, pause_seconds))  # noqa: S311 (not a secret)
        pause_seconds = min(0.5, 2 * pause_seconds)


def write_until_settled(write: Callable[[], object]) -> None:
    """Write a single item without a condition, however often others are writing it too."""
    until_settled(lambda: written(write) or None)


def _was_refused(error: TransactWriteError) -> bool:
    # A client that got no answer sends again; a store may take that for another request under the
    # same token. Then the first was carried out: whoever looks again sees it.
    if error_code(error) == "IdempotentParameterMismatchException":
        return True
    return any(reason and reason.code in _REFUSALS for reason in error.cancellation_reasons)
