"""Take feedback, show it, count it, let go of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from .attribution import Attribution
from .entities import GivenScore, LeadId, iso, lead_key
from .entities.feedback import Feedback, Interaction, Sender
from .entities.models import KeptReply, Operation
from .entities.training import Outcome
from .errors import NotFoundError
from .feedback_analytics import analytics, counted, days_until
from .feedback_rows import details, listed, row_of, summary
from .parallel import in_threads
from .ports import Clock, FeedbackStore, PredictionStore

_NOBODY = Sender()

ReadFeedback = Callable[[Mapping[str, Any]], tuple[Interaction, Sender]]
Given = Mapping[tuple[str, datetime], GivenScore | None]


class FeedbackProcessor:
    """The feedback service."""

    def __init__(
        self,
        clock: Clock,
        feedback: FeedbackStore,
        predictions: PredictionStore,
        attribution: Attribution,
        read_feedback: ReadFeedback,
    ) -> None:
        """Wire it; `read_feedback` validates what is not an Interaction yet."""
        self._clock, self._feedback, self._predictions = clock, feedback, predictions
        self._attribution, self._read_feedback = attribution, read_feedback

    def process_user_feedback(
        self,
        feedback: Interaction | Mapping[str, Any],
        sender: Sender = _NOBODY,
        operation: Operation | None = None,
        keep: Callable[[dict[str, Any]], KeptReply | None] = lambda _: None,
    ) -> dict[str, Any]:
        """Take what somebody says about a lead; a dict is read as the API reads it.

        What `keep` makes of the answer is kept in the very transaction. Doing it again with the
        same operation changes nothing more. Raises InvalidInputError, KeyInUseError.
        """
        if not isinstance(feedback, Interaction):
            feedback, sender = self._read_feedback(feedback)
        operation = operation or self._new_operation()
        moment = feedback.created_at or operation.at
        row = row_of(
            feedback,
            feedback_id=operation.operation_id,
            source="manual",
            moment=moment,
            sender=sender,
            given=self._predictions.given_before(feedback.lead_id, moment),
        )
        answer = listed(row)
        self._feedback.add([counted(row)], keep(answer))
        self._attribution.count([row])
        return answer

    def count_again(self, feedback: Interaction, sender: Sender, answer: Mapping[str, Any]) -> None:
        """Count for A/B tests what was answered before, should that request have been cut off."""
        row = row_of(
            feedback,
            feedback_id=answer["feedback_id"],
            source=answer["feedback_source"],
            moment=datetime.fromisoformat(answer["created_at"]),
            sender=sender,
            given=None,
        )
        self._attribution.count([row])

    def process_implicit(
        self,
        interactions: Sequence[tuple[int, Interaction]],
        sender: Sender = _NOBODY,
        operation: Operation | None = None,
        actions_in_session: int | None = None,
    ) -> list[dict[str, Any]]:
        """Take what was observed in a session: interactions, each with its place in it.

        The place names the row, so that doing it again with the same operation changes nothing
        more. `actions_in_session` is how many there were if not all of them are here.
        """
        operation = operation or self._new_operation()
        actions = max(len(interactions), actions_in_session or 0)
        given = self._given(
            {(lead_key(each.lead_id), each.created_at or operation.at) for _, each in interactions}
        )
        rows = []
        for place, each in interactions:
            moment = each.created_at or operation.at
            row = row_of(
                each,
                feedback_id=f"{operation.operation_id}-{place:03d}",
                source="implicit",
                moment=moment,
                sender=sender,
                given=given[lead_key(each.lead_id), moment],
                actions_in_session=actions,
            )
            rows.append(row)
        self._feedback.add([counted(row) for row in rows])
        self._attribution.count(rows)
        return [listed(row) for row in rows]

    def history(
        self, lead_id: LeadId, limit: int = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """Return a lead's feedback, newest first, and what all of it says.

        Raises NotFoundError if nothing at all is known about the lead.
        """
        page = self._feedback.page(lead_id, limit, cursor)
        evidence = self._feedback.all_of(lead_id)
        return {
            "lead_id": self._known_as(lead_id, evidence),
            "feedback": [listed(row) | details(row) for row in page.feedback],
            "summary": summary(evidence),
            "next_cursor": page.next_cursor,
        }

    def analytics(self, days: int = 30) -> dict[str, Any]:
        """Return what the counters of the last days (UTC, with today) tell."""
        window = days_until(self._clock.now().date(), days)
        return analytics(window, self._feedback.counts(window))

    def cleanup(
        self, retention_days: int = 365, operation: Operation | None = None
    ) -> dict[str, Any]:
        """Delete feedback that is older; what the counters tell stays."""
        cutoff = (operation or self._new_operation()).at - timedelta(days=retention_days)
        return {"deleted": self._feedback.delete_before(cutoff), "cutoff": iso(cutoff)}

    def _new_operation(self) -> Operation:
        return Operation(uuid4().hex, self._clock.now())

    def _given(self, wanted: Collection[tuple[str, datetime]]) -> Given:
        """Look up what each lead had been given by each moment, several at once."""
        order = list(wanted)
        given = in_threads(lambda pair: self._predictions.given_before(*pair), order)
        return dict(zip(order, given, strict=True))

    def _known_as(self, lead_id: LeadId, evidence: Sequence[Feedback | Outcome]) -> LeadId:
        """Return a lead's id with the type that it came in with."""
        rows = [each for each in evidence if isinstance(each, Feedback)]
        if evidence:
            return max(rows, key=lambda each: each.created_at, default=evidence[0]).lead_id
        score = next(self._predictions.newest_first(lead_id), None)
        if score is not None:
            return score.lead.lead_id
        if not self._predictions.knows(lead_id):
            raise NotFoundError("nothing is known about this lead")
        return lead_id
