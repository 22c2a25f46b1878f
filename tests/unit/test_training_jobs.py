import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lead_scoring.adapters import estimators
from lead_scoring.entities.models import WORKER_STOPPED, Activation, Job, Lease
from lead_scoring.errors import LeaseLostError, NotFoundError, StoreUnavailableError
from lead_scoring.model_fitting import fit_model
from lead_scoring.scoring_model import SCORING_FILES, checksums
from tests import builders, forests
from tests.artifacts import with_threshold
from tests.fakes import FakeModelRegistry
from tests.trainings import ROWS, files_of, report_of, services_with, trained, with_outcome

NOT_ENOUGH = ROWS[:99]
# Where only the steps matter.
LEAST = {"n_estimators": 1, "max_depth": 1}


def opened(services: Any, job_id: str = "job", **wishes: Any) -> Job:
    """Open a job as the API does; its hyperparameters are quick ones."""
    now = services.clock.now()
    fields = {"params": forests.QUICK, "requested_by": "api", "request_id": "request-1"} | wishes
    job = Job(job_id=job_id, status="queued", created_at=now, fence=0, **fields)
    kept: Job = services.jobs.open(job, now + timedelta(seconds=60))
    return kept


def with_news(services: Any, days: float = 8) -> None:
    """Let a week pass, in which sixty more leads came and ended."""
    services.clock.advance(days=days)
    first = services.clock.now() - timedelta(days=5)
    for number, (lead, _, outcome) in enumerate(ROWS[:60]):
        new = lead._replace(lead_id=f"new-{number}")
        moment = first + timedelta(hours=number)
        services.training_data.add_leads([(new, moment)])
        services.training_data.add_outcomes([outcome._replace(lead_id=new.lead_id)])


def lease_of(services: Any) -> Lease:
    lease: Lease = services.jobs.lease
    return lease


def is_free(services: Any) -> bool:
    now: datetime = services.clock.now()
    return lease_of(services).expires_at < now


# A job that is opened elsewhere.


def test_a_job_is_done_and_tells_how_it_ended() -> None:
    services = services_with(ROWS)
    opened(services)

    told = services.model_trainer.run_job("job")

    job = services.jobs.get("job")
    assert (job.status, job.step, job.fraction, job.error) == ("succeeded", "done", 1.0, None)
    assert job.reasons == ("No model is active yet.",)
    assert job.finished_at == services.clock.now()
    assert job.model_version == services.models.pointer.model_version
    assert job.metrics == report_of(services)["metrics"]
    assert (job.promoted, job.verdict) == (True, report_of(services)["promotion_verdict"]["text"])
    assert told == {
        "job_id": "job", "status": "succeeded", "reasons": list(job.reasons), "error": None,
        "model_version": job.model_version, "metrics": job.metrics,
        "promoted": True, "verdict": job.verdict,
    }  # fmt: skip
    assert json.dumps(told, allow_nan=False)
    assert is_free(services)


def test_the_ledger_says_who_asked_by_which_request_and_why() -> None:
    services = services_with(ROWS)
    opened(services)

    services.model_trainer.run_job("job")

    (row,) = services.models.ledger
    assert (row.by, row.request_id) == ("api", "request-1")
    assert row.reason.startswith("promoted: log loss ")
    assert "against baseline on 30 leads" in row.reason


def test_hyperparameters_and_split_of_the_job_are_used() -> None:
    services = services_with(ROWS)
    opened(services, params={"max_depth": 2.0, "n_estimators": 10.0}, validation_split=0.4)

    services.model_trainer.run_job("job")

    (record,) = services.models.newest_first()
    assert record.validation_samples == 60
    assert report_of(services)["hyperparameters"]["max_depth"] == 2


def test_a_job_is_done_only_once() -> None:
    services = services_with(ROWS)
    opened(services)
    first = services.model_trainer.run_job("job")

    second = services.model_trainer.run_job("job")

    assert second == first
    assert len(services.models.records) == 1


def test_a_job_that_was_given_up_is_left_alone() -> None:
    services = services_with(ROWS)
    job = opened(services)
    services.clock.advance(seconds=61)
    services.jobs.bury(job, services.clock.now(), "the worker never started")

    told = services.model_trainer.run_job("job")

    assert (told["status"], told["error"]) == ("failed", "the worker never started")
    assert services.models.records == {}


def test_a_job_that_comes_after_its_lease_expired_does_nothing() -> None:
    services = services_with(ROWS)
    opened(services)
    services.clock.advance(seconds=61)

    assert services.model_trainer.run_job("job")["status"] == "queued"
    assert services.artifacts.files == {}


