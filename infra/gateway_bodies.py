"""Read the body of an HTTP/1.1 request: by length, or in chunks (RFC 9112, sections 6 and 7)."""

import re
from email.errors import (
    FirstHeaderLineIsContinuationDefect,
    InvalidHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
from email.message import Message
from io import BufferedIOBase

# API Gateway's limit of a payload; it cannot be raised.
BODY_LIMIT_BYTES = 10 * 1024 * 1024
# What is too large is still read up to here, so that the sender gets to see the answer.
DRAIN_LIMIT_BYTES = 64 * 1024 * 1024
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LINE_LIMIT = 4096
_TRAILER_LIMIT = 100
_BAD_LINES = (
    FirstHeaderLineIsContinuationDefect,
    InvalidHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)


class RefusedRequestError(Exception):
    """The request cannot be taken; the connection cannot be used any further."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def declared_length(headers: Message) -> int | None:
    """Return how long the body says it is, None for chunks; raise RefusedRequestError."""
    if any(isinstance(defect, _BAD_LINES) for defect in headers.defects):
        # What stands behind such a line was not read, not even the length.
        raise RefusedRequestError(400, "A line of the head is no header.")
    lengths = {
        part.strip()
        for value in headers.get_all("Content-Length", [])
        for part in str(value).split(",")
    }
    encodings = ",".join(headers.get_all("Transfer-Encoding", [])).strip().lower()
    if encodings:
        if lengths:
            # One of the two lies, and whoever believes the other is open to smuggling.
            raise RefusedRequestError(400, "Content-Length and Transfer-Encoding were both sent.")
        if encodings != "chunked":
            raise RefusedRequestError(501, "The only transfer encoding understood is chunked.")
        return None
    if not lengths:
        return 0
    [length, *others] = lengths
    if others or not re.fullmatch("[0-9]{1,18}", length):
        raise RefusedRequestError(400, "Content-Length must be one whole number.")
    return int(length)


def read_body(stream: BufferedIOBase, length: int | None, limit: int = BODY_LIMIT_BYTES) -> bytes:
    """Read a body of this length, or in chunks if it is None.

    Raises RefusedRequestError (413) above the limit, ConnectionError if the sender hangs up.

    >>> import io
    >>> read_body(io.BytesIO(b"3\\r\\nabc\\r\\n2;x=y\\r\\nde\\r\\n0\\r\\n\\r\\n"), None)
    b'abcde'
    """
    if length is None:
        return _read_chunks(stream, limit)
    if length > limit:
        _drain(stream, length)
        raise too_large(limit)
    return _exactly(stream, length)


def too_large(limit: int) -> RefusedRequestError:
    """Return the refusal of a body over the limit."""
    return RefusedRequestError(413, f"The body may have at most {limit:,} bytes.")


def _exactly(stream: BufferedIOBase, length: int) -> bytes:
    read = stream.read(length)
    if len(read) < length:
        raise ConnectionError("the sender hung up within its body")
    return read


def _drain(stream: BufferedIOBase, length: int) -> None:
    left = min(length, DRAIN_LIMIT_BYTES)
    while left > 0 and (read := stream.read(min(left, 65536))):
        left -= len(read)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LINE_LIMIT)
    if not line:
        raise ConnectionError("the sender hung up within its body")
    if not line.endswith(b"\n"):
        raise RefusedRequestError(400, "A line of the chunked body is too long.")
    return line.rstrip(b"\r\n")


def _read_chunks(stream: BufferedIOBase, limit: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while size := _chunk_size(stream):
        total += size
        if total > DRAIN_LIMIT_BYTES:
            raise too_large(limit)
        chunk = _exactly(stream, size)
        if total <= limit:
            chunks.append(chunk)
        if _line(stream) != b"":
            raise RefusedRequestError(400, "A chunk is longer than it said.")
    for _ in range(_TRAILER_LIMIT):
        if not _line(stream):
            break
    else:
        raise RefusedRequestError(400, "The chunked body has too many trailers.")
    if total > limit:
        raise too_large(limit)
    return b"".join(chunks)


def _chunk_size(stream: BufferedIOBase) -> int:
    digits = _line(stream).partition(b";")[0].strip()
    if not _CHUNK_SIZE.fullmatch(digits):
        raise RefusedRequestError(400, "A chunk of the body does not say how long it is.")
    return int(digits, 16)
