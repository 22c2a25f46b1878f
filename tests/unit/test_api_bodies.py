import hashlib
import hmac
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.api.bodies import read_batch, read_lead
from lead_scoring.entities import Lead
from lead_scoring.errors import InvalidInputError, TooLargeError, json_pointer

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
KEY = "a key of the tests"
BARE = {"lead_id": 1, "title": "Engineer"}


def read(**fields: Any) -> Lead:
    return read_lead(BARE | fields, now=NOW, hash_key=KEY)


def faults(value: object) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read_lead(value, now=NOW, hash_key=KEY)
    return {fault.pointer: fault.message for fault in caught.value.faults}


def test_a_bare_lead_has_nothing_but_id_and_title() -> None:
    assert read() == Lead(lead_id=1, title="Engineer")


def test_null_is_absent_where_a_field_is_optional() -> None:
    optional = ("description", "category", "location_name", "price", "email", "posted_at", "as_of")

    assert read(**dict.fromkeys(optional)) == read()


def test_a_title_is_trimmed_and_other_texts_are_kept() -> None:
    lead = read(title="\u3000 Engineer\n", description=" x ", category="", location_name=" ")

    assert (lead.title, lead.description) == ("Engineer", " x ")
    assert (lead.category, lead.location_name) == ("", " ")


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("lead_id", 128),
        ("title", 500),
        ("description", 50_000),
        ("category", 200),
        ("location_name", 200),
        ("email", 320),
    ],
)
def test_lengths_count_code_points(field: str, longest: int) -> None:
    read(**{field: "𠮷" * longest})

    assert faults(BARE | {field: "𠮷" * (longest + 1)}).keys() == {f"/{field}"}


def test_spaces_around_a_title_do_not_count() -> None:
    assert read(title=" " * 600 + "x" * 500 + " ").title == "x" * 500


@pytest.mark.parametrize(
    "lead_id", ["", True, False, None, 1.0, 1e300, [], {}, 10**128, -(10**128)]
)
def test_what_is_no_lead_id_is_refused(lead_id: object) -> None:
    assert faults({"lead_id": lead_id, "title": "x"}).keys() == {"/lead_id"}
    assert faults({"id": lead_id, "title": "x"}).keys() == {"/id"}


def test_lead_id_wins_over_id() -> None:
    assert read_lead({"lead_id": 1, "id": {}, "title": "x"}, now=NOW, hash_key=KEY).lead_id == 1


@pytest.mark.parametrize("price", [0, 0.0, 1e12, 10**12, 5e-324, 1 / 3])
def test_a_price_is_a_number_in_its_range(price: float) -> None:
    assert read(price=price).price == price


def test_a_price_has_no_negative_zero() -> None:
    assert str(read(price=-0.0).price) == "0.0"


@pytest.mark.parametrize(
    "price",
    ["1", True, [], -1, -5e-324, 1e12 + 1, 10**12 + 1, 1e308, 10**400, float("nan"), float("inf")],
)
def test_what_is_no_price_is_refused(price: object) -> None:
    assert faults(BARE | {"price": price}).keys() == {"/price"}


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ann@example.com", "example.com"),
        (" Ann@EXAMPLE.com. ", "example.com"),
        ("a@b@c.org", "c.org"),
        ("no address", None),
        ("ann@", None),
        ("@", None),
    ],
)
def test_of_an_address_its_domain_and_a_keyed_hash_are_kept(email: str, domain: str | None) -> None:
    lead = read(email=email)

    expected = hmac.digest(KEY.encode(), email.strip().lower().encode(), hashlib.sha256).hex()
    assert (lead.email_domain, lead.email_hash) == (domain, expected)
    assert "ann" not in repr(lead).lower()


def test_the_hash_is_the_same_however_an_address_is_written() -> None:
    assert read(email="Ann@Example.com").email_hash == read(email=" ann@example.COM").email_hash


def test_another_key_gives_another_hash() -> None:
    other = read_lead(BARE | {"email": "a@b.c"}, now=NOW, hash_key="another key of tests")

    assert other.email_hash != read(email="a@b.c").email_hash


