import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.ab_looks import Rules, look_at, significant
from lead_scoring.ab_reading import Reading, days_remaining
from lead_scoring.ab_verdict import judge
from lead_scoring.ab_warnings import warnings
from lead_scoring.entities import iso
from lead_scoring.experiments import ABTest, ArmCounts, Ending, Tally, Variant

RULES = Rules(min_samples=100, level=0.05, min_effect=0.02)
STARTED = datetime(2024, 6, 1, tzinfo=UTC)
STOPPED = Ending(STARTED + timedelta(days=10), "tests", "op-2")
MONTH = timedelta(days=30)
PLANNED = 4_000
CONTROL = (400, 4_000)
Counts = tuple[int, int]  # conversions, samples


def reading(
    *counts: Counts,
    planned: int | None = None,
    shares: Sequence[float] = (),
    days: float = 10,
    rules: Rules = RULES,
    **changes: Any,
) -> Reading:
    """A look, `days` after the start, at a (control), b, c, ..., in their shares by default."""
    planned_shares = shares or [max(1, samples) for _, samples in counts]
    variants = [
        Variant(name, f"m{place}", share, is_control=place == 0)
        for place, (name, share) in enumerate(zip("abcdefghij", planned_shares, strict=False))
    ]
    test = ABTest("t", variants, "conversion", STARTED, "tests", "op-1")._replace(**changes)
    tally = {
        variant.variant_name: ArmCounts(samples, conversions)
        for variant, (conversions, samples) in zip(test.variants, counts, strict=True)
    }
    look = look_at(test, Tally(tally, {}), rules)
    now = STARTED + timedelta(days=days)
    return Reading(test, look, rules, planned, significant(look, planned, rules), now)


def code(*counts: Counts, planned: int | None = PLANNED, **changes: Any) -> str:
    return judge(reading(*counts, planned=planned, **changes)).code


def text(*counts: Counts, planned: int | None = PLANNED, **changes: Any) -> str:
    return judge(reading(*counts, planned=planned, **changes)).text


def warned(*counts: Counts, **changes: Any) -> dict[str, str]:
    return dict(warnings(reading(*counts, **changes), MONTH))


# Verdicts.


def test_a_variant_that_is_significant_and_better_by_the_minimum_is_shipped() -> None:
    verdict = judge(reading(CONTROL, (500, 4_000), planned=PLANNED))

    assert (verdict.code, verdict.variant_name) == ("ship", "b")


def test_better_by_exactly_the_minimum_is_enough() -> None:
    # 0.12 - 0.1 is 0.01999... in binary.
    assert code(CONTROL, (480, 4_000)) == "ship"
    assert code(CONTROL, (479, 4_000)) == "no_difference"


def test_the_minimum_effect_is_a_setting() -> None:
    modest = Rules(100, 0.05, 0.015)

    assert code(CONTROL, (460, 4_000), rules=modest) == "ship"
    assert code(CONTROL, (460, 4_000)) == "no_difference"


def test_the_best_of_several_is_shipped() -> None:
    verdict = judge(reading(CONTROL, (500, 4_000), (540, 4_000), (520, 4_000), planned=PLANNED))

    assert (verdict.code, verdict.variant_name) == ("ship", "c")


def test_a_better_variant_is_shipped_though_another_is_worse() -> None:
    verdict = judge(reading(CONTROL, (200, 4_000), (540, 4_000), planned=PLANNED))

    assert (verdict.code, verdict.variant_name) == ("ship", "c")


def test_the_best_one_is_not_shipped_if_only_another_is_significant() -> None:
    # Of c there are few units, so that more may be chance.
    verdict = judge(reading((4_000, 40_000), (5_000, 40_000), (16, 110), planned=40_000))

    assert (verdict.code, verdict.variant_name) == ("ship", "b")


def test_a_winner_is_shipped_before_the_planned_size_too() -> None:
    assert code(CONTROL, (560, 4_000), planned=9_000) == "ship"
    assert code(CONTROL, (560, 4_000), planned=None) == "ship"


def test_control_is_kept_when_the_variant_is_significantly_worse_by_however_little() -> None:
    verdict = judge(reading((40_000, 400_000), (39_000, 400_000), planned=400_000))

    assert (verdict.code, verdict.variant_name) == ("keep_control", None)


def test_control_is_kept_early_when_the_variant_is_clearly_worse() -> None:
    assert code(CONTROL, (250, 4_000), planned=9_000) == "keep_control"


