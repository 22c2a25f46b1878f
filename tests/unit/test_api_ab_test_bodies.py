from datetime import UTC, datetime
from typing import Any

import pytest

from lead_scoring.api.ab_test_bodies import known_test_name, read_ab_score, read_ab_test
from lead_scoring.errors import InvalidInputError, NotFoundError
from lead_scoring.experiments import WantedVariant

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
KEY = "a key of the tests"
LEAD = {"lead_id": 7, "title": "Chef"}


def variant(name: str, share: float | None, **changes: Any) -> dict[str, Any]:
    body = {"variant_name": name, "model_version": "v1", "traffic_percentage": share, **changes}
    return {key: value for key, value in body.items() if value is not None}


def body(*variants: Any, **changes: Any) -> dict[str, Any]:
    chosen = list(variants) or [variant("a", 50), variant("b", 50)]
    return {"test_name": "prices-2", "variants": chosen, **changes}


def faults(value: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read_ab_test(value)
    return {fault.pointer: fault.message for fault in caught.value.faults}


def score_faults(value: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read_ab_score(value, "prices-2", now=NOW, hash_key=KEY)
    return {fault.pointer: fault.message for fault in caught.value.faults}


def test_a_test_is_read_with_its_defaults() -> None:
    wanted = read_ab_test(body())

    assert (wanted.test_name, wanted.metric, wanted.expected_days) == (
        "prices-2",
        "conversion",
        None,
    )
    assert list(wanted.variants) == [
        WantedVariant("a", "v1", 50.0, is_control=True, is_shadow=False),
        WantedVariant("b", "v1", 50.0, is_control=False, is_shadow=False),
    ]


def test_everything_that_can_be_said_of_a_test_is_read() -> None:
    wanted = read_ab_test(
        body(
            variant("old", 90, is_control=False),
            variant("new", 10, is_control=True, shadow=False),
            variant("next", 0, shadow=True),
            metric="contact_success",
            expected_days=14.0,
        )
    )

    assert (wanted.metric, wanted.expected_days) == ("contact_success", 14)
    assert [each.is_control for each in wanted.variants] == [False, True, False]
    assert [each.is_shadow for each in wanted.variants] == [False, False, True]


def test_null_means_absent() -> None:
    wanted = read_ab_test(
        body(
            variant("a", 50) | {"is_control": None, "shadow": None},
            variant("b", 50),
            metric=None,
            expected_days=None,
        )
    )

    assert (wanted.metric, wanted.expected_days) == ("conversion", None)
    assert [each.is_control for each in wanted.variants] == [True, False]


def test_without_a_marked_control_the_first_that_answers_is_it() -> None:
    wanted = read_ab_test(body(variant("s", None, shadow=True), variant("a", 50), variant("b", 50)))

    assert [each.is_control for each in wanted.variants] == [False, True, False]


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 100])
def test_a_name_of_letters_digits_and_two_signs_is_good(name: str) -> None:
    assert read_ab_test(body(test_name=name)).test_name == known_test_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 101, "a b", "a#b", "ä", "a\n", "a/b", 7, None, True])
def test_any_other_name_is_named_as_a_fault(name: Any) -> None:
    assert list(faults(body(test_name=name))) == ["/test_name"]


@pytest.mark.parametrize("name", ["", "x" * 101, "a b", "a#META", "prices-2\n"])
def test_a_path_with_another_name_leads_nowhere(name: str) -> None:
    with pytest.raises(NotFoundError):
        known_test_name(name)


@pytest.mark.parametrize("name", ["", "x" * 51, "a.b", None, 3])
def test_names_of_variants_are_shorter(name: Any) -> None:
    found = faults(body(variant("a", 50), variant("b", 50) | {"variant_name": name}))

    assert list(found) == ["/variants/1/variant_name"]


@pytest.mark.parametrize("share", [-1, 100.5, "50", True, [], float("inf")])
def test_a_share_is_a_percentage(share: Any) -> None:
    found = faults(body(variant("a", 50), variant("b", share)))

    assert list(found) == ["/variants/1/traffic_percentage"]


@pytest.mark.parametrize("share", [0, None])
def test_only_a_shadow_has_no_traffic(share: float | None) -> None:
    found = faults(body(variant("a", 100), variant("b", share)))

    assert list(found) == ["/variants/1/traffic_percentage"]


def test_a_shadow_has_no_traffic_and_is_no_control() -> None:
    found = faults(
        body(variant("a", 50), variant("b", 50), variant("s", 10, shadow=True, is_control=True))
    )

    assert list(found) == ["/variants/2/traffic_percentage", "/variants/2/is_control"]


@pytest.mark.parametrize(
    "shares", [(50, 50), (99.995, 0.01), (33.33, 33.33, 33.33), (50.005, 50.005), (10,) * 10]
)
def test_shares_add_up_to_100_within_a_hundredth(shares: tuple[float, ...]) -> None:
    wanted = read_ab_test(body(*(variant(f"v{i}", share) for i, share in enumerate(shares))))

    assert [each.traffic_percentage for each in wanted.variants] == list(shares)


