from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from lead_scoring.errors import SettingsError
from lead_scoring.settings import Settings

KEY = {"HASH_KEY": "a key of the tests"}
VARIABLES = {entry.metadata["variable"]: entry for entry in fields(Settings)}
READINGS: list[tuple[str, str, str, Any]] = [
    ("HASH_KEY", "sixteen letters!", "hash_key", "sixteen letters!"),
    ("MODEL_DIR", "/somewhere", "model_dir", "/somewhere"),
    ("MODEL_BUCKET", "b", "model_bucket", "b"),
    ("PREDICTIONS_TABLE", "p", "predictions_table", "p"),
    ("FEEDBACK_TABLE", "f", "feedback_table", "f"),
    ("MODELS_TABLE", "m", "models_table", "m"),
    ("AWS_ENDPOINT_URL", "http://localhost:1", "aws_endpoint_url", "http://localhost:1"),
    ("AWS_ENDPOINT_URL", "", "aws_endpoint_url", None),
    ("DAILY_FEEDBACK_TABLE", "d", "daily_feedback_table", "d"),
    ("JOBS_TABLE", "j", "jobs_table", "j"),
    ("IDEMPOTENCY_TABLE", "i", "idempotency_table", "i"),
    ("TRAINING_FUNCTION", "t", "training_function", "t"),
    ("AWS_ENDPOINT_URL_LAMBDA", "http://localhost:2", "lambda_endpoint_url", "http://localhost:2"),
    ("RETRAIN_INTERVAL_DAYS", "14", "retrain_interval_days", 14),
    ("RETRAIN_MIN_NEW_SAMPLES", "1", "retrain_min_new_samples", 1),
    ("RETRAIN_THRESHOLD_F1", "0.1", "retrain_threshold_f1", 0.1),
    ("MONITORING_TABLE", "watch", "monitoring_table", "watch"),
    ("MONITORING_SAMPLE_RATE", "0.25", "monitoring_sample_rate", 0.25),
    ("AUTO_ROLLBACK", "True", "auto_rollback", True),
    ("AB_TEST_VARIANTS_TABLE", "tests", "ab_test_variants_table", "tests"),
    ("AB_TEST_EXPOSURES_TABLE", "units", "ab_test_exposures_table", "units"),
    ("AB_TEST_MIN_SAMPLE_SIZE", "1", "ab_test_min_sample_size", 1),
    ("AB_TEST_SIGNIFICANCE_LEVEL", "0.1", "ab_test_significance_level", 0.1),
    ("AB_TEST_MIN_EFFECT_SIZE", "0.5", "ab_test_min_effect_size", 0.5),
    ("AB_ATTRIBUTION_DAYS", "7", "ab_attribution_days", 7),
    ("RETRAIN_CHECK_HOUR", "23", "retrain_check_hour", 23),
    ("RETRAIN_LEASE_SECONDS", "5", "retrain_lease_seconds", 5),
    ("FEEDBACK_HALF_LIFE_DAYS", "30", "feedback_half_life_days", 30),
    ("CLOCK_FILE", "/somewhere/clock", "clock_file", "/somewhere/clock"),
    ("MIN_TRAINING_SAMPLES", "10", "min_training_samples", 10),
    ("LABEL_MATURITY_HOURS", "0", "label_maturity_hours", 0),
    ("TFIDF_MAX_FEATURES_TITLE", "7", "tfidf_max_features_title", 7),
    ("TFIDF_MAX_FEATURES_DESC", "8", "tfidf_max_features_desc", 8),
    ("MODEL_REFRESH_SECONDS", "0", "model_refresh_seconds", 0),
    ("PREDICTION_RETENTION_DAYS", "1", "prediction_retention_days", 1),
    ("GRADE_A_FROM", "100", "grade_a_from", 100),
    ("GRADE_B_FROM", "74", "grade_b_from", 74),
    ("GRADE_C_FROM", "0", "grade_c_from", 0),
    ("BUSINESS_TIME_ZONE", "Europe/Berlin", "business_time_zone", "Europe/Berlin"),
]


