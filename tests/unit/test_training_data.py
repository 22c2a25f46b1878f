from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities import GivenScore, Lead, LeadId, iso, lead_key
from lead_scoring.entities.feedback import Feedback
from lead_scoring.entities.training import LeadSnapshot, Outcome, TrainingExample, WantedSnapshot
from lead_scoring.feature_extractor import FeatureExtractor
from lead_scoring.features.historical import OutcomeHistory
from lead_scoring.features.keywords import TERMS
from lead_scoring.labels import Evidence
from lead_scoring.training_data import (
    TrainingSet,
    fingerprint,
    in_time_order,
    split_by_time,
    training_set,
)
from tests import builders
from tests.builders import lead, various_leads
from tests.evidence import feedback

MOMENT = datetime(2024, 3, 10, 12, tzinfo=UTC)
NOW = MOMENT + timedelta(days=200)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Source:
    """Evidence in a list; live scores by key, and imported copies, as the ports say."""

    def __init__(self) -> None:
        self.rows: list[Evidence] = []
        self.scores: dict[str, dict[str, LeadSnapshot]] = {}
        self.imported: dict[str, LeadSnapshot] = {}

    def score(self, one: Lead, at: datetime) -> GivenScore:
        """Score a lead, and return what feedback that follows remembers of it."""
        key = f"{iso(at)}#request#0000"
        self.scores.setdefault(lead_key(one.lead_id), {})[key] = LeadSnapshot(one, at)
        return GivenScore(key, "v", 50, 0.5)

    def evidence(self) -> Sequence[Evidence]:
        return self.rows

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        for one in wanted:
            found = self._best(one)
            if found:
                yield one.lead, found

    def _best(self, wanted: WantedSnapshot) -> LeadSnapshot | None:
        live = self.scores.get(wanted.lead, {})
        if wanted.score_key in live:
            return live[wanted.score_key]
        before = [key for key in live if wanted.before and key < iso(wanted.before)]
        if before:
            return live[max(before)]
        return self.imported.get(wanted.lead) or (live[min(live)] if live else None)


def made(source: Source, now: datetime = NOW, **settings: Any) -> TrainingSet:
    return training_set(source, builders.settings(**settings), now)


def scored_and_converted(lead_id: int, at: datetime, source: Source, **changes: Any) -> None:
    given_score = source.score(lead(lead_id=lead_id), at)
    source.rows.append(feedback(lead_id, "convert", at + DAY, given=given_score, **changes))


# Which leads, and as they were when.


def test_a_lead_trains_with_the_moment_of_the_score_that_its_outcome_answers_to() -> None:
    source = Source()
    seen = lead(lead_id=7, title="As it was")
    given_score = source.score(seen, MOMENT)
    source.rows.append(feedback(7, "convert", MOMENT + DAY, given=given_score, confidence=0.8))

    (found,) = made(source).examples

    assert found == TrainingExample(seen, MOMENT, 1.0, 0.8, MOMENT + DAY)


def test_a_lead_that_was_scored_again_after_its_outcome_trains_as_it_was_before() -> None:
    source = Source()
    given_score = source.score(lead(title="Before"), MOMENT)
    source.rows.append(feedback(123, "convert", MOMENT + DAY, given=given_score))
    source.score(lead(title="After"), MOMENT + 2 * DAY)

    (found,) = made(source).examples

    assert (found.lead.title, found.moment) == ("Before", MOMENT)


def test_a_lead_whose_score_from_before_its_outcome_is_gone_does_not_train_as_it_was_after() -> (
    None
):
    source = Source()
    given_score = source.score(lead(title="Before"), MOMENT)
    source.rows.append(feedback(123, "convert", MOMENT + DAY, given=given_score))
    source.score(lead(title="After"), MOMENT + 2 * DAY)
    del source.scores["123"][given_score.score_key]

    assert made(source).examples == []