@pytest.mark.parametrize("shares", [(50, 49.98), (50, 50.02), (100, 100), (1, 1)])
def test_other_shares_are_a_fault_of_the_variants_together(shares: tuple[float, ...]) -> None:
    found = faults(body(*(variant(f"v{i}", share) for i, share in enumerate(shares))))

    assert "100" in found["/variants"]


def test_two_controls_are_one_too_many() -> None:
    found = faults(body(variant("a", 50, is_control=True), variant("b", 50, is_control=True)))

    assert found == {"/variants": "must have one control, not 2"}


def test_equal_names_are_told_apart_by_their_places() -> None:
    found = faults(body(variant("a", 50), variant("b", 25), variant("a", 25)))

    assert found == {"/variants/2/variant_name": "is the name of variant 0 already"}


@pytest.mark.parametrize("count", [0, 1, 11])
def test_a_test_has_two_to_ten_variants(count: int) -> None:
    found = faults(body() | {"variants": [variant(f"v{i}", 100 / count) for i in range(count)]})

    assert found == {"/variants": f"must hold 2 to 10 variants, not {count}"}


def test_shadows_do_not_count_among_the_variants_but_have_a_limit_of_their_own() -> None:
    shadows = [variant(f"s{i}", 0, shadow=True) for i in range(6)]
    tens = [variant(f"v{i}", 10) for i in range(10)]

    assert len(read_ab_test(body(*tens, *shadows[:5])).variants) == 15
    assert faults(body(variant("a", 100), shadows[0])) == {
        "/variants": "must hold 2 to 10 variants besides shadows, not 1"
    }
    assert faults(body(variant("a", 50), variant("b", 50), *shadows)) == {
        "/variants": "must hold at most 5 shadows, not 6"
    }


@pytest.mark.parametrize("days", [0, 366, 1.5, "7", True, float("nan"), 10**400])
def test_expected_days_are_whole_and_at_most_a_year(days: Any) -> None:
    assert list(faults(body(expected_days=days))) == ["/expected_days"]


@pytest.mark.parametrize("metric", ["clicks", 1, [], {"a": 1}])
def test_a_metric_is_one_of_two(metric: Any) -> None:
    assert faults(body(metric=metric)) == {"/metric": "must be one of conversion, contact_success"}


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        {
            "variants": [
                {"variant_name": "a", "traffic_percentage": 50, "colour": 1},
                7,
                variant("b", 50, is_control="yes"),
            ],
            "metric": "clicks",
            "owner": "me",
        }
    )

    assert set(found) == {
        "/test_name",
        "/metric",
        "/owner",
        "/variants/0/model_version",
        "/variants/0/colour",
        "/variants/1",
        "/variants/2/is_control",
    }


@pytest.mark.parametrize("value", [None, [], "test", 7, {"variants": {}}, {"variants": None}])
def test_what_is_no_test_at_all_is_a_fault_and_no_crash(value: Any) -> None:
    assert faults(value)


def test_a_lead_is_read_for_a_user_or_for_itself() -> None:
    lead, user = read_ab_score(
        {"lead_data": LEAD, "user_id": "ann"}, "prices-2", now=NOW, hash_key=KEY
    )
    _, nobody = read_ab_score({"lead_data": LEAD}, "prices-2", now=NOW, hash_key=KEY)

    assert (lead.lead_id, user, nobody) == (7, "ann", None)


@pytest.mark.parametrize("name", [None, "prices-2"])
def test_the_name_in_the_body_may_be_that_of_the_path(name: str | None) -> None:
    value = {"lead_data": LEAD, "test_name": name}

    assert read_ab_score(value, "prices-2", now=NOW, hash_key=KEY)


def test_another_name_in_the_body_is_a_fault() -> None:
    assert list(score_faults({"lead_data": LEAD, "test_name": "other"})) == ["/test_name"]


def test_every_fault_of_a_scoring_is_named_at_once() -> None:
    found = score_faults(
        {"lead_data": {"title": "", "price": -1}, "user_id": "", "test_name": "x", "a": 1}
    )

    assert set(found) == {
        "/lead_data/lead_id",
        "/lead_data/title",
        "/lead_data/price",
        "/user_id",
        "/test_name",
        "/a",
    }


@pytest.mark.parametrize("user", ["", "x" * 256, 7, ["ann"], "\ud800"])
def test_a_user_is_named_by_a_text(user: Any) -> None:
    assert list(score_faults({"lead_data": LEAD, "user_id": user})) == ["/user_id"]


@pytest.mark.parametrize("value", [None, [], 7, {}, {"lead_data": None}, {"lead_data": [LEAD]}])
def test_without_a_lead_nothing_is_scored(value: Any) -> None:
    assert score_faults(value)
