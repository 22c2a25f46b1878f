"""What became of implicit feedback, as the body of an answer."""

from collections.abc import Sequence
from typing import Any

from ..errors import Fault
from .feedback_bodies import Session

# Nobody reads more, and the name of an unknown field may have megabytes; the answer is kept for
# whoever repeats the request.
_LONGEST_REASON = 300


def session_answer(session: Session, feedback: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Build the answer to implicit feedback of which at least one interaction was good."""
    return {
        "session_id": session.session_id,
        "processed": len(feedback),
        "skipped": [
            {"index": place, "reason": reason(faults, place)}
            for place, faults in session.skipped.items()
        ],
        "feedback": list(feedback),
    }


def reason(faults: Sequence[Fault], place: int) -> str:
    """Say in one line what is wrong with an interaction.

    >>> reason([Fault("/interactions/3/duration", "must be from 0 to 604800 seconds")], 3)
    'duration must be from 0 to 604800 seconds'
    """
    text = "; ".join(f"{_field(fault, place)} {fault.message}".strip() for fault in faults)
    # Half of a surrogate pair, in the name of an unknown field, cannot be sent as UTF-8.
    printable = text[:_LONGEST_REASON].encode("utf-8", "replace").decode("utf-8")
    return printable if len(text) <= _LONGEST_REASON else f"{printable}…"


def _field(fault: Fault, place: int) -> str:
    # What RFC 6901 escapes.
    name = fault.pointer.removeprefix(f"/interactions/{place}").removeprefix("/")
    return name.replace("~1", "/").replace("~0", "~")
