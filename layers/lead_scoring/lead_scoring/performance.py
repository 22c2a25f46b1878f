"""How the active model does, as `GET /metrics` answers it."""

from datetime import datetime, timedelta
from typing import Any

from .alerts import alert_view, change_view
from .efficiency import WINDOW, efficiency
from .entities import iso
from .entities.feedback import FEEDBACK_SOURCES
from .entities.models import Job
from .feedback_analytics import Window, days_until
from .live_metrics import live_report
from .ports import FeedbackStore, MonitoringStore, PredictionStore
from .retraining import Retraining
from .retraining_check import RetrainingCheck
from .retraining_rules import Deployed, Findings, conclude
from .settings import Settings

BUSINESS_DAYS = 30
# Of alerts, newest first.
_CHANGES = 50


class Performance:
    """Puts together what is registered, what happened since, and what training is up to."""

    def __init__(
        self,
        settings: Settings,
        feedback: FeedbackStore,
        retraining: Retraining,
        check: RetrainingCheck,
        predictions: PredictionStore,
        monitoring: MonitoringStore,
    ) -> None:
        """Wire it; nothing is read yet."""
        self._settings = settings
        self._feedback, self._retraining, self._check = feedback, retraining, check
        self._predictions, self._monitoring = predictions, monitoring

    def report(self) -> dict[str, Any]:
        """Return the answer of `GET /metrics`; what cannot be computed is None.

        What became of leads is read once, for the live metrics and for the check alike.
        """
        findings = self._check.look()
        watch = self._monitoring.watch()
        recent = self._predictions.sampled(findings.at - WINDOW)
        return {
            "active_model": _active_model(findings.deployed),
            "live": _live(findings),
            "estimated": watch.report.get("estimated"),
            "business": self._business(findings.at),
            "efficiency": efficiency(recent, findings.at, self._settings.monitoring_sample_rate),
            "drift": watch.report.get("drift"),
            "data_quality": watch.report.get("data_quality"),
            "alerts": [alert_view(each) for each in watch.alerts],
            "alert_history": [change_view(each) for each in self._monitoring.history(_CHANGES)],
            "monitored_at": iso(watch.at) if watch.at else None,
            "training": self._training(findings),
        }

    def _business(self, now: datetime) -> dict[str, Any]:
        """Return what feedback of the last days says, from their counters."""
        days = days_until(now.date(), BUSINESS_DAYS)
        window = Window(list(self._feedback.counts(days).values()))
        known = sum(window.sum(f"{source}_contacts_known") for source in FEEDBACK_SOURCES)
        return {
            "days": BUSINESS_DAYS,
            "feedback": window.count(),
            "conversions": window.count(action="convert"),
            "contacts_with_known_outcome": round(known),
            "conversion_rate": window.conversion_rate(),
            "contact_success_rate": window.contact_success_rate(),
            "conversion_value": round(window.sum("conversion_value"), 6),
        }

    def _training(self, findings: Findings) -> dict[str, Any]:
        last = self._retraining.last()
        next_check = next_time_of_day(findings.at, self._settings.retrain_check_hour)
        return {
            "last_job": _job(last) if last else None,
            "next_check": iso(next_check),
            **conclude(findings, self._settings),
        }


def next_time_of_day(now: datetime, hour: int) -> datetime:
    """Return the next moment after now at which a day has this hour (UTC).

    >>> from datetime import UTC
    >>> iso(next_time_of_day(datetime(2024, 6, 1, 3, tzinfo=UTC), hour=3))
    '2024-06-02T03:00:00.000000Z'
    """
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _active_model(deployed: Deployed | None) -> dict[str, Any] | None:
    if deployed is None:
        return None
    pointer, record = deployed
    return {
        "model_version": record.model_version,
        "model_type": record.model_type,
        "metrics": dict(record.metrics),
        "threshold": record.threshold,
        "training_samples": record.training_samples,
        "validation_samples": record.validation_samples,
        "created_at": iso(record.created_at),
        "trained_until": iso(record.trained_until),
        "deployed_at": iso(pointer.activated_at),
        "previous_version": pointer.previous_version,
    }


def _live(findings: Findings) -> dict[str, Any]:
    if findings.deployed is None:
        return live_report(findings.live, None, 0.5)
    pointer, record = findings.deployed
    return live_report(findings.live, pointer, record.threshold)


def _job(job: Job) -> dict[str, Any]:
    verdict = {"promoted": job.promoted, "text": job.verdict}
    return {
        "job_id": job.job_id,
        "status": job.status,
        "requested_by": job.requested_by,
        "reasons": list(job.reasons),
        "created_at": iso(job.created_at),
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "model_version": job.model_version,
        "verdict": None if job.promoted is None else verdict,
        "error": job.error,
    }
