"""What the API answers, as JSON Schema: each successful answer, and the parts they share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
ID: Schema = {"type": ["integer", "string"]}
SCORE: Schema = {"type": "integer", "minimum": 0, "maximum": 100}
TEXTS: Schema = {"type": "array", "items": TEXT}


class Answer(NamedTuple):
    """The status, schema and media type of a successful answer."""

    status: int
    schema: Schema
    media_type: str = "application/json"


def null_or(schema: Schema) -> Schema:
    """Return a schema that also takes null.

    >>> null_or({"type": "string"}), null_or({"$ref": "#/x"})
    ({'type': ['string', 'null']}, {'anyOf': [{'$ref': '#/x'}, {'type': 'null'}]})
    """
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def fields(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return an object of these members; others may come with later versions."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": [*required],
    }


def a_list(items: Schema) -> Schema:
    """Return a list of such items."""
    return {"type": "array", "items": items}


def a_map(values: Schema) -> Schema:
    """Return an object whose members all have one schema."""
    return {"type": "object", "additionalProperties": values}


def ref(name: str) -> Schema:
    """Return a reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(*choices: str) -> Schema:
    """Return a text that is one of these."""
    return {"type": "string", "enum": [*choices]}


_FAULT = fields({"pointer": TEXT, "message": TEXT})
_PROBLEM = fields(
    {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
    {"errors": a_list(_FAULT), "job_id": TEXT},
)
_TEST = {"ab_test": TEXT, "variant": TEXT}
_REASON = fields(
    {
        "feature": TEXT,
        "effect": NUMBER,
        "direction": one_of("raises", "lowers"),
        "value": null_or(NUMBER),
    }
)
_SCORE = fields(
    {
        "lead_id": ID,
        "score": SCORE,
        "confidence": {"type": "number", "minimum": 0.5, "maximum": 1},
        "probability": SHARE,
        "grade": one_of("A", "B", "C", "D"),
        "model_version": TEXT,
        "margin": NUMBER,
        "is_outlier": FLAG,
        "outlier_reasons": TEXTS,
        "degraded": FLAG,
        "prediction_time": TIME,
    },
    {
        "feature_importance": a_map(SHARE),
        "reasons": a_list(_REASON),
        "base_effect": NUMBER,
        "as_of": TIME,
    },
)
_AB_SCORE = {
    "allOf": [ref("Score"), fields({"ab_test": TEXT, "ab_test_variant": TEXT})],
}
_LISTED_SCORE = fields(
    {
        "score": SCORE,
        "probability": SHARE,
        "confidence": SHARE,
        "grade": one_of("A", "B", "C", "D"),
        "model_version": TEXT,
        "prediction_time": TIME,
    },
    {"as_of": TIME, **_TEST},
)
_FEEDBACK_ROW = fields(
    {
        "feedback_id": TEXT,
        "lead_id": ID,
        "action_type": one_of("view", "contact", "convert", "archive", "rate"),
        "target_score": SHARE,
        "confidence": SHARE,
        "feedback_source": one_of("manual", "implicit"),
        "model_version": null_or(TEXT),
        "prediction_score": null_or(SCORE),
        "created_at": TIME,
    },
    _TEST,
)
_SOURCE = fields(
    {
        "count": COUNT,
        "conversion_rate": null_or(SHARE),
        "contact_success_rate": null_or(SHARE),
        "mean_confidence": null_or(SHARE),
    }
)
_METRICS = a_map(null_or(NUMBER))
_INTERVALS = a_map(null_or(a_list(null_or(NUMBER))))
_MODEL: dict[str, Schema] = {
    "model_version": TEXT,
    "model_type": TEXT,
    "metrics": _METRICS,
    "training_samples": COUNT,
    "validation_samples": COUNT,
    "feature_count": COUNT,
    "training_duration": NUMBER,
    "created_at": TIME,
    "deployed_at": null_or(TIME),
    "is_active": FLAG,
    "size_bytes": COUNT,
}
_WINDOW = fields({"from": null_or(TIME), "to": null_or(TIME)}, {"leads": COUNT, "positives": COUNT})
_CARD = fields(
    {**_MODEL, "artifact_checksums": a_map(TEXT), "report_url": null_or(TEXT)},
    {
        "metric_intervals": _INTERVALS,
        "threshold": SHARE,
        "calibration_bins": a_list({"type": "object"}),
        "lift_table": a_list({"type": "object"}),
        "global_importance": a_list(
            fields(
                {
                    "feature": TEXT,
                    "importance": SHARE,
                    "direction": null_or(one_of("raises", "lowers")),
                }
            )
        ),
        "training_window": _WINDOW,
        "holdout_window": _WINDOW,
        "hyperparameters": {"type": "object"},
        "data_fingerprint": TEXT,
        "parent_version": null_or(TEXT),
        "promotion_verdict": null_or({"type": "object"}),
    },
)
_CHANGE = fields(
    {
        "model_version": TEXT,
        "previous_version": null_or(TEXT),
        "activated_at": TIME,
        "activated_by": TEXT,
    }
)
_LEDGER_ROW = fields(
    {
        "at": TIME,
        "by": TEXT,
        "from": null_or(TEXT),
        "to": TEXT,
        "reason": null_or(TEXT),
        "request_id": null_or(TEXT),
    }
)
_STATUS = one_of("queued", "running", "skipped", "succeeded", "failed")
_VERDICT = null_or(fields({"promoted": null_or(FLAG), "text": null_or(TEXT)}))
_JOB = fields(
    {
        "job_id": TEXT,
        "status": _STATUS,
        "reasons": TEXTS,
        "progress": fields({"step": TEXT, "fraction": SHARE}),
        "model_version": null_or(TEXT),
        "metrics": null_or(_METRICS),
        "verdict": _VERDICT,
        "error": null_or(TEXT),
        "created_at": TIME,
        "finished_at": null_or(TIME),
    }
)
_ALERT = fields(
    {
        "code": TEXT,
        "severity": one_of("warning", "critical"),
        "since": TIME,
        "figure": NUMBER,
        "threshold": NUMBER,
        "text": TEXT,
        "what_to_do": TEXT,
        "subjects": TEXTS,
    },
    {"closed_at": null_or(TIME)},
)
_PERCENTILES = fields({name: null_or(NUMBER) for name in ("p50", "p95", "p99")})
_LIVE = fields(
    {
        "since": null_or(TIME),
        "samples": COUNT,
        "positives": COUNT,
        "metrics": _METRICS,
        "metric_intervals": null_or(_INTERVALS),
    }
)
_BUSINESS = fields(
    {
        "days": COUNT,
        "feedback": COUNT,
        "conversions": COUNT,
        "conversion_rate": null_or(SHARE),
        "contact_success_rate": null_or(SHARE),
        "conversion_value": NUMBER,
    }
)
_EFFICIENCY = fields(
    {
        "since": TIME,
        "sampled_scores": COUNT,
        "sample_rate": SHARE,
        "latency_ms": _PERCENTILES,
        "throughput_per_minute": fields({"leads": null_or(NUMBER), "requests": NUMBER}),
    }
)
_TRAINING = fields(
    {
        "last_job": null_or({"type": "object"}),
        "next_check": TIME,
        "should_retrain": FLAG,
        "reasons": TEXTS,
    }
)
_ANY = null_or({"type": "object"})
_PERFORMANCE = fields(
    {
        "active_model": _ANY,
        "live": _LIVE,
        "estimated": _ANY,
        "business": _BUSINESS,
        "efficiency": _EFFICIENCY,
        "drift": _ANY,
        "data_quality": _ANY,
        "alerts": a_list(ref("Alert")),
        "alert_history": a_list(ref("Alert")),
        "monitored_at": null_or(TIME),
        "training": _TRAINING,
    }
)
_SHOWN_VARIANT = fields(
    {
        "variant_name": TEXT,
        "model_version": TEXT,
        "traffic_percentage": NUMBER,
        "is_control": FLAG,
        "shadow": FLAG,
    }
)
_AB_TEST = fields(
    {
        "test_name": TEXT,
        "status": one_of("running", "stopped"),
        "metric": one_of("conversion", "contact_success"),
        "variants": a_list(_SHOWN_VARIANT),
    }
)
_ARM = fields(
    {
        "variant_name": TEXT,
        "model_version": TEXT,
        "is_control": FLAG,
        "sample_size": COUNT,
        "conversions": COUNT,
        "conversion_rate": null_or(SHARE),
        "confidence_interval_lower": null_or(SHARE),
        "confidence_interval_upper": null_or(SHARE),
        "avg_score": null_or(NUMBER),
    }
)
_COMPARISON = fields(
    {
        "variant_name": TEXT,
        **dict.fromkeys(
            (
                "effect",
                "relative_effect",
                "confidence_interval_lower",
                "confidence_interval_upper",
                "z",
                "p_value",
                "adjusted_p_value",
                "anytime_p_value",
                "power",
            ),
            null_or(NUMBER),
        ),
        "significant": FLAG,
    }
)
_RESULTS = fields(
    {
        "test_name": TEXT,
        "status": one_of("running", "stopped"),
        "metric": TEXT,
        "variants": a_list(_ARM),
        "comparisons": a_list(_COMPARISON),
        "srm": fields({"p_value": null_or(SHARE), "ok": FLAG}),
        "required_sample_size": null_or(COUNT),
        "planned_sample_size": null_or(COUNT),
        "final_look": null_or({"type": "object"}),
        "estimated_days_remaining": null_or(NUMBER),
        "recommendation": fields(
            {"code": TEXT, "text": TEXT, "warnings": a_list(fields({"code": TEXT, "text": TEXT}))}
        ),
    }
)
_CHECK = fields({"status": one_of("ok", "degraded", "failed"), "detail": TEXT})
_HEALTH = fields(
    {
        "status": one_of("healthy", "degraded", "unhealthy"),
        "checks": fields(dict.fromkeys(("model", "dynamodb", "s3", "training"), _CHECK)),
        "model_version": null_or(TEXT),
        "uptime_seconds": NUMBER,
    }
)

SCHEMAS: Mapping[str, Schema] = {
    "Problem": _PROBLEM,
    "Score": _SCORE,
    "FeedbackRow": _FEEDBACK_ROW,
    "Model": fields(_MODEL),
    "ModelCard": _CARD,
    "Job": _JOB,
    "Alert": _ALERT,
    "ABTest": _AB_TEST,
    "ABResults": _RESULTS,
}

ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("POST", "/score"): Answer(200, ref("Score")),
    ("POST", "/batch-score"): Answer(
        200,
        fields(
            {
                "results": a_list(ref("Score")),
                "errors": a_list(
                    fields({"index": COUNT, "lead_id": null_or(ID), "errors": a_list(_FAULT)})
                ),
                "count": COUNT,
                "model_version": TEXT,
                "processing_time_ms": COUNT,
            }
        ),
    ),
    ("GET", "/leads/{lead_id}/scores"): Answer(
        200,
        fields(
            {
                "lead_id": ID,
                "scores": a_list(_LISTED_SCORE),
                "trend": one_of("not_enough_data", "steady", "improving", "declining"),
            }
        ),
    ),
    ("DELETE", "/leads/{lead_id}"): Answer(
        200,
        fields(
            {
                "lead_id": ID,
                "deleted": fields(dict.fromkeys(("scores", "feedback", "exposures"), COUNT)),
            }
        ),
    ),
    ("POST", "/feedback"): Answer(201, ref("FeedbackRow")),
    ("POST", "/feedback/implicit"): Answer(
        201,
        fields(
            {
                "session_id": TEXT,
                "processed": COUNT,
                "skipped": a_list(fields({"index": COUNT, "reason": TEXT})),
                "feedback": a_list(ref("FeedbackRow")),
            }
        ),
    ),
    ("GET", "/feedback/{lead_id}"): Answer(
        200,
        fields(
            {
                "lead_id": ID,
                "feedback": a_list(ref("FeedbackRow")),
                "summary": fields(
                    {
                        "count": COUNT,
                        "by_action": a_map(COUNT),
                        "last_at": null_or(TIME),
                        "mean_confidence": null_or(SHARE),
                        "target_score": null_or(SHARE),
                    }
                ),
                "next_cursor": null_or(TEXT),
            }
        ),
    ),
    ("GET", "/analytics/feedback"): Answer(
        200,
        fields(
            {
                "days": COUNT,
                "total": COUNT,
                "action_distribution": a_map(COUNT),
                "confidence": fields({"mean": null_or(SHARE), "by_action": a_map(null_or(SHARE))}),
                "temporal": fields(
                    dict.fromkeys(("per_day", "per_hour", "per_weekday"), a_map(COUNT))
                ),
                "sources": fields({"manual": _SOURCE, "implicit": _SOURCE}),
                "conversion_rate": null_or(SHARE),
                "contact_success_rate": null_or(SHARE),
                "conversion_value": NUMBER,
            }
        ),
    ),
    ("GET", "/models"): Answer(200, fields({"models": a_list(ref("Model"))})),
    ("GET", "/models/{version}"): Answer(200, ref("ModelCard")),
    ("POST", "/models/{version}/activate"): Answer(200, _CHANGE),
    ("POST", "/models/rollback"): Answer(200, _CHANGE),
    ("GET", "/models/history"): Answer(200, fields({"history": a_list(_LEDGER_ROW)})),
    ("POST", "/retrain"): Answer(
        202, fields({"job_id": TEXT, "status": _STATUS, "status_url": TEXT})
    ),
    ("GET", "/retrain/{job_id}"): Answer(200, ref("Job")),
    ("GET", "/metrics"): Answer(200, _PERFORMANCE),
    ("POST", "/cleanup/models"): Answer(200, fields({"deleted": TEXTS, "kept": TEXTS})),
    ("POST", "/cleanup/feedback"): Answer(200, fields({"deleted": COUNT, "cutoff": TIME})),
    ("POST", "/ab-tests"): Answer(201, ref("ABTest")),
    ("GET", "/ab-tests"): Answer(200, fields({"tests": a_list(ref("ABTest"))})),
    ("GET", "/ab-tests/{test_name}"): Answer(200, ref("ABTest")),
    ("POST", "/ab-tests/{test_name}/score"): Answer(200, _AB_SCORE),
    ("GET", "/ab-tests/{test_name}/results"): Answer(200, ref("ABResults")),
    ("POST", "/ab-tests/{test_name}/stop"): Answer(200, ref("ABTest")),
    ("GET", "/health"): Answer(200, _HEALTH),
    ("GET", "/openapi.json"): Answer(200, fields({"openapi": TEXT, "paths": {"type": "object"}})),
    ("GET", "/docs"): Answer(200, TEXT, "text/html"),
    ("GET", "/docs/{asset}"): Answer(200, TEXT, "*/*"),
}
