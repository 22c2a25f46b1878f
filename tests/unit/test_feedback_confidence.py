from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities import ACTION_TYPES
from lead_scoring.entities.feedback import Interaction
from lead_scoring.feedback import confidence

SECONDS = st.floats(0, 604_800)
PLAUSIBLE = st.floats(2, 3_600)
IMPLAUSIBLE = st.floats(4 * 3_600, 604_800)
SOURCES = st.sampled_from(["manual", "implicit"])
ACTIONS_IN_SESSION = st.integers(1, 10_000)


@st.composite
def interactions(draw: Callable[..., object]) -> Interaction:
    fields: dict[str, object] = {
        "interaction_seconds": draw(st.none() | SECONDS),
        "contact_successful": draw(st.none() | st.booleans()),
        "contact_response_seconds": draw(st.none() | SECONDS),
        "user_rating": draw(st.none() | st.floats(0, 100)),
    }
    return Interaction(1, str(draw(st.sampled_from(ACTION_TYPES))), **fields)  # type: ignore[arg-type]


ANY = interactions()


@given(interaction=ANY, source=SOURCES, actions=ACTIONS_IN_SESSION)
def test_confidence_is_above_0_and_at_most_1(
    interaction: Interaction, source: str, actions: int
) -> None:
    assert 0 < confidence(interaction, source, actions) <= 1


@given(interaction=ANY, source=SOURCES, actions=ACTIONS_IN_SESSION)
def test_only_a_manual_conversion_is_certain(
    interaction: Interaction, source: str, actions: int
) -> None:
    certain = confidence(interaction, source, actions) == 1

    assert not certain or (interaction.action_type, source) == ("convert", "manual")


@pytest.mark.parametrize("seconds", [None, 0.0, 1.0, 60.0, 3_600.0])
def test_a_manual_conversion_is_certain_if_nothing_about_it_is_implausible(
    seconds: float | None,
) -> None:
    interaction = Interaction(1, "convert", interaction_seconds=seconds)

    assert confidence(interaction, "manual") == 1


@given(interaction=ANY, actions=ACTIONS_IN_SESSION)
def test_explicit_beats_implicit(interaction: Interaction, actions: int) -> None:
    said, observed = (confidence(interaction, each, actions) for each in ("manual", "implicit"))

    assert said > observed


@given(interaction=ANY, source=SOURCES, actions=ACTIONS_IN_SESSION, seconds=SECONDS)
def test_a_known_outcome_beats_an_unknown_one(
    interaction: Interaction, source: str, actions: int, seconds: float
) -> None:
    contact = interaction._replace(action_type="contact")
    unknown = contact._replace(contact_successful=None, contact_response_seconds=None)

    for known in (
        unknown._replace(contact_successful=True),
        unknown._replace(contact_successful=False),
        unknown._replace(contact_response_seconds=seconds),
    ):
        assert confidence(known, source, actions) > confidence(unknown, source, actions)


@given(interaction=ANY, source=SOURCES, rating=st.floats(0, 100))
def test_a_rating_beats_none(interaction: Interaction, source: str, rating: float) -> None:
    silent, rated = interaction._replace(user_rating=None), interaction._replace(user_rating=rating)

    pair = confidence(rated, source), confidence(silent, source)

    if interaction.action_type in ("convert", "rate"):
        assert pair[0] == pair[1]
    else:
        assert pair[0] > pair[1]


@given(interaction=ANY, source=SOURCES, plausible=PLAUSIBLE, implausible=IMPLAUSIBLE)
def test_a_plausible_duration_beats_none_and_none_beats_an_implausible_one(
    interaction: Interaction, source: str, plausible: float, implausible: float
) -> None:
    timed, untimed, absurd = (
        confidence(interaction._replace(interaction_seconds=each), source)
        for each in (plausible, None, implausible)
    )

    assert untimed > absurd
    if interaction.action_type == "convert":
        assert timed == untimed
    else:
        assert timed > untimed


@given(shorter=SECONDS, longer=SECONDS, interaction=ANY, source=SOURCES)
def test_the_further_from_plausible_the_less_confidence(
    shorter: float, longer: float, interaction: Interaction, source: str
) -> None:
    low, high = sorted([shorter, longer])
    first, second = (
        confidence(interaction._replace(interaction_seconds=each), source) for each in (low, high)
    )

    if high <= 2:
        assert first <= second
    if low >= 2:
        assert first >= second


@given(interaction=ANY, source=SOURCES, fewer=ACTIONS_IN_SESSION, more=ACTIONS_IN_SESSION)
def test_more_actions_in_a_session_never_mean_more_confidence(
    interaction: Interaction, source: str, fewer: int, more: int
) -> None:
    low, high = sorted([fewer, more])

    assert confidence(interaction, source, low) >= confidence(interaction, source, high)


def test_a_view_of_no_time_or_of_a_day_counts_less_than_one_of_unknown_duration() -> None:
    glance, unknown, night = (
        confidence(Interaction(1, "view", interaction_seconds=each), "manual")
        for each in (0.0, None, 86_400.0)
    )

    assert (glance, unknown, night) == (0.25, 0.45, 0.25)


def test_hundreds_of_actions_in_one_session_count_less() -> None:
    view = Interaction(1, "view", interaction_seconds=60.0)

    found = [confidence(view, "implicit", actions) for actions in (1, 100, 101, 200, 300, 500, 999)]

    assert found[0] == found[1] == 0.35
    assert found[1] > found[2] > found[3] > found[4] > found[5] == found[6] == 0.175


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Interaction(1, "view"), 0.5),
        (Interaction(1, "view", user_rating=1), 0.85),
        (Interaction(1, "archive"), 0.6),
        (Interaction(1, "archive", user_rating=1), 0.88),
        (Interaction(1, "contact"), 0.7),
        (Interaction(1, "contact", user_rating=1), 0.91),
        (Interaction(1, "rate", user_rating=1), 0.94),
        (Interaction(1, "contact", contact_successful=False), 0.9),
        (Interaction(1, "contact", contact_response_seconds=0), 0.9),
        (Interaction(1, "contact", contact_successful=True, user_rating=1), 0.97),
        (Interaction(1, "convert"), 1.0),
    ],
)
def test_confidence_is_as_the_table_says(said: Interaction, expected: float) -> None:
    timed = said._replace(interaction_seconds=60.0)

    assert confidence(timed, "manual") == expected
    assert confidence(timed, "implicit") == pytest.approx(0.7 * expected)
