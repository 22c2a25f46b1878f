"""Workers that are stopped in the middle of a training, and wake up when it is too late."""

import signal
from collections.abc import Iterator

import pytest

from lead_scoring.entities.models import WORKER_STOPPED

from .learning_system import LEASE_SECONDS, LearningSystem, Training, learning_system
from .worker_moments import PUBLICATION_BEGINS, START_BEGINS, Fate

FITTING, WRITING = "step: cross-validating #3", "file: model.ubj"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearningSystem]:
    with learning_system(tmp_path_factory.mktemp("stalled")) as made:
        yield made
        made.assert_whole(newest=None)


@pytest.fixture(autouse=True)
def poor_model(system: LearningSystem) -> None:
    """Whatever is trained is better than what answers, so that each training moves the pointer."""
    system.begin_anew()


def stalled_at(moment: str, system: LearningSystem) -> Training:
    """Begin a training whose worker stands still until its lease has expired."""
    stalled = system.begin(Fate(signal.SIGSTOP, moment))
    stalled.worker.wait_until_it_stands_still()
    stalled.let_its_lease_expire()
    return stalled


# The last of these moments is between the last renewal and the transaction.
@pytest.mark.parametrize("moment", [START_BEGINS, FITTING, WRITING, PUBLICATION_BEGINS])
def test_a_worker_that_wakes_up_after_another_took_over_changes_nothing(
    system: LearningSystem, moment: str
) -> None:
    stalled = stalled_at(moment, system)
    newer = system.train()
    before = system.shown()

    stalled.worker.wake_up()

    assert stalled.worker.end() == 0
    assert system.shown() == before
    assert (newer.status, newer.promoted) == ("succeeded", True)
    assert before["active"].model_version == newer.model_version
    assert before["history"][0].to_version == newer.model_version
    assert newer.fence > stalled.job.fence
    assert (stalled.stored().status, stalled.stored().error) == ("failed", WORKER_STOPPED)
    system.assert_whole()


def test_a_worker_that_wakes_up_while_another_trains_does_not_disturb_it(
    system: LearningSystem,
) -> None:
    stalled = stalled_at(PUBLICATION_BEGINS, system)
    newer = system.begin(Fate(signal.SIGSTOP, PUBLICATION_BEGINS))
    newer.worker.wait_until_it_stands_still()
    before = system.shown()

    stalled.worker.wake_up()

    assert stalled.worker.end() == 0
    assert system.shown() == before
    assert (stalled.stored().status, newer.shown().status) == ("failed", "running")
    newer.worker.wake_up()
    assert newer.worker.end() == 0
    assert newer.stored().status == "succeeded"
    assert system.shown()["active"].model_version == newer.stored().model_version


@pytest.mark.parametrize("moment", [START_BEGINS, FITTING, WRITING])
def test_a_worker_that_wakes_up_after_its_lease_expired_changes_nothing_though_nobody_missed_it(
    system: LearningSystem, moment: str
) -> None:
    before = system.shown()
    stalled = stalled_at(moment, system)

    stalled.worker.wake_up()

    assert stalled.worker.end() == 0
    assert system.shown() == before
    assert (stalled.shown().status, stalled.shown().model_version) == ("failed", None)


def test_a_worker_that_was_found_dead_before_its_last_write_does_not_write_it(
    system: LearningSystem,
) -> None:
    before = system.shown()
    stalled = stalled_at(PUBLICATION_BEGINS, system)
    found = stalled.shown()

    stalled.worker.wake_up()

    assert stalled.worker.end() == 0
    assert (found.status, found.error) == ("failed", WORKER_STOPPED)
    assert stalled.stored() == found
    assert system.shown() == before


def test_a_worker_that_nobody_missed_before_its_last_write_publishes_all_or_nothing(
    system: LearningSystem,
) -> None:
    before = system.shown()
    stalled = stalled_at(PUBLICATION_BEGINS, system)

    stalled.worker.wake_up()

    # No store knows what time it is: nobody has told the worker, or anybody else, that it is late.
    assert stalled.worker.end() == 0
    job, now = stalled.shown(), system.shown()
    if job.status == "succeeded":
        assert now["active"].model_version == now["history"][0].to_version == job.model_version
        assert now["history"][1:] == before["history"]
    else:
        assert (job.status, now) == ("failed", before)
    system.assert_whole()


def test_a_worker_that_stood_still_for_less_than_its_lease_goes_on(system: LearningSystem) -> None:
    stalled = system.begin(Fate(signal.SIGSTOP, FITTING))
    stalled.worker.wait_until_it_stands_still()
    system.advance(LEASE_SECONDS / 2)

    stalled.worker.wake_up()

    assert stalled.worker.end() == 0
    assert stalled.stored().status == "succeeded"
    assert system.shown()["active"].model_version == stalled.stored().model_version
