"""Whether a new model should be trained, and why.

The rules are those of "Retraining" in the domain rules: no model yet, an old one, enough new
samples, or a live F1 that fell; and never with fewer samples than training needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .alerting import Alert
from .entities import ActiveModel
from .entities.models import ModelRecord
from .labels import Label
from .settings import Settings

# With fewer, a fall of F1 by RETRAIN_THRESHOLD_F1 is within what chance does.
OUTCOMES_TO_JUDGE_BY = 100
# Registered metrics have so many; without rounding 0.80 - 0.75 is more than 0.05.
_DECIMALS = 6
_A_DAY = timedelta(days=1)
# The alerts that are a reason to train.
DRIFT_CODES = ("feature_drift", "score_drift")


class Deployed(NamedTuple):
    """The active model: the pointer to it, and its row in the registry."""

    pointer: ActiveModel
    record: ModelRecord


@dataclass(frozen=True, slots=True)
class Findings:
    """What the check found at a moment, before anything is concluded from it.

    `live` are the outcomes, since its deployment, of leads that the active model scored;
    `live_metrics` what they make of it, by the names of the registered metrics; `drift` are the
    open alerts that say that leads are no longer as they were.
    """

    at: datetime
    deployed: Deployed | None
    usable_samples: int
    new_samples: int
    live: Sequence[Label]
    live_metrics: Mapping[str, float | None]
    drift: Sequence[Alert] = ()


def conclude(findings: Findings, settings: Settings) -> dict[str, Any]:
    """Return `should_retrain`, the reasons for or against in sentences, and the figures.

    Where nothing is due, the reasons say how far each rule is from it.
    """
    missing = max(0, settings.min_training_samples - findings.usable_samples)
    rules = _rules(findings, settings)
    due = [rule.sentence for rule in rules if rule.is_due]
    reasons = due or [rule.sentence for rule in rules]
    record = findings.deployed.record if findings.deployed else None
    return {
        "should_retrain": bool(due) and not missing,
        "reasons": [_too_few(findings, settings, missing), *due] if missing else reasons,
        "usable_samples": findings.usable_samples,
        "new_samples": findings.new_samples,
        "missing_samples": missing,
        "model_version": record.model_version if record else None,
        "model_age_days": round((findings.at - record.created_at) / _A_DAY, 4) if record else None,
        "registered_f1": record.metrics.get("f1_score") if record else None,
        "live_f1": findings.live_metrics["f1_score"],
        "live_samples": len(findings.live),
    }


class Rule(NamedTuple):
    """Whether a rule asks for a new model, and the sentence that says why or why not."""

    is_due: bool
    sentence: str


def _rules(findings: Findings, settings: Settings) -> list[Rule]:
    if findings.deployed is None:
        return [Rule(True, "No model is active yet.")]
    record = findings.deployed.record
    return [
        _age(findings.at - record.created_at, settings.retrain_interval_days),
        _new_samples(findings.new_samples, settings.retrain_min_new_samples),
        _live_f1(findings, record.metrics.get("f1_score"), settings.retrain_threshold_f1),
        _drift(findings.drift, record.created_at),
    ]


def _drift(alerts: Sequence[Alert], trained_at: datetime) -> Rule:
    # A model that was trained since has seen the leads as they are now.
    new = [each for each in alerts if each.since > trained_at]
    if not new:
        return Rule(False, "No drift was found since the active model was trained.")
    said = " ".join(each.text for each in new)
    return Rule(True, f"Leads have changed since the active model was trained: {said}")


def _too_few(findings: Findings, settings: Settings, missing: int) -> str:
    return (
        f"Training needs at least {settings.min_training_samples:,} usable samples:"
        f" {findings.usable_samples:,} are there, {missing:,} are missing."
    )


def _age(age: timedelta, limit_days: int) -> Rule:
    is_due = age > timedelta(days=limit_days)
    limit = f"more than {limit_days}" if is_due else f"{limit_days} are allowed"
    return Rule(is_due, f"The active model is {age / _A_DAY:.2f} days old: {limit}.")


def _new_samples(count: int, enough: int) -> Rule:
    return Rule(
        count >= enough,
        f"{count:,} new samples became known since the active model was trained:"
        f" {enough:,} are a reason to train.",
    )


def _live_f1(findings: Findings, registered: float | None, allowed: float) -> Rule:
    count, live = len(findings.live), findings.live_metrics["f1_score"]
    if count < OUTCOMES_TO_JUDGE_BY:
        return Rule(
            False,
            f"{count:,} outcomes of leads that the active model scored became known since it was"
            f" deployed: {OUTCOMES_TO_JUDGE_BY} are needed to judge it.",
        )
    if live is None or registered is None:
        return Rule(False, f"F1 is not defined on {count:,} outcomes since the deployment.")
    fall = round(registered - live, _DECIMALS)
    return Rule(
        fall > allowed,
        f"F1 is {live:.4f} on {count:,} outcomes since the deployment and was {registered:.4f} at"
        f" training: a fall by more than {allowed} is a reason to train.",
    )