def test_an_unknown_job_is_an_error() -> None:
    with pytest.raises(NotFoundError):
        services_with(ROWS).model_trainer.run_job("nobody knows it")


# Nothing to do.


def test_a_job_that_is_not_needed_is_skipped_with_the_reasons_of_the_check() -> None:
    services = trained(ROWS)
    opened(services)

    told = services.model_trainer.run_job("job")

    assert told["status"] == "skipped"
    assert told["reasons"] == services.model_trainer.check_retraining_needed()["reasons"]
    assert len(services.models.records) == 1
    assert is_free(services)


def test_force_skips_the_check_and_never_the_gate() -> None:
    services = trained(ROWS)
    services.clock.advance(hours=1)
    first = services.models.pointer
    opened(services, force_retrain=True)

    told = services.model_trainer.run_job("job")

    assert (told["status"], told["promoted"]) == ("succeeded", False)
    assert told["verdict"].startswith("Not promoted, because F1 does not improve")
    assert services.models.pointer == first
    assert len(services.models.records) == 2
    assert len(services.models.ledger) == 1


@pytest.mark.parametrize("force", [True, False])
def test_too_few_samples_are_skipped_and_say_how_many_are_missing(force: bool) -> None:
    services = services_with(NOT_ENOUGH)
    opened(services, force_retrain=force)

    told = services.model_trainer.run_job("job")

    assert told["status"] == "skipped"
    assert any("99" in reason and "1" in reason for reason in told["reasons"])
    assert services.models.records == {}
    assert is_free(services)


def test_outcomes_that_are_all_alike_are_skipped_and_say_so() -> None:
    services = services_with([with_outcome(row, converted=False) for row in ROWS])
    opened(services, force_retrain=True)

    told = services.model_trainer.run_job("job")

    assert told["status"] == "skipped"
    assert "alike" in told["reasons"][0]


def test_the_same_data_and_parameters_are_not_trained_on_again() -> None:
    services = services_with(ROWS)
    opened(services)
    first = services.model_trainer.run_job("job")["model_version"]
    services.clock.advance(days=8)

    opened(services, "again")
    again = services.model_trainer.run_job("again")

    assert services.model_trainer.check_retraining_needed()["should_retrain"]
    assert again["status"] == "skipped"
    assert again["reasons"] == [f"{first} was trained on the same data in the same way already"]


@pytest.mark.parametrize(
    "changes", [{"params": {**forests.QUICK, "max_depth": 2}}, {"validation_split": 0.3}]
)
def test_the_same_data_are_trained_on_in_another_way(changes: dict[str, Any]) -> None:
    services = trained(ROWS)
    services.clock.advance(days=8)

    opened(services, **changes)

    assert services.model_trainer.run_job("job")["status"] == "succeeded"


def test_new_data_are_trained_on() -> None:
    services = trained(ROWS)
    with_news(services)

    opened(services)

    assert services.model_trainer.run_job("job")["status"] == "succeeded"


# The schedule.


def test_the_schedule_opens_a_job_and_does_it() -> None:
    services = services_with(ROWS)

    told = services.model_trainer.run_scheduled()

    job = services.jobs.get(told["job_id"])
    assert (job.status, job.requested_by, told["status"]) == ("succeeded", "schedule", "succeeded")
    assert services.models.ledger[0].by == "schedule"


def test_the_schedule_minds_nothing_of_a_training_that_runs_already() -> None:
    services = services_with(ROWS)
    opened(services)

    told = services.model_trainer.run_scheduled()

    assert (told["job_id"], told["status"]) == ("job", "running")
    assert "already" in told["reasons"][0]
    assert list(services.jobs.jobs) == ["job"]


def test_the_schedule_takes_over_from_a_worker_that_died() -> None:
    services = services_with(ROWS)
    opened(services)
    services.clock.advance(seconds=61)

    told = services.model_trainer.run_scheduled()

    assert told["status"] == "succeeded"
    assert services.jobs.get("job").error == WORKER_STOPPED


# What answers now.


def test_a_second_model_is_compared_with_the_first_and_names_it_as_its_parent() -> None:
    services = trained(ROWS)
    first = services.models.pointer.model_version
    with_news(services)

    second = services.model_trainer.train_new_model(forests.QUICK)

    report = report_of(services, second["model_version"])
    assert report["parent_version"] == first
    assert report["promotion_verdict"]["compared_with"] == first
    assert f"{first}, now active" in second["verdict"]
    assert second["promoted"] == (services.models.pointer.model_version != first)


