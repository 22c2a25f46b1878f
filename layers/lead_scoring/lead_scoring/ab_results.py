"""A reading of an A/B test as the API shows it, and as the test keeps it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .ab_looks import Comparison, Look
from .ab_reading import Reading, days_remaining
from .ab_verdict import Verdict
from .ab_warnings import Warning, warnings
from .entities import iso
from .entities.models import LedgerRow
from .experiments import ABTest, ArmCounts, StoppedTest, Variant
from .significance import Proportion, wilson_interval


def test_view(test: ABTest) -> dict[str, Any]:
    """Return a test as it was created, and how far it has come."""
    ending, planned = test.ending, test.planned
    return {
        "test_name": test.test_name,
        "status": test.status,
        "metric": test.metric,
        "expected_days": test.expected_days,
        "variants": [_variant_view(each) for each in test.variants],
        "planned_sample_size": planned.samples if planned else None,
        "winner_variant": ending.winner_variant if ending else None,
        "created_by": test.created_by,
        "created_at": iso(test.started_at),
        "start_date": iso(test.started_at),
        "end_date": iso(ending.at) if ending else None,
    }


def stopped_view(stopped: StoppedTest) -> dict[str, Any]:
    """Return a stopped test, and the change of the active model that came with it."""
    change = stopped.change
    return test_view(stopped.test) | {"activation": _change_view(change) if change else None}


def results_view(
    reading: Reading, verdict: Verdict, attribution: timedelta, shadows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the answer of `GET /ab-tests/{name}/results`."""
    test, planned = reading.test, reading.test.planned
    return {
        "test_name": test.test_name,
        "status": test.status,
        "metric": test.metric,
        "start_date": iso(test.started_at),
        "end_date": iso(test.ending.at) if test.ending else None,
        "looked_at": iso(reading.now),
        **_figures(reading),
        "required_sample_size": reading.look.required_samples,
        "planned_sample_size": planned.samples if planned else None,
        "final_look": test.final_look,
        "estimated_days_remaining": days_remaining(reading),
        "recommendation": {
            "code": verdict.code,
            "text": verdict.text,
            "warnings": [_warning_view(each) for each in warnings(reading, attribution)],
        },
        "shadows": shadows,
    }


def deciding_look(reading: Reading, verdict: Verdict) -> dict[str, Any]:
    """Return the look that decided, with its figures, to be kept."""
    is_final = reading.look.has_reached(reading.planned_samples)
    return {
        "at": iso(reading.now),
        "kind": "final" if is_final else "early",
        "code": verdict.code,
        "text": verdict.text,
        "variant_name": verdict.variant_name,
        "planned_sample_size": reading.planned_samples,
        "significant": sorted(reading.significant),
        **_figures(reading),
    }


def kept_figures(look: Look) -> dict[str, dict[str, float | None]]:
    """Return what a variant's row keeps of it when the test ends, by its name."""
    p_values = {each.variant.variant_name: each.adjusted_p_value for each in look.comparisons}
    names = (
        "sample_size",
        "conversion_rate",
        "avg_score",
        "confidence_interval_lower",
        "confidence_interval_upper",
    )
    return {
        variant.variant_name: {
            **{name: _arm_view(variant, counts)[name] for name in names},
            "statistical_significance": p_values.get(variant.variant_name),
        }
        for variant, counts in look.arms
    }


def _figures(reading: Reading) -> dict[str, Any]:
    look = reading.look
    return {
        "variants": [_arm_view(variant, counts) for variant, counts in look.arms],
        "comparisons": [
            _comparison_view(each, each.variant.variant_name in reading.significant)
            for each in look.comparisons
        ],
        "srm": {"p_value": look.mismatch_p_value, "ok": not look.is_mismatched},
    }


def _variant_view(variant: Variant) -> dict[str, Any]:
    return {
        "variant_name": variant.variant_name,
        "model_version": variant.model_version,
        "traffic_percentage": variant.traffic_percentage,
        "is_control": variant.is_control,
        "shadow": variant.is_shadow,
    }


def _arm_view(variant: Variant, counts: ArmCounts) -> dict[str, Any]:
    interval = None
    if counts.samples:
        interval = wilson_interval(Proportion(counts.conversions, counts.samples))
    return {
        "variant_name": variant.variant_name,
        "model_version": variant.model_version,
        "is_control": variant.is_control,
        "sample_size": counts.samples,
        "conversions": counts.conversions,
        "conversion_rate": counts.conversions / counts.samples if counts.samples else None,
        "confidence_interval_lower": interval.lower if interval else None,
        "confidence_interval_upper": interval.upper if interval else None,
        "avg_score": counts.score_sum / counts.scorings if counts.scorings else None,
        "scorings": counts.scorings,
    }


def _comparison_view(one: Comparison, is_significant: bool) -> dict[str, Any]:
    return {
        "variant_name": one.variant.variant_name,
        "effect": one.effect,
        "relative_effect": one.relative_effect,
        "confidence_interval_lower": one.interval.lower if one.interval else None,
        "confidence_interval_upper": one.interval.upper if one.interval else None,
        "z": one.z,
        "p_value": one.p_value,
        "adjusted_p_value": one.adjusted_p_value,
        "anytime_p_value": one.anytime_p_value,
        "significant": is_significant,
        "power": one.power,
    }


def _warning_view(one: Warning) -> Mapping[str, str]:
    return {"code": one.code, "text": one.text}


def _change_view(change: LedgerRow) -> dict[str, Any]:
    return {
        "model_version": change.to_version,
        "previous_version": change.from_version,
        "activated_at": iso(change.at),
        "activated_by": change.by,
    }
