"""In-memory fakes of the stores of feedback and of replies."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from lead_scoring.entities import LeadId, iso, lead_key
from lead_scoring.entities.feedback import CountedFeedback, Feedback, FeedbackPage, Sender
from lead_scoring.entities.models import KeptReply, Operation
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import ANOTHER_CONTENT, Fault, InvalidInputError, KeyInUseError
from lead_scoring.ports import Clock

_REMEMBERED = timedelta(days=1)


class Switch(Protocol):
    """What makes a fake fail as a store that is down does."""

    on: bool

    def check(self) -> None: ...


@dataclass
class Note:
    """What is kept under an idempotency key: first that it is being worked on, then the reply."""

    fingerprint: str
    operation: Operation | None
    worker: str | None
    free_from: datetime
    forgotten_from: datetime
    reply: KeptReply | None = None


class FakeReplyStore:
    """Notes in a dictionary."""

    def __init__(self, clock: Clock, outage: Switch) -> None:
        self.notes: dict[str, Note] = {}
        self.clock, self.outage = clock, outage

    def begin(
        self, key: str, fingerprint: str, operation: Operation, until: datetime
    ) -> Operation | KeptReply:
        self.outage.check()
        note = self._note(key)
        if note is None:
            forgotten_from = operation.at + _REMEMBERED
            worker = operation.operation_id
            self.notes[key] = Note(fingerprint, operation, worker, until, forgotten_from)
            return operation
        if note.fingerprint != fingerprint:
            raise InvalidInputError((ANOTHER_CONTENT,))
        if note.reply is not None:
            return note.reply
        assert note.operation is not None
        if note.worker != operation.operation_id:
            if operation.at < note.free_from:
                raise KeyInUseError("the request is being worked on")
            note.worker, note.free_from = operation.operation_id, until
        return note.operation

    def finish(self, reply: KeptReply) -> None:
        self.outage.check()
        if self.kept(reply.key) is None:
            self.keep(reply)

    def release(self, key: str) -> None:
        self.outage.check()
        if key in self.notes:
            self.notes[key].free_from = self.notes[key].forgotten_from - _REMEMBERED

    def forget(self, key: str) -> None:
        self.outage.check()
        if self.kept(key) is None:
            self.notes.pop(key, None)

    def kept(self, key: str) -> KeptReply | None:
        self.outage.check()
        note = self._note(key)
        return note.reply if note else None

    def keep(self, reply: KeptReply) -> None:
        now = self.clock.now()
        self.notes[reply.key] = Note(reply.fingerprint, None, None, now, now + _REMEMBERED, reply)

    def has(self, key: str) -> bool:
        return self._note(key) is not None

    def _note(self, key: str) -> Note | None:
        note = self.notes.get(key)
        return note if note and self.clock.now() < note.forgotten_from else None


class FakeFeedbackStore:
    """Rows and counters in dictionaries; outcomes in one that the training store may share."""

    def __init__(self, replies: FakeReplyStore, outage: Switch) -> None:
        self.rows: dict[tuple[str, str], Feedback] = {}
        self.counters: dict[date, dict[str, Decimal]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.replies, self.outage = replies, outage

    def add(self, rows: Sequence[CountedFeedback], reply: KeptReply | None = None) -> None:
        self.outage.check()
        if reply is not None:
            if len(rows) != 1:
                raise ValueError("a reply is kept with one row")
            if self.replies.has(reply.key):
                raise KeyInUseError("something is kept under this key")
            self.replies.keep(reply)
        for each in rows:
            key = (lead_key(each.feedback.lead_id), _feedback_key(each.feedback))
            if key not in self.rows:
                self.rows[key] = each.feedback
                self._count(each)

    def page(self, lead_id: LeadId, limit: int, cursor: str | None = None) -> FeedbackPage:
        self.outage.check()
        older_than = None if cursor is None else _read_cursor(cursor)
        own = sorted((k, row) for (lead, k), row in self.rows.items() if lead == lead_key(lead_id))
        rest = [row for key, row in reversed(own) if older_than is None or key < older_than]
        return FeedbackPage(rest[:limit], _cursor(rest[limit - 1]) if len(rest) > limit else None)

    def dated_from(self, lead_id: LeadId, moment: datetime) -> list[Feedback]:
        self.outage.check()
        own = sorted((k, row) for (lead, k), row in self.rows.items() if lead == lead_key(lead_id))
        return [row for _, row in own if row.created_at >= moment]

    def all_of(self, lead_id: LeadId) -> list[Feedback | Outcome]:
        self.outage.check()
        key = lead_key(lead_id)
        rows = [
            row._replace(sender=Sender()) for (lead, _), row in self.rows.items() if lead == key
        ]
        return [*rows, *([self.outcomes[key]] if key in self.outcomes else [])]

    def counts(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        self.outage.check()
        kept = {day: self.counters[day] for day in days if day in self.counters}
        return {day: {name: float(each[name]) for name in each} for day, each in kept.items()}

    def delete_before(self, cutoff: datetime) -> int:
        self.outage.check()
        old = [key for key, row in self.rows.items() if row.created_at < cutoff]
        for key in old:
            del self.rows[key]
        return len(old)

    def _count(self, row: CountedFeedback) -> None:
        sums = self.counters.setdefault(row.day, {})
        for name, value in row.counts.items():
            # Decimals add up exactly, as the numbers of DynamoDB do.
            sums[name] = sums.get(name, Decimal(0)) + Decimal(repr(value))


def _feedback_key(row: Feedback) -> str:
    return f"{iso(row.created_at)}#{row.feedback_id}"


def _cursor(row: Feedback) -> str:
    return _feedback_key(row).encode().hex()


def _read_cursor(cursor: str) -> str:
    try:
        key = bytes.fromhex(cursor).decode()
    except ValueError:
        key = ""
    if not re.fullmatch(r"\d{4}-[^#]*Z#.+", key):
        raise InvalidInputError((Fault("/cursor", "is none that this service gave out"),))
    return key
