"""The table of replies: one item a request with an idempotency key, gone after a day."""

import zlib
from datetime import UTC, datetime, timedelta

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from ..entities.models import KeptReply, Operation
from .columns import MomentColumn, WholeColumn

# Until when somebody works on what was let go: no longer, whoever's clock is asked.
FREED = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT_FOR = timedelta(days=1)


class ReplyItem(Model):
    """A request that is being worked on, by whom and until when; or what answered it."""

    reply_key = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    expires_at = WholeColumn()
    operation_id = UnicodeAttribute(null=True)
    operation_at = MomentColumn(null=True)
    worker = UnicodeAttribute(null=True)
    working_until = MomentColumn(null=True)
    status = WholeColumn(null=True)
    # Compressed: 500 rows of feedback in one answer must not meet the limit of an item, 400 KB.
    body = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def of(cls, reply: KeptReply, now: datetime) -> "ReplyItem":
        """Make the item of an answer."""
        return cls(
            reply_key=reply.key,
            fingerprint=reply.fingerprint,
            status=reply.status,
            body=zlib.compress(reply.body.encode()),
            expires_at=_seconds(now + _KEPT_FOR),
        )

    @classmethod
    def of_note(
        cls, key: str, fingerprint: str, operation: Operation, until: datetime
    ) -> "ReplyItem":
        """Make the item of a request that is begun now."""
        return cls(
            reply_key=key,
            fingerprint=fingerprint,
            operation_id=operation.operation_id,
            operation_at=operation.at,
            worker=operation.operation_id,
            working_until=until,
            expires_at=_seconds(operation.at + _KEPT_FOR),
        )

    def reply(self) -> KeptReply | None:
        """Return what answered, None if nothing has yet."""
        if self.status is None:
            return None
        body = zlib.decompress(self.body).decode()
        return KeptReply(self.reply_key, self.fingerprint, self.status, body)

    def has_expired(self, now: datetime) -> bool:
        """Whether it is forgotten, though DynamoDB may take days to remove it."""
        return self.expires_at <= _seconds(now)


def is_free(table: type[ReplyItem], now: datetime) -> Condition:
    """Hold where nothing is kept under a key, or only what has expired."""
    free: Condition = table.reply_key.does_not_exist()
    free |= table.expires_at <= _seconds(now)
    return free


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
