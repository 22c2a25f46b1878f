"""What training writes of a model, and its card tells."""

from typing import Any

from lead_scoring.entities import iso
from lead_scoring.model_fitting import DEFAULT_PARAMS

from .examples import NOON, metrics

WINDOW = {"from": iso(NOON), "to": iso(NOON), "leads": 2, "positives": 1}
DIFFERENCE = {"estimate": 0.1, "low": None, "high": None}
REPORT: dict[str, Any] = {
    "metrics": metrics(f1_score=0.5),
    "metric_intervals": metrics() | {"f1_score": [0.4, 0.6]},
    "threshold": 0.5,
    "calibration": {"kind": "platt", "a": 1.0, "b": 1.0, "c": 0.0},
    "calibration_bins": [{"mean_prediction": 0.4, "observed_rate": 0.5, "count": 2}],
    "lift_table": [
        {"top_fraction": 0.1, "leads": 1.0, "positives": 0.5, "recall": 0.5, "lift": None}
    ],
    "global_importance": [{"feature": "Price", "importance": 1.0, "direction": None}],
    "training_window": WINDOW,
    "holdout_window": WINDOW,
    "hyperparameters": {**DEFAULT_PARAMS, "min_child_weight": 5},
    "cross_validated_log_loss": 0.4,
    "data_name": None,
    "data_fingerprint": "2" * 64,
    "parent_version": None,
    "promotion_verdict": {
        "promoted": True,
        "text": "Promoted.",
        "compared_with": "baseline",
        "differences": dict.fromkeys(("f1_score", "auc_roc", "log_loss"), DIFFERENCE),
    },
    "holdout_file": "holdout.json",
}
