"""What the API answers about models, as JSON Schema: rows, cards, changes, trainings."""

from collections.abc import Mapping

from .model_bodies import PARAMS
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

_METRICS: Mapping[str, Schema] = {
    "precision": about(SHARE, "Positives among the leads predicted positive"),
    "recall": about(SHARE, "Predicted positive among the positives"),
    "f1_score": about(SHARE, "Harmonic mean of precision and recall"),
    "accuracy": about(SHARE, "Leads predicted right, at the model's threshold"),
    "auc_roc": about(SHARE, "Chance that a positive scores above a negative"),
    "average_precision": about(SHARE, "Area under precision over recall"),
    "lift_at_10": about(AMOUNT, "Rate of positives in the top 10 %, over that of all"),
    "lift_at_20": about(AMOUNT, "Rate of positives in the top 20 %, over that of all"),
    "recall_at_10": about(SHARE, "Positives that are in the top 10 %"),
    "recall_at_20": about(SHARE, "Positives that are in the top 20 %"),
    "ndcg": about(SHARE, "Normalised discounted cumulative gain of the targets"),
    "log_loss": about(AMOUNT, "Mean negative log-likelihood, in nats a lead"),
    "brier": about(SHARE, "Mean squared error of the probability"),
    "expected_calibration_error": about(SHARE, "Mean gap between probability and rate"),
    "conversion_rate": about(SHARE, "Positives among all leads"),
    "contact_success_rate": about(SHARE, "Contacts that succeeded, of those with a known outcome"),
    "avg_prediction_score": about({**AMOUNT, "maximum": 100}, "Mean score, from 0 to 100"),
}
_INTERVAL: Schema = {**a_list(NUMBER), "minItems": 2, "maxItems": 2}
METRICS = about(
    fields({name: null_or(each) for name, each in _METRICS.items()}),
    "Null is what is not defined on these leads",
)
METRIC_INTERVALS = about(
    fields(dict.fromkeys(_METRICS, null_or(_INTERVAL))),
    "95 % bootstrap interval of each metric: low, high",
)
THRESHOLD = about(SHARE, "The probability from which a lead counts as predicted positive")
MODEL: dict[str, Schema] = {
    "model_version": VERSION,
    "model_type": TEXT,
    "metrics": ref("Metrics"),
    "training_samples": COUNT,
    "validation_samples": COUNT,
    "feature_count": COUNT,
    "training_duration": about(AMOUNT, "Seconds"),
    "created_at": TIME,
    "deployed_at": about(null_or(TIME), "When it became active last; null if it never was"),
    "is_active": FLAG,
    "size_bytes": COUNT,
}
_WINDOW = fields({"from": TIME, "to": TIME, "leads": COUNT, "positives": COUNT})
_CALIBRATION = about(
    fields({"kind": one_of("platt", "beta"), "a": NUMBER, "b": NUMBER, "c": NUMBER}),
    "p = sigmoid(a ln s - b ln(1 - s) + c), where s = sigmoid(margin)",
)
_CALIBRATION_BIN = fields({"mean_prediction": SHARE, "observed_rate": SHARE, "count": COUNT})
_LIFT_ROW = fields(
    {
        "top_fraction": about(SHARE, "Of the leads, best score first"),
        "leads": about(AMOUNT, "How many that is"),
        "positives": about(AMOUNT, "Of them; where scores are equal, in proportion"),
        "recall": about(null_or(SHARE), "Of all positives"),
        "lift": about(null_or(AMOUNT), "Rate of positives, over that of all leads"),
    }
)
_IMPORTANCE = fields(
    {
        "feature": TEXT,
        "importance": about(SHARE, "Of the sum of all absolute effects"),
        "direction": about(
            null_or(one_of("raises", "lowers")), "What more of it does; null where that varies"
        ),
    }
)
_ALWAYS_SET = (
    "max_depth",
    "learning_rate",
    "n_estimators",
    "subsample",
    "colsample_bytree",
    "random_state",
)
# Without the ranges: these bind whoever asks over HTTP, not who trains from Python.
_PARAMS: Mapping[str, Schema] = {
    name: {"type": each.schema["type"]} for name, each in PARAMS.items()
}
_HYPERPARAMETERS = about(
    fields(
        {"objective": TEXT, "eval_metric": TEXT} | {name: _PARAMS[name] for name in _ALWAYS_SET},
        {name: each for name, each in _PARAMS.items() if name not in _ALWAYS_SET},
    ),
    "XGBoost's; what is absent is its default",
)
_DIFFERENCE = about(
    fields(dict.fromkeys(("estimate", "low", "high"), null_or(NUMBER))),
    "Candidate minus the other, with its 95 % interval; null where it is not defined",
)
_PROMOTION = fields(
    {
        "promoted": FLAG,
        "text": TEXT,
        "compared_with": about(VERSION, "The model that answered then, or `baseline`"),
        "differences": fields(dict.fromkeys(("f1_score", "auc_roc", "log_loss"), _DIFFERENCE)),
    }
)
CARD = fields(
    {
        **MODEL,
        "metric_intervals": ref("MetricIntervals"),
        "threshold": THRESHOLD,
        "calibration": _CALIBRATION,
        "calibration_bins": about(a_list(_CALIBRATION_BIN), "Of equal mass, lowest first"),
        "lift_table": about(a_list(_LIFT_ROW), "The top 10 %, 20 %, ... 100 %"),
        "global_importance": about(a_list(_IMPORTANCE), "Largest first"),
        "training_window": _WINDOW,
        "holdout_window": _WINDOW,
        "hyperparameters": _HYPERPARAMETERS,
        "cross_validated_log_loss": about(AMOUNT, "In nats a lead"),
        "data_name": about(null_or(TEXT), "What was loaded from files; null for what came in"),
        "data_fingerprint": about(TEXT, "Same for the same data, trained on in the same way"),
        "parent_version": about(null_or(VERSION), "The model that was active then"),
        "promotion_verdict": _PROMOTION,
        "holdout_file": about(TEXT, "The file of the artifact that the figures come from"),
        "artifact_checksums": about(a_map(TEXT), "SHA-256 in hex, by name of the file"),
        "report_url": about(
            null_or({**TEXT, "format": "uri"}), "A page about it, for an hour; null if none is made"
        ),
    }
)
CHANGE = fields(
    {
        "model_version": VERSION,
        "previous_version": null_or(VERSION),
        "activated_at": TIME,
        "activated_by": TEXT,
    }
)
LEDGER_ROW = fields(
    {
        "at": TIME,
        "by": TEXT,
        "from": null_or(VERSION),
        "to": VERSION,
        "reason": null_or(TEXT),
        "request_id": null_or(TEXT),
    }
)
STATUS = one_of("queued", "running", "skipped", "succeeded", "failed")
# What every answer about a training has.
JOB: dict[str, Schema] = {
    "job_id": TEXT,
    "status": STATUS,
    "reasons": TEXTS,
    "model_version": about(null_or(VERSION), "The model that was trained; null until there is one"),
    "verdict": about(
        null_or(fields({"promoted": FLAG, "text": TEXT})), "Of the gate; null until it is given"
    ),
    "error": about(null_or(TEXT), "Why it failed"),
    "created_at": TIME,
    "finished_at": null_or(TIME),
}
SHOWN_JOB = fields(
    {
        **JOB,
        "progress": fields({"step": TEXT, "fraction": SHARE}),
        "metrics": null_or(ref("Metrics")),
    }
)
QUEUED_JOB = fields(
    {"job_id": TEXT, "status": STATUS, "status_url": {**TEXT, "format": "uri-reference"}}
)
