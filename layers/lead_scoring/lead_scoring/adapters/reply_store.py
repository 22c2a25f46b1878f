"""What answered requests with an idempotency key, in DynamoDB."""

from datetime import datetime
from typing import cast

from pynamodb.expressions.update import Action

from ..entities.models import KeptReply, Operation
from ..errors import ANOTHER_CONTENT, InvalidInputError, KeyInUseError
from ..ports import Clock
from ..settings import Settings
from .aws import unavailable_on_failure
from .dynamodb import bound
from .reply_item import FREED, ReplyItem, is_free
from .transactions import until_settled, written


class DynamoReplyStore:
    """A ReplyStore in the table of replies."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._table = bound(ReplyItem, settings.idempotency_table, settings)
        self._clock = clock

    def begin(
        self, key: str, fingerprint: str, operation: Operation, until: datetime
    ) -> Operation | KeptReply:
        """Note that a request is being worked on until then, and return its operation.

        Returns the kept reply if it was answered already; the first operation if whoever began it
        has not answered in time. Raises KeyInUseError while it is being worked on. What is kept
        under the key may have another `fingerprint`: raises InvalidInputError.
        """
        note = self._table.of_note(key, fingerprint, operation, until)
        # mypy makes `object` of a result that is one of two.
        return cast(
            Operation | KeptReply, until_settled(lambda: self._begin(note, operation, until))
        )

    def finish(self, reply: KeptReply) -> None:
        """Keep the answer; if there is one already, it stands."""
        now = self._clock.now()
        free = is_free(self._table, now) | self._table.status.does_not_exist()
        item = self._table.of(reply, now)
        until_settled(lambda: written(lambda: item.save(free)) or self._is_answered(reply.key))

    def release(self, key: str) -> None:
        """Let whoever repeats the request go on at once."""
        item = self._table(key)
        is_open = self._table.reply_key.exists() & self._table.status.does_not_exist()
        freed: list[Action] = [self._table.working_until.set(FREED)]
        until_settled(lambda: written(lambda: item.update(freed, is_open)) or self._is_gone(key))

    def forget(self, key: str) -> None:
        """Forget the request, so that the next one under its key starts afresh."""
        item, unanswered = self._table(key), self._table.status.does_not_exist()
        until_settled(lambda: written(lambda: item.delete(unanswered)) or self._is_gone(key))

    def kept(self, key: str) -> KeptReply | None:
        """Return what answered under a key, None if nothing has yet."""
        item = self._find(key, self._clock.now())
        return item.reply() if item else None

    def _begin(
        self, note: ReplyItem, operation: Operation, until: datetime
    ) -> Operation | KeptReply | None:
        """Return None if the note changed hands meanwhile."""
        if written(lambda: note.save(is_free(self._table, operation.at))):
            return operation
        found = self._find(note.reply_key, operation.at)
        if found is None:
            return None
        if found.fingerprint != note.fingerprint:
            raise InvalidInputError((ANOTHER_CONTENT,))
        reply = found.reply()
        if reply is not None:
            return reply
        # Written by this very call, whose answer was lost on the way.
        if found.worker != operation.operation_id:
            if found.working_until > operation.at:
                raise KeyInUseError("the request with this key is being worked on")
            if not self._take_over(found, operation, until):
                return None
        return Operation(found.operation_id, found.operation_at)

    def _take_over(self, found: ReplyItem, operation: Operation, until: datetime) -> bool:
        """Go on with what somebody else began; False if it changed hands meanwhile."""
        is_same = (self._table.worker == found.worker) & self._table.status.does_not_exist()
        is_late = self._table.working_until == found.working_until
        taken: list[Action] = [
            self._table.worker.set(operation.operation_id),
            self._table.working_until.set(until),
        ]
        return written(lambda: self._table(found.reply_key).update(taken, is_same & is_late))

    def _is_answered(self, key: str) -> bool | None:
        """Return True if a reply is kept, None if not."""
        return True if self.kept(key) else None

    def _is_gone(self, key: str) -> bool | None:
        """Return True if nothing is being worked on under a key any more, None if something is."""
        item = self._find(key, self._clock.now())
        return True if item is None or item.reply() else None

    def _find(self, key: str, now: datetime) -> ReplyItem | None:
        with unavailable_on_failure("dynamodb"):
            try:
                item = self._table.get(key, consistent_read=True)
            except self._table.DoesNotExist:
                return None
        return None if item.has_expired(now) else item
