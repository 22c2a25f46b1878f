"""What counts follows from dates alone, whatever comes first, twice, or gets cut off."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lead_scoring.attribution import Attribution, metric_of
from lead_scoring.entities.feedback import Feedback, Sender
from lead_scoring.entities.models import KeyedRequest
from lead_scoring.errors import StoreUnavailableError
from lead_scoring.experiments import ABScoring, Exposure
from lead_scoring.feedback_analytics import counted
from lead_scoring.hashing import keyed_hash, lead_hash
from tests.contract.examples import bare_feedback, bare_lead, score
from tests.fakes import FakeClock, FakePredictionStore, Outage, fake_services
from tests.fakes_ab_tests import FakeABTestStore, FakeExposureStore
from tests.fakes_feedback import FakeFeedbackStore, FakeReplyStore

KEY = "a key of the tests"
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
WINDOW = timedelta(days=30)
LEADS, USERS = ("a", "b"), (None, "ann", "bob")


class Scored(NamedTuple):
    """A test scores a lead, for a user or for itself, so many hours after noon."""

    lead: str
    user: str | None
    hours: int


class Said(NamedTuple):
    """Somebody, or nobody in particular, says so many hours after noon that a lead converted."""

    lead: str
    user: str | None
    hours: int


def unit_of(lead: str, user: str | None) -> str:
    return keyed_hash(user, KEY, "user") or lead_hash(lead, KEY)


class World:
    """Scores and feedback as the services write and count them, on fakes."""

    def __init__(self) -> None:
        outage = Outage("dynamodb")
        self.tests = FakeABTestStore(None, outage)  # type: ignore[arg-type]
        self.exposures = FakeExposureStore(self.tests, FakePredictionStore(), outage)
        self.feedback = FakeFeedbackStore(FakeReplyStore(FakeClock(), outage), outage)
        self.attribution = Attribution(self.exposures, self.feedback, KEY, WINDOW)

    def do(self, event: Scored | Said, number: int) -> None:
        moment = NOON + timedelta(hours=event.hours)
        if isinstance(event, Scored):
            exposure = Exposure("t", "v", "conversion", unit_of(event.lead, event.user))
            record = score(bare_lead(event.lead), scored_at=moment, request_id=f"r{number}")
            scoring = ABScoring(exposure, lead_hash(event.lead, KEY), record)
            self.exposures.record(scoring)
            self.attribution.count_after(scoring)
            return
        row = said(event, moment, number)
        self.feedback.add([counted(row)])
        self.attribution.count([row])

    def conversions(self) -> int:
        return self.tests.counts.get("t", {}).get(("v", "conversions"), 0)


def said(event: Said, moment: datetime, number: int) -> Feedback:
    sender = Sender(user_hash=keyed_hash(event.user, KEY, "user"))
    return bare_feedback(
        event.lead,
        action_type="convert",
        created_at=moment,
        sender=sender,
        feedback_id=f"f{number}",
    )


def by_dates_alone(events: Sequence[Scored | Said]) -> int:
    """Count the units that convert, knowing nothing of the order in which events arrive."""
    scores = [each for each in events if isinstance(each, Scored)]
    first: dict[str, int] = {}
    for each in scores:
        unit = each.user or each.lead
        first[unit] = min(first.get(unit, each.hours), each.hours)
    converted = set()
    for deed in (each for each in events if isinstance(each, Said)):
        before = [s for s in scores if s.lead == deed.lead and s.hours <= deed.hours]
        if deed.user is None:
            # Of scores at the same hour any may be the last: the strategy has none.
            units = [max(before, key=lambda s: s.hours)] if before else []
        else:
            own = [s for s in before if s.user == deed.user]
            units = own[:1] or [s for s in before if s.user is None][:1]
        for score_given in units:
            unit = score_given.user or score_given.lead
            if first[unit] <= deed.hours <= first[unit] + 24 * 30:
                converted.add(unit)
    return len(converted)


def happening(scored_for: st.SearchStrategy[Any], said_by: st.SearchStrategy[Any]) -> Any:
    hours = st.integers(0, 24 * 31)
    event = st.one_of(
        st.builds(Scored, st.sampled_from(LEADS), scored_for, hours),
        st.builds(Said, st.sampled_from(LEADS), said_by, hours),
    )
    return st.lists(event, max_size=12, unique_by=lambda each: each.hours)


def anyhow(events: Sequence[Scored | Said], random: Any) -> list[Any]:
    """Put what is said, twice, in any order; the scores, in theirs, anywhere among it."""
    # The exposure is the first score that is written, so these keep their order.
    scores = sorted((each for each in events if isinstance(each, Scored)), key=lambda s: s.hours)
    merged: list[Any] = [each for each in events if isinstance(each, Said)] * 2
    random.shuffle(merged)
    places = sorted(random.randrange(len(merged) + 1) for _ in scores)
    for place, each in reversed(list(zip(places, scores, strict=True))):
        merged.insert(place, each)
    return merged


def conversions(events: Sequence[Scored | Said]) -> int:
    world = World()
    for event in events:
        # The same thing said again is the same row.
        world.do(event, hash(event))
    return world.conversions()


someone = st.sampled_from(("ann", "bob"))


@settings(max_examples=200, deadline=None)
@given(happening(someone, someone), st.randoms(use_true_random=False))
def test_with_users_conversions_follow_from_dates_whatever_the_order(
    events: list[Scored | Said], random: Any
) -> None:
    assert conversions(anyhow(events, random)) == by_dates_alone(events)


@settings(max_examples=200, deadline=None)
@given(happening(st.none(), st.sampled_from(USERS)), st.randoms(use_true_random=False))
def test_with_leads_as_units_conversions_follow_from_dates_whatever_the_order(
    events: list[Scored | Said], random: Any
) -> None:
    assert conversions(anyhow(events, random)) == by_dates_alone(events)


@settings(max_examples=200, deadline=None)
@given(happening(st.sampled_from(USERS), st.sampled_from(USERS)))
def test_in_the_order_of_time_all_conversions_follow_from_dates(
    events: list[Scored | Said],
) -> None:
    in_time = sorted(events, key=lambda each: each.hours)

    assert conversions([*in_time, *in_time[::-1]]) == by_dates_alone(events)


@settings(max_examples=200, deadline=None)
@given(happening(st.sampled_from(USERS), st.sampled_from(USERS)), st.randoms(use_true_random=False))
def test_nothing_that_is_said_counts_twice(events: list[Scored | Said], random: Any) -> None:
    said_once = sum(isinstance(each, Said) for each in events)

    assert conversions(anyhow(events, random)) <= said_once


def test_feedback_that_comes_before_its_score_but_is_dated_after_it_counts() -> None:
    world = World()

    world.do(Said("a", "ann", 5), 1)
    world.do(Scored("a", "ann", 4), 2)

    assert world.conversions() == 1


def test_another_users_feedback_about_a_shared_lead_is_not_looked_at_again() -> None:
    world = World()
    world.do(Scored("a", "bob", 1), 0)
    for number in range(5):
        world.do(Said("a", "bob", 10 + number), 1 + number)
    asked: list[str | None] = []
    of = world.exposures.of
    world.exposures.of = lambda *args: asked.append(args[1]) or of(*args)  # type: ignore[assignment,func-returns-value,method-assign]

    world.do(Scored("a", "ann", 2), 9)

    assert asked == []


@pytest.mark.parametrize(
    ("action", "successful", "metric"),
    [
        ("convert", None, "conversion"),
        ("convert", True, "conversion"),
        ("contact", True, "contact_success"),
        ("contact", False, None),
        ("contact", None, None),
        ("view", True, None),
        ("archive", None, None),
        ("rate", True, None),
    ],
)
def test_what_is_a_conversion_of_which_metric(
    action: str, successful: bool | None, metric: str | None
) -> None:
    row = bare_feedback("a", action_type=action, contact_successful=successful)

    assert metric_of(row) == metric


def test_a_request_that_was_cut_off_counts_when_it_is_repeated(tmp_path: Any) -> None:
    services: Any = fake_services(str(tmp_path))
    exposure = Exposure("t", "v", "conversion", unit_of("a", "ann"))
    moment = services.clock.now() - timedelta(hours=1)
    record = score(bare_lead("a"), scored_at=moment)
    services.exposures.record(ABScoring(exposure, lead_hash("a", KEY), record))
    body = {"lead_id": "a", "action_type": "convert", "user_id": "ann"}
    interaction, sender = services.read_feedback(body)
    processor = services.feedback_processor
    request = KeyedRequest("key", "POST /feedback", body)

    def send() -> Any:
        return services.idempotency.once_in_one_write(
            request,
            lambda operation, keep: (
                201,
                processor.process_user_feedback(
                    interaction, sender, operation, lambda row: keep(201, row)
                ),
            ),
            lambda kept: processor.count_again(interaction, sender, kept),
        )

    services.exposures.outage.on = True
    with pytest.raises(StoreUnavailableError):
        send()
    services.exposures.outage.on = False
    services.clock.advance(hours=1)
    first, again = send(), send()

    assert first == again
    assert first[1]["created_at"] == "2024-06-01T12:00:00.000000Z"
    assert len(services.feedback.rows) == 1
    assert services.ab_test_store.counts["t"]["v", "conversions"] == 1
    assert record._replace(lead=bare_lead("a")) == record