def test_the_sentence_says_how_many_of_the_leads_the_active_model_was_trained_on() -> None:
    services = trained(ROWS)
    services.clock.advance(hours=1)

    again = services.model_trainer.train_new_model(forests.QUICK, validation_split=0.5)

    # Half of 150 are held out now; all but 30 of them were not, then.
    assert "was trained on 45 of these 75 leads" in again["verdict"]


def test_a_holdout_that_the_active_model_never_saw_needs_no_remark() -> None:
    services = trained(ROWS)
    with_news(services)

    again = services.model_trainer.train_new_model(forests.QUICK)

    assert "was trained on" not in again["verdict"]


@pytest.mark.parametrize("name", SCORING_FILES)
@pytest.mark.parametrize("content", [None, b"something else"])
def test_an_active_model_that_cannot_be_used_is_replaced_by_the_baseline_in_the_comparison(
    name: str, content: bytes | None
) -> None:
    services = trained(ROWS)
    first = services.models.pointer.model_version
    services.clock.advance(hours=1)
    del services.artifacts.files[first, name]
    if content is not None:
        services.artifacts.files[first, name] = content

    again = services.model_trainer.train_new_model(forests.QUICK)

    assert again["promoted"]
    assert f"The active model {first} cannot be used ({name}" in again["verdict"]
    assert report_of(services, again["model_version"])["promotion_verdict"]["compared_with"] == (
        "baseline"
    )


def test_an_active_model_without_its_card_is_compared_all_the_same() -> None:
    services = trained(ROWS)
    first = services.models.pointer.model_version
    services.clock.advance(hours=1)
    del services.artifacts.files[first, "report.json"]

    again = services.model_trainer.train_new_model(forests.QUICK)

    assert f"Whether {first} was trained on some of them is not known." in again["verdict"]
    assert not again["promoted"]


class Restless(FakeModelRegistry):
    """Somebody activates another model each time when one is about to be published."""

    def __init__(self, others: Iterable[str]) -> None:
        super().__init__()
        self.others = list(others)

    def publish(self, *given: Any) -> None:
        if self.others:
            self.activate(Activation(given[4].finished_at, "somebody", self.others.pop(0)))
        super().publish(*given)


def with_others(count: int) -> tuple[Any, list[str]]:
    """Return services with so many models that somebody activates, one at each publication."""
    services, models = services_with(ROWS), Restless([])
    services.__dict__.update(models=models, jobs=models.jobs)
    # They learned the opposite of what is true.
    wrong = [each._replace(target=1 - each.target) for each in forests.training_examples(60)]
    fitted = fit_model(wrong, builders.settings(), estimators, LEAST)
    for number in range(count):
        # And find nobody: each is a model of its own, with an F1 of 0.
        artifact = with_threshold(fitted.artifact, 0.999 + number / 1e6)
        poor = replace(fitted, artifact=artifact)
        models.others.append(forests.publish(services, poor, activate=False))
    return services, list(models.others)


def test_who_was_overtaken_compares_with_the_new_active_model() -> None:
    services, (other,) = with_others(1)

    found = services.model_trainer.train_new_model(forests.QUICK)

    version = found["model_version"]
    report = report_of(services, version)
    assert report["promotion_verdict"]["compared_with"] == report["parent_version"] == other
    assert found["verdict"] == report["promotion_verdict"]["text"]
    assert services.models.records[version].checksums == checksums(files_of(services, version))
    assert [row.to_version for row in services.models.ledger] == [other, version]


def test_who_is_overtaken_again_and_again_gives_up_in_the_open() -> None:
    services, others = with_others(3)
    opened(services)

    told = services.model_trainer.run_job("job")

    assert told["status"] == "failed"
    assert "others kept changing the active model" in told["error"]
    assert services.models.pointer.model_version == others[2]
    assert set(services.models.records) == set(others)
    assert is_free(services)


# What goes wrong.


def test_a_store_that_is_down_fails_the_job_in_a_sentence() -> None:
    services = services_with(ROWS)
    opened(services)
    services.artifacts.outage.on = True

    told = services.model_trainer.run_job("job")

    assert told["status"] == "failed"
    assert told["error"] == "s3 is unavailable; nothing was changed, try again later"
    assert is_free(services)


