"""Workers that are killed at any moment of a training: real processes, a real signal."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lead_scoring.entities.models import WORKER_STOPPED
from lead_scoring.errors import JobRunningError
from tests.scale import either

from . import worker_moments
from .learning_system import LearningSystem, Training, learning_system, told_by
from .worker_moments import PUBLICATION_ENDS, PUBLICATION_SENT, Fate

# Found by a training on fakes, so that a step that is new is one to be killed at, too.
MOMENTS: list[str] = told_by(worker_moments.rehearse)
# The publication is where it matters most.
SOME = [each for i, each in enumerate(MOMENTS) if i % 4 == 0 or each.startswith("publication")]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearningSystem]:
    with learning_system(tmp_path_factory.mktemp("killed")) as made:
        yield made
        made.assert_whole(newest=None)


@pytest.fixture(autouse=True)
def poor_model(system: LearningSystem) -> None:
    """Whatever is trained is better than what answers, so that each training moves the pointer."""
    system.begin_anew()


def test_a_training_passes_every_moment_at_which_it_is_killed_here(system: LearningSystem) -> None:
    training = system.begin()

    assert training.worker.end() == 0
    assert training.worker.passed() == MOMENTS
    assert (training.stored().status, training.stored().promoted) == ("succeeded", True)


@pytest.mark.parametrize("moment", either(quick=SOME, thorough=MOMENTS))
def test_a_worker_killed_at_any_moment_leaves_all_valid_and_the_next_training_succeeds(
    system: LearningSystem, moment: str
) -> None:
    before = system.shown()

    training = system.begin(Fate(signal.SIGKILL, moment))

    assert training.worker.end() == -signal.SIGKILL
    if has_published(training, moment):
        assert_published(system, training, before)
        system.go_back()
    else:
        assert_nothing_happened(system, training, before)
    system.assert_whole()
    following = system.train()
    assert (following.status, following.fence) == ("succeeded", training.job.fence + 1)
    system.assert_whole()


def has_published(training: Training, moment: str) -> bool:
    """Whether the worker was killed after its transaction; in it, either may be."""
    status = training.stored().status
    if moment != PUBLICATION_SENT:
        is_over = MOMENTS.index(moment) >= MOMENTS.index(PUBLICATION_ENDS)
        assert (status == "succeeded") == is_over
    return status == "succeeded"


def assert_published(system: LearningSystem, training: Training, before: dict[str, Any]) -> None:
    job, now = training.stored(), system.shown()
    assert now["active"].model_version == job.model_version
    assert now["active"].activated_at == now["history"][0].at == job.finished_at
    assert [each.model_version for each in now["listed"]] == [
        job.model_version,
        *(each.model_version for each in before["listed"]),
    ]
    assert now["history"][1:] == before["history"]


def assert_nothing_happened(
    system: LearningSystem, training: Training, before: dict[str, Any]
) -> None:
    """Nobody sees anything but a job that runs, until its lease has expired."""
    assert system.shown() == before
    with pytest.raises(JobRunningError) as refused:
        system.request()
    assert refused.value.job_id == training.job.job_id
    assert training.shown().status in ("queued", "running")

    training.let_its_lease_expire()

    found = training.shown()
    assert (found.status, found.model_version) == ("failed", None)
    assert found.error in (WORKER_STOPPED, "the worker never started")
    assert system.shown() == before
