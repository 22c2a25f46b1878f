from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.load_data import SHOWN_COMPLAINTS, lead_and_moment, load_leads, load_outcomes
from infra.outcome_rows import read_outcome
from lead_scoring.entities import Lead
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import InvalidInputError

NOW = datetime(2024, 6, 1, tzinfo=UTC)
KEY = "a key of enough letters"


class KeptInMemory:
    def __init__(self) -> None:
        self.leads: list[tuple[Lead, datetime]] = []
        self.outcomes: list[Outcome] = []

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        self.leads.extend(leads)

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        self.outcomes.extend(outcomes)


@pytest.mark.parametrize(
    ("row", "moment"),
    [
        (
            {"scored_at": "2024-05-02T10:00:00Z", "posted_at": "2024-05-01"},
            datetime(2024, 5, 2, 10),
        ),
        ({"posted_at": "2024-05-01T00:00:00Z"}, datetime(2024, 5, 1)),
        ({}, None),
    ],
)
def test_the_moment_of_a_lead_is_when_it_was_scored_else_posted(
    row: dict[str, str], moment: datetime | None
) -> None:
    lead, found = lead_and_moment({"lead_id": 1, "title": "Chef", **row}, NOW, KEY)

    assert found == (moment and moment.replace(tzinfo=UTC))
    assert lead.as_of is None


def test_a_bad_scored_at_is_named_as_such() -> None:
    row = {"lead_id": 1, "title": "", "scored_at": "2099-01-01T00:00:00Z"}

    with pytest.raises(InvalidInputError) as refused:
        lead_and_moment(row, NOW, KEY)

    assert {fault.pointer for fault in refused.value.faults} == {"/title", "/scored_at"}


@pytest.mark.parametrize("converted", [True, 1, 1.0, "true", "1", "YES"])
def test_an_outcome_is_true_in_many_ways(converted: object) -> None:
    assert read_outcome({"lead_id": "a", "converted": converted}, NOW).converted is True


def test_an_outcome_takes_what_it_knows_and_ignores_the_rest() -> None:
    row = {
        "lead_id": 5,
        "converted": 0,
        "contacted": "false",
        "user_rating": 40,
        "conversion_value": None,
        "occurred_at": "2024-05-01T02:00:00+02:00",
        "views": 17,
    }

    outcome = read_outcome(row, NOW)

    assert outcome == Outcome(5, False, False, 40.0, None, datetime(2024, 5, 1, tzinfo=UTC))


def test_every_fault_of_an_outcome_is_named_at_once() -> None:
    row = {
        "lead_id": [],
        "converted": "perhaps",
        "contacted": 2,
        "user_rating": 101,
        "conversion_value": "12",
        "occurred_at": (NOW + timedelta(days=2)).isoformat(),
    }

    with pytest.raises(InvalidInputError) as refused:
        read_outcome(row, NOW)

    assert [fault.pointer for fault in refused.value.faults] == [f"/{name}" for name in row]


@pytest.mark.parametrize("lead_id", ["", "\ud800", "x" * 129, 10**128, True, 1.5])
def test_an_outcome_has_the_ids_that_a_lead_may_have(lead_id: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_outcome({"lead_id": lead_id, "converted": True}, NOW)

    assert [fault.pointer for fault in refused.value.faults] == ["/lead_id"]


def test_good_leads_are_kept_and_each_bad_row_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = tmp_path / "leads.csv", KeptInMemory()
    file.write_text(
        "lead_id,title,price,posted_at\n"
        "1,Chef,10,2024-05-01\n"
        "2,,lots,2024-05-01\n"
        "3,Waiter,,2024-05-01\n"
        "1,Head chef,12,2024-05-02\n"
    )

    loaded = load_leads(file, store, NOW, KEY, tmp_path)

    told = capsys.readouterr().err
    assert (loaded.kept, loaded.refused, loaded.keys) == (3, 1, {"1", "3"})
    assert [lead.title for lead, _ in store.leads] == ["Chef", "Waiter", "Head chef"]
    assert f"{file}:3: /title: " in told
    assert f"{file}:3: /price: " in told
    assert "1 leads come more than once" in told
    assert "lots" not in told


def test_outcomes_of_unknown_leads_are_refused_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = tmp_path / "outcomes.jsonl", KeptInMemory()
    file.write_text(
        '{"lead_id": "1", "converted": true}\n'
        '{"lead_id": 9, "converted": true}\n'
        '{"lead_id": 1, "converted": false}\n'
    )

    loaded = load_outcomes(file, store, NOW, {"1"}, tmp_path)

    told = capsys.readouterr().err
    assert (loaded.kept, loaded.refused) == (2, 1)
    assert [outcome.converted for outcome in store.outcomes] == [True, False]
    assert f"{file}:2: /lead_id: is of no lead that was loaded" in told
    assert "1 outcomes are of a lead that has one" in told


def test_thousands_of_bad_rows_fill_a_file_and_not_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "leads.jsonl"
    file.write_text('{"lead_id": 1}\n' * 3000)

    load_leads(file, KeptInMemory(), NOW, KEY, tmp_path / "reports")

    told = capsys.readouterr().err.splitlines()
    listed = (tmp_path / "reports" / "bad-leads.txt").read_text().splitlines()
    assert len(told) == SHOWN_COMPLAINTS + 1
    assert "2,980 more" in told[-1]
    assert len(listed) == 3000
    assert listed[-1].startswith(f"{file}:3000: /title")
