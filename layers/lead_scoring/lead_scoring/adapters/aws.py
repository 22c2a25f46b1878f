"""What every AWS store shares: how long it waits, and what its errors mean to the domain."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from ..errors import StoreUnavailableError

# At worst three attempts of 2.5 seconds and two pauses of up to 1 and 2 seconds: a request that
# meets two dead stores in a row still answers before API Gateway gives up at 29 seconds.
CONNECT_SECONDS = 0.5
READ_SECONDS = 2.0
# Where much is read at once, a page of 1 MB may take its time: nothing else waits for the answer,
# and even three such attempts end before API Gateway does.
BULK_READ_SECONDS = 8.0
ATTEMPTS = 3
# Requests sent at once by one batch, and so connections kept.
PARALLEL_REQUESTS = 8
# Pages of 1 MB read ahead at once. Making sense of them takes longer than their way here.
PARALLEL_PAGES = 4

# These say that the request itself was wrong: a defect of ours, which waiting does not cure.
_OUR_FAULTS = {"ValidationException", "SerializationException", "InvalidRequest", "MalformedXML"}


@contextmanager
def unavailable_on_failure(store: str) -> Iterator[None]:
    """Turn whatever a store's client raises into StoreUnavailableError; the one place for it."""
    try:
        yield
    except (PynamoDBException, BotoCoreError, ClientError) as error:
        if error_code(error) in _OUR_FAULTS:
            raise
        raise StoreUnavailableError(store) from error


def error_code(error: BaseException) -> str | None:
    """Return the code that AWS gave an error, None where it never got that far.

    >>> error_code(ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject"))
    'NoSuchKey'
    """
    cause = error.cause if isinstance(error, PynamoDBException) else error
    # Errors of the connection have a response too, which is None.
    response = getattr(cause, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    return None if code is None else str(code)
