"""What shadows would have said: how far they agree with the answers, and how well they do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .errors import TooFewSamplesError
from .experiments import ABTest, ShadowCounts, Tally, Variant
from .labels import Evidence, Label, by_lead, label
from .live_metrics import live_metrics
from .significance import spearman

# What needs no threshold: answers come from several models, each with its own.
_OF_ANSWERS = ("auc_roc", "average_precision", "log_loss", "brier", "expected_calibration_error")


def shadow_outcomes(
    evidence: Iterable[Evidence], test: ABTest, now: datetime, maturity_hours: int
) -> list[Label]:
    """Return what became of the leads that a test scored with shadows beside."""
    found = (label(rows, now, maturity_hours) for rows in by_lead(evidence).values())
    return [
        each
        for each in found
        if each and each.given and each.given.ab_test == test.test_name and each.given.shadows
    ]


def shadow_report(
    test: ABTest,
    tally: Tally,
    outcomes: Sequence[Label],
    threshold_of: Callable[[str], float],
) -> list[dict[str, Any]]:
    """Return each shadow as results show it; `threshold_of` is that of a model's version."""
    return [
        {
            "variant_name": shadow.variant_name,
            "model_version": shadow.model_version,
            **_agreement(tally.shadow(shadow)),
            "outcomes": _on_outcomes(shadow, outcomes, threshold_of(shadow.model_version)),
        }
        for shadow in test.shadows
    ]


def _agreement(counts: ShadowCounts) -> dict[str, Any]:
    scorings = sum(counts.pairs.values())
    difference = sum((ours - given) * n for (given, ours), n in counts.pairs.items())
    try:
        agreement: float | None = spearman(counts.pairs)
    except TooFewSamplesError:
        agreement = None
    return {
        "scorings": scorings,
        "failures": counts.failures,
        "rank_agreement": agreement,
        "mean_difference": difference / scorings if scorings else None,
    }


def _on_outcomes(
    shadow: Variant, outcomes: Sequence[Label], threshold: float
) -> Mapping[str, object]:
    """Return the metrics of what the shadow would have said, and of what was said, beside it."""
    given = [each for each in outcomes if shadow.variant_name in _shadows(each)]
    own = [_as_if_given(each, _shadows(each)[shadow.variant_name]) for each in given]
    answered = live_metrics(given, threshold)
    return {
        "samples": len(given),
        "positives": sum(each.target >= 0.5 for each in given),
        "metrics": live_metrics(own, threshold),
        "metrics_of_answers": {name: answered[name] for name in _OF_ANSWERS},
    }


def _shadows(one: Label) -> Mapping[str, float]:
    return (one.given.shadows if one.given else None) or {}


def _as_if_given(one: Label, probability: float) -> Label:
    assert one.given is not None  # noqa: S101 (see shadow_outcomes)
    return one._replace(given=one.given._replace(probability=probability))
