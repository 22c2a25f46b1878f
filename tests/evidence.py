"""What became of leads, made up for tests of what is learned from it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_scoring.entities import ActiveModel, GivenScore, LeadId, iso
from lead_scoring.entities.feedback import Feedback
from lead_scoring.entities.training import Outcome
from tests.fakes import FakeTrainingStore

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
VERSION = "v20240530_120000_abc12345"
OTHER = "v20240501_120000_def67890"
TARGETS = {"convert": 1.0, "contact": 0.9, "view": 0.4, "archive": 0.3}


def given(probability: float = 0.9, version: str = VERSION) -> GivenScore:
    return GivenScore(
        score_key=iso(NOON - timedelta(days=2)) + "#request",
        model_version=version,
        score=round(100 * probability),
        probability=probability,
    )


def feedback(
    lead_id: LeadId = 1, action_type: str = "convert", at: datetime = NOON, **changes: Any
) -> Feedback:
    """Feedback of a person about a lead; a contact is a successful one."""
    fields: dict[str, Any] = {
        "feedback_id": f"{lead_id}-{action_type}-{iso(at)}",
        "feedback_source": "manual",
        "target_score": TARGETS[action_type],
        "confidence": 1.0,
        "contact_successful": True if action_type == "contact" else None,
        "given": given(),
    }
    return Feedback(lead_id=lead_id, action_type=action_type, created_at=at, **(fields | changes))


def hundred_outcomes(at: datetime) -> list[Feedback]:
    """A hundred leads with an F1 of 0.75 at 0.5: 30 hits, 10 false alarms, 10 missed, 50 right."""
    kinds = [(0.9, "convert", 30), (0.8, "archive", 10), (0.2, "convert", 10), (0.1, "archive", 50)]
    pairs = [(p, action) for p, action, count in kinds for _ in range(count)]
    return [
        feedback(number, action, at, given=given(probability))
        for number, (probability, action) in enumerate(pairs)
    ]


def pointer(**changes: Any) -> ActiveModel:
    fields: dict[str, Any] = {"checksums": {}, "activated_at": NOON - timedelta(days=1)}
    return ActiveModel(model_version=VERSION, **(fields | changes))


class CountingTrainingStore(FakeTrainingStore):
    """Given rows, read as the port says; remembers from when on it was read."""

    def __init__(self, rows: Iterable[Feedback | Outcome] = ()) -> None:
        self.rows: Sequence[Feedback | Outcome] = list(rows)
        self.reads: list[datetime | None] = []

    def evidence(self, since: datetime | None = None) -> Iterator[Feedback | Outcome]:
        self.reads.append(since)
        for row in self.rows:
            at = row.created_at if isinstance(row, Feedback) else row.occurred_at
            if since is None or at is None or at >= since:
                yield row
