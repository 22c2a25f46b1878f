import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lead_scoring.bootstrap import Services
from lead_scoring.entities import GivenScore, LeadId
from lead_scoring.entities.feedback import Interaction, Sender
from lead_scoring.entities.models import KeptReply, Operation
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import (
    InvalidInputError,
    KeyInUseError,
    NotFoundError,
    StoreUnavailableError,
)
from lead_scoring.feedback_processor import FeedbackProcessor
from tests.contract.examples import bare_lead, score
from tests.fakes import FakePredictionStore, fake_services

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPERATION = Operation("o1", NOON)


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fake_services(str(tmp_path_factory.mktemp("models")))


@pytest.fixture
def processor(services: Services) -> FeedbackProcessor:
    return services.feedback_processor


def scored(services: Any, lead_id: LeadId, at: datetime, **changes: Any) -> None:
    services.predictions.add([score(bare_lead(lead_id), scored_at=at, **changes)])


def view(lead_id: LeadId = 7, **said: Any) -> Interaction:
    return Interaction(lead_id, "view", **said)


def test_feedback_is_taken_from_python_as_the_api_takes_it(processor: FeedbackProcessor) -> None:
    result = processor.process_user_feedback(
        {
            "lead_id": 123,
            "action_type": "contact",
            "contact_successful": True,
            "interaction_duration": 180,
            "session_id": "session_abc123",
        }
    )

    assert f"{result['confidence']:.2f}" == "0.90"
    assert result["target_score"] == 0.9


