"""What the API answers, as JSON Schema: each successful answer, and the parts they share."""

from collections.abc import Mapping
from typing import NamedTuple

from ..entities import ACTION_TYPES
from ..entities.feedback import FEEDBACK_SOURCES
from . import openapi_ab_tests as ab_tests
from . import openapi_models as models
from .openapi_metrics import ALERT, PERFORMANCE
from .openapi_schemas import (
    AMOUNT,
    COUNT,
    FLAG,
    ID,
    NUMBER,
    SCORE,
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


class Answer(NamedTuple):
    """The status, schema and media type of a successful answer."""

    status: int
    schema: Schema
    media_type: str = "application/json"


_FAULT = fields(
    {"pointer": about(TEXT, "Into the body (RFC 6901), or a parameter's name"), "message": TEXT}
)
_PROBLEM = fields(
    {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
    {"errors": a_list(_FAULT), "job_id": about(TEXT, "The training that runs already")},
)
_GRADE = one_of("A", "B", "C", "D")
_CONFIDENCE: Schema = {"type": "number", "minimum": 0.5, "maximum": 1}
_TEST = {"ab_test": TEXT, "variant": TEXT}
_REASON = fields(
    {
        "feature": TEXT,
        "effect": about(NUMBER, "In log-odds"),
        "direction": one_of("raises", "lowers"),
        "value": about(null_or(NUMBER), "Of the feature; null where it is missing or no number"),
    }
)
_SCORE_REQUIRED: Mapping[str, Schema] = {
    "lead_id": ID,
    "score": SCORE,
    "confidence": about(_CONFIDENCE, "The larger of the probability and one minus it"),
    "probability": about(SHARE, "Calibrated"),
    "grade": _GRADE,
    "model_version": about(VERSION, "`baseline` until a model is trained"),
    "margin": about(NUMBER, "In log-odds, before calibration"),
    "is_outlier": FLAG,
    "outlier_reasons": TEXTS,
    "degraded": about(FLAG, "Whether a cached model answers because a store is down"),
    "prediction_time": TIME,
}
_SCORE_OPTIONAL: Mapping[str, Schema] = {
    "feature_importance": about(a_map(SHARE), "Share of all absolute effects, by feature"),
    "reasons": about(a_list(_REASON), "Largest first; what is left over is the last"),
    "base_effect": about(NUMBER, "In log-odds; with all effects it adds up to the margin"),
    "as_of": TIME,
}
_AB_SCORE = fields({**_SCORE_REQUIRED, "ab_test": TEXT, "ab_test_variant": TEXT}, _SCORE_OPTIONAL)
_LISTED_SCORE = fields(
    {
        "score": SCORE,
        "probability": SHARE,
        "confidence": _CONFIDENCE,
        "grade": _GRADE,
        "model_version": VERSION,
        "prediction_time": TIME,
    },
    {"as_of": TIME, **_TEST},
)
_FEEDBACK_REQUIRED: Mapping[str, Schema] = {
    "feedback_id": TEXT,
    "lead_id": ID,
    "action_type": one_of(*ACTION_TYPES),
    "target_score": about(SHARE, "How well the lead did, by this feedback"),
    "confidence": about(SHARE, "How far that is trusted"),
    "feedback_source": one_of(*FEEDBACK_SOURCES),
    "model_version": about(null_or(VERSION), "Of the lead's last score; null if it had none"),
    "prediction_score": about(null_or(SCORE), "The lead's last score; null if it had none"),
    "created_at": TIME,
}
_DETAILS: Mapping[str, Schema] = {
    "user_rating": {**AMOUNT, "maximum": 100},
    "interaction_duration": about(AMOUNT, "Seconds"),
    "contact_successful": FLAG,
    "contact_response_time": about(AMOUNT, "Seconds"),
    "conversion_value": about(AMOUNT, "In the unit of the sender"),
    "session_id": TEXT,
}
_PAST_FEEDBACK = fields(_FEEDBACK_REQUIRED, {**_DETAILS, **_TEST})
_BY_ACTION = fields(dict.fromkeys(ACTION_TYPES, COUNT))
_SOURCE = fields(
    {
        "count": COUNT,
        "conversion_rate": null_or(SHARE),
        "contact_success_rate": null_or(SHARE),
        "mean_confidence": null_or(SHARE),
    }
)
_TEMPORAL = fields(
    {
        "per_day": about(a_map(COUNT), "By date (UTC), such as 2024-06-01"),
        "per_hour": about(a_map(COUNT), "By hour of the day (UTC), 0 to 23"),
        "per_weekday": about(a_map(COUNT), "0 (Monday) to 6"),
    }
)
_CHECK = fields({"status": one_of("ok", "degraded", "failed"), "detail": TEXT})
_CHECKS = ("model", "dynamodb", "s3", "training", "alerts")
_HEALTH = fields(
    {
        "status": one_of("healthy", "degraded", "unhealthy"),
        "checks": fields(dict.fromkeys(_CHECKS, _CHECK)),
        "model_version": about(null_or(VERSION), "What answers; null where nothing can"),
        "uptime_seconds": AMOUNT,
    }
)
_OPENAPI: Schema = {
    "type": "object",
    "description": "An OpenAPI document, as the specification of OpenAPI 3.1 has it",
    "required": ["openapi", "info", "servers", "paths", "components"],
}

SCHEMAS: Mapping[str, Schema] = {
    "Problem": _PROBLEM,
    "Score": fields(_SCORE_REQUIRED, _SCORE_OPTIONAL),
    "FeedbackRow": fields(_FEEDBACK_REQUIRED, _TEST),
    "Metrics": models.METRICS,
    "MetricIntervals": models.METRIC_INTERVALS,
    "Model": fields(models.MODEL),
    "ModelCard": models.CARD,
    "Job": models.SHOWN_JOB,
    "Alert": ALERT,
    **ab_tests.SCHEMAS,
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
                "model_version": VERSION,
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
                "feedback": a_list(_PAST_FEEDBACK),
                "summary": fields(
                    {
                        "count": COUNT,
                        "by_action": _BY_ACTION,
                        "last_at": null_or(TIME),
                        "mean_confidence": null_or(SHARE),
                        "target_score": about(null_or(SHARE), "Of the strongest evidence"),
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
                "action_distribution": _BY_ACTION,
                "confidence": fields(
                    {
                        "mean": null_or(SHARE),
                        "by_action": fields(dict.fromkeys(ACTION_TYPES, null_or(SHARE))),
                    }
                ),
                "temporal": _TEMPORAL,
                "sources": fields(dict.fromkeys(FEEDBACK_SOURCES, _SOURCE)),
                "conversion_rate": about(null_or(SHARE), "Conversions over all feedback"),
                "contact_success_rate": about(null_or(SHARE), "Of contacts with a known outcome"),
                "conversion_value": about(AMOUNT, "Sum, in the unit of the sender"),
            }
        ),
    ),
    ("GET", "/models"): Answer(200, fields({"models": a_list(ref("Model"))})),
    ("GET", "/models/{version}"): Answer(200, ref("ModelCard")),
    ("POST", "/models/{version}/activate"): Answer(200, models.CHANGE),
    ("POST", "/models/rollback"): Answer(200, models.CHANGE),
    ("GET", "/models/history"): Answer(200, fields({"history": a_list(models.LEDGER_ROW)})),
    ("POST", "/retrain"): Answer(202, models.QUEUED_JOB),
    ("GET", "/retrain/{job_id}"): Answer(200, ref("Job")),
    ("GET", "/metrics"): Answer(200, PERFORMANCE),
    ("POST", "/cleanup/models"): Answer(
        200, fields({"deleted": a_list(VERSION), "kept": a_list(VERSION)})
    ),
    ("POST", "/cleanup/feedback"): Answer(200, fields({"deleted": COUNT, "cutoff": TIME})),
    ("POST", "/ab-tests"): Answer(201, ref("ABTest")),
    ("GET", "/ab-tests"): Answer(200, fields({"tests": a_list(ref("ABTest"))})),
    ("GET", "/ab-tests/{test_name}"): Answer(200, ref("ABTest")),
    ("POST", "/ab-tests/{test_name}/score"): Answer(200, _AB_SCORE),
    ("GET", "/ab-tests/{test_name}/results"): Answer(200, ref("ABResults")),
    ("POST", "/ab-tests/{test_name}/stop"): Answer(200, ab_tests.STOPPED_AB_TEST),
    ("GET", "/health"): Answer(200, _HEALTH),
    ("GET", "/openapi.json"): Answer(200, _OPENAPI),
    ("GET", "/docs"): Answer(200, TEXT, "text/html"),
    ("GET", "/docs/{asset}"): Answer(200, TEXT, "*/*"),
}
