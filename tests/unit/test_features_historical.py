import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lead_scoring.entities import Lead
from lead_scoring.entities.training import Outcome, TrainingExample
from lead_scoring.errors import ArtifactError
from lead_scoring.features.few_words import FEW_WORDS, FewWords
from lead_scoring.features.historical import FEATURES, KnownTarget, OutcomeHistory
from lead_scoring.features.reading import words_of
from lead_scoring.training_data import training_set
from tests.builders import lead, various_leads
from tests.builders import settings as product_settings
from tests.forests import Imports

DAY = datetime(2024, 3, 10, 15, 30, tzinfo=UTC)
NAMES = [feature.name for feature in FEATURES]


def example(target: float, known_at: datetime, **changes: Any) -> TrainingExample:
    return TrainingExample(
        lead(**changes), known_at - timedelta(days=2), target, weight=1.0, known_at=known_at
    )


def rates(history: OutcomeHistory, one: Lead, moment: datetime) -> dict[str, float]:
    words = [words_of(one.title), words_of(one.description or "")]
    (values,) = history.rates([one], [moment], history.lexicon.find(words, kinds=2))
    day = history.live_day([moment])
    if day is not None and sum(map(len, words)) <= FEW_WORDS:
        by_itself, few = history.rates_of_keys(one, day), FewWords(history.lexicon, kinds=2)
        few.general_rate = history.tell(few.facts, day)
        for kind, each in enumerate(words):
            by_itself += few.read(each, kind).history
        assert np.array(by_itself).tobytes() == np.array(values).tobytes()
    return dict(zip(NAMES, values, strict=True))


def rates_of(history: OutcomeHistory, leads: list[Lead], moments: list[datetime]) -> Any:
    words = [words_of(one.title) for one in leads]
    words += [words_of(one.description or "") for one in leads]
    return history.rates(leads, moments, history.lexicon.find(words, kinds=2))


def bits(history: OutcomeHistory, one: Lead, moment: datetime) -> bytes:
    return np.array(list(rates(history, one, moment).values())).tobytes()


def past(days: float) -> datetime:
    return DAY - timedelta(days=days)


# As of the lead's own moment.

EXAMPLES = [
    TrainingExample(
        one._replace(lead_id=number),
        moment=DAY + timedelta(hours=5 * number),
        target=number % 3 / 2,
        weight=1.0,
        known_at=DAY + timedelta(hours=5 * number + number * 37 % 200),
    )
    for number, one in enumerate(various_leads(50) * 2)
]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(EXAMPLES) - 1), st.randoms(use_true_random=False))
def test_nothing_that_became_known_after_a_leads_moment_moves_a_feature_of_it(
    chosen: int, random: Any
) -> None:
    own = EXAMPLES[chosen]
    altered = []
    for each in EXAMPLES:
        if each.known_at < own.moment:
            altered.append(each)
        elif random.random() < 0.9:
            later = own.moment + timedelta(hours=random.uniform(0, 2000))
            altered.append(each._replace(target=random.random(), known_at=later))
    random.shuffle(altered)

    before = bits(OutcomeHistory.fit(EXAMPLES), own.lead, own.moment)
    after = bits(OutcomeHistory.fit(altered), own.lead, own.moment)

    assert after == before


def test_what_was_known_before_a_leads_moment_does_move_its_features() -> None:
    own = EXAMPLES[-1]
    altered = [each._replace(target=1 - each.target) for each in EXAMPLES]

    before = rates(OutcomeHistory.fit(EXAMPLES), own.lead, own.moment)
    after = rates(OutcomeHistory.fit(altered), own.lead, own.moment)

    assert before["location_success_rate"] != after["location_success_rate"]
    assert before["similar_title_success_rate"] != after["similar_title_success_rate"]