def test_a_blank_address_is_absent() -> None:
    lead = read(email="  ")

    assert (lead.email_domain, lead.email_hash) == (None, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31T12:00:00", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31t12:00:00z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31 12:00:00+02:00", datetime(2024, 1, 31, 10, tzinfo=UTC)),
        ("2024-01-31T12:00-0530", datetime(2024, 1, 31, 17, 30, tzinfo=UTC)),
        ("20240131T120000Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31T12:00:00.123456789Z", datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_iso_8601_and_kept_in_utc(text: str, moment: datetime) -> None:
    lead = read(posted_at=text, as_of=text)

    assert (lead.posted_at, lead.as_of) == (moment, moment)
    assert lead.posted_at is not None
    assert lead.posted_at.tzinfo is UTC


def test_from_python_a_time_may_be_a_datetime() -> None:
    berlin = timezone(timedelta(hours=1))

    lead = read(posted_at=datetime(2024, 1, 1, 1, tzinfo=berlin), as_of=datetime(2024, 1, 1))

    assert lead.posted_at == lead.as_of == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1704067200",
        "2024",
        "2024-01",
        "2024-W05-3",
        "2024-02-30",
        "2024-01-31T25:00:00Z",
        "2024-01-31T12:00:00+99:00",
        "2024-01-31T12:00:00Z and more",
        "２０２４-01-31",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\ud800",
        1704067200,
        True,
    ],
)
def test_what_is_no_time_is_refused(text: object) -> None:
    assert faults(BARE | {"posted_at": text}).keys() == {"/posted_at"}
    assert faults(BARE | {"as_of": text}).keys() == {"/as_of"}


def test_a_posting_may_lie_a_day_ahead_and_no_more() -> None:
    read(posted_at="2024-06-02T12:00:00Z")

    assert faults(BARE | {"posted_at": "2024-06-02T12:00:00.000001Z"}).keys() == {"/posted_at"}


def test_as_of_may_be_now_and_no_later() -> None:
    read(as_of="2024-06-01T12:00:00Z")

    assert faults(BARE | {"as_of": "2024-06-01T12:00:00.000001Z"}).keys() == {"/as_of"}


def test_every_fault_is_named_with_what_to_do() -> None:
    assert faults({"title": 5, "price": "1", "posted_at": 0}) == {
        "/lead_id": "is required",
        "/title": "must be a text, not a number",
        "/price": "must be a number or null, not a text",
        "/posted_at": "must be a time as text or null, not a number",
    }


@pytest.mark.parametrize("field", ["lead_id", "title", "description", "category", "email"])
def test_half_a_surrogate_pair_is_refused_where_it_would_be_kept(field: str) -> None:
    assert faults(BARE | {field: "a\ud83d"}).keys() == {f"/{field}"}


def test_unknown_fields_are_ignored_whatever_they_hold() -> None:
    assert read(**{"\ud800": "\ud800", "Price": "free", "": None}) == read()


@pytest.mark.parametrize("value", [None, 5, "lead", [], [BARE]])
def test_what_is_no_object_is_no_lead(value: object) -> None:
    assert faults(value) == {"": "must be an object"}


@given(st.text(string.printable, max_size=600))
def test_any_title_is_read_trimmed_or_refused(title: str) -> None:
    try:
        lead = read(title=title)
    except InvalidInputError:
        assert not 1 <= len(title.strip()) <= 500
    else:
        assert lead.title == title.strip()


@given(st.datetimes(datetime(1, 1, 2), datetime(2024, 6, 1)))
def test_any_past_time_survives_being_written_and_read(moment: datetime) -> None:
    assert read(as_of=moment.isoformat()).as_of == moment.replace(tzinfo=UTC)


def test_a_batch_is_read_lead_by_lead() -> None:
    batch = read_batch({"leads": [BARE, {"id": "x"}, BARE]}, explain=True, now=NOW, hash_key=KEY)

    assert batch.leads == [read(), read()]
    [bad] = batch.bad
    assert (bad.position, bad.lead_id) == (1, "x")
    assert [fault.pointer for fault in bad.faults] == ["/leads/1/title"]


@pytest.mark.parametrize("lead", [5, {}, {"lead_id": []}, {"lead_id": "\ud800"}, {"id": True}])
def test_a_bad_lead_without_a_usable_id_is_known_by_its_place_alone(lead: object) -> None:
    batch = read_batch({"leads": [BARE, lead]}, explain=True, now=NOW, hash_key=KEY)

    assert [(bad.position, bad.lead_id) for bad in batch.bad] == [(1, None)]


def test_a_batch_that_is_too_large_is_refused_before_its_leads_are_read() -> None:
    with pytest.raises(TooLargeError, match="2,000"):
        read_batch({"leads": [None] * 2001}, explain=True, now=NOW, hash_key=KEY)


def test_a_pointer_escapes_what_means_something_in_it() -> None:
    assert json_pointer(("leads", 0, "~/")) == "/leads/0/~0~1"