def message(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    return str(caught.value)


def test_the_defaults_are_the_domains() -> None:
    settings = Settings.from_environment(KEY)

    assert settings.min_training_samples == 100
    assert settings.tfidf_max_features_title == 100
    assert settings.tfidf_max_features_desc == 200
    assert settings.model_refresh_seconds == 30
    assert settings.prediction_retention_days == 90
    assert settings.label_maturity_hours == 24
    assert settings.retrain_interval_days == 7
    assert settings.retrain_min_new_samples == 50
    assert settings.retrain_threshold_f1 == 0.05
    assert settings.ab_test_min_sample_size == 100
    assert settings.ab_test_significance_level == 0.05
    assert settings.ab_test_min_effect_size == 0.02
    assert settings.ab_attribution_days == 30
    assert settings.feedback_half_life_days == 180
    assert (settings.grade_a_from, settings.grade_b_from, settings.grade_c_from) == (75, 50, 25)
    assert settings.business_time_zone == "UTC"
    assert settings.aws_endpoint_url is None


@pytest.mark.parametrize(("variable", "written", "name", "value"), READINGS)
def test_every_variable_is_read(variable: str, written: str, name: str, value: Any) -> None:
    settings = Settings.from_environment(KEY | {variable: written})

    assert getattr(settings, name) == value


def test_no_variable_goes_untested() -> None:
    assert {variable for variable, *_ in READINGS} == set(VARIABLES)


def test_the_key_is_required_and_says_what_for() -> None:
    assert message({}) == ("HASH_KEY is required: secret key under which personal data is hashed")


def test_a_short_key_is_refused_without_being_told() -> None:
    told = message({"HASH_KEY": "secret"})

    assert "HASH_KEY" in told
    assert "secret" not in told


def test_the_key_is_not_in_the_printed_settings() -> None:
    assert KEY["HASH_KEY"] not in repr(Settings.from_environment(KEY))


def test_every_fault_is_named_at_once() -> None:
    told = message(
        {
            "MODEL_BUCKET": " ",
            "MIN_TRAINING_SAMPLES": "9",
            "PREDICTION_RETENTION_DAYS": "soon",
            "BUSINESS_TIME_ZONE": "Mars/Base",
            "GRADE_A_FROM": "50",
        }
    )

    assert told.split("; ") == [
        "HASH_KEY is required: secret key under which personal data is hashed",
        "MODEL_BUCKET must not be empty",
        "MIN_TRAINING_SAMPLES must be from 10 to 10000000, not 9",
        "PREDICTION_RETENTION_DAYS must be a whole number, not 'soon'",
        "BUSINESS_TIME_ZONE must be an IANA time zone such as Europe/Berlin, not 'Mars/Base'",
        "GRADE_A_FROM, GRADE_B_FROM, GRADE_C_FROM must fall in this order",
    ]


@pytest.mark.parametrize("zone", ["", "/etc/passwd", "..", "Europe", "europe/nowhere", "\0"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert "BUSINESS_TIME_ZONE" in message(KEY | {"BUSINESS_TIME_ZONE": zone})


@pytest.mark.parametrize("number", ["", "1.5", "1e3", "-1", "3601", "nan"])
def test_what_is_no_whole_number_in_range_is_refused(number: str) -> None:
    assert "MODEL_REFRESH_SECONDS" in message(KEY | {"MODEL_REFRESH_SECONDS": number})


@pytest.mark.parametrize("grades", [("75", "75", "25"), ("75", "20", "25"), ("10", "50", "25")])
def test_grades_out_of_order_are_refused(grades: tuple[str, str, str]) -> None:
    names = ("GRADE_A_FROM", "GRADE_B_FROM", "GRADE_C_FROM")

    assert "in this order" in message(KEY | dict(zip(names, grades, strict=True)))


def test_a_folder_of_no_name_is_refused() -> None:
    assert message(KEY | {"MODEL_DIR": ""}) == "MODEL_DIR must not be empty"


def test_variables_of_others_are_ignored() -> None:
    assert Settings.from_environment(KEY | {"PATH": "/bin"}) == Settings.from_environment(KEY)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings.from_environment(KEY).model_bucket = "other"  # type: ignore[misc]


def test_every_setting_says_what_it_means() -> None:
    assert all(entry.metadata["meaning"] for entry in VARIABLES.values())


@pytest.mark.parametrize("share", ["", "five", "-0.1", "1.1", "nan", "inf"])
def test_what_is_no_share_is_refused(share: str) -> None:
    assert "RETRAIN_THRESHOLD_F1" in message(KEY | {"RETRAIN_THRESHOLD_F1": share})


@pytest.mark.parametrize("variable", ["AB_TEST_SIGNIFICANCE_LEVEL", "AB_TEST_MIN_EFFECT_SIZE"])
@pytest.mark.parametrize("share", ["0", "0.51", "-0.1", "two", ""])
def test_a_level_and_an_effect_are_above_zero_and_at_most_a_half(variable: str, share: str) -> None:
    assert variable in message(KEY | {variable: share})


@pytest.mark.parametrize("flag", ["", "yes", "1", "on"])
def test_a_flag_is_true_or_false(flag: str) -> None:
    assert "AUTO_ROLLBACK must be true or false" in message(KEY | {"AUTO_ROLLBACK": flag})
