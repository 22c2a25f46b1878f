"""Trainings under a clock that is set days ahead, for all processes of a system at once."""

import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from lead_scoring.entities.models import WORKER_STOPPED
from lead_scoring.entities.training import TrainingExample
from lead_scoring.errors import JobRunningError
from lead_scoring.training_data import training_set
from tests import builders

from .learning_system import LearningSystem, learning_system
from .worker_moments import PUBLICATION_BEGINS, Fate

A_DAY = 86_400.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearningSystem]:
    with learning_system(tmp_path_factory.mktemp("days-ahead")) as made:
        yield made
        made.assert_whole(newest=None)


@pytest.fixture(autouse=True)
def poor_model(system: LearningSystem) -> None:
    """Whatever is trained is better than what answers, so that each training moves the pointer."""
    system.begin_anew()


def test_a_training_takes_place_at_the_time_that_the_clock_tells(system: LearningSystem) -> None:
    system.advance(30 * A_DAY)
    began = system.services.clock.now()

    job = system.train()

    ended = system.services.clock.now()
    record = system.services.models.get(job.model_version)
    assert began <= job.created_at <= record.created_at <= record.deployed_at <= ended
    assert record.trained_until <= ended
    assert record.model_version.startswith(f"v{record.created_at:%Y%m%d_%H%M%S}_")
    assert record.training_duration < 60


def test_a_clock_set_ahead_during_a_training_ends_its_lease_and_it_changes_nothing(
    system: LearningSystem,
) -> None:
    before = system.shown()
    overtaken = system.begin(Fate(signal.SIGSTOP, "step: training"))
    overtaken.worker.wait_until_it_stands_still()
    system.advance(3 * A_DAY)

    overtaken.worker.wake_up()

    assert overtaken.worker.end() == 0
    assert system.shown() == before
    assert (overtaken.shown().status, overtaken.shown().error) == ("failed", WORKER_STOPPED)
    assert system.train().status == "succeeded"


def test_a_training_of_days_ago_is_no_hindrance_and_that_of_just_now_is(
    system: LearningSystem,
) -> None:
    dead = system.begin(Fate(signal.SIGKILL, PUBLICATION_BEGINS))
    dead.worker.end()

    with pytest.raises(JobRunningError):
        system.request()
    system.advance(3 * A_DAY)

    # Nobody had to look at it first.
    assert system.train().fence == dead.job.fence + 1
    assert dead.stored().status == "failed"


def test_a_model_is_too_old_a_week_later_and_not_before(system: LearningSystem) -> None:
    trained = system.train()
    check = system.services.retraining_check.check

    system.advance(7 * A_DAY - 60)
    before = check()
    system.advance(120)
    after = check()

    assert before["model_version"] == trained.model_version
    assert not before["should_retrain"]
    assert after["should_retrain"]
    assert "7.00 days old: more than 7" in after["reasons"][0]


def test_the_same_data_make_the_same_model_half_a_year_later(system: LearningSystem) -> None:
    models = system.services.models
    first = models.get(system.train(force=True, random_state=1).model_version)
    system.advance(180 * A_DAY)

    second = models.get(system.train(force=True, random_state=1).model_version)

    assert second.created_at - first.created_at >= timedelta(days=180)
    assert second.checksums["model.ubj"] == first.checksums["model.ubj"]
    assert second.metrics == first.metrics


def test_a_view_is_used_when_a_day_has_passed_and_older_outcomes_weigh_half_by_half_lives(
    system: LearningSystem,
) -> None:
    services = system.services
    now = services.clock.now()
    services.training_data.add_leads([(builders.bare_lead(lead_id="new"), now)])
    before = examples_of(system)

    services.feedback_processor.process_user_feedback({"lead_id": "new", "action_type": "view"})
    system.advance(A_DAY - 60)
    unripe = examples_of(system)
    system.advance(120)
    ripe = examples_of(system)

    assert unripe == before
    assert set(ripe) - set(before) == {"new"}
    newest_before = max(example.known_at for example in before.values())
    half_lives = (ripe["new"].known_at - newest_before) / timedelta(days=180)
    for key, example in before.items():
        assert ripe[key].weight == pytest.approx(max(1e-6, example.weight * 0.5**half_lives))


def examples_of(system: LearningSystem) -> dict[str, TrainingExample]:
    """Return what a training would learn from now, by lead."""
    services = system.services
    data = training_set(services.training_data, services.settings, services.clock.now())
    return {str(example.lead.lead_id): example for example in data.examples}
