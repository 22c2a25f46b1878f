"""Feedback and the counters of its days, in DynamoDB."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice

from pynamodb.transactions import TransactWrite

from ..entities import LeadId, iso, lead_key
from ..entities.feedback import CountedFeedback, Feedback, FeedbackPage
from ..entities.models import KeptReply
from ..entities.training import Outcome
from ..errors import Fault, InvalidInputError, KeyInUseError
from ..ports import Clock
from ..settings import Settings
from .aws import BULK_READ_SECONDS, unavailable_on_failure
from .daily_item import DailyItem, add_counts, keys_of, sums_by_day
from .dynamodb import bound, delete_all, get_all
from .feedback_item import FeedbackItem, by_time, feedback_key
from .feedback_values import evidence, feedback
from .lead_item import IMPORT
from .queries import Query, pages_of
from .reply_item import ReplyItem, is_free
from .transactions import REFUSED, reasons_against, until_settled

# DynamoDB's limit is 100 actions: so many rows, and the counters of as many days.
_ROWS_A_TRANSACTION = 50
_KEY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#.+")
_BAD_CURSOR = Fault("/cursor", "must be the next_cursor of an earlier answer")


class DynamoFeedbackStore:
    """A FeedbackStore in the tables of feedback, of counters, and of replies."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._rows = bound(FeedbackItem, settings.feedback_table, settings)
        self._all_rows = bound(FeedbackItem, settings.feedback_table, settings, BULK_READ_SECONDS)
        self._days = bound(DailyItem, settings.daily_feedback_table, settings)
        self._replies = bound(ReplyItem, settings.idempotency_table, settings)
        self._clock = clock

    def add(self, rows: Sequence[CountedFeedback], reply: KeptReply | None = None) -> None:
        """Write rows, each in one transaction with its counters; one that is there adds nothing.

        `reply` is for one row only: it is kept in the very transaction, and if something is kept
        under its key already, nothing is written and KeyInUseError raised.
        """
        if reply is not None and len(rows) != 1:
            raise ValueError("a reply is kept with one row")
        distinct = {
            (lead_key(row.feedback.lead_id), feedback_key(row.feedback)): row for row in rows
        }
        waiting = iter(distinct.values())
        while left := list(islice(waiting, _ROWS_A_TRANSACTION)):
            self._add(left, reply)

    def page(self, lead_id: LeadId, limit: int, cursor: str | None = None) -> FeedbackPage:
        """Return a lead's feedback, newest first; `cursor` goes on where another page ended.

        Raises InvalidInputError for a cursor that is none.
        """
        older_than = IMPORT if cursor is None else _read_cursor(cursor)
        query = Query(
            self._rows,
            lead_key(lead_id),
            self._rows.feedback_key < older_than,
            is_backwards=True,
            page_size=limit + 1,
        )
        with unavailable_on_failure("dynamodb"):
            rows = [feedback(item) for item in islice(query.items(), limit + 1)]
        shown, is_more = rows[:limit], len(rows) > limit
        return FeedbackPage(shown, _cursor(shown[-1]) if is_more else None)

    def dated_from(self, lead_id: LeadId, moment: datetime) -> list[Feedback]:
        """Return a lead's feedback dated at a moment or later, with its senders; one read."""
        dated = self._rows.feedback_key.between(iso(moment), IMPORT)
        query = Query(self._rows, lead_key(lead_id), dated)
        with unavailable_on_failure("dynamodb"):
            return [feedback(item) for item in query.items() if item["feedback_key"] != IMPORT]

    def all_of(self, lead_id: LeadId) -> list[Feedback | Outcome]:
        """Return all that is known about what became of one lead, without its senders."""
        with unavailable_on_failure("dynamodb"):
            return [evidence(item) for item in Query(self._rows, lead_key(lead_id)).items()]

    def counts(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        """Return the counters of days (UTC); a day without feedback is absent."""
        with unavailable_on_failure("dynamodb"):
            return sums_by_day(get_all(self._days, keys_of(days)))

    def delete_before(self, cutoff: datetime) -> int:
        """Delete feedback created before a moment; return how much went. Counters stay."""
        gone = 0
        with unavailable_on_failure("dynamodb"):
            queries = by_time(self._all_rows, self._all_rows.created_at < cutoff)
            for page in pages_of(queries):
                keys = [
                    {"lead_id": item["lead_id"], "feedback_key": item["feedback_key"]}
                    for item in page
                    if item["feedback_key"] != IMPORT
                ]
                delete_all(self._all_rows, keys)
                gone += len(keys)
        return gone

    def _add(self, rows: list[CountedFeedback], reply: KeptReply | None) -> None:
        """Write rows in one transaction, without those that turn out to be there."""
        left = rows

        def attempt() -> bool | None:
            nonlocal left
            reasons = self._reasons_against(left, reply)
            is_there = [reason == REFUSED for reason in reasons]
            # A row that is there is ours, from a call whose answer was lost: so is its reply.
            if reply is not None and is_there[:2] == [False, True]:
                raise KeyInUseError("a reply is kept under this key already")
            if not reasons:
                return True
            left = [row for row, known in zip(left, is_there, strict=False) if not known]
            return None if left else True

        until_settled(attempt)

    def _reasons_against(
        self, rows: Sequence[CountedFeedback], reply: KeptReply | None
    ) -> Sequence[str | None]:
        """Commit rows, their counters and the reply; return why each could not be written.

        Nothing: they were. The reasons are in the order of rows, then reply, then counters.
        """
        connection, now = self._rows._get_connection().connection, self._clock.now()

        def fill(write: TransactWrite) -> None:
            for row in rows:
                item = self._rows.of_feedback(row.feedback)
                write.save(item, self._rows.feedback_key.does_not_exist())
            if reply is not None:
                write.save(self._replies.of(reply, now), is_free(self._replies, now))
            add_counts(write, self._days, rows)

        with unavailable_on_failure("dynamodb"):
            return reasons_against(connection, fill)


def _key(row: Feedback) -> tuple[str, str]:
    return lead_key(row.lead_id), feedback_key(row)


def _cursor(row: Feedback) -> str:
    """Make the cursor of what is older than a row: text that a URL takes as it is."""
    return base64.urlsafe_b64encode(feedback_key(row).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    """Return the key that a cursor stands for; raise InvalidInputError."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise InvalidInputError((_BAD_CURSOR,)) from None
    if not _KEY.fullmatch(key):
        raise InvalidInputError((_BAD_CURSOR,))
    return key
