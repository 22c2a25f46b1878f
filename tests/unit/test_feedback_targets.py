"""The seven rules of a target, each by its name and with its edges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities import ACTION_TYPES
from lead_scoring.entities.feedback import Interaction
from lead_scoring.errors import InvalidInputError
from lead_scoring.feedback import target_score

SECONDS = st.floats(0, 604_800)


def target(action_type: str, **said: float | bool | None) -> float:
    return target_score(Interaction(1, action_type, **said))  # type: ignore[arg-type]


@pytest.mark.parametrize(("rating", "expected"), [(0, 0.0), (50, 0.5), (90, 0.9), (100, 1.0)])
@pytest.mark.parametrize("action", ACTION_TYPES)
def test_a_direct_rating_comes_before_everything(
    action: str, rating: float, expected: float
) -> None:
    said = {
        "user_rating": rating,
        "interaction_seconds": 5.0,
        "contact_successful": True,
        "contact_response_seconds": 1.0,
    }

    assert target(action, **said) == expected


def test_a_conversion_is_perfect() -> None:
    assert target("convert") == 1.0
    assert target("convert", interaction_seconds=0.0, contact_successful=False) == 1.0


def test_a_successful_contact_is_nine_tenths() -> None:
    assert target("contact", contact_successful=True) == 0.9
    assert target("contact", contact_successful=True, contact_response_seconds=9.0) == 0.9


@pytest.mark.parametrize(
    ("successful", "response_seconds", "expected"),
    [
        (None, 3600.0, 0.8),
        (False, 3600.0, 0.8),
        (None, 0.0, 0.8),
        (False, None, 0.6),
        (None, None, 0.7),
    ],
)
def test_a_contact_attempt_is_worth_what_came_of_it(
    successful: bool | None, response_seconds: float | None, expected: float
) -> None:
    said = {"contact_successful": successful, "contact_response_seconds": response_seconds}

    assert target("contact", **said) == expected


@pytest.mark.parametrize("seconds", [math.nextafter(300, 301), 301, 604_800])
def test_an_extended_view_lasts_over_300_seconds(seconds: float) -> None:
    assert target("view", interaction_seconds=seconds) == 0.7


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0.3), (30, 0.35), (60, 0.4), (119.4, 0.499), (120, 0.5), (121, 0.5), (300, 0.5)],
)
def test_a_normal_view_lasts_over_120_seconds_and_a_shorter_one_rises_to_it(
    seconds: float, expected: float
) -> None:
    assert target("view", interaction_seconds=seconds) == pytest.approx(expected, abs=1e-9)


def test_a_view_of_unknown_duration_is_between() -> None:
    assert target("view") == 0.4


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0.1), (15, 0.2), (29.85, 0.299), (30, 0.3), (31, 0.3), (604_800, 0.3), (None, 0.3)],
)
def test_a_quick_archive_lasts_under_30_seconds_and_rises_to_any_other(
    seconds: float | None, expected: float
) -> None:
    assert target("archive", interaction_seconds=seconds) == pytest.approx(expected, abs=1e-9)


def test_a_rate_needs_a_rating() -> None:
    with pytest.raises(InvalidInputError, match="user_rating"):
        target("rate", interaction_seconds=10.0)


@given(shorter=SECONDS, longer=SECONDS, action=st.sampled_from(["view", "archive"]))
def test_longer_interest_never_means_less(shorter: float, longer: float, action: str) -> None:
    low, high = sorted([shorter, longer])

    assert target(action, interaction_seconds=low) <= target(action, interaction_seconds=high)


@given(
    action=st.sampled_from([each for each in ACTION_TYPES if each != "rate"]),
    seconds=st.none() | SECONDS,
    successful=st.none() | st.booleans(),
    response=st.none() | SECONDS,
    rating=st.none() | st.floats(0, 100),
)
def test_a_target_is_from_0_to_1(
    action: str,
    seconds: float | None,
    successful: bool | None,
    response: float | None,
    rating: float | None,
) -> None:
    said = {
        "interaction_seconds": seconds,
        "contact_successful": successful,
        "contact_response_seconds": response,
        "user_rating": rating,
    }

    assert 0 <= target(action, **said) <= 1
