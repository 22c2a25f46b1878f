import gzip
from pathlib import Path

import pytest

from infra.rows import FileError, Row, read_rows

# Of differing numbers, so that it is long enough to be spoilt in its middle.
GZIPPED = gzip.compress(b"".join(b'{"lead_id": %d}\n' % (n * n) for n in range(999)), mtime=0)


def rows_of(folder: Path, name: str, content: bytes) -> list[Row]:
    file = folder / name
    file.write_bytes(content)
    return list(read_rows(file))


def complaints(rows: list[Row]) -> list[tuple[int, str, str]]:
    return [(row.line, fault.pointer, fault.message) for row in rows for fault in row.faults]


def test_json_lines_are_read_with_their_line_numbers(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"lead_id": 1}\r\n\r\n  {"lead_id": 2}')

    assert [(row.line, row.value) for row in rows] == [(1, {"lead_id": 1}), (3, {"lead_id": 2})]


def test_each_bad_json_line_is_named_and_the_next_is_read_all_the_same(tmp_path: Path) -> None:
    content = b'{"a": NaN}\n[1]\n{"a": "\xff"}\n{oops\n' + b"[" * 100_000 + b'\n{"lead_id": 6}\n'

    rows = rows_of(tmp_path, "a.jsonl", content)

    told = complaints(rows)
    assert [line for line, _, _ in told] == [1, 2, 3, 4, 5]
    assert told[0][2] == "is not JSON: NaN is no JSON"
    assert told[1][2] == "is not a JSON object"
    assert told[2][2] == "is not UTF-8 at byte 8"
    assert told[3][2].endswith("at column 2")
    assert told[4][2] == "is nested too deeply"
    assert rows[-1].value == {"lead_id": 6}


def test_an_unfinished_json_line_is_told_by_its_column(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.jsonl", b'{"lead_id": 1,\n{"lead_id": 2}\n')

    [(line, _, message)] = complaints(rows)
    assert line == 1
    assert message.startswith("is not JSON: ")
    assert message.endswith(" at column 15")


def test_a_number_of_any_length_is_read(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.jsonl", b'{"price": ' + b"9" * 5000 + b"}\n")

    assert complaints(rows) == []
    assert rows[0].value["price"] > 1e12


def test_gzip_is_read_and_the_fraction_ends_at_one(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.jsonl.gz", gzip.compress(b'{"lead_id": 1}\n' * 3))

    assert [row.value["lead_id"] for row in rows] == [1, 1, 1]
    assert rows[-1].fraction == 1.0


def test_csv_leaves_out_empty_cells_and_reads_numbers_where_they_belong(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbflead_id,title,price,category\r\n7,42,1.5e3,\r\n007,Chef, 12 ,a/b\r\n"

    rows = rows_of(tmp_path, "a.csv", content)

    assert [row.value for row in rows] == [
        {"lead_id": 7, "title": "42", "price": 1500.0},
        {"lead_id": "007", "title": "Chef", "price": 12.0, "category": "a/b"},
    ]


def test_csv_rows_may_span_lines_and_are_numbered_by_their_first(tmp_path: Path) -> None:
    content = b'lead_id,title\n1,"two\nlines, ""quoted"""\n\n2,plain\n3\n'

    rows = rows_of(tmp_path, "a.csv", content)

    assert [(row.line, row.value.get("title")) for row in rows[:2]] == [
        (2, 'two\nlines, "quoted"'),
        (5, "plain"),
    ]
    assert complaints(rows) == [(6, "", "has 1 cells where the header has 2")]


def test_a_cell_that_is_no_utf8_is_named_with_its_column(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", "lead_id,title\n1,Köchin\n2,Chef\n".encode("latin-1"))

    assert complaints(rows) == [(2, "/title", "is not UTF-8")]
    assert rows[1].value == {"lead_id": 2, "title": "Chef"}


def test_a_quote_that_is_never_closed_is_named_with_its_line(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", b'lead_id,title\n1,ok\n2,"open\n3,swallowed\n')

    assert rows[0].value == {"lead_id": 1, "title": "ok"}
    assert [line for line, _, _ in complaints(rows)] == [3]


@pytest.mark.parametrize("delimiter", [b";", b"\t"])
def test_csv_may_use_semicolons_or_tabs(tmp_path: Path, delimiter: bytes) -> None:
    rows = rows_of(tmp_path, "a.csv", b"lead_id,title\n1,Chef\n".replace(b",", delimiter))

    assert rows[0].value == {"lead_id": 1, "title": "Chef"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"title\nChef\n", "no column lead_id"),
        ("a.csv", b"lead_id,title,title\n", "more than one column title"),
        ("a.txt", b'{"lead_id": 1}\n', "looks like JSON"),
        ("a.json", b'[\n{"lead_id": 1}\n]', "one object a line"),
        ("a.json", b' [{"lead_id": 1}, {"lead_id": 2}]', "one object a line"),
        ("a.csv", "lead_id\n1".encode("utf-16"), "is UTF-16"),
        ("a.jsonl.gz", GZIPPED[:40] + b"\xff" * 20 + GZIPPED[60:], "cannot be read"),
        ("a.jsonl.gz", b"no gzip at all", "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"lead_id": 1}\n' * 999, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(FileError, match=message):
        rows_of(tmp_path, name, content)