@pytest.mark.parametrize("occurred_at", [None, MOMENT + DAY])
def test_an_imported_lead_trains_with_its_own_moment(occurred_at: datetime | None) -> None:
    source = Source()
    source.imported["123"] = LeadSnapshot(lead(), MOMENT)
    source.rows.append(Outcome(123, converted=True, contacted=True, occurred_at=occurred_at))
    source.score(lead(title="Scored long after"), MOMENT + 90 * DAY)

    (found,) = made(source).examples

    assert found == TrainingExample(lead(), MOMENT, 1.0, 1.0, MOMENT + DAY, contact_succeeded=True)


def test_an_outcome_dated_before_the_moment_is_known_at_the_moment() -> None:
    source = Source()
    source.imported["123"] = LeadSnapshot(lead(), MOMENT)
    source.rows.append(Outcome(123, converted=True, occurred_at=MOMENT - 9 * DAY))

    (found,) = made(source).examples

    assert found.known_at == MOMENT


def test_feedback_on_a_lead_that_nobody_knows_waits_until_somebody_does() -> None:
    source = Source()
    source.rows.append(feedback(7, "convert", MOMENT, given=None))

    before = made(source).examples
    source.score(lead(lead_id=7), MOMENT + 3 * DAY)
    (found,) = made(source).examples

    assert before == []
    assert found.moment == found.known_at == MOMENT + 3 * DAY


def test_a_lead_whose_outcome_may_still_come_is_not_used() -> None:
    source = Source()
    given_score = source.score(lead(), MOMENT)
    source.rows.append(feedback(123, "view", MOMENT + HOUR, given=given_score))

    assert made(source, now=MOMENT + 24 * HOUR) == TrainingSet([], [])
    assert len(made(source, now=MOMENT + 25 * HOUR).examples) == 1
    assert len(made(source, now=MOMENT + 24 * HOUR, label_maturity_hours=1).examples) == 1


# Weights.


def test_a_weight_is_the_confidence_halved_with_every_half_life_of_its_age() -> None:
    source = Source()
    for number, (days, confidence) in enumerate([(360, 0.8), (180, 0.5), (90, 1.0), (0, 0.6)]):
        scored_and_converted(number, MOMENT - days * DAY, source, confidence=confidence)

    weights = [example.weight for example in made(source).examples]
    faster = [example.weight for example in made(source, feedback_half_life_days=90).examples]

    assert weights == pytest.approx([0.8 / 4, 0.5 / 2, 1 / 2**0.5, 0.6])
    assert faster == pytest.approx([0.8 / 16, 0.5 / 4, 1 / 2, 0.6])


def test_imports_age_as_feedback_does() -> None:
    source = Source()
    for number, days in enumerate((180, 0)):
        source.imported[str(number)] = LeadSnapshot(lead(lead_id=number), MOMENT - days * DAY)
        source.rows.append(Outcome(number, converted=True))

    assert [example.weight for example in made(source).examples] == [0.5, 1.0]


def test_when_a_model_is_trained_changes_no_weight() -> None:
    source = Source()
    for number in range(5):
        scored_and_converted(number, MOMENT - number * 50 * DAY, source)

    assert made(source, now=NOW) == made(source, now=NOW + 5000 * DAY)


def test_the_oldest_evidence_still_weighs_something() -> None:
    source = Source()
    scored_and_converted(1, MOMENT - 9000 * DAY, source)
    scored_and_converted(2, MOMENT, source, confidence=0.0)

    weights = [example.weight for example in made(source, feedback_half_life_days=1).examples]

    assert min(weights) > 0


# Nothing that comes later.


def a_life(seed: int) -> Source:
    """Sixty leads, scored up to three times with changing texts, with feedback in between."""
    random, source = Random(seed), Source()
    for number, one in enumerate(various_leads(60)):
        at, given_score = MOMENT + random.randrange(40 * 24) * HOUR, None
        for _ in range(random.randint(1, 3)):
            changed = one._replace(title=f"{one.title} {random.choice(('urgent', 'now', ''))}")
            given_score = source.score(changed, at)
            for _ in range(random.randint(0, 3)):
                at += random.randrange(1, 90) * HOUR
                source.rows.append(_anything(number, at, given_score, random))
            at += random.randrange(1, 9) * DAY
    return source