@pytest.mark.parametrize("maturity_hours", [0, 24])
@pytest.mark.parametrize("occurred_days_before", [None, -3, 0, 0.1, 30])
def test_a_lead_never_sees_its_own_outcome(
    maturity_hours: int, occurred_days_before: float | None
) -> None:
    occurred_at = None if occurred_days_before is None else past(occurred_days_before)
    outcome = Outcome(1, converted=True, occurred_at=occurred_at)
    own = lead(lead_id=1)
    chosen = product_settings(label_maturity_hours=maturity_hours)
    (alone,) = training_set(Imports([(own, DAY, outcome)]), chosen, DAY).history

    seen = OutcomeHistory.fit([alone] * 9)

    assert bits(seen, own, DAY) == bits(OutcomeHistory.fit([]), own, DAY)


def test_what_replaces_an_outcome_takes_its_place_and_is_no_further_case() -> None:
    known = [
        KnownTarget(lead(), past(9), 0.7),
        KnownTarget(lead(), past(5), 0.1, replaces=0.7),
        KnownTarget(lead(), past(3), 1.0, replaces=0.1),
    ]
    history = OutcomeHistory.fit(known)

    for days, target in ((7, 0.7), (4, 0.1), (1, 1.0)):
        alone = OutcomeHistory.fit([example(target, past(9))])
        found, expected = (rates(each, lead(), past(days)) for each in (history, alone))
        assert found == pytest.approx(expected, nan_ok=True)


def test_outcomes_that_were_taken_back_leave_a_table_that_can_be_read() -> None:
    steps = [0.1, 0.8, 0.3, 0.7, 0.0]
    known = [
        KnownTarget(lead(), past(20 - number), target, before)
        for number, (before, target) in enumerate(zip([None, *steps], steps, strict=False))
    ]

    again = OutcomeHistory.from_arrays(OutcomeHistory.fit(known).to_arrays())

    assert rates(again, lead(), DAY)["category_cases"] == 1


def test_an_outcome_counts_from_the_midnight_after_it_became_known() -> None:
    history = OutcomeHistory.fit([example(1.0, DAY)])
    midnight = datetime(2024, 3, 11, tzinfo=UTC)

    just_before = rates(history, lead(), midnight - timedelta(microseconds=1))
    just_after = rates(history, lead(), midnight)

    assert just_before["category_cases"] == 0
    assert just_after["category_cases"] == 1


def test_a_backtest_sees_less_than_the_present_does() -> None:
    history = OutcomeHistory.fit([example(1.0, past(days)) for days in (40, 20, 3)])

    cases = [rates(history, lead(), past(days))["category_cases"] for days in (50, 30, 10, 0)]

    assert cases == [0, 1, 2, 3]


def test_the_order_in_which_moments_are_asked_for_changes_nothing() -> None:
    history = OutcomeHistory.fit(EXAMPLES)
    moments = [DAY + timedelta(days=day) for day in range(40)]
    one = EXAMPLES[0].lead

    forwards = [bits(history, one, moment) for moment in moments]
    backwards = [bits(history, one, moment) for moment in reversed(moments)]
    fresh = [bits(OutcomeHistory.fit(EXAMPLES), one, moment) for moment in moments]

    assert forwards == backwards[::-1] == fresh


@pytest.mark.parametrize("days_ahead", [-1, 0, 1, 30])
def test_a_lead_has_the_same_rates_alone_and_among_leads_of_other_days(days_ahead: int) -> None:
    history = OutcomeHistory.fit(EXAMPLES)
    last_known = max(each.known_at for each in EXAMPLES)
    moments = [last_known + timedelta(days=days) for days in (days_ahead, 0, 1)]
    moments += [past(30), DAY]
    leads = [each.lead for each in EXAMPLES[-5:]]

    together = rates_of(history, leads, moments)
    of_live_days = rates_of(history, leads[:3], moments[:3])

    alone = [bits(history, *each) for each in zip(leads, moments, strict=True)]
    assert [row.tobytes() for row in together] == alone
    assert [row.tobytes() for row in of_live_days] == alone[:3]


def test_moments_before_1970_and_far_ahead_have_a_day_too() -> None:
    history = OutcomeHistory.fit([example(1.0, DAY)])

    assert rates(history, lead(), datetime(1, 1, 1, tzinfo=UTC))["category_cases"] == 0
    assert rates(history, lead(), datetime(9999, 12, 31, tzinfo=UTC))["category_cases"] > 0


