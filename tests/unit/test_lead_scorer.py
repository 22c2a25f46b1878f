import gc
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lead_scoring.entities import Lead, LeadId, Prediction, ScoreRecord
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import (
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    TooLargeError,
)
from lead_scoring.explanation import OTHER_FEATURES
from lead_scoring.predictions import prediction
from lead_scoring.scoring_model import Scored
from tests import forests
from tests.builders import bare_lead, lead, settings, various_leads
from tests.fakes import FakePredictionStore, fake_services

LEADS = various_leads(40)
# Services are `Any` here: behind their ports are fakes, whose insides the tests look at.


def trained_services(folder: Path, **settings: Any) -> Any:
    services = fake_services(str(folder), **settings)
    forests.publish(services, forests.small_model())
    return services


@pytest.fixture
def services(tmp_path: Path) -> Any:
    return trained_services(tmp_path)


@pytest.fixture(params=["trained", "baseline"])
def any_services(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "trained":
        return trained_services(tmp_path)
    return fake_services(str(tmp_path))


# One score.


def test_the_score_is_the_rounded_percentage_of_the_probability(any_services: Any) -> None:
    for answer in any_services.lead_scorer.predict_batch(LEADS):
        assert answer["score"] == round(100 * answer["probability"])
        assert isinstance(answer["score"], int)
        assert 0 <= answer["probability"] <= 1


def test_confidence_is_the_probability_of_the_likelier_side(any_services: Any) -> None:
    for answer in any_services.lead_scorer.predict_batch(LEADS):
        p = answer["probability"]
        assert answer["confidence"] == pytest.approx(max(p, 1 - p), abs=1e-12)
        assert 0.5 <= answer["confidence"] <= 1


def test_reasons_are_the_ten_largest_and_the_rest_and_add_up_to_the_margin(
    any_services: Any,
) -> None:
    for answer in any_services.lead_scorer.predict_batch(LEADS):
        listed, rest = answer["reasons"][:-1], answer["reasons"][-1]
        total = answer["base_effect"] + sum(reason["effect"] for reason in answer["reasons"])
        sizes = [abs(reason["effect"]) for reason in listed]

        assert total == pytest.approx(answer["margin"], abs=1e-4)
        assert rest["feature"] == OTHER_FEATURES
        assert rest["value"] is None
        assert len(listed) <= 10
        assert sizes == sorted(sizes, reverse=True)
        for reason in answer["reasons"]:
            assert reason["direction"] == ("raises" if reason["effect"] >= 0 else "lowers")


def test_no_garbage_is_searched_for_however_many_leads_there_are(services: Any) -> None:
    searches: list[str] = []

    def see(phase: str, _info: dict[str, int]) -> None:
        searches.append(phase)

    gc.callbacks.append(see)
    try:
        services.lead_scorer.predict_batch(LEADS * 20, accept=lambda _: searches.append("scored"))
    finally:
        gc.callbacks.remove(see)

    assert searches.index("scored") == 0


def test_importance_lists_the_same_features_with_positive_shares(any_services: Any) -> None:
    for answer in any_services.lead_scorer.predict_batch(LEADS):
        importance = answer["feature_importance"]
        shares = list(importance.values())

        assert list(importance) == [reason["feature"] for reason in answer["reasons"][:-1]]
        assert OTHER_FEATURES not in importance
        assert all(share > 0 for share in shares)
        assert 0.3 < sum(shares) <= 1 + 1e-5
        assert shares == sorted(shares, reverse=True)


def test_a_share_is_the_effects_part_of_all_absolute_effects(tmp_path: Path) -> None:
    # The baseline has 13 effects; all but three of this lead's are zero.
    services = fake_services(str(tmp_path))
    one = bare_lead(title="Cook", email_domain="acme.com", email_hash="0f" * 32)

    answer = services.lead_scorer.predict_single(one)

    expected = {"Company E-mail Domain": 0.4, "Description Length": 0.4, "Price Missing": 0.1}
    assert answer["feature_importance"] == pytest.approx(
        {feature: size / 0.9 for feature, size in expected.items()}, abs=1e-6
    )


def test_an_answer_has_the_fields_of_the_contract_and_is_json(any_services: Any) -> None:
    answer = any_services.lead_scorer.predict_single(lead())

    assert set(answer) == {
        "lead_id", "score", "confidence", "probability", "grade", "model_version",
        "feature_importance", "reasons", "margin", "base_effect", "is_outlier", "outlier_reasons",
        "degraded", "prediction_time",
    }  # fmt: skip
    json.dumps(answer, allow_nan=False)


def test_without_reasons_their_fields_are_left_out_and_the_rest_is_the_same(
    any_services: Any,
) -> None:
    told = any_services.lead_scorer.predict_single(lead())

    plain = any_services.lead_scorer.predict_single(lead(), explain=False)

    left_out = {"reasons", "base_effect", "feature_importance"}
    assert set(told) - set(plain) == left_out
    assert {name: value for name, value in told.items() if name not in left_out} == plain


def test_the_baseline_answers_before_any_model(tmp_path: Path) -> None:
    services = fake_services(str(tmp_path))

    answer = services.lead_scorer.predict_single(lead())

    assert answer["model_version"] == services.lead_scorer.load_model() == "baseline"
    assert not answer["degraded"]


def test_the_trained_model_answers_once_it_is_active(services: Any) -> None:
    (version,) = services.models.records

    assert services.lead_scorer.predict_single(lead())["model_version"] == version
    assert services.lead_scorer.load_model() == version


def test_loading_a_model_takes_a_new_activation_at_once(services: Any) -> None:
    services.lead_scorer.predict_single(lead())
    newer = forests.publish(services, forests.small_model(1), forests.TRAINED_AT + timedelta(1))

    assert services.lead_scorer.load_model() == newer
    assert services.lead_scorer.predict_single(lead())["model_version"] == newer


@pytest.mark.parametrize("lead_id", [123, "123", "ünï/42"])
def test_a_lead_id_comes_back_as_it_came(services: Any, lead_id: int | str) -> None:
    answer = services.lead_scorer.predict_single(lead(lead_id=lead_id))

    assert answer["lead_id"] == lead_id
    assert type(answer["lead_id"]) is type(lead_id)


def test_grades_follow_their_bounds() -> None:
    def grades(*scores: int, **bounds: int) -> str:
        given = [Scored(0.0, score / 100, [], False) for score in scores]
        answers = [
            prediction(lead(), each, "v", "now", settings(**bounds), is_degraded=False)
            for each in given
        ]
        return "".join(answer["grade"] for answer in answers)

    usual = grades(100, 75, 74, 50, 49, 25, 24, 0)
    other = grades(90, 89, 60, 59, 30, 29, grade_a_from=90, grade_b_from=60, grade_c_from=30)

    assert (usual, other) == ("AABBCCDD", "ABBCCD")


def test_the_grade_of_an_answer_is_that_of_its_score(tmp_path: Path) -> None:
    services = trained_services(tmp_path, grade_a_from=45, grade_b_from=35, grade_c_from=20)

    answers = services.lead_scorer.predict_batch(LEADS)

    for answer in answers:
        low = {"A": 45, "B": 35, "C": 20, "D": 0}[answer["grade"]]
        high = {"A": 101, "B": 45, "C": 35, "D": 20}[answer["grade"]]
        assert low <= answer["score"] < high
    assert len({answer["grade"] for answer in answers}) >= 2


def test_the_time_of_a_prediction_is_the_clocks_with_microseconds(services: Any) -> None:
    services.clock.moment = datetime(2024, 6, 1, 12, tzinfo=UTC)

    answer = services.lead_scorer.predict_single(lead())

    assert answer["prediction_time"] == "2024-06-01T12:00:00.000000Z"
    assert "as_of" not in answer


def test_a_lead_is_scored_as_of_the_moment_it_names(services: Any) -> None:
    at = datetime(2024, 1, 20, 8, tzinfo=UTC)
    now = services.lead_scorer.predict_single(lead())
    services.clock.moment = at
    then = services.lead_scorer.predict_single(lead())
    services.clock.moment = at + timedelta(days=200)

    backtest = services.lead_scorer.predict_single(lead(as_of=at))

    assert backtest["as_of"] == "2024-01-20T08:00:00.000000Z"
    assert backtest["margin"] == then["margin"] != now["margin"]
    assert backtest["prediction_time"].startswith("2024-08-07")


# Dictionaries.


def test_a_dictionary_is_read_as_the_api_reads_a_lead(services: Any) -> None:
    answer = services.lead_scorer.predict_single(
        {"id": "7", "title": " Nurse ", "price": 10, "email": "ann@gmail.com", "unknown": 1}
    )

    (record,) = services.predictions.records
    assert answer["lead_id"] == "7"
    assert record.lead.title == "Nurse"
    assert record.lead.email_domain == "gmail.com"


def test_a_dictionary_that_breaks_rules_is_refused_with_every_fault(services: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        services.lead_scorer.predict_batch([{"id": 1, "title": "x"}, {"price": -1}])

    assert {fault.pointer for fault in caught.value.faults} == {"/lead_id", "/title", "/price"}
    assert services.predictions.records == []


# Many scores.


def test_a_batch_is_scored_as_its_leads_are_alone(any_services: Any) -> None:
    batch = any_services.lead_scorer.predict_batch(LEADS)

    singles = [any_services.lead_scorer.predict_single(one) for one in LEADS]

    assert batch == singles


def test_an_empty_batch_has_no_answers(services: Any) -> None:
    assert services.lead_scorer.predict_batch([]) == []


# The audit log.


def test_every_score_is_kept_with_the_lead_as_scored(services: Any) -> None:
    answers = services.lead_scorer.predict_batch(LEADS[:3], request_id="r-1")

    records = services.predictions.records
    assert len(records) == 3
    for position, (record, answer) in enumerate(zip(records, answers, strict=True)):
        assert record == ScoreRecord(
            lead=LEADS[position],
            scored_at=services.clock.now(),
            request_id="r-1",
            position=position,
            model_version=answer["model_version"],
            score=answer["score"],
            probability=answer["probability"],
            confidence=answer["confidence"],
            grade=answer["grade"],
            latency_ms=record.latency_ms,
        )
        assert record.latency_ms > 0


class _MeetingStore(FakePredictionStore):
    """Keeps nothing before the reasons are being worked out."""

    def __init__(self, explaining: threading.Event) -> None:
        super().__init__()
        self._explaining = explaining

    def add(self, records: Sequence[ScoreRecord]) -> None:
        assert self._explaining.wait(timeout=10)
        super().add(records)


def test_scores_are_kept_while_their_reasons_are_worked_out(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    explaining = threading.Event()
    store = _MeetingStore(explaining)
    monkeypatch.setattr(services.lead_scorer, "_predictions", store)
    model = services.active_model.current().model
    explain = model._explain
    monkeypatch.setattr(
        model, "_explain", lambda *found: (explaining.set(), explain(*found))[1], raising=True
    )

    answers = services.lead_scorer.predict_batch(LEADS * 25)

    assert len(store.records) == 25 * len(LEADS)
    assert all(answer["reasons"] and not answer["degraded"] for answer in answers)


def test_what_is_not_accepted_is_not_kept(services: Any) -> None:
    seen: list[Prediction] = []

    def refuse(answers: Sequence[Prediction]) -> None:
        seen.extend(answers)
        raise TooLargeError("too large")

    with pytest.raises(TooLargeError):
        services.lead_scorer.predict_batch(LEADS, accept=refuse)

    assert all(answer["reasons"] for answer in seen)
    assert services.predictions.records == []


def test_without_a_request_id_a_batch_gets_one_of_its_own(services: Any) -> None:
    services.lead_scorer.predict_batch(LEADS[:2])
    services.lead_scorer.predict_single(LEADS[0])

    first, second, third = (record.request_id for record in services.predictions.records)
    assert first == second != third
    assert first


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_lost_audit_record_degrades_the_answer_and_is_counted_without_personal_data(
    services: Any, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    leads = [
        lead(lead_id=f"id-{n}", title="Private title", email_hash="ab" * 32) for n in range(count)
    ]
    whole = services.lead_scorer.predict_batch(leads)
    services.predictions.outage.on = True

    with caplog.at_level(logging.DEBUG):
        answers = services.lead_scorer.predict_batch(leads, request_id="r-1")

    (entry,) = [json.loads(each.message) for each in caplog.records]
    assert answers == [{**answer, "degraded": True} for answer in whole]
    assert entry == {
        "event": "audit_records_lost", "count": count, "store": "dynamodb", "request_id": "r-1",
    }  # fmt: skip


def test_a_cached_model_answers_degraded_while_the_registry_is_down(tmp_path: Path) -> None:
    services = trained_services(tmp_path, model_refresh_seconds=0)
    whole = services.lead_scorer.predict_single(lead())
    services.models.outage.on = True

    during = services.lead_scorer.predict_single(lead())
    services.models.outage.on = False

    assert during == {**whole, "degraded": True}
    assert services.lead_scorer.predict_single(lead()) == whole


def test_no_model_at_all_is_an_error_that_stores_nothing(services: Any) -> None:
    services.models.outage.on = True

    with pytest.raises(StoreUnavailableError):
        services.lead_scorer.predict_single(lead())
    assert services.predictions.records == []


# Looking back.


def score_daily(services: Any, days: int, one: Lead | None = None) -> list[Prediction]:
    answers = []
    for _ in range(days):
        answers.append(services.lead_scorer.predict_single(one or lead()))
        services.clock.advance(days=1)
    return answers


def keep_scores(services: Any, *scores: int, **changes: Any) -> None:
    for score in scores:
        services.clock.advance(days=1)
        confidence = max(score, 100 - score) / 100
        record = ScoreRecord(
            lead(**changes), services.clock.now(), "r", 0, "v1", score, score / 100, confidence,
            "B", 1.0,
        )  # fmt: skip
        services.predictions.add([record])


def test_a_history_is_newest_first_and_tells_each_score(services: Any) -> None:
    answers: list[Any] = score_daily(services, 3)

    history = services.lead_scorer.history(123)

    fields = ("score", "probability", "confidence", "grade", "model_version", "prediction_time")
    assert history.lead_id == 123
    assert history.scores == [{name: each[name] for name in fields} for each in answers[::-1]]


def test_a_history_holds_the_newest_up_to_the_limit(services: Any) -> None:
    answers = score_daily(services, 6)

    history = services.lead_scorer.history(123, 2)

    assert [each["prediction_time"] for each in history.scores] == [
        answers[5]["prediction_time"],
        answers[4]["prediction_time"],
    ]


def test_a_number_and_its_text_have_one_history(services: Any) -> None:
    services.lead_scorer.predict_single(lead(lead_id=123))

    assert len(services.lead_scorer.history("123").scores) == 1


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_the_trend_is_over_the_last_ten_whatever_the_limit(services: Any, limit: int) -> None:
    keep_scores(services, 90, 90, *range(10, 60, 5))

    history = services.lead_scorer.history(123, limit)

    assert history.trend == "improving"
    assert len(history.scores) == min(limit, 12)


def test_a_falling_trend_is_told_as_one(services: Any) -> None:
    keep_scores(services, 80, 60, 40)

    assert services.lead_scorer.history(123).trend == "declining"


def test_scores_as_of_another_moment_are_listed_but_are_no_part_of_the_trend(
    services: Any,
) -> None:
    as_of = datetime(2024, 1, 5, tzinfo=UTC)
    keep_scores(services, 50, 51)
    keep_scores(services, 99, 1, as_of=as_of)

    before = services.lead_scorer.history(123)
    keep_scores(services, 52)
    after = services.lead_scorer.history(123)

    told = "2024-01-05T00:00:00.000000Z"
    assert [each["score"] for each in before.scores] == [1, 99, 51, 50]
    assert [each.get("as_of") for each in before.scores] == [told, told, None, None]
    assert (before.trend, after.trend) == ("not_enough_data", "steady")


def test_many_backtests_do_not_hide_the_trend(services: Any) -> None:
    keep_scores(services, 20, 40, 60)
    keep_scores(services, *[50] * 30, as_of=datetime(2024, 1, 5, tzinfo=UTC))

    assert services.lead_scorer.history(123, 5).trend == "improving"


@pytest.mark.parametrize(("backtests", "needed"), [(0, 10), (1, 10 + 10), (1000, 10 + 10)])
def test_no_more_is_read_than_the_answer_needs(services: Any, backtests: int, needed: int) -> None:
    keep_scores(services, *[50] * 40)
    keep_scores(services, *[50] * backtests, as_of=datetime(2024, 1, 5, tzinfo=UTC))
    read = 0
    newest_first = services.predictions.newest_first

    def counted(lead_id: LeadId, **which: bool) -> Iterator[ScoreRecord]:
        nonlocal read
        for record in newest_first(lead_id, **which):
            read += 1
            yield record

    services.predictions.newest_first = counted

    services.lead_scorer.history(123, 5)

    assert read == needed


def test_the_test_and_the_variant_of_a_score_stand_in_the_history(services: Any) -> None:
    services.lead_scorer.predict_single(lead())
    [plain] = services.predictions.records
    services.clock.advance(days=1)
    in_test = plain._replace(
        scored_at=services.clock.now(), ab_test="emails", variant="experimental"
    )
    services.predictions.add([in_test])

    newest, oldest = services.lead_scorer.history(123).scores

    assert (newest["ab_test"], newest["variant"]) == ("emails", "experimental")
    assert not {"ab_test", "variant"} & oldest.keys()


def test_a_lead_that_was_never_scored_has_no_history(services: Any) -> None:
    services.training_data.add_leads([(lead(), services.clock.now())])

    with pytest.raises(NotFoundError):
        services.lead_scorer.history(123)


def test_a_history_of_a_store_that_is_down_is_an_error(services: Any) -> None:
    services.predictions.outage.on = True

    with pytest.raises(StoreUnavailableError):
        services.lead_scorer.history(123)


# Erasing.


def test_erasing_deletes_scores_import_and_outcomes_of_that_lead_only(services: Any) -> None:
    for lead_id in (123, 9):
        score_daily(services, 2, lead(lead_id=lead_id))
        services.training_data.add_leads([(lead(lead_id=lead_id), services.clock.now())])
        services.training_data.add_outcomes([Outcome(lead_id, converted=True)])

    deleted = services.lead_scorer.erase("123")

    assert deleted == {"scores": 2, "feedback": 1, "exposures": 0}
    with pytest.raises(NotFoundError):
        services.lead_scorer.history(123)
    assert len(services.lead_scorer.history(9).scores) == 2
    assert [row.lead_id for row in services.training_data.evidence()] == [9]


def test_erasing_a_lead_that_was_only_imported_is_no_error(services: Any) -> None:
    services.training_data.add_leads([(lead(), services.clock.now())])

    assert services.lead_scorer.erase(123) == {"scores": 0, "feedback": 0, "exposures": 0}
    assert services.predictions.imported == {}


def test_erasing_twice_finds_nothing_the_second_time(services: Any) -> None:
    services.lead_scorer.predict_single(lead())
    services.lead_scorer.erase(123)

    with pytest.raises(NotFoundError):
        services.lead_scorer.erase(123)
