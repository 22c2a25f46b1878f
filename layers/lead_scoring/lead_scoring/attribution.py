"""Which feedback is a conversion of an A/B test, and for whom it counts.

Everything follows from dates, not from the order in which requests arrive: feedback counts for a
unit that was scored the lead by then. A score and the feedback after it may come in at the same
time. Each is written first and then looks for the other, so whoever comes second sees the first.
"""

from collections.abc import Sequence
from datetime import timedelta

from .entities.feedback import Feedback
from .experiments import ABScoring, Conversion
from .hashing import lead_hash
from .parallel import in_threads
from .ports import ExposureStore, FeedbackStore


class Attribution:
    """Counts conversions for the units that they belong to, each unit once."""

    def __init__(
        self, exposures: ExposureStore, feedback: FeedbackStore, hash_key: str, window: timedelta
    ) -> None:
        """Wire it; `window` is how long after its exposure a unit's conversion counts."""
        self._exposures, self._feedback = exposures, feedback
        self._hash_key, self._window = hash_key, window

    def count(self, rows: Sequence[Feedback]) -> None:
        """Count feedback that has been written down; doing it again counts nothing more.

        Raises StoreUnavailableError: some may be counted then, and all will be when repeated.
        """
        in_threads(self._count, [row for row in rows if metric_of(row)])

    def count_after(self, scoring: ABScoring) -> None:
        """Count what was written down before a score, but is dated after it.

        A score for a user changes nothing about what other users did.
        """
        record, unit = scoring.record, scoring.exposure.unit
        rows = self._feedback.dated_from(record.lead.lead_id, record.scored_at)
        is_for_lead = unit == scoring.lead
        self.count([row for row in rows if is_for_lead or row.sender.user_hash in (unit, None)])

    def _count(self, row: Feedback) -> None:
        lead = lead_hash(row.lead_id, self._hash_key)
        conversion = Conversion(lead, row.feedback_id, row.created_at)
        for exposure in self._exposures.of(lead, row.sender.user_hash, row.created_at):
            if exposure.metric == metric_of(row):
                self._exposures.convert(exposure, conversion, self._window)


def metric_of(row: Feedback) -> str | None:
    """Return the metric of which feedback is a conversion, None if it is of none."""
    if row.action_type == "convert":
        return "conversion"
    if row.action_type == "contact" and row.contact_successful:
        return "contact_success"
    return None
