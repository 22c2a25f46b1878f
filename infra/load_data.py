"""Load leads and outcomes into the training store: good rows go in, every bad one is named."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from infra.outcome_rows import read_outcome
from infra.progress import ProgressBar
from infra.rows import Row, read_rows
from lead_scoring.api.bodies import read_lead
from lead_scoring.entities import Lead, lead_key
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import Fault, InvalidInputError

# More complaints than fit a screen go to a file; the first ones are shown either way.
SHOWN_COMPLAINTS = 20


class TrainingStore(Protocol):
    """The part of the training store that loading needs."""

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        """Keep leads, each with its moment."""

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Keep outcomes."""


class Loaded(NamedTuple):
    """What came of loading one file: rows kept, rows refused, the keys of the leads kept."""

    kept: int
    refused: int
    keys: set[str]


class Complaints:
    """What is wrong with the rows of one file, shown at the end.

    Messages name the place and the rule, never the value: a lead is personal data.
    """

    def __init__(self, source: str, full_list: Path) -> None:
        self.refused = 0
        self._source, self._full_list = source, full_list
        self._shown: list[str] = []
        self._rest: TextIO | None = None
        self._count = 0
        self._notes: dict[str, tuple[int, int]] = {}

    def refuse(self, line: int, faults: Iterable[Fault]) -> None:
        """Take down why a row was not kept."""
        self.refused += 1
        for fault in faults:
            where = f"{fault.pointer}: " if fault.pointer else ""
            self._add(f"{self._source}:{line}: {where}{fault.message}")

    def note(self, line: int, what: str) -> None:
        """Count something odd about a row that was kept."""
        first, count = self._notes.get(what, (line, 0))
        self._notes[what] = (first, count + 1)

    def show(self) -> None:
        """Print the complaints to standard error."""
        for text in self._shown:
            print(text, file=sys.stderr)
        if self._rest is not None:
            self._rest.close()
            more = self._count - len(self._shown)
            print(f"... and {more:,} more: {self._full_list} has all of them", file=sys.stderr)
        for what, (first, count) in self._notes.items():
            print(f"{self._source}: {count:,} {what} (first in line {first})", file=sys.stderr)

    def _add(self, text: str) -> None:
        self._count += 1
        if self._count <= SHOWN_COMPLAINTS:
            self._shown.append(text)
            return
        if self._rest is None:
            self._full_list.parent.mkdir(parents=True, exist_ok=True)
            self._rest = self._full_list.open("w", encoding="utf-8")
            self._rest.writelines(f"{shown}\n" for shown in self._shown)
        self._rest.write(f"{text}\n")


def load_leads(
    file: Path, store: TrainingStore, now: datetime, hash_key: str, reports: Path
) -> Loaded:
    """Load a file of leads; a row may also have `scored_at`, the moment it is scored for.

    That moment is `scored_at`, else `as_of`, else `posted_at`, else now.
    """
    complaints = Complaints(str(file), reports / "bad-leads.txt")
    keys: set[str] = set()

    def read(row: Row) -> tuple[Lead, datetime]:
        lead, moment = lead_and_moment(row.value, now, hash_key)
        key = lead_key(lead.lead_id)
        if key in keys:
            complaints.note(row.line, "leads come more than once; the last of them counts")
        keys.add(key)
        if moment is None:
            complaints.note(row.line, "leads have neither scored_at nor posted_at; taken as of now")
        return lead, moment or now

    with ProgressBar("Loading leads", "leads") as bar:
        kept = _Counted(_good_rows(read_rows(file), read, complaints, bar))
        store.add_leads(kept)
    complaints.show()
    return Loaded(kept.count, complaints.refused, keys)


def load_outcomes(
    file: Path, store: TrainingStore, now: datetime, known: set[str] | None, reports: Path
) -> Loaded:
    """Load a file of outcomes; refuse those of leads that are not `known` (None: any lead)."""
    complaints = Complaints(str(file), reports / "bad-outcomes.txt")
    keys: set[str] = set()

    def read(row: Row) -> Outcome:
        outcome = read_outcome(row.value, now)
        key = lead_key(outcome.lead_id)
        if known is not None and key not in known:
            raise InvalidInputError((Fault("/lead_id", "is of no lead that was loaded"),))
        if key in keys:
            complaints.note(row.line, "outcomes are of a lead that has one; the last counts")
        keys.add(key)
        return outcome

    with ProgressBar("Loading outcomes", "outcomes") as bar:
        kept = _Counted(_good_rows(read_rows(file), read, complaints, bar))
        store.add_outcomes(kept)
    complaints.show()
    return Loaded(kept.count, complaints.refused, keys)


def lead_and_moment(
    row: Mapping[str, Any], now: datetime, hash_key: str
) -> tuple[Lead, datetime | None]:
    """Return the lead of a row, and its moment if the row tells; raise InvalidInputError."""
    value = dict(row)
    # `as_of` obeys the very rules that `scored_at` must: a time, and not in the future.
    scored_at = value.pop("scored_at", None)
    if scored_at is not None:
        value["as_of"] = scored_at
    try:
        lead = read_lead(value, now=now, hash_key=hash_key)
    except InvalidInputError as error:
        if scored_at is None:
            raise
        raise InvalidInputError(
            tuple(
                Fault("/scored_at", fault.message) if fault.pointer == "/as_of" else fault
                for fault in error.faults
            )
        ) from None
    return lead._replace(as_of=None), lead.as_of or lead.posted_at


class _Counted(Iterator[Any]):
    """An iterator that knows how much it has given."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self.count = 0

    def __next__(self) -> Any:
        item = next(self._items)
        self.count += 1
        return item


def _good_rows(
    rows: Iterator[Row], read: Callable[[Row], Any], complaints: Complaints, bar: ProgressBar
) -> Iterator[Any]:
    for number, row in enumerate(rows, start=1):
        if row.faults:
            complaints.refuse(row.line, row.faults)
        else:
            try:
                yield read(row)
            except InvalidInputError as error:
                complaints.refuse(row.line, error.faults)
        if number % 100 == 0:
            bar.update(row.fraction, number)