def _anything(
    lead_id: LeadId, at: datetime, given_score: GivenScore | None, random: Random
) -> Feedback:
    action = random.choice(("view", "archive", "contact", "convert"))
    rated = random.choice((None, None, 10.0, 90.0)) if action != "convert" else None
    target = {"view": 0.4, "archive": 0.2, "contact": 0.9, "convert": 1.0}[action]
    return feedback(
        lead_id,
        action,
        at,
        feedback_id=f"{random.random()}",
        given=given_score,
        user_rating=rated,
        target_score=target if rated is None else rated / 100,
        contact_successful=random.choice((True, False, None)) if action == "contact" else None,
    )


def shuffled_after(source: Source, cut: datetime, random: Random) -> Source:
    """What the same leads looked like had everything after a moment come otherwise."""
    other = Source()
    rows = [row for row in source.rows if isinstance(row, Feedback)]
    later = [row for row in rows if row.created_at > cut]
    dates = random.sample([row.created_at for row in later], len(later))
    other.rows = [row for row in rows if row.created_at <= cut]
    for row, at in zip(later, dates, strict=True):
        other.rows.append(_anything(row.lead_id, at, row.given, random))
    random.shuffle(other.rows)
    for key, scores in source.scores.items():
        for score_key, snapshot in scores.items():
            if snapshot.moment > cut:
                text = random.choice(("Zookeeper wanted", "urgent urgent", "$90k"))
                snapshot = snapshot._replace(lead=snapshot.lead._replace(title=text, price=None))
            other.scores.setdefault(key, {})[score_key] = snapshot
    return other


def features(data: TrainingSet, extractor: Any, until: datetime) -> dict[tuple[str, str], bytes]:
    """Return the rows of examples up to a moment, with the history of this training set."""
    terms = (*TERMS, *extractor.title_terms.terms, *extractor.description_terms.terms)
    extractor = FeatureExtractor(
        extractor.title_terms,
        extractor.description_terms,
        extractor.categories,
        extractor.prices,
        extractor.business_time_zone,
        OutcomeHistory.fit(data.history, terms),
    )
    return {
        (lead_key(one.lead.lead_id), iso(one.moment)): extractor.extract(
            [one.lead], [one.moment]
        ).tobytes()
        for one in data.examples
        if one.moment <= until
    }


