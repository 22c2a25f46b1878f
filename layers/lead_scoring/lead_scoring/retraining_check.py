"""What is known about whether a new model should be trained: read from the stores, and counted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .entities import ActiveModel
from .entities.feedback import Feedback
from .entities.models import ModelRecord
from .labels import Evidence, by_lead, label
from .live_metrics import live_labels, live_metrics
from .ports import Clock, ModelRegistry, MonitoringStore, TrainingStore
from .retraining_rules import DRIFT_CODES, Deployed, Findings, conclude
from .settings import Settings

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class RetrainingCheck:
    """Asks how old the active model is, how much is new, and how well it does."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        training_data: TrainingStore,
        models: ModelRegistry,
        monitoring: MonitoringStore,
    ) -> None:
        """Wire the check; nothing is read yet."""
        self._settings, self._clock = settings, clock
        self._training_data, self._models = training_data, models
        self._monitoring = monitoring
        self._maturity_hours = settings.label_maturity_hours

    def check(self) -> dict[str, Any]:
        """Return `should_retrain`, the reasons for or against in sentences, and the figures."""
        return conclude(self.look(), self._settings)

    def look(self) -> Findings:
        """Read once what the check needs; with an active model, only what is new to it.

        Whether a lead's features can be had is left to training, which counts exactly.
        """
        now, pointer = self._clock.now(), self._models.active()
        if pointer is None:
            everything = by_lead(self._training_data.evidence()).values()
            usable = sum(label(rows, now, self._maturity_hours) is not None for rows in everything)
            return Findings(now, None, usable, usable, (), live_metrics((), 0.5))
        record = self._models.get(pointer.model_version)
        trained_on = _trained_on(record)
        leads = by_lead(self._training_data.evidence(self._unread_since(pointer, trained_on)))
        new = [rows for rows in leads.values() if self._is_new(rows, trained_on, now)]
        # What was trained on and becomes known anew, as by a conversion, is one sample still.
        again = sum(self._was_usable(rows, trained_on.read_at) for rows in new)
        usable = record.training_samples + record.validation_samples + len(new) - again
        live = live_labels(leads.values(), pointer, now, self._maturity_hours)
        measured = live_metrics(live, record.threshold)
        drift = [each for each in self._monitoring.watch().alerts if each.code in DRIFT_CODES]
        return Findings(now, Deployed(pointer, record), usable, len(new), live, measured, drift)

    def _unread_since(self, pointer: ActiveModel, trained_on: "_TrainedOn") -> datetime:
        # What was unripe then is older than what was new then.
        ripening = timedelta(hours=self._maturity_hours)
        return min(pointer.activated_at, trained_on.until - ripening)

    def _is_new(self, rows: Sequence[Evidence], trained_on: "_TrainedOn", now: datetime) -> bool:
        """Whether a lead's outcome became known after a training, or was unripe at it.

        An import without a date is neither: it would be new at every check.
        """
        known = label(rows, now, self._maturity_hours)
        if known is None:
            return False
        is_later = known.known_at is not None and known.known_at > trained_on.until
        return is_later or not self._was_usable(rows, trained_on.read_at)

    def _was_usable(self, rows: Sequence[Evidence], moment: datetime) -> bool:
        before = [row for row in rows if _when(row) <= moment]
        return bool(before) and label(before, moment, self._maturity_hours) is not None


class _TrainedOn(NamedTuple):
    """What a model was trained on: outcomes known until a moment, as they were read at another."""

    until: datetime
    read_at: datetime


def _trained_on(record: ModelRecord) -> _TrainedOn:
    read_at = record.created_at - timedelta(seconds=record.training_duration)
    return _TrainedOn(record.trained_until, read_at)


def _when(row: Evidence) -> datetime:
    dated = row.created_at if isinstance(row, Feedback) else row.occurred_at
    return dated or _LONG_AGO