@pytest.mark.parametrize(
    ("arms", "verdict"),
    [
        ([(280, 4_000), (290, 4_000)], "keep_control"),
        ([(280, 4_000), (390, 4_000)], "no_difference"),
        ([(280, 4_000), (400, 4_000)], "no_difference"),
        ([(280, 4_000), (440, 4_000)], "no_difference"),
    ],
)
def test_control_is_kept_only_when_every_variant_is_significantly_worse(
    arms: list[Counts], verdict: str
) -> None:
    assert code(CONTROL, *arms) == verdict


@pytest.mark.parametrize("conversions", [400, 401, 399, 430, 460, 370])
def test_nothing_to_ship_at_the_planned_size_is_no_difference(conversions: int) -> None:
    assert code(CONTROL, (conversions, 4_000)) == "no_difference"


def test_significant_but_below_the_minimum_runs_until_the_planned_size() -> None:
    counts = ((40_000, 400_000), (43_000, 400_000))
    assert reading(*counts).significant == {"b"}

    assert code(*counts, planned=500_000) == "keep_running"
    assert code(*counts, planned=400_000) == "no_difference"


@pytest.mark.parametrize("planned", [None, 4_001])
def test_short_of_the_planned_size_a_test_keeps_running(planned: int | None) -> None:
    assert code(CONTROL, (480, 4_000), planned=planned) == "keep_running"


def test_one_variant_that_is_worse_early_does_not_end_the_test_of_another() -> None:
    assert code(CONTROL, (100, 4_000), (400, 4_000), planned=9_000) == "keep_running"


@pytest.mark.parametrize("conversions", [0, 400, 900])
def test_a_mismatch_comes_first_whatever_else_there_is(conversions: int) -> None:
    found = judge(reading(CONTROL, (conversions, 4_400), shares=(50, 50), planned=PLANNED))

    assert (found.code, found.variant_name) == ("fix_allocation", None)


@pytest.mark.parametrize("counts", [(0, 0), (0, 1), (0, 99), (1, 1), (99, 99)])
def test_a_test_without_the_minimum_keeps_running(counts: Counts) -> None:
    assert code(counts, counts, planned=None) == "keep_running"
    assert code((10, 1_000), counts, planned=None) == "keep_running"