# The figures themselves, by hand.


def test_nothing_known_is_the_prior_rate_with_no_cases() -> None:
    values = rates(OutcomeHistory.fit([]), lead(), DAY)

    assert all(values[name] == 0.25 for name in NAMES if name.endswith("rate"))
    assert all(values[name] == 0 for name in NAMES if name.endswith("cases"))


def test_rates_are_pulled_towards_the_general_rate_as_if_by_ten_cases() -> None:
    known = [
        example(1.0, past(5), category="a", location_name="x"),
        example(1.0, past(4), category="a", location_name="y"),
        example(0.5, past(3), category="a", location_name="x"),
        example(0.0, past(2), category="b", location_name="x"),
    ]

    values = rates(OutcomeHistory.fit(known), lead(category="a", location_name="x"), DAY)

    general = (2.5 + 0.25 * 20) / (4 + 20)
    assert values["category_success_rate"] == pytest.approx((2.5 + 10 * general) / 13)
    assert values["category_cases"] == 3
    assert values["location_success_rate"] == pytest.approx((1.5 + 10 * general) / 13)
    assert values["location_cases"] == 3
    assert values["category_location_success_rate"] == pytest.approx((1.5 + 10 * general) / 12)
    assert values["category_location_cases"] == 2


def test_similar_leads_pool_the_shifts_of_their_words() -> None:
    # "red", "car" and "red car": six cases, all good. "blue": four, too few to say anything.
    known = [example(1.0, past(5), title="red car", category=None)] * 6
    known += [example(0.0, past(5), title="blue", category=None)] * 4

    values = rates(OutcomeHistory.fit(known), lead(title="Red CAR blue", category=None), DAY)

    general = (6 + 5) / (10 + 20)
    term = (6 + 10 * general) / 16
    prior, shift = math.log(general / (1 - general)), math.log(term / (1 - term))
    expected = 1 / (1 + math.exp(-(prior + 3 * (shift - prior) / math.sqrt(3))))
    assert values["similar_title_success_rate"] == pytest.approx(expected)
    assert values["similar_title_cases"] == 6


def test_a_word_that_is_not_known_often_enough_yet_says_nothing_yet() -> None:
    known = [example(1.0, past(day), title="red", category=None) for day in range(2, 8)]
    history = OutcomeHistory.fit(known)
    one = lead(title="red", category=None)

    cases = [rates(history, one, past(days))["similar_title_cases"] for days in (3, 2, 1, 0)]

    assert cases == [0, 5, 6, 6]


def test_cases_are_counted_up_to_a_hundred_while_the_rate_goes_on() -> None:
    hundred, more = (
        rates(OutcomeHistory.fit([example(1.0, past(5))] * count), lead(), DAY)
        for count in (100, 400)
    )

    for kind in ("category", "location", "category_location", "similar_title"):
        assert hundred[f"{kind}_cases"] == more[f"{kind}_cases"] == 100
        assert hundred[f"{kind}_success_rate"] < more[f"{kind}_success_rate"]


def test_a_word_that_a_text_repeats_counts_once() -> None:
    history = OutcomeHistory.fit([example(1.0, past(5), title="red red red")] * 3)

    values = rates(history, lead(title="red"), DAY)

    assert values["similar_title_cases"] == 0  # three leads, not nine words


def test_titles_and_descriptions_are_apart() -> None:
    history = OutcomeHistory.fit([example(1.0, past(5), title="red", description="blue")] * 8)

    values = rates(history, lead(title="blue", description="red"), DAY)

    assert values["similar_title_cases"] == values["similar_description_cases"] == 0


def test_an_absent_category_or_place_is_missing() -> None:
    history = OutcomeHistory.fit([example(1.0, past(5))])

    values = rates(history, lead(category=None), DAY)

    assert math.isnan(values["category_success_rate"])
    assert math.isnan(values["category_location_cases"])
    assert values["location_cases"] > 0


