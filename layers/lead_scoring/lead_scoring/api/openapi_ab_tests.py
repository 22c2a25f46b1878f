"""What the API answers about A/B tests, as JSON Schema."""

from collections.abc import Mapping

from ..experiments import METRICS, RUNNING, STOPPED
from .openapi_models import CHANGE
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
    about,
    fields,
    null_or,
    one_of,
    ref,
)

_VARIANT = fields(
    {
        "variant_name": TEXT,
        "model_version": VERSION,
        "traffic_percentage": about({**AMOUNT, "maximum": 100}, "Of units; of a shadow 0"),
        "is_control": FLAG,
        "shadow": about(FLAG, "Whether it only scores beside the others"),
    }
)
_HEAD: Mapping[str, Schema] = {
    "test_name": TEXT,
    "status": one_of(RUNNING, STOPPED),
    "metric": one_of(*METRICS),
    "start_date": TIME,
    "end_date": about(null_or(TIME), "Null while it runs"),
}
_PLANNED = about(
    null_or(COUNT), "Units of each variant at which the final look is taken; null until frozen"
)
_TEST: Mapping[str, Schema] = {
    **_HEAD,
    "expected_days": null_or({"type": "integer", "minimum": 1, "maximum": 365}),
    "variants": a_list(_VARIANT),
    "planned_sample_size": _PLANNED,
    "winner_variant": null_or(TEXT),
    "created_by": TEXT,
    "created_at": TIME,
}
AB_TEST = fields(_TEST)
STOPPED_AB_TEST = fields(
    {**_TEST, "activation": about(null_or(CHANGE), "Null where no model was to be activated")}
)
_OF_RATE = about(null_or(SHARE), "Of the 95 % interval of the rate (Wilson)")
_ARM = fields(
    {
        "variant_name": TEXT,
        "model_version": VERSION,
        "is_control": FLAG,
        "sample_size": about(COUNT, "Units"),
        "conversions": about(COUNT, "Units that converted"),
        "conversion_rate": null_or(SHARE),
        "confidence_interval_lower": _OF_RATE,
        "confidence_interval_upper": _OF_RATE,
        "avg_score": about(null_or({**AMOUNT, "maximum": 100}), "Mean over scorings"),
        "scorings": COUNT,
    }
)
_OF_EFFECT = about(null_or(NUMBER), "Of the 95 % interval of the effect (Newcombe)")
_COMPARISON = fields(
    {
        "variant_name": TEXT,
        "effect": about(null_or(NUMBER), "The variant's rate minus control's"),
        "relative_effect": about(null_or(NUMBER), "The effect over control's rate"),
        "confidence_interval_lower": _OF_EFFECT,
        "confidence_interval_upper": _OF_EFFECT,
        "z": about(null_or(NUMBER), "Of the two-proportion test, pooled variance"),
        "p_value": about(null_or(SHARE), "Of z, two-sided"),
        "adjusted_p_value": about(null_or(SHARE), "The same after Holm, over all variants"),
        "anytime_p_value": about(null_or(SHARE), "Valid at every look, after Holm"),
        "significant": about(FLAG, "By the whole rule of looks"),
        "power": about(null_or(SHARE), "To show the minimum effect with these sizes"),
    }
)
# What was counted at a look, and what it says.
_FIGURES: Mapping[str, Schema] = {
    "variants": about(a_list(ref("ABArm")), "Without the shadows"),
    "comparisons": about(a_list(ref("ABComparison")), "Of each other variant with control"),
    "srm": about(
        fields({"p_value": null_or(SHARE), "ok": FLAG}), "Sample ratio mismatch, by chi-square"
    ),
}
_DECISIONS = ("ship", "keep_control", "no_difference")
_FINAL_LOOK = about(
    fields(
        {
            "at": TIME,
            "kind": about(one_of("final", "early"), "Whether the planned size was reached"),
            "code": one_of(*_DECISIONS),
            "text": TEXT,
            "variant_name": about(null_or(TEXT), "The variant to ship"),
            "planned_sample_size": _PLANNED,
            "significant": about(TEXTS, "Variants that differ significantly from control"),
            **_FIGURES,
        }
    ),
    "The look that decided, as it was",
)
_WARNING = fields(
    {
        "code": one_of(
            "sample_ratio_mismatch",
            "too_few_samples",
            "looked_too_early",
            "decided_earlier",
            "older_than_planned",
            "attribution_open",
            "same_model",
        ),
        "text": TEXT,
    }
)
_RECOMMENDATION = fields(
    {
        "code": one_of("fix_allocation", *_DECISIONS, "keep_running"),
        "text": TEXT,
        "warnings": a_list(_WARNING),
    }
)
# What needs no threshold: answers come from several models, each with its own.
_OF_ANSWERS: Mapping[str, Schema] = {
    "auc_roc": null_or(SHARE),
    "average_precision": null_or(SHARE),
    "log_loss": null_or(AMOUNT),
    "brier": null_or(SHARE),
    "expected_calibration_error": null_or(SHARE),
}
_SHADOW = fields(
    {
        "variant_name": TEXT,
        "model_version": VERSION,
        "scorings": COUNT,
        "failures": about(COUNT, "Scorings that it could not do"),
        "rank_agreement": about(
            null_or({"type": "number", "minimum": -1, "maximum": 1}), "Spearman's rho with answers"
        ),
        "mean_difference": about(null_or(NUMBER), "Its score minus the answer's, from 0 to 100"),
        "outcomes": fields(
            {
                "samples": COUNT,
                "positives": COUNT,
                "metrics": about(ref("Metrics"), "Of what it would have said"),
                "metrics_of_answers": about(fields(_OF_ANSWERS), "Of what was said"),
            }
        ),
    }
)
_RESULTS = fields(
    {
        **_HEAD,
        "looked_at": TIME,
        **_FIGURES,
        "required_sample_size": about(
            null_or(COUNT), "Units of each variant, by the control's rate now"
        ),
        "planned_sample_size": _PLANNED,
        "final_look": null_or(_FINAL_LOOK),
        "estimated_days_remaining": null_or(AMOUNT),
        "recommendation": _RECOMMENDATION,
        "shadows": a_list(_SHADOW),
    }
)

SCHEMAS: Mapping[str, Schema] = {
    "ABTest": AB_TEST,
    "ABArm": _ARM,
    "ABComparison": _COMPARISON,
    "ABResults": _RESULTS,
}
