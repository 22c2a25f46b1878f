"""Findings about the model and its training: what monitoring says beside drift and quality."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .alerting import CRITICAL, WARNING, Finding
from .entities.models import Job
from .retraining_rules import OUTCOMES_TO_JUDGE_BY, Findings
from .settings import Settings

# An alert closes when the figure is well within its threshold, not when it grazes it.
_CLEAR = 0.8
# A calibration error so far above the registered one sends people to the wrong leads.
_CALIBRATION_THRESHOLD = 0.1
_OVERDUE = timedelta(hours=50)
_A_DAY = timedelta(days=1)


class Worse(NamedTuple):
    """How the active model does against the one before it; positive is worse.

    `lower` is the lower end of the interval of the difference: above 0 it is worse for sure.
    """

    metric: str
    difference: float
    lower: float
    samples: int
    samples_before: int


def model_findings(
    findings: Findings,
    last_job: Job | None,
    worse: Sequence[Worse],
    intervals: Mapping[str, list[float] | None] | None,
    settings: Settings,
) -> Iterator[Finding]:
    """Return what is found about a deployed model; nothing without one.

    `intervals` are those of the live metrics, None while there are too few outcomes.
    """
    if last_job is not None:
        yield _training_failed(last_job)
        yield _training_overdue(last_job, findings.at)
    if findings.deployed is None:
        return
    yield _age(findings, settings)
    if len(findings.live) >= OUTCOMES_TO_JUDGE_BY:
        yield from _performance(findings, settings)
        yield from _calibration(findings, intervals)
    yield from _new_model(findings, worse)


def _performance(findings: Findings, settings: Settings) -> Iterator[Finding]:
    assert findings.deployed is not None  # noqa: S101 (see model_findings)
    registered = findings.deployed.record.metrics.get("f1_score")
    live, allowed = findings.live_metrics["f1_score"], settings.retrain_threshold_f1
    if registered is None or live is None:
        return
    fall = round(registered - live, 6)
    yield Finding(
        "performance_degraded",
        CRITICAL,
        fall,
        allowed,
        is_bad=fall > allowed,
        is_clear=fall <= _CLEAR * allowed,
        text=f"F1 is {live:.3f} on {len(findings.live):,} outcomes since the deployment and was"
        f" {registered:.3f} at training.",
        what_to_do="The next check trains a new model by itself; POST /retrain does it now. If a"
        " change of the leads is listed below as drift, look at it first.",
    )


def _calibration(
    findings: Findings, intervals: Mapping[str, list[float] | None] | None
) -> Iterator[Finding]:
    error = findings.live_metrics["expected_calibration_error"]
    interval = (intervals or {}).get("expected_calibration_error")
    if error is None or interval is None:
        return
    yield Finding(
        "calibration_off",
        WARNING,
        error,
        _CALIBRATION_THRESHOLD,
        is_bad=interval[0] > _CALIBRATION_THRESHOLD,
        is_clear=error <= _CLEAR * _CALIBRATION_THRESHOLD,
        text=f"Probabilities are off by {error:.3f} on average on {len(findings.live):,} outcomes.",
        what_to_do="Trust the order of the leads more than their probabilities until a new model is"
        " trained (POST /retrain).",
    )


def _new_model(findings: Findings, worse: Sequence[Worse]) -> Iterator[Finding]:
    assert findings.deployed is not None  # noqa: S101 (see model_findings)
    if not worse:
        return
    worst = max(worse, key=lambda each: each.lower)
    pointer = findings.deployed.pointer
    yield Finding(
        "new_model_worse",
        CRITICAL,
        worst.difference,
        0.0,
        is_bad=worst.lower > 0,
        is_clear=worst.lower <= 0,
        text=f"{pointer.model_version} does significantly worse than"
        f" {pointer.previous_version} did: {worst.metric} by {worst.difference:.3f},"
        f" on {worst.samples:,} outcomes against {worst.samples_before:,}.",
        what_to_do="POST /models/rollback makes the model before it active again; with"
        " AUTO_ROLLBACK=true it happens by itself.",
    )


def _age(findings: Findings, settings: Settings) -> Finding:
    assert findings.deployed is not None  # noqa: S101 (see model_findings)
    age = (findings.at - findings.deployed.record.created_at) / _A_DAY
    # Older than one interval is retrained; older than two, something keeps it from being so.
    allowed = 2.0 * settings.retrain_interval_days
    return Finding(
        "model_too_old",
        WARNING,
        round(age, 3),
        allowed,
        is_bad=age > allowed,
        is_clear=age <= allowed,
        text=f"The active model is {age:.1f} days old; after {settings.retrain_interval_days} it"
        " should have been replaced.",
        what_to_do="GET /models shows newer ones that the gate refused, and why; GET /metrics says"
        " whether there are enough outcomes to train on.",
    )


def _training_failed(job: Job) -> Finding:
    has_failed = job.status == "failed"
    return Finding(
        "training_failed",
        CRITICAL,
        float(has_failed),
        0.0,
        is_bad=has_failed,
        is_clear=not has_failed,
        text=f"The last training failed: {job.error or 'the log has the reason'}.",
        what_to_do=f"GET /retrain/{job.job_id} says how far it came; POST /retrain tries again.",
    )


def _training_overdue(job: Job, now: datetime) -> Finding:
    hours = (now - job.created_at) / timedelta(hours=1)
    limit = _OVERDUE / timedelta(hours=1)
    return Finding(
        "training_overdue",
        WARNING,
        round(hours, 3),
        limit,
        is_bad=hours > limit,
        is_clear=hours <= limit,
        text=f"The last check whether to train was {hours:.0f} hours ago; it should run every day.",
        what_to_do="Look whether the schedule of the training function is enabled, and into its"
        " dead-letter queue.",
    )
