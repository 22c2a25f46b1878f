import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.features import location
from lead_scoring.features.places import CITIES, fold

NAMES = [feature.name for feature in location.FEATURES]
USA, GERMANY, CANADA, JAPAN, FRANCE = 840, 276, 124, 392, 250


def features(name: str | None, title: str = "", description: str | None = "") -> dict[str, float]:
    return dict(zip(NAMES, location.values(name, title, description), strict=True))


@pytest.mark.parametrize(
    ("name", "popularity", "country", "state"),
    [
        ("San Francisco", 1.0, USA, 6),
        ("San Francisco, CA 94105", 1.0, USA, 6),
        ("san francisco bay area", 1.0, USA, 6),
        ("New York, NY", 1.0, USA, 36),
        ("New York City Metropolitan Area", 1.0, USA, 36),
        ("Washington, DC", 0.9, USA, 11),
        ("Washington DC-Baltimore Area", 0.9, USA, 11),
        ("Greater Boston", 0.9, USA, 25),
        ("Austin, Texas Metropolitan Area", 0.9, USA, 48),
        ("Dallas-Fort Worth Metroplex", 0.8, USA, 48),
        ("St. Louis, MO", 0.6, USA, 29),
        ("München", 0.9, GERMANY, None),
        ("Berlin, DE", 0.9, GERMANY, None),
        ("Toronto, ON", 0.9, CANADA, None),
        ("Vancouver, CA", 0.8, CANADA, None),
        ("Vancouver, WA", 0.5, USA, 53),
        ("東京都", 0.9, JAPAN, None),
        ("北京市朝阳区", 0.8, 156, None),
        ("Москва, Россия", 0.8, 643, None),
        ("서울", 0.8, 410, None),
        ("القاهرة", 0.6, 818, None),
        ("São Paulo, Brasil", 0.7, 76, None),
        ("Paris", 0.9, FRANCE, None),
    ],
)
def test_cities_are_recognised_in_any_script(
    name: str, popularity: float, country: int, state: int | None
) -> None:
    values = features(name)

    assert values["location_popularity"] == popularity
    assert values["location_country"] == country
    assert values["location_state"] == state if state else math.isnan(values["location_state"])


@pytest.mark.parametrize(
    ("name", "country", "state"),
    [
        ("Paris, TX", USA, 48),
        ("Dover, DE", USA, 10),
        ("Ontario, CA", USA, 6),
        ("New Brunswick, NJ", USA, 34),
        ("Nowhere, Deutschland", GERMANY, None),
        ("Zzyzx", None, None),
    ],
)
def test_a_place_that_the_table_lacks_has_the_popularity_of_the_unknown(
    name: str, country: int | None, state: int | None
) -> None:
    values = features(name)

    assert values["location_popularity"] == location.UNKNOWN_CITY
    assert values["location_major_city"] == 0
    assert (
        values["location_country"] == country if country else math.isnan(values["location_country"])
    )
    assert values["location_state"] == state if state else math.isnan(values["location_state"])


@pytest.mark.parametrize(
    ("name", "detail"),
    [("United States", 1), ("California, United States", 2), ("Washington, USA", 2), ("Oslo", 3)],
)
def test_the_detail_tells_country_state_and_place_apart(name: str, detail: int) -> None:
    values = features(name)

    assert values["location_detail"] == detail
    assert math.isnan(values["location_popularity"]) == (detail < 3)


@pytest.mark.parametrize("name", [None, "", "  ", ", ,"])
def test_no_location_is_missing(name: str | None) -> None:
    values = features(name)

    assert math.isnan(values["location_popularity"])
    assert math.isnan(values["location_country"])


def test_remote_work_is_seen_in_location_title_and_description() -> None:
    assert features("Remote, US")["remote_in_location"] == 1
    assert features(None, "nurse (remote)")["remote_in_title"] == 1
    assert features(None, "", "you may work from home")["remote_in_description"] == 1
    assert features("Oslo", "nurse", "on site")["remote_in_title"] == 0


@pytest.mark.parametrize("word", location._REMOTE + location._REMOTE_BEYOND_ASCII)
def test_every_word_of_remote_work_is_seen(word: str) -> None:
    assert features(None, f"nurse, {word}")["remote_in_title"] == 1


def test_a_place_that_is_only_remote_has_no_market() -> None:
    assert math.isnan(features("Remote")["location_popularity"])


def test_what_is_said_not_to_be_remote_is_not() -> None:
    assert features(None, "", "this is not a remote position")["remote_in_description"] == 0


def test_remote_in_an_absent_description_is_missing() -> None:
    assert math.isnan(features("Oslo", "nurse", None)["remote_in_description"])


def test_every_popularity_is_a_share_and_every_name_is_folded() -> None:
    for name, cities in CITIES.items():
        assert name == fold(name)
        assert all(0 < city.popularity <= 1 for city in cities)


@given(st.text(max_size=200))
def test_any_text_is_read_as_a_place(name: str) -> None:
    values = features(name)

    assert all(math.isnan(value) or 0 <= value < 1000 for value in values.values())
