"""How the active model does on outcomes that arrived since it was deployed.

The metrics are those that were registered, at the same threshold; what was predicted is what the
lead was told then, not what the model would say now. An imported outcome answers to no score, and
a lead that another model scored says nothing about this one: neither counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .entities import ActiveModel, GivenScore, iso
from .entities.training import Outcome
from .labels import Evidence, Label, label

if TYPE_CHECKING:
    from .evaluation import Ranked

METRIC_NAMES = (
    "precision",
    "recall",
    "f1_score",
    "accuracy",
    "auc_roc",
    "average_precision",
    "lift_at_10",
    "lift_at_20",
    "recall_at_10",
    "recall_at_20",
    "ndcg",
    "log_loss",
    "brier",
    "expected_calibration_error",
    "conversion_rate",
    "contact_success_rate",
    "avg_prediction_score",
)
# A percentile interval of fewer outcomes promises more than they can tell.
FEWEST_FOR_INTERVALS = 30
# So many rows are drawn in all: a report of many outcomes, which are told apart well enough by
# fewer resamples, takes no longer than one of few.
_ROWS_DRAWN = 1_000_000
_MOST_RESAMPLES, _FEWEST_RESAMPLES = 500, 50
_SEED = 42


def live_labels(
    leads: Iterable[Sequence[Evidence]], model: ActiveModel, now: datetime, maturity_hours: int
) -> list[Label]:
    """Return what became known since a model's deployment of leads that it scored.

    `leads` holds all that is known of each lead since then; what is older does not count.
    """
    since = (_since(rows, model.activated_at) for rows in leads)
    found = (label(rows, now, maturity_hours) for rows in since if rows)
    return [each for each in found if each and _is_of(each.given, model)]


def live_metrics(outcomes: Sequence[Label], threshold: float) -> dict[str, float | None]:
    """Return the registered metrics of live outcomes; all None if there are none yet.

    `threshold` is the probability from which a lead counts as predicted positive.
    """
    if not outcomes:
        return dict.fromkeys(METRIC_NAMES)
    from . import evaluation

    return evaluation.flatten(evaluation.metrics(_ranked(outcomes), threshold))


def live_report(
    outcomes: Sequence[Label], model: ActiveModel | None, threshold: float
) -> dict[str, Any]:
    """Return metrics, their 95 % intervals, and of how many outcomes they are."""
    return {
        "since": iso(model.activated_at) if model else None,
        "samples": len(outcomes),
        "positives": sum(each.target >= 0.5 for each in outcomes),
        "metrics": live_metrics(outcomes, threshold),
        "metric_intervals": live_intervals(outcomes, threshold),
    }


def live_intervals(
    outcomes: Sequence[Label], threshold: float
) -> Mapping[str, list[float] | None] | None:
    """Return a bootstrap interval of each metric, None below FEWEST_FOR_INTERVALS outcomes."""
    if len(outcomes) < FEWEST_FOR_INTERVALS:
        return None
    from . import evaluation

    resamples = max(_FEWEST_RESAMPLES, min(_MOST_RESAMPLES, _ROWS_DRAWN // len(outcomes)))
    return evaluation.with_intervals(_ranked(outcomes), threshold, _SEED, resamples)


def _since(rows: Sequence[Evidence], moment: datetime) -> Sequence[Evidence]:
    return [row for row in rows if isinstance(row, Outcome) or row.created_at >= moment]


def _is_of(given: GivenScore | None, model: ActiveModel) -> bool:
    return given is not None and given.model_version == model.model_version


def _ranked(outcomes: Sequence[Label]) -> "Ranked":
    import numpy as np

    from . import evaluation

    return evaluation.rank(
        np.array([each.given.probability for each in outcomes if each.given]),
        np.array([each.target for each in outcomes]),
        [each.contact_succeeded for each in outcomes],
    )
