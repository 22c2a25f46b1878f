"""Trainings asked for over HTTP, at the running local system; its worker killed and stopped."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from .test_make_run import Run, ask, ended_job, is_running, worker_of

AT_ONCE, LEASE_SECONDS = 8, 2
FORCED = {"force_retrain": True, "params": {"n_estimators": 10, "max_depth": 3}}
PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    started = Run(tmp_path_factory.mktemp("run"), RETRAIN_LEASE_SECONDS=str(LEASE_SECONDS))
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.output


def shown(url: str) -> Any:
    """Return all that is shown of the models."""
    return ask(f"{url}/models"), ask(f"{url}/models/history")


def test_of_eight_requests_at_once_one_trains_and_its_worker_killed_it_can_be_done_again(
    run: Run,
) -> None:
    url, together = run.url(), Barrier(AT_ONCE)
    before = shown(url)

    def retrain(_: int) -> Any:
        together.wait()
        return ask(f"{url}/retrain", FORCED)

    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(retrain, range(AT_ONCE)))

    assert sorted(status for status, _ in answers) == [202] + [409] * (AT_ONCE - 1)
    assert len({body["job_id"] for _, body in answers}) == 1
    job_id = answers[0][1]["job_id"]
    assert all(job_id in body["detail"] for status, body in answers if status == 409)

    os.kill(worker_of(run, url, job_id), signal.SIGKILL)

    # Until its lease has expired, nobody can know.
    assert ask(f"{url}/retrain", FORCED) == (409, {**refusal(answers), "job_id": job_id})
    job = ended_job(url, job_id)
    assert (job["status"], job["model_version"], job["verdict"]) == ("failed", None, None)
    assert shown(url) == before
    status, following = ask(f"{url}/retrain", FORCED)
    assert status == 202
    following_worker = worker_of(run, url, following["job_id"])
    assert ended_job(url, following["job_id"])["status"] == "succeeded"
    wait_until_gone(following_worker)


def refusal(answers: list[Any]) -> Any:
    return next(body for status, body in answers if status == 409)


def wait_until_gone(worker: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_running(worker):
        assert time.monotonic() < deadline, "it never ended"
        time.sleep(0.05)


def test_a_worker_that_slept_through_its_lease_finds_another_model_and_leaves_it(run: Run) -> None:
    url = run.url()
    _, queued = ask(f"{url}/retrain", FORCED)
    worker = worker_of(run, url, queued["job_id"])
    os.kill(worker, signal.SIGSTOP)
    found = ended_job(url, queued["job_id"])
    _, newer = ask(f"{url}/retrain", FORCED)
    assert ended_job(url, newer["job_id"])["status"] == "succeeded"
    before = shown(url)

    os.kill(worker, signal.SIGCONT)

    wait_until_gone(worker)
    assert found["status"] == "failed"
    assert ask(f"{url}/retrain/{queued['job_id']}") == (200, found)
    assert shown(url) == before
