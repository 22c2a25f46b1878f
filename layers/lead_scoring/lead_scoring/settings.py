"""Settings: one frozen object, read from the environment once and validated whole."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo

from .errors import SettingsError


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
        ZoneInfo(text)
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
            "meaning": "secret key under which e-mail addresses are hashed",
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
    aws_endpoint_url: str | None = _setting(
        "AWS_ENDPOINT_URL",
        None,
        _optional_text,
        "another endpoint than AWS itself, such as the embedded AWS",
    )
    min_training_samples: int = _setting(
        "MIN_TRAINING_SAMPLES", 100, _whole(10, 10**7), "fewer usable outcomes train no model"
    )
    label_maturity_hours: int = _setting(
        "LABEL_MATURITY_HOURS",
        24,
        _whole(0, 24 * 365),
        "hours after which an outcome without a date of its own counts as known",
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
