"""Read rows from a user's file, JSON Lines or CSV, plain or gzipped, one at a time.

Nothing of the file is held but the present row. Each row comes with the number of the line it
begins on; what is wrong with it is said in its faults, and the next row is read all the same.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

from lead_scoring.errors import Fault

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
# The longest cell; a description may have 50,000 characters of four bytes.
CELL_LIMIT = 1_000_000
# A longer line than this is no lead; it is passed over without being held.
LINE_LIMIT = 4_000_000
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBER_COLUMNS = frozenset({"price", "user_rating", "conversion_value"})
_ID_COLUMNS = frozenset({"lead_id", "id"})
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


class FileError(Exception):
    """A file that cannot be read at all; the message names it and says what to do."""


class Row(NamedTuple):
    """One row: the line it begins on, its fields, or the faults that keep it from being read.

    `fraction` is how much of the file has been read up to here, in [0, 1].
    """

    line: int
    value: dict[str, Any]
    faults: tuple[Fault, ...]
    fraction: float


def read_rows(file: Path) -> Iterator[Row]:
    """Iterate over the rows of a file; raise FileError if it is no such file.

    A row of CSV has its empty cells left out and its numbers read as numbers.
    """
    try:
        size = max(1, file.stat().st_size)
        with file.open("rb") as raw:
            stream: BinaryIO = raw
            if file.suffix == ".gz":
                stream = cast(BinaryIO, gzip.open(raw))  # noqa: SIM115 (closed with the file)
            kind = Path(file.stem).suffix if file.suffix == ".gz" else file.suffix
            rows = _json_rows if kind.lower() in JSON_SUFFIXES else _csv_rows
            for line, value, faults in rows(_lines(stream, file), file):
                yield Row(line, value, faults, min(1.0, raw.tell() / size))
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileError(f"{file} cannot be read: {reason}.") from error


_Found = tuple[int, dict[str, Any], tuple[Fault, ...]]


def _lines(stream: BinaryIO, file: Path) -> Iterator[bytes]:
    """Yield each line with its end; the byte order mark of UTF-8 is left out."""
    first = stream.readline(LINE_LIMIT)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{file} is UTF-16; save it as UTF-8 and try again.")
    line = first.removeprefix(b"\xef\xbb\xbf")
    while line:
        yield line
        while len(line) >= LINE_LIMIT and not line.endswith(b"\n"):
            line = stream.readline(LINE_LIMIT)
        line = stream.readline(LINE_LIMIT)


def _json_rows(lines: Iterator[bytes], file: Path) -> Iterator[_Found]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if number == 1 and line.lstrip().startswith(b"["):
            raise FileError(
                f"{file} is one JSON array; one object a line (JSON Lines) is needed, such as "
                f"`jq -c '.[]' {file.name}` makes."
            )
        try:
            value = _parse(line)
        except _RowError as error:
            yield number, {}, (Fault("", str(error)),)
        else:
            yield number, value, ()


class _RowError(Exception):
    """What is wrong with a whole row."""


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) >= LINE_LIMIT:
        raise _RowError(f"is longer than {LINE_LIMIT:,} bytes")
    try:
        text = line.decode("utf-8").rstrip()
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise _RowError(f"is not UTF-8 at byte {error.start + 1}") from None
    except RecursionError:
        raise _RowError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _RowError(f"is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise _RowError(f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _RowError("is not a JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _whole(digits: str) -> int:
    # Python reads no number of more than 4,300; one of so many breaks the same rules.
    return int(digits[:1000])


def _csv_rows(lines: Iterator[bytes], file: Path) -> Iterator[_Found]:
    header_line = next(lines, b"")
    # What is no UTF-8 becomes lone surrogates here, and is named with its column below.
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    header_text = header_line.decode("utf-8", "surrogateescape")
    delimiter = max(",;\t", key=header_text.count)
    header = _header(header_text, delimiter, file)
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, {}, (Fault("", f"is not CSV: {error}"),)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        yield line, *_from_cells(header, cells)


def _header(text: str, delimiter: str, file: Path) -> list[str]:
    header = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter), [])]
    if not any(header):
        raise FileError(f"{file} is empty; its first line must name the columns.")
    if text.lstrip().startswith("{"):
        raise FileError(f"{file} looks like JSON; give it a name that ends in .jsonl.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise FileError(f"{file} has more than one column {', '.join(twice)}.")
    if not _ID_COLUMNS & set(header):
        raise FileError(
            f"{file} has no column lead_id; its first line must name the columns "
            f"(found: {', '.join(header)[:200]})."
        )
    return header


def _from_cells(header: list[str], cells: list[str]) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    if len(cells) != len(header):
        return {}, (Fault("", f"has {len(cells)} cells where the header has {len(header)}"),)
    value: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, cell in zip(header, cells, strict=True):
        if any("\udc80" <= char <= "\udcff" for char in cell):
            faults.append(Fault(f"/{name}", "is not UTF-8"))
        elif cell.strip():
            value[name] = _typed(name, cell)
    return value, tuple(faults)


def _typed(name: str, cell: str) -> Any:
    """Return a number where the column holds numbers; what is none is refused as a text later."""
    text = cell.strip()
    if name in _NUMBER_COLUMNS and _NUMBER.fullmatch(text):
        return float(text)
    if name in _ID_COLUMNS and _WHOLE.fullmatch(text):
        return int(text)
    return cell