def test_a_bad_dict_is_refused_with_every_fault_and_stores_nothing(
    services: Any, processor: FeedbackProcessor
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        processor.process_user_feedback({"action_type": "rate", "interaction_duration": "long"})

    pointers = {fault.pointer for fault in caught.value.faults}
    assert pointers == {"/lead_id", "/user_rating", "/interaction_duration"}
    assert not services.feedback.rows


def test_a_rate_without_rating_stores_nothing(services: Any, processor: FeedbackProcessor) -> None:
    with pytest.raises(InvalidInputError):
        processor.process_user_feedback(Interaction(1, "rate"))

    assert not services.feedback.rows


def test_feedback_answers_to_the_last_score_before_it(
    services: Any, processor: FeedbackProcessor
) -> None:
    scored(services, 7, NOON - 2 * HOUR, model_version="v1", score=10)
    scored(services, 7, NOON - HOUR, model_version="v2", score=20)
    scored(services, 7, NOON, model_version="v3", score=30)

    said = [
        processor.process_user_feedback(view(created_at=NOON - 2 * HOUR + ago))
        for ago in (timedelta(0), timedelta(microseconds=1), HOUR, HOUR * 2, HOUR * 3)
    ]

    assert [each["model_version"] for each in said] == [None, "v1", "v1", "v2", "v3"]
    assert [each["prediction_score"] for each in said] == [None, 10, 10, 20, 30]


def test_a_score_as_of_another_moment_is_none_that_feedback_answers_to(
    services: Any, processor: FeedbackProcessor
) -> None:
    lead = bare_lead(7)._replace(as_of=NOON - 9 * HOUR)
    services.predictions.add([score(lead, scored_at=NOON - HOUR)])

    said = processor.process_user_feedback(view(created_at=NOON))

    assert (said["model_version"], said["prediction_score"]) == (None, None)


def test_feedback_carries_the_variant_of_the_score_it_answers_to(
    services: Any, processor: FeedbackProcessor
) -> None:
    scored(services, 7, NOON - HOUR, ab_test="spring", variant="bold")

    said = processor.process_user_feedback(view())

    assert (said["ab_test"], said["variant"]) == ("spring", "bold")
    [row] = services.feedback.rows.values()
    assert row.given.variant == "bold"


def test_without_a_test_nothing_is_said_of_one(services: Any, processor: FeedbackProcessor) -> None:
    scored(services, 7, NOON - HOUR)

    said = processor.process_user_feedback(view())

    assert not said.keys() & {"ab_test", "variant"}


def test_feedback_is_dated_when_its_operation_came_first(processor: FeedbackProcessor) -> None:
    said = processor.process_user_feedback(view(), operation=Operation("o1", NOON - HOUR))

    assert said["created_at"] == "2024-06-01T11:00:00.000000Z"


def test_the_row_holds_all_that_was_said(services: Any, processor: FeedbackProcessor) -> None:
    sender = Sender("s", "u" * 64, "i" * 64, "a" * 64)
    said = Interaction(7, "contact", 50.0, 60.0, True, 70.0, 80.0, NOON - HOUR)

    processor.process_user_feedback(said, sender, OPERATION)

    [row] = services.feedback.rows.values()
    assert row.sender == sender
    assert (row.feedback_id, row.feedback_source, row.created_at) == ("o1", "manual", NOON - HOUR)
    assert (row.lead_id, row.action_type, row.target_score) == (7, "contact", 0.5)
    assert (row.user_rating, row.interaction_seconds, row.contact_successful) == (50.0, 60.0, True)
    assert (row.contact_response_seconds, row.conversion_value) == (70.0, 80.0)


def test_the_same_operation_again_counts_nothing_twice(
    services: Any, processor: FeedbackProcessor
) -> None:
    first = processor.process_user_feedback(view(), operation=OPERATION)

    again = processor.process_user_feedback(view(), operation=OPERATION)

    assert again == first
    assert len(services.feedback.rows) == processor.analytics(1)["total"] == 1


def test_what_is_kept_of_the_answer_goes_into_the_same_write(
    services: Any, processor: FeedbackProcessor
) -> None:
    kept: list[dict[str, Any]] = []

    def keep(answer: dict[str, Any]) -> KeptReply:
        kept.append(answer)
        return KeptReply("key", "print", 201, "{}")

    said = processor.process_user_feedback(view(), keep=keep)

    assert kept == [said]
    assert services.replies.kept("key") == KeptReply("key", "print", 201, "{}")
    with pytest.raises(KeyInUseError):
        processor.process_user_feedback(view(), keep=keep)
    assert len(services.feedback.rows) == 1


def test_a_session_becomes_one_row_for_each_interaction(
    services: Any, processor: FeedbackProcessor
) -> None:
    scored(services, 7, NOON - HOUR, score=77)
    seen = [(0, view(interaction_seconds=300.0)), (4, Interaction("x", "archive"))]

    answers = processor.process_implicit(seen, Sender("s"), OPERATION)

    assert [each["feedback_id"] for each in answers] == ["o1-000", "o1-004"]
    assert [each["prediction_score"] for each in answers] == [77, None]
    assert {each["feedback_source"] for each in answers} == {"implicit"}
    assert {row.sender.session_id for row in services.feedback.rows.values()} == {"s"}


def test_a_session_repeated_after_a_part_was_written_is_complete_and_counted_once(
    services: Any, processor: FeedbackProcessor
) -> None:
    seen = [(place, view(place)) for place in range(5)]
    processor.process_implicit(seen[:3], Sender("s"), OPERATION, actions_in_session=5)

    processor.process_implicit(seen, Sender("s"), OPERATION)

    assert len(services.feedback.rows) == processor.analytics(1)["total"] == 5


def test_actions_that_were_skipped_are_actions_of_the_session_too(
    processor: FeedbackProcessor,
) -> None:
    [few] = processor.process_implicit([(0, view(interaction_seconds=60.0))])
    [many] = processor.process_implicit(
        [(0, view(interaction_seconds=60.0))], actions_in_session=500
    )

    assert (few["confidence"], many["confidence"]) == (0.35, 0.175)


class SlowPredictions(FakePredictionStore):
    """Remembers who asked how often, and how many at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[LeadId, datetime]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.full = threading.Event()

    def given_before(self, lead_id: LeadId, moment: datetime) -> GivenScore | None:
        with self.lock:
            self.asked.append((lead_id, moment))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            if self.at_once == 8:
                self.full.set()
        if len(self.asked) > 1:
            # Nobody goes on before eight ask at once, or nobody else will.
            self.full.wait(timeout=5)
        with self.lock:
            self.at_once -= 1
        return super().given_before(lead_id, moment)


def test_scores_of_a_session_are_looked_up_once_each_and_eight_at_once(services: Any) -> None:
    predictions = SlowPredictions()
    processor = FeedbackProcessor(
        services.clock, services.feedback, predictions, services.attribution, _never_read
    )
    seen = [(place, view(place % 40)) for place in range(500)]

    processor.process_implicit(seen, Sender("s"), OPERATION)

    assert sorted(predictions.asked) == sorted((str(lead), NOON) for lead in range(40))
    assert predictions.most_at_once == 8


class BrokenPredictions(FakePredictionStore):
    """Fails after some answers, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def given_before(self, lead_id: LeadId, moment: datetime) -> GivenScore | None:
        self.asked += 1
        if self.asked > 3:
            threading.Event().wait(0.02)
            raise StoreUnavailableError("dynamodb")
        return super().given_before(lead_id, moment)


def test_a_store_that_is_down_is_not_asked_hundreds_of_times(services: Any) -> None:
    predictions = BrokenPredictions()
    processor = FeedbackProcessor(
        services.clock, services.feedback, predictions, services.attribution, _never_read
    )

    with pytest.raises(StoreUnavailableError):
        processor.process_implicit([(place, view(place)) for place in range(500)])

    assert predictions.asked < 100
    assert not services.feedback.rows


def _never_read(_: object) -> Any:
    raise AssertionError("nothing is to be read")


def test_a_history_is_newest_first_and_goes_on_where_it_ended(
    processor: FeedbackProcessor,
) -> None:
    for hours in (3, 1, 2):
        processor.process_user_feedback(view(created_at=NOON - hours * HOUR))

    first = processor.history("7", limit=2)
    rest = processor.history("7", limit=2, cursor=first["next_cursor"])

    moments = [each["created_at"][11:13] for each in first["feedback"] + rest["feedback"]]
    assert moments == ["11", "10", "09"]
    assert rest["next_cursor"] is None


def test_a_summary_is_of_all_rows_whatever_the_page(processor: FeedbackProcessor) -> None:
    processor.process_user_feedback(view(interaction_seconds=60.0, created_at=NOON - HOUR))
    processor.process_user_feedback(Interaction(7, "contact", created_at=NOON - 2 * HOUR))

    history = processor.history(7, limit=1)

    assert history["summary"] == {
        "count": 2,
        "by_action": {"view": 1, "contact": 1, "convert": 0, "archive": 0, "rate": 0},
        "last_at": "2024-06-01T11:00:00.000000Z",
        "mean_confidence": pytest.approx((0.5 + 0.63) / 2),
        "target_score": 0.7,
    }


def test_a_history_shows_what_was_said_and_only_that(processor: FeedbackProcessor) -> None:
    said = Interaction(7, "contact", 0.0, 0.0, False, 0.0, 0.0)
    full = processor.process_user_feedback(said, Sender("s"))
    bare = processor.process_user_feedback(view(created_at=NOON - HOUR))

    [newest, oldest] = processor.history(7)["feedback"]

    assert oldest == bare
    assert newest == full | {
        "user_rating": 0.0,
        "interaction_duration": 0.0,
        "contact_successful": False,
        "contact_response_time": 0.0,
        "conversion_value": 0.0,
        "session_id": "s",
    }


def test_nobody_knows_an_unknown_lead(processor: FeedbackProcessor) -> None:
    with pytest.raises(NotFoundError):
        processor.history("nobody")


EMPTY = {
    "count": 0,
    "by_action": {"view": 0, "contact": 0, "convert": 0, "archive": 0, "rate": 0},
    "last_at": None,
    "mean_confidence": None,
    "target_score": None,
}


def test_a_scored_lead_without_feedback_has_an_empty_history_under_its_own_id(
    services: Any, processor: FeedbackProcessor
) -> None:
    scored(services, 7, NOON)

    history = processor.history("7")

    assert history == {"lead_id": 7, "feedback": [], "summary": EMPTY, "next_cursor": None}


def test_an_imported_lead_without_feedback_has_an_empty_history(
    services: Any, processor: FeedbackProcessor
) -> None:
    services.training_data.add_leads([(bare_lead("a"), NOON)])

    assert processor.history("a")["summary"] == EMPTY


def test_an_imported_outcome_is_no_feedback_but_tells_the_target_of_its_lead(
    services: Any, processor: FeedbackProcessor
) -> None:
    services.training_data.add_outcomes([Outcome(7, converted=True)])

    history = processor.history("7")

    assert history["lead_id"] == 7
    assert history["feedback"] == []
    assert history["summary"] == EMPTY | {"target_score": 1.0}


@pytest.mark.parametrize(("sent", "expected"), [([7, "7"], "7"), (["7", 7], 7)])
def test_a_lead_has_the_id_of_its_newest_feedback(
    processor: FeedbackProcessor, sent: list[LeadId], expected: LeadId
) -> None:
    for hours, lead_id in enumerate(sent):
        processor.process_user_feedback(view(lead_id, created_at=NOON + hours * HOUR))

    assert processor.history("7")["lead_id"] == expected


def test_cleaning_up_deletes_what_is_older_and_leaves_counters_alone(
    services: Any, processor: FeedbackProcessor
) -> None:
    old, edge = NOON - timedelta(days=30, microseconds=1), NOON - timedelta(days=30)
    for moment in (old, edge, NOON):
        processor.process_user_feedback(view(created_at=moment))

    answer = processor.cleanup(30)

    assert answer == {"deleted": 1, "cutoff": "2024-05-02T12:00:00.000000Z"}
    assert sorted(row.created_at for row in services.feedback.rows.values()) == [edge, NOON]
    assert processor.analytics(60)["total"] == 3


def test_cleaning_up_again_as_the_same_operation_has_the_same_cutoff(
    services: Any, processor: FeedbackProcessor
) -> None:
    first = processor.cleanup(30, OPERATION)
    services.clock.advance(days=3)

    assert processor.cleanup(30, OPERATION)["cutoff"] == first["cutoff"]


class OnlyCounts:
    """A feedback store of which nothing but the counters may be read."""

    def counts(self, days: list[Any]) -> dict[Any, Any]:
        self.days = days
        return {}

    def __getattr__(self, name: str) -> Iterator[None]:
        raise AssertionError(f"analytics asked for {name}")


def test_analytics_read_nothing_but_the_counters_of_their_days(services: Any) -> None:
    store = OnlyCounts()
    processor = FeedbackProcessor(
        services.clock,
        store,  # type: ignore[arg-type]
        services.predictions,
        services.attribution,
        _never_read,
    )

    answer = processor.analytics(365)

    assert len(store.days) == len(answer["temporal"]["per_day"]) == 365
    assert list(answer["temporal"]["per_day"])[-1] == "2024-06-01"