def test_what_nobody_foresaw_fails_the_job_without_its_details_and_is_raised() -> None:
    services = services_with(ROWS)
    opened(services, params={"booster": "no such thing"})

    with pytest.raises(Exception, match="no such thing"):
        services.model_trainer.run_job("job")

    job = services.jobs.get("job")
    assert job.status == "failed"
    assert job.error == "something unforeseen went wrong; the log of the training has the details"
    assert is_free(services)


class Mute(FakeModelRegistry):
    """Publishes, and then loses the answer."""

    def publish(self, *given: Any) -> None:
        super().publish(*given)
        raise StoreUnavailableError("dynamodb")


def test_a_publication_whose_answer_was_lost_has_succeeded() -> None:
    services, models = services_with(ROWS), Mute()
    services.__dict__.update(models=models, jobs=models.jobs)
    opened(services)

    told = services.model_trainer.run_job("job")

    assert (told["status"], told["promoted"]) == ("succeeded", True)
    assert models.pointer is not None
    assert models.pointer.model_version == told["model_version"]


def stall(services: Any, at: str) -> Callable[[str, float], None]:
    """Return a progress that stands still at a step until the lease is another's."""

    def progress(step: str, _: float) -> None:
        if step == at and list(services.jobs.jobs) != ["next"] and len(services.jobs.jobs) == 1:
            services.clock.advance(seconds=61)
            opened(services, "next")

    return progress


STEPS = (
    "reading outcomes",
    "reading texts",
    "extracting features",
    "cross-validating",
    "training",
    "measuring on the newest leads",
    "comparing with what answers now",
    "publishing",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_trainer_that_wakes_up_after_its_lease_went_on_changes_nothing(step: str) -> None:
    services = services_with(ROWS)

    with pytest.raises(LeaseLostError):
        services.model_trainer.train_new_model(forests.QUICK, progress=stall(services, step))

    stalled, following = services.jobs.jobs.values()
    assert (stalled.status, stalled.error) == ("failed", WORKER_STOPPED)
    assert following.status == "queued"
    assert services.models.records == {}
    assert services.models.pointer is None
    assert services.model_trainer.run_job("next")["status"] == "succeeded"


class Killed(BaseException):
    """The process is gone: nothing that it would have done after this happens."""


class Mortal:
    """A store of a process that dies at the nth call; what it does after that never arrives."""

    def __init__(self, store: Any, deaths: "Deaths") -> None:
        self.store, self.deaths = store, deaths

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            self.deaths.live_on()
            return found(*given, **named)

        return call


class Deaths:
    """Counts calls of all stores, and kills at the nth (None: never)."""

    def __init__(self, at: int | None) -> None:
        self.at, self.calls = at, 0

    def live_on(self) -> None:
        self.calls += 1
        if self.at is not None and self.calls >= self.at:
            raise Killed


def mortal(services: Any, deaths: Deaths) -> Any:
    """Return a trainer whose process dies, on the stores of services."""
    other = services_with([])
    for name in ("training_data", "models", "artifacts", "jobs"):
        other.__dict__[name] = Mortal(getattr(services, name), deaths)
    other.__dict__["clock"] = services.clock
    return other.model_trainer


def a_first_model() -> Any:
    services = services_with(ROWS)
    forests.publish(services, forests.small_model())
    return services


def test_a_worker_killed_at_any_call_of_a_store_leaves_all_valid_and_the_next_run_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Reports depend on the time that passes; without them the calls are always the same.
    monkeypatch.setattr("lead_scoring.job_progress.JobProgress._report", lambda _: None)
    count = Deaths(None)
    mortal(a_first_model(), count).train_new_model(LEAST)
    assert count.calls > 10

    for nth in range(1, count.calls + 1):
        services = a_first_model()
        active, records = services.models.pointer, dict(services.models.records)
        with pytest.raises(Killed):
            mortal(services, Deaths(nth)).train_new_model(LEAST)
        assert services.models.pointer == active
        assert services.models.records == records
        assert services.lead_scorer.load_model() == active.model_version
        services.clock.advance(seconds=61)
        opened(services, "next", params=LEAST, force_retrain=True)
        assert services.model_trainer.run_job("next")["status"] == "succeeded"
        assert {job.status for job in services.jobs.jobs.values()} <= {"failed", "succeeded"}


def test_times_of_trainings_are_the_clocks() -> None:
    services = services_with(ROWS)
    at: datetime = services.clock.now()

    services.model_trainer.run_scheduled()

    job = services.jobs.newest()
    assert job.created_at == job.finished_at == at