@pytest.mark.parametrize("seed", range(6))
def test_shuffling_what_happened_after_a_lead_was_scored_changes_no_feature_of_it(
    seed: int,
) -> None:
    source, random = a_life(seed), Random(seed)
    extractor = builders.extractor(various_leads(60))
    data, compared, history_counts = made(source), 0, 0

    for one in data.examples[:: max(1, len(data.examples) // 12)]:
        others = made(shuffled_after(source, one.moment, random))
        before = features(data, extractor, one.moment)
        after = features(others, extractor, one.moment)
        common = before.keys() & after.keys()
        assert {key: before[key] for key in common} == {key: after[key] for key in common}
        compared += len(common)
        history_counts += others.history != data.history

    assert compared > 60
    assert history_counts > 6


def test_what_happened_before_a_lead_was_scored_does_change_its_features() -> None:
    source = a_life(0)
    extractor = builders.extractor(various_leads(60))
    newest = made(source).examples[-1].moment
    other = shuffled_after(source, MOMENT, Random(1))

    before, after = (features(made(each), extractor, newest) for each in (source, other))

    assert any(before[key] != after[key] for key in before.keys() & after.keys())


def test_history_knows_a_lead_by_what_was_known_of_it_then() -> None:
    source = Source()
    given_score = source.score(lead(), MOMENT)
    for days, action, target in ((1, "view", 0.4), (5, "contact", 0.9), (9, "convert", 1.0)):
        row = feedback(123, action, MOMENT + days * DAY, given=given_score, target_score=target)
        source.rows.append(row)

    found = [(each.known_at, each.target, each.replaces) for each in made(source).history]

    assert found == [
        (MOMENT + 2 * DAY, 0.4, None),
        (MOMENT + 5 * DAY, 0.9, 0.4),
        (MOMENT + 9 * DAY, 1.0, 0.9),
    ]


def test_the_newest_that_was_known_is_never_after_the_present() -> None:
    source = Source()
    scored_and_converted(1, MOMENT, source)
    data = made(source)

    assert data.known_until(NOW) == MOMENT + DAY
    assert data.known_until(MOMENT) == MOMENT
    assert TrainingSet([], []).known_until(NOW) == NOW


# Order, split, fingerprint.


def example(hours: float, lead_id: int | str = 1, value: float = 0.0) -> TrainingExample:
    moment = MOMENT + timedelta(hours=hours)
    return TrainingExample(lead(lead_id=lead_id), moment, value, 1.0, known_at=moment)


def test_examples_are_ordered_by_moment_and_then_by_lead() -> None:
    examples = [example(1, "b"), example(1, 10), example(0, 5), example(1, "a")]

    ordered = in_time_order(examples)

    assert [each.lead.lead_id for each in ordered] == [5, 10, "a", "b"]
    assert in_time_order(reversed(examples)) == ordered


def test_the_order_in_which_a_store_answers_changes_nothing() -> None:
    source, turned = a_life(3), a_life(3)
    turned.rows.reverse()

    assert made(source) == made(turned)


def test_the_newest_share_is_held_out() -> None:
    examples = [example(hour) for hour in range(50)]

    training, holdout = split_by_time(examples, 0.2)

    assert (training, holdout) == (examples[:40], examples[40:])


def test_leads_of_one_moment_are_not_split() -> None:
    examples = [example(min(hour, 39)) for hour in range(42)]

    training, holdout = split_by_time(examples, 0.05)

    assert len(holdout) == 3
    assert training[-1].moment < holdout[0].moment


def test_a_moment_that_holds_most_leads_is_cut_through() -> None:
    examples = [example(0), *(example(1, number) for number in range(99))]

    training, holdout = split_by_time(examples, 0.2)

    assert (len(training), len(holdout)) == (80, 20)


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).map(sorted),
    st.floats(0.05, 0.5),
)
def test_a_split_loses_nothing_and_leaves_something_on_both_sides(
    hours: list[int], share: float
) -> None:
    examples = [example(hour) for hour in hours]

    training, holdout = split_by_time(examples, share)

    assert training + holdout == examples
    assert training
    assert 1 <= len(holdout) <= 2 * max(1, round(share * len(examples)))


def test_a_fingerprint_tells_all_that_a_model_comes_from() -> None:
    base = made(a_life(0))
    first, *rest = base.examples
    others = [
        base._replace(examples=rest),
        base._replace(history=base.history[1:]),
        *(
            base._replace(examples=[first._replace(**change), *rest])
            for change in (
                {"target": 0.123},
                {"weight": 0.123},
                {"moment": first.moment + DAY},
                {"lead": first.lead._replace(title="Another")},
            )
        ),
    ]

    found = {fingerprint(each, {}) for each in [base, *others]}
    found |= {fingerprint(base, {"params": {"max_depth": depth}}) for depth in (3, 4)}

    assert len(found) == 9
    assert fingerprint(base, {}) == fingerprint(made(a_life(0)), {})


def test_the_type_of_an_id_makes_no_other_fingerprint() -> None:
    whole, text = (TrainingSet([example(0, name), example(1, 2)], []) for name in (1, "1"))

    assert fingerprint(whole, {}) == fingerprint(text, {})