counted = st.integers(0, 9_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(
    st.lists(counted, min_size=2, max_size=5),
    st.integers(100, 9_000) | st.none(),
    st.sampled_from([None, STOPPED]),
    st.sampled_from(["conversion", "contact_success"]),
    st.booleans(),
)
def test_any_counts_have_a_verdict_with_a_sentence(
    counts: list[Counts], planned: int | None, ending: Ending | None, metric: str, shares: bool
) -> None:
    known = reading(
        *counts,
        planned=planned,
        ending=ending,
        metric=metric,
        shares=[1.0] * len(counts) if shares else (),
    )

    verdict = judge(known)

    said = [verdict.text, *(each.text for each in warnings(known, MONTH))]
    assert all(one[0].isalpha() and one.endswith(".") for one in said)
    assert not any(re.search(r"None|nan|inf\b|  |\b1 units|\( *\)", one) for one in said)
    assert (verdict.variant_name is not None) == (verdict.code == "ship")
    assert known.significant or verdict.code not in ("ship", "keep_control")
    assert known.look.is_mismatched == (verdict.code == "fix_allocation")


# Sentences. Intervals and p-values are those of statsmodels (newcomb, proportions_ztest).


def test_to_ship_is_said_with_its_figures() -> None:
    assert text(CONTROL, (520, 4_000)) == (
        "Ship b: 13.00 % of 4,000 units with b converted against 10.00 % of 4,000 units with a, "
        "3 percentage points more (95 % interval +1.60 to +4.40, p < 0.0001)."
    )
    assert "+0.63 to +3.37, p = 0.0043)" in text(CONTROL, (480, 4_000))


def test_before_the_planned_size_the_anytime_valid_p_value_speaks() -> None:
    early = reading(CONTROL, (560, 4_000), planned=9_000)

    verdict = judge(early)

    assert verdict.text.startswith(
        "Ship b: 14.00 % of 4,000 units with b converted against 10.00 %"
    )
    assert "anytime-valid p < 0.0001)." in verdict.text


def test_the_p_value_that_is_said_is_the_one_that_decides() -> None:
    # With the unpooled variance it would be 0.0008: none of few converted.
    assert "anytime-valid p = 0.88)" in text((18, 900), (0, 100), planned=None)


def test_several_variants_have_the_adjusted_p_value() -> None:
    # Twice the 0.0043 of the z-test.
    assert "p = 0.0085)" in text(CONTROL, (480, 4_000), (400, 4_000))


def test_to_keep_control_is_said_with_its_figures() -> None:
    assert text(CONTROL, (300, 4_000)) == (
        "Keep a: 7.50 % of 4,000 units with b converted against 10.00 % of 4,000 units with a, "
        "2.5 percentage points less (95 % interval -3.74 to -1.26, p < 0.0001)."
    )
    assert text(CONTROL, (300, 4_000), (310, 4_000)).startswith(
        "Keep a: every variant is worse; at best, 7.75 % of 4,000 units with c converted against"
    )


def test_no_difference_is_said_with_what_was_asked_for() -> None:
    assert text(CONTROL, (460, 4_000)) == (
        "Keep a, as there is no difference worth a change: at the planned size of 4,000 units a "
        "variant, 11.50 % of 4,000 units with b converted against 10.00 % of 4,000 units with a, "
        "1.5 percentage points more (95 % interval +0.14 to +2.86, p = 0.03), while a change asks "
        "for 2 percentage points."
    )


def test_to_keep_running_says_how_far_it_is() -> None:
    assert text((20, 150), (30, 150), planned=3_841) == (
        "Keep running: 20.00 % of 150 units with b converted against 13.33 % of 150 units with a, "
        "6.67 percentage points more (95 % interval -1.82 to +15.10, anytime-valid p = 0.89), "
        "which may be chance; the smallest variant has 150 of the 3,841 units planned, about "
        "246.1 days more."
    )


def test_in_the_first_hour_it_is_not_said_how_many_days_are_left() -> None:
    said = text((20, 150), (30, 150), planned=3_841, days=0.01)

    assert said.endswith("the smallest variant has 150 of the 3,841 units planned.")


def test_less_than_a_tenth_of_a_day_is_said_as_that() -> None:
    assert text(CONTROL, CONTROL, planned=4_001).endswith("units planned, about 0.1 days more.")


def test_before_the_plan_it_is_said_what_the_plan_waits_for() -> None:
    said = text((5, 150), (15, 150), planned=None)

    assert said.endswith(
        "which may be chance; the size is planned when a has 10 conversions, and it has 5."
    )


def test_below_the_minimum_every_size_is_said() -> None:
    assert text((0, 0), (1, 1), (3, 1_250), planned=None) == (
        "Keep running: a has 0 units, b has 1 unit and c has 1,250 units, and each needs 100 at "
        "least."
    )


@pytest.mark.parametrize(
    ("conversions", "doubt"),
    [
        (43_000, ", which is hardly chance, but a change asks for 2 percentage points; the"),
        (40_100, ", which may be chance; the"),
        (40_000, "no difference (95 % interval -0.13 to +0.13, anytime-valid p = 1); the"),
    ],
)
def test_it_is_said_why_a_difference_is_not_acted_on(conversions: int, doubt: str) -> None:
    assert doubt in text((40_000, 400_000), (conversions, 400_000), planned=900_000)


def test_a_worse_variant_that_is_no_chance_is_not_called_one() -> None:
    # Of c there are too few units to be sure, so the test goes on.
    said = text((4_000, 40_000), (3_000, 40_000), (7, 120), planned=90_000)

    assert "with b converted against" in said
    assert "2.5 percentage points less" in said
    assert ", which is hardly chance; the smallest variant has 120 of" in said


def test_a_stopped_test_is_not_told_to_run() -> None:
    said = text((20, 150), (30, 150), planned=3_841, ending=STOPPED)

    assert said.startswith("Stopped too early to tell: 20.00 % of 150 units with b")
    assert said.endswith(
        "which may be chance; the smallest variant has 150 of the 3,841 units planned."
    )
    assert text((0, 5), (0, 9), ending=STOPPED).startswith(
        "Stopped too early to tell: a has 5 units"
    )


def test_a_stopped_test_that_reached_its_size_has_its_verdict() -> None:
    assert code(CONTROL, (520, 4_000), ending=STOPPED) == "ship"


def test_a_mismatch_is_said_with_shares_and_p_value() -> None:
    assert text((9, 4_000), (9, 4_400), shares=(33.33, 33.33)) == (
        "Find out why units arrive in other shares than planned: a has 47.6 % of 8,400 units where "
        "50.0 % were planned and b has 52.4 % of 8,400 units where 50.0 % were planned "
        "(p < 0.0001)."
    )


def test_contacts_are_called_contacts() -> None:
    said = text(CONTROL, (520, 4_000), metric="contact_success")

    assert "13.00 % of 4,000 units with b were contacted with success against 10.00 %" in said


def test_rates_of_none_and_of_all_are_said_without_a_p_value() -> None:
    assert text((0, 500), (0, 500), planned=None).startswith(
        "Keep running: 0.00 % of 500 units with b converted against 0.00 % of 500 units with a, "
        "no difference (95 % interval -0.76 to +0.76); the size"
    )
    assert "100.00 % of 500 units with b" in text((500, 500), (500, 500), planned=600)


@pytest.mark.parametrize(
    ("effect", "said"),
    [(4, "1 percentage point more"), (-4, "1 percentage point less"), (6, "1.5 percentage points")],
)
def test_one_percentage_point_is_singular(effect: int, said: str) -> None:
    assert f", {said}" in text((40, 400), (40 + effect, 400), planned=900)


def test_a_difference_too_small_to_be_written_is_not_said_to_be_0() -> None:
    said = text((40_000, 400_000), (40_001, 400_000), planned=900_000)

    assert "less than 0.01 percentage points more" in said


# Days remaining.


def test_days_remaining_are_what_is_lacking_over_the_units_a_day() -> None:
    known = reading((40, 400), (40, 400), planned=1_000, days=10)

    # 400 units in 10 days are 40 a day; 600 are lacking.
    assert days_remaining(known) == pytest.approx(15)


def test_the_slowest_variant_counts() -> None:
    known = reading((90, 900), (10, 100), (50, 1_500), planned=1_000, days=10)

    # 100 in 10 days: 900 more in 90.
    assert days_remaining(known) == pytest.approx(90)


def test_before_the_plan_the_required_size_counts() -> None:
    known = reading((5, 100), (5, 100), days=10)

    assert known.look.required_samples is not None
    assert days_remaining(known) == pytest.approx((known.look.required_samples - 100) / 10)


def test_the_plan_counts_whatever_is_required_by_now() -> None:
    known = reading((5, 100), (5, 100), planned=150, days=10)

    assert days_remaining(known) == pytest.approx(5)


def test_in_the_first_hour_nobody_knows() -> None:
    early = reading((40, 400), (40, 400), planned=1_000, days=59.9 / 60 / 24)
    later = reading((40, 400), (40, 400), planned=1_000, days=1 / 24)

    assert days_remaining(early) is None
    assert days_remaining(later) == pytest.approx(600 / 400 / 24)


@pytest.mark.parametrize("days", [0.01, 10])
@pytest.mark.parametrize("ending", [None, STOPPED])
def test_a_size_that_is_reached_takes_no_more_days(days: float, ending: Ending | None) -> None:
    assert days_remaining(reading(CONTROL, CONTROL, planned=4_000, days=days, ending=ending)) == 0


def test_a_stopped_test_that_fell_short_never_gets_there() -> None:
    known = reading((40, 400), (40, 400), planned=1_000, ending=STOPPED)

    assert days_remaining(known) is None


@pytest.mark.parametrize("counts", [((0, 0), (0, 0)), ((0, 0), (4, 40)), ((4, 40), (0, 0))])
def test_without_units_nobody_knows(counts: tuple[Counts, Counts]) -> None:
    assert days_remaining(reading(*counts)) is None


# Warnings.


def test_a_clean_look_at_an_ended_test_has_no_warnings() -> None:
    # Everybody's 30 days are over.
    assert warned(CONTROL, (520, 4_000), planned=PLANNED, ending=STOPPED, days=40) == {}


def test_a_mismatch_is_warned_of() -> None:
    found = warned((9, 4_000), (9, 4_400), shares=(50, 50), planned=PLANNED)

    assert found["sample_ratio_mismatch"] == (
        "a has 47.6 % of 8,400 units where 50.0 % were planned and b has 52.4 % of 8,400 units "
        "where 50.0 % were planned (p < 0.0001): the rates cannot be compared."
    )
    assert "sample_ratio_mismatch" not in warned(CONTROL, CONTROL)


@pytest.mark.parametrize(
    ("smallest", "said"), [(0, "has 0 units;"), (1, "has 1 unit;"), (99, "has 99 units;")]
)
def test_too_few_samples_are_warned_of(smallest: int, said: str) -> None:
    found = warned((0, 1_000), (0, smallest))

    assert found["too_few_samples"] == (
        f"The smallest variant {said} below 100 nothing is called significant."
    )
    assert "too_few_samples" not in warned((0, 1_000), (0, 100))


def test_a_look_before_the_planned_size_is_warned_of() -> None:
    before = "This look is before the planned size: the z-test is taken once, when it is reached."

    assert warned(CONTROL, (401, 4_000), planned=4_001)["looked_too_early"] == before
    assert warned((5, 150), (6, 150))["looked_too_early"] == before
    assert "looked_too_early" not in warned(CONTROL, (401, 4_000), planned=4_000)


def test_a_tempting_p_value_is_named() -> None:
    # By statsmodels, 0.030; of several the smallest.
    tempting = warned(CONTROL, (460, 4_000), (455, 4_000), planned=9_000)["looked_too_early"]

    assert tempting.endswith(" Do not act on p = 0.03: who looks often finds one by chance.")


def test_a_p_value_that_is_no_chance_does_not_tempt() -> None:
    found = warned((40_000, 400_000), (43_000, 400_000), planned=900_000)

    assert "Do not act" not in found["looked_too_early"]


def test_a_decided_test_was_not_looked_at_too_early() -> None:
    decided = {"at": iso(STARTED + timedelta(days=10)), "code": "ship"}

    assert warned(CONTROL, (560, 4_000), planned=9_000, final_look=decided).keys() == {
        "attribution_open"
    }


def test_a_stopped_test_was_stopped_too_early() -> None:
    found = warned(CONTROL, (460, 4_000), planned=9_000, ending=STOPPED)

    assert found["looked_too_early"] == (
        "The test was stopped before the planned size, at which the z-test is taken. Do not act on "
        "p = 0.03: who looks often finds one by chance."
    )


def test_figures_newer_than_the_decision_are_said_to_be_so() -> None:
    decided = {"at": iso(STARTED + timedelta(days=5)), "code": "ship"}

    found = warned(CONTROL, (480, 4_000), planned=PLANNED, final_look=decided)

    assert found["decided_earlier"] == (
        "The look of 2024-06-06T00:00:00.000000Z decided (ship); the figures are newer."
    )


@pytest.mark.parametrize(
    ("days", "ending", "is_older"),
    [(14, None, False), (14.5, None, True), (40, STOPPED, False), (5, None, False)],
)
def test_a_test_that_runs_longer_than_expected_is_warned_of(
    days: float, ending: Ending | None, *, is_older: bool
) -> None:
    found = warned(CONTROL, CONTROL, days=days, ending=ending, expected_days=14)

    assert ("older_than_planned" in found) == is_older
    if is_older:
        assert found["older_than_planned"] == "The test has run 14.5 days of the 14 planned."


def test_a_test_without_expected_days_is_never_older() -> None:
    assert "older_than_planned" not in warned(CONTROL, CONTROL, days=900)


@pytest.mark.parametrize(
    ("days", "ending", "is_open"),
    [
        (10, None, True),
        (900, None, True),
        (39.99, STOPPED, True),
        (40, STOPPED, False),
        (900, STOPPED, False),
    ],
)
def test_open_attribution_is_warned_of_until_the_last_unit_s_time_is_over(
    days: float, ending: Ending | None, *, is_open: bool
) -> None:
    found = warned(CONTROL, CONTROL, days=days, ending=ending)

    assert ("attribution_open" in found) == is_open
    if is_open:
        assert found["attribution_open"] == (
            "Units convert up to 30 days after their exposure: rates may still rise."
        )


def test_an_attribution_of_one_day_is_singular() -> None:
    found = dict(warnings(reading(CONTROL, CONTROL), timedelta(days=1)))

    assert found["attribution_open"].startswith("Units convert up to 1 day after")


def test_nobody_exposed_leaves_no_attribution_open() -> None:
    assert "attribution_open" not in warned((0, 0), (0, 0))


def test_variants_of_one_model_are_warned_of() -> None:
    variants = [
        Variant("now", "m1", 40, is_control=True),
        Variant("same", "m1", 30),
        Variant("new", "m2", 30),
        Variant("shade", "m1", 0, is_shadow=True),
    ]
    test = ABTest("t", variants, "conversion", STARTED, "tests", "op-1")
    look = look_at(test, Tally({}, {}), RULES)

    found = warnings(Reading(test, look, RULES, None, frozenset(), STARTED), MONTH)

    assert [each.text for each in found if each.code == "same_model"] == [
        "same has the same model as control: whatever differs is chance."
    ]
    assert "same_model" not in warned(CONTROL, CONTROL)


def test_all_that_applies_is_warned_of() -> None:
    found = warned((9, 60), (20, 150), shares=(50, 50), days=15, expected_days=14)

    assert list(found) == [
        "sample_ratio_mismatch",
        "too_few_samples",
        "looked_too_early",
        "older_than_planned",
        "attribution_open",
    ]