@pytest.mark.parametrize("field", ["category", "location_name"])
def test_case_and_outer_blanks_make_no_other_place_or_category(field: str) -> None:
    history = OutcomeHistory.fit([example(1.0, past(5), **{field: "Groß Stadt "})])

    values = rates(history, lead(**{field: " GROSS STADT"}), DAY)

    assert values[f"{field.split('_')[0]}_cases"] > 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 400)), max_size=60))
def test_every_rate_lies_between_0_and_1(drawn: Sequence[tuple[float, int]]) -> None:
    history = OutcomeHistory.fit([example(target, past(days)) for target, days in drawn])

    values = rates(history, lead(), DAY)

    assert all(0 < values[name] < 1 for name in NAMES if name.endswith("rate"))
    assert all(values[name] >= 0 for name in NAMES if name.endswith("cases"))


# The artifact.


def as_bytes(history: OutcomeHistory) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in history.to_arrays().items()}


def test_a_history_survives_being_stored() -> None:
    history = OutcomeHistory.fit(EXAMPLES)

    again = OutcomeHistory.from_arrays(history.to_arrays())

    for each in EXAMPLES:
        for moment in (each.moment, DAY + timedelta(days=99)):
            assert bits(again, each.lead, moment) == bits(history, each.lead, moment)
    assert as_bytes(again) == as_bytes(history)


def test_an_empty_history_survives_being_stored() -> None:
    again = OutcomeHistory.from_arrays(OutcomeHistory.fit([]).to_arrays())

    assert rates(again, lead(), DAY)["category_success_rate"] == 0.25


def test_equal_outcomes_in_another_order_make_the_same_history() -> None:
    assert as_bytes(OutcomeHistory.fit(EXAMPLES[::-1])) == as_bytes(OutcomeHistory.fit(EXAMPLES))


def stored(values: Sequence[float], kind: str = "i4") -> Any:
    return np.array(values, kind)


def lines(*texts: str) -> Any:
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


# One word with a pair of itself: numbers 2 and 3.
GOOD: dict[str, Any] = {
    "words": lines("b"),
    "pairs": stored([8], "i8"),
    "keys": lines("all", "c:a"),
    "title_terms": stored([]),
    "description_terms": stored([3]),
    "starts": stored([0, 1, 2, 3]),
    "days": stored([19000, 19001, 19001]),
    "cases": stored([4, 3, 5], "f4"),
    "successes": stored([2, 3, 5], "f4"),
}


def test_a_wellformed_table_is_read() -> None:
    values = rates(OutcomeHistory.from_arrays(GOOD), lead(category="a"), DAY)

    assert values["category_cases"] == 3


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        *({name: value for name, value in GOOD.items() if name != gone} for gone in GOOD),
        *(GOOD | {name: 5} for name in GOOD),
        *(GOOD | {name: GOOD[name][:-1]} for name in GOOD if name != "keys" and len(GOOD[name])),
        *(GOOD | {name: stored([0.5], "f4")} for name in GOOD),
        GOOD | {"words": lines("b", "b")},
        GOOD | {"words": stored([0xFF], "u1")},
        *(GOOD | {"pairs": stored(pairs, "i8")} for pairs in (
            [8, 8], [0], [5], [6], [7], [-3], [9],
        )),
        *(GOOD | {"description_terms": stored(terms)} for terms in ([0], [1], [4], [-1], [3, 3])),
        *(GOOD | {"starts": stored(starts)} for starts in (
            [0, 1, 2, 9], [0, 2, 1, 3], [0, 1, 1, 3], [1, 1, 2, 3], [0, -1, 2, 3], [],
        )),
        *(GOOD | {"successes": stored(successes, "f4")} for successes in (
            [2, 4, 5], [-1, 3, 5], [math.nan, 3, 5],
        )),
        GOOD | {"cases": stored([math.inf, 3, 5], "f4")},
    ],
)  # fmt: skip
def test_a_malformed_table_is_refused(broken: Any) -> None:
    with pytest.raises(ArtifactError):
        OutcomeHistory.from_arrays(broken)
