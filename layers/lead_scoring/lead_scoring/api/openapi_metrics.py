"""What `GET /metrics` answers, as JSON Schema."""

from collections.abc import Mapping

from ..alerting import CODES, CRITICAL, WARNING
from .openapi_models import JOB, MODEL, THRESHOLD
from .openapi_schemas import (
    AMOUNT,
    COUNT,
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    TEXTS,
    TIME,
    VERSION,
    Schema,
    a_list,
    a_map,
    about,
    fields,
    null_or,
    one_of,
    ref,
)

_ALERT: Mapping[str, Schema] = {
    "code": one_of(*CODES),
    "severity": one_of(WARNING, CRITICAL),
    "since": TIME,
    "figure": about(NUMBER, "What was found, in the unit of the threshold"),
    "threshold": about(NUMBER, "Beyond which it is alarming"),
    "text": TEXT,
    "what_to_do": TEXT,
    "subjects": about(TEXTS, "The features or fields concerned, worst first"),
}
ALERT = fields(_ALERT)
_CLOSED_AT = about(null_or(TIME), "Null where it opened")
_ALERT_CHANGE = fields({**_ALERT, "closed_at": _CLOSED_AT})
_OF_ROW = ("model_version", "model_type", "metrics", "training_samples", "validation_samples")
_ACTIVE_MODEL = fields(
    {name: MODEL[name] for name in _OF_ROW}
    | {
        "threshold": THRESHOLD,
        "created_at": TIME,
        "trained_until": about(TIME, "When the newest outcome that it knows was known"),
        "deployed_at": TIME,
        "previous_version": null_or(VERSION),
    }
)
_LIVE = fields(
    {
        "since": about(null_or(TIME), "Of the deployment"),
        "samples": about(COUNT, "Outcomes of leads that it scored"),
        "positives": COUNT,
        "metrics": ref("Metrics"),
        "metric_intervals": about(null_or(ref("MetricIntervals")), "Null below 30 outcomes"),
    }
)
_ESTIMATES = ("auc_roc", "f1_score", "precision", "recall", "accuracy", "conversion_rate")
_ESTIMATED = fields(
    {
        "samples": about(COUNT, "Scores of the last week"),
        "metrics": null_or(fields(dict.fromkeys(_ESTIMATES, null_or(SHARE)))),
    }
)
_BUSINESS = fields(
    {
        "days": about(COUNT, "For how many days back (UTC, with today) it counts"),
        "feedback": COUNT,
        "conversions": COUNT,
        "contacts_with_known_outcome": COUNT,
        "conversion_rate": about(null_or(SHARE), "Conversions over all feedback"),
        "contact_success_rate": about(null_or(SHARE), "Of contacts with a known outcome"),
        "conversion_value": about(AMOUNT, "Sum, in the unit of the sender"),
    }
)
_EFFICIENCY = fields(
    {
        "since": TIME,
        "sampled_scores": COUNT,
        "sample_rate": about(SHARE, "Of the scores that are given"),
        "latency_ms": about(
            fields(dict.fromkeys(("p50", "p95", "p99"), null_or(AMOUNT))),
            "Of the model, in milliseconds a lead; null without scores",
        ),
        "throughput_per_minute": fields(
            {"leads": about(null_or(AMOUNT), "Null where none is sampled"), "requests": AMOUNT}
        ),
    }
)
_MOVED = fields(
    {
        "feature": about(TEXT, "As reasons call it"),
        "name": about(TEXT, "The feature's own; several may be one to reasons"),
        "psi": about(AMOUNT, "Population stability index against the training"),
        "level": one_of("ok", "warning", "alarm"),
        "threshold": about(AMOUNT, "The index from which on it is an alarm"),
    }
)
_DRIFT = fields(
    {
        "samples": about(COUNT, "Scores of the last week"),
        "enough": about(FLAG, "Whether they suffice to open alerts"),
        "score": _MOVED,
        "features": about(a_list(_MOVED), "Those that moved most, furthest first"),
        "alarms": about(COUNT, "Of all features"),
        "warnings": about(COUNT, "Of all features"),
    }
)
_FIELDS = ("description", "category", "location_name", "price", "email", "posted_at")
_FAULT_SHARES = about(
    fields(
        {
            "missing": about(fields(dict.fromkeys(_FIELDS, SHARE)), "By field of a lead"),
            "out_of_range": about(a_map(SHARE), "By feature; those that have any"),
            "unseen_categories": SHARE,
            "inconsistent": about(a_map(SHARE), "By what contradicts itself"),
        }
    ),
    "Shares of leads",
)
_DATA_QUALITY = fields(
    {
        "samples": about(COUNT, "Leads of the last week"),
        "shares": _FAULT_SHARES,
        "at_training": _FAULT_SHARES,
        "never_seen": about(TEXTS, "The most frequent categories that training never saw"),
    }
)
_TRAINING = fields(
    {
        "last_job": null_or(fields({**JOB, "requested_by": TEXT})),
        "next_check": TIME,
        "should_retrain": FLAG,
        "reasons": about(TEXTS, "For it, or how far each rule is from it"),
        "usable_samples": COUNT,
        "new_samples": about(COUNT, "Known since the active model was trained"),
        "missing_samples": about(COUNT, "Until there are enough to train on"),
        "model_version": null_or(VERSION),
        "model_age_days": null_or(AMOUNT),
        "registered_f1": null_or(SHARE),
        "live_f1": null_or(SHARE),
        "live_samples": COUNT,
    }
)
_MONITORED = "; null until monitoring has looked at scores of a model"
PERFORMANCE = fields(
    {
        "active_model": about(null_or(_ACTIVE_MODEL), "Null before any model is active"),
        "live": about(_LIVE, "Of the active model, on outcomes that arrived since"),
        "estimated": about(
            null_or(_ESTIMATED), f"By the model's own probabilities, without outcomes{_MONITORED}"
        ),
        "business": _BUSINESS,
        "efficiency": about(_EFFICIENCY, "Of the last hour"),
        "drift": about(null_or(_DRIFT), f"Against the training{_MONITORED}"),
        "data_quality": about(null_or(_DATA_QUALITY), f"What is wrong with leads{_MONITORED}"),
        "alerts": about(a_list(ref("Alert")), "Open ones, critical ones first"),
        "alert_history": about(a_list(_ALERT_CHANGE), "Newest first"),
        "monitored_at": null_or(TIME),
        "training": _TRAINING,
    }
)
