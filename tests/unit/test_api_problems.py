import logging

import pytest

from lead_scoring.api.problems import NotJsonError, UnsupportedMediaTypeError, problem_of
from lead_scoring.errors import (
    ArtifactError,
    ConflictError,
    Fault,
    InvalidInputError,
    LeadScoringError,
    NotFoundError,
    SettingsError,
    StoreUnavailableError,
    TooFewSamplesError,
    TooLargeError,
)


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (NotJsonError("the body is not UTF-8"), 400, "Bad Request"),
        (NotFoundError("x"), 404, "Not Found"),
        (ConflictError("x"), 409, "Conflict"),
        (TooFewSamplesError("x"), 409, "Conflict"),
        (TooLargeError("x"), 413, "Content Too Large"),
        (UnsupportedMediaTypeError("x"), 415, "Unsupported Media Type"),
        (InvalidInputError((Fault("/a", "b"),)), 422, "Unprocessable Content"),
        (SettingsError("HASH_KEY is required"), 500, "Internal Server Error"),
        (KeyError("title"), 500, "Internal Server Error"),
        (RecursionError(), 500, "Internal Server Error"),
        (StoreUnavailableError("dynamodb"), 503, "Service Unavailable"),
        (ArtifactError("model.ubj is missing"), 503, "Service Unavailable"),
    ],
)
def test_each_error_has_one_status(error: Exception, status: int, title: str) -> None:
    problem = problem_of(error, "r-1")

    assert problem.status == problem.body["status"] == status
    assert problem.body["title"] == title
    assert problem.body["type"] == "about:blank"
    assert problem.body["detail"].endswith((".", "errors."))


def test_every_error_of_the_domain_has_a_status_of_its_own_but_broken_settings() -> None:
    errors = set(LeadScoringError.__subclasses__()) - {SettingsError, InvalidInputError}

    unforeseen = {kind for kind in errors if problem_of(kind("x"), "r-1").status == 500}

    assert unforeseen == set()


def test_only_faults_of_fields_are_listed() -> None:
    faulty = problem_of(InvalidInputError((Fault("/a/0", "is required"),)), "r-1")

    assert faulty.body["errors"] == [{"pointer": "/a/0", "message": "is required"}]
    assert "errors" not in problem_of(NotFoundError("x"), "r-1").body


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailableError("dynamodb"),
        ArtifactError("model.ubj is missing"),
        SettingsError("HASH_KEY is required"),
        RuntimeError("select * from leads"),
    ],
)
def test_no_internal_name_leaves_the_service(error: Exception) -> None:
    told = str(problem_of(error, "r-1"))

    for name in ("dynamodb", "model.ubj", "HASH_KEY", "select", type(error).__name__):
        assert name not in told


def test_whoever_meets_a_store_that_is_down_is_told_when_to_come_back() -> None:
    assert problem_of(StoreUnavailableError("s3", 7), "r-1").headers == {"Retry-After": "7"}


def test_an_unforeseen_error_is_logged_with_place_and_causes_but_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stumble() -> None:
        try:
            raise StoreUnavailableError("dynamodb")
        except StoreUnavailableError as cause:
            raise ValueError("ann@example.com") from cause

    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="ann") as caught:
        stumble()
    problem_of(caught.value, "r-1")

    for expected in ("r-1", "ValueError", "dynamodb is unavailable", "stumble"):
        assert expected in caplog.text
    assert "ann@example.com" not in caplog.text


def test_what_a_client_did_wrong_is_not_logged_as_our_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem_of(NotFoundError("x"), "r-1")

    assert caplog.text == ""
