"""Settings: one frozen object, read from the environment once and validated whole."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from .errors import SettingsError
from .time_zones import time_zone


def _setting(variable: str, default: Any, read: Callable[[str], Any], meaning: str) -> Any:
    metadata = {"variable": variable, "read": read, "meaning": meaning}
    return field(default=default, metadata=metadata)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"must be a whole number, not {text!r}") from None
        if not low <= number <= high:
            raise ValueError(f"must be from {low} to {high}, not {number}")
        return number

    return read


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text!r}") from None
    if not 0 <= number <= 1:
        raise ValueError(f"must be from 0 to 1, not {text}")
    return number


def _share(text: str) -> float:
    number = _fraction(text)
    if not 0 < number <= 0.5:
        raise ValueError(f"must be above 0 and at most 0.5, not {text}")
    return number


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, not {text!r}")
    return text.lower() == "true"


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _optional_text(text: str) -> str | None:
    return text or None


def _secret(text: str) -> str:
    if len(text) < 16:
        raise ValueError("must have at least 16 characters")
    return text


def _time_zone(text: str) -> str:
    try:
        time_zone(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"must be an IANA time zone such as Europe/Berlin, not {text!r}") from None
    return text


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured; the defaults are the domain's.

    >>> environment = {"HASH_KEY": "sixteen letters.", "GRADE_A_FROM": "80"}
    >>> Settings.from_environment(environment).grade_a_from
    80
    """

    hash_key: str = field(
        repr=False,
        metadata={
            "variable": "HASH_KEY",
            "read": _secret,
            "meaning": "secret key under which personal data is hashed",
        },
    )
    model_dir: str = _setting(
        "MODEL_DIR",
        "/tmp/lead-scoring/models",  # noqa: S108 (what Lambda has; checksums guard the content)
        _text,
        "local cache of model artifacts",
    )
    model_bucket: str = _setting(
        "MODEL_BUCKET", "lead-scoring-models", _text, "S3 bucket of the models"
    )
    predictions_table: str = _setting(
        "PREDICTIONS_TABLE", "lead_predictions", _text, "DynamoDB table of leads and their scores"
    )
    feedback_table: str = _setting(
        "FEEDBACK_TABLE", "lead_feedback", _text, "DynamoDB table of what became of the leads"
    )
    models_table: str = _setting(
        "MODELS_TABLE",
        "model_metrics",
        _text,
        "DynamoDB table of models, the active pointer and the ledger",
    )
    daily_feedback_table: str = _setting(
        "DAILY_FEEDBACK_TABLE",
        "feedback_daily",
        _text,
        "DynamoDB table of counters of feedback by day",
    )
    jobs_table: str = _setting(
        "JOBS_TABLE", "jobs", _text, "DynamoDB table of trainings and their lease"
    )
    idempotency_table: str = _setting(
        "IDEMPOTENCY_TABLE", "idempotency", _text, "DynamoDB table of replies by idempotency key"
    )
    ab_test_variants_table: str = _setting(
        "AB_TEST_VARIANTS_TABLE",
        "ab_test_variants",
        _text,
        "DynamoDB table of A/B tests, their variants and counters",
    )
    ab_test_exposures_table: str = _setting(
        "AB_TEST_EXPOSURES_TABLE",
        "ab_test_exposures",
        _text,
        "DynamoDB table of who was exposed to which variant",
    )
    monitoring_table: str = _setting(
        "MONITORING_TABLE", "monitoring", _text, "DynamoDB table of reports and alerts"
    )
    training_function: str = _setting(
        "TRAINING_FUNCTION", "lead-scoring-training", _text, "Lambda function that trains"
    )
    aws_endpoint_url: str | None = _setting(
        "AWS_ENDPOINT_URL",
        None,
        _optional_text,
        "another endpoint than AWS itself, such as the embedded AWS",
    )
    lambda_endpoint_url: str | None = _setting(
        "AWS_ENDPOINT_URL_LAMBDA",
        None,
        _optional_text,
        "another endpoint for calling functions, such as the local run's",
    )
    min_training_samples: int = _setting(
        "MIN_TRAINING_SAMPLES", 100, _whole(10, 10**7), "fewer usable outcomes train no model"
    )
    retrain_interval_days: int = _setting(
        "RETRAIN_INTERVAL_DAYS", 7, _whole(1, 3650), "an active model older than this is retrained"
    )
    retrain_min_new_samples: int = _setting(
        "RETRAIN_MIN_NEW_SAMPLES", 50, _whole(1, 10**7), "so many new samples are a reason to train"
    )
    retrain_threshold_f1: float = _setting(
        "RETRAIN_THRESHOLD_F1",
        0.05,
        _fraction,
        "live F1 this far below the registered one is a reason to train",
    )
    retrain_check_hour: int = _setting(
        "RETRAIN_CHECK_HOUR", 3, _whole(0, 23), "hour (UTC) of the daily check of the schedule"
    )
    retrain_lease_seconds: int = _setting(
        "RETRAIN_LEASE_SECONDS",
        60,
        _whole(1, 3600),
        "a training that shows no sign of life for so long is taken for dead",
    )
    monitoring_sample_rate: float = _setting(
        "MONITORING_SAMPLE_RATE", 1.0, _fraction, "share of the scores that monitoring looks at"
    )
    auto_rollback: bool = _setting(
        "AUTO_ROLLBACK",
        False,
        _flag,
        "whether a new model that does significantly worse than the one before is rolled back",
    )
    feedback_half_life_days: int = _setting(
        "FEEDBACK_HALF_LIFE_DAYS", 180, _whole(1, 36500), "after so long feedback weighs half"
    )
    label_maturity_hours: int = _setting(
        "LABEL_MATURITY_HOURS",
        24,
        _whole(0, 24 * 365),
        "hours that a view or an open contact waits for what may follow; an outcome without a date"
        " counts as known after as many",
    )
    ab_test_min_sample_size: int = _setting(
        "AB_TEST_MIN_SAMPLE_SIZE",
        100,
        _whole(1, 10**7),
        "units that every variant needs before anything is called significant",
    )
    ab_test_significance_level: float = _setting(
        "AB_TEST_SIGNIFICANCE_LEVEL",
        0.05,
        _share,
        "chance of a false alarm over the whole life of an A/B test",
    )
    ab_test_min_effect_size: float = _setting(
        "AB_TEST_MIN_EFFECT_SIZE",
        0.02,
        _share,
        "difference of conversion rates that is worth a change",
    )
    ab_attribution_days: int = _setting(
        "AB_ATTRIBUTION_DAYS", 30, _whole(1, 365), "so long after its exposure a conversion counts"
    )
    tfidf_max_features_title: int = _setting(
        "TFIDF_MAX_FEATURES_TITLE", 100, _whole(1, 5000), "TF-IDF terms of the title"
    )
    tfidf_max_features_desc: int = _setting(
        "TFIDF_MAX_FEATURES_DESC", 200, _whole(1, 5000), "TF-IDF terms of the description"
    )
    model_refresh_seconds: int = _setting(
        "MODEL_REFRESH_SECONDS",
        30,
        _whole(0, 3600),
        "how often a warm process looks for a newly activated model",
    )
    prediction_retention_days: int = _setting(
        "PREDICTION_RETENTION_DAYS", 90, _whole(1, 3650), "how long a score is kept"
    )
    grade_a_from: int = _setting("GRADE_A_FROM", 75, _whole(0, 100), "lowest score of grade A")
    grade_b_from: int = _setting("GRADE_B_FROM", 50, _whole(0, 100), "lowest score of grade B")
    grade_c_from: int = _setting("GRADE_C_FROM", 25, _whole(0, 100), "lowest score of grade C")
    business_time_zone: str = _setting(
        "BUSINESS_TIME_ZONE", "UTC", _time_zone, "time zone of hours, weekdays and business hours"
    )
    clock_file: str | None = _setting(
        "CLOCK_FILE",
        None,
        _optional_text,
        "for simulations: a file with the seconds by which the clock is ahead",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read every setting; raise SettingsError that names all faults at once."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        for entry in fields(cls):
            variable = entry.metadata["variable"]
            if variable not in environment:
                if entry.default is MISSING:
                    faults.append(f"{variable} is required: {entry.metadata['meaning']}")
                continue
            try:
                values[entry.name] = entry.metadata["read"](environment[variable])
            except ValueError as fault:
                faults.append(f"{variable} {fault}")
        defaults: dict[str, Any] = {entry.name: entry.default for entry in fields(cls)}
        a, b, c = ((defaults | values)[f"grade_{grade}_from"] for grade in "abc")
        if not a > b > c:
            faults.append("GRADE_A_FROM, GRADE_B_FROM, GRADE_C_FROM must fall in this order")
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)
