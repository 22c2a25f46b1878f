"""`make run` as a user meets it: real processes, real signals, a few hundred demo leads."""

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.demo_leads import demo_leads

from .local_run import START_SECONDS, Run, ask


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    started: list[Run] = []
    yield started
    for run in started:
        run.kill()


def test_a_first_run_trains_and_scores_and_a_second_one_goes_on_from_there(
    tmp_path: Path, runs: list[Run]
) -> None:
    # Enough leads for a model that beats the baseline.
    first = Run(tmp_path, demo_leads=1500)
    runs.append(first)
    url = first.url()

    health, _ = ask(f"{url}/health")
    status, scored = ask(f"{url}/score", {"lead_id": 7, "title": "Senior Python Developer"})
    ended = first.end(signal.SIGINT)

    assert (health, status, ended) == (200, 200, 0)
    assert "synthetic" in first.output
    assert scored["model_version"].startswith("v")
    total = scored["base_effect"] + sum(reason["effect"] for reason in scored["reasons"])
    assert total == pytest.approx(scored["margin"], abs=1e-4)
    assert "Traceback" not in first.output
    # The address of the lead's score is logged by its route, never by its id.
    assert "POST /api/v1/ml/score 200" in first.output

    second = Run(tmp_path)
    runs.append(second)
    _, history = ask(f"{second.url()}/leads/7/scores")
    _, models = ask(f"{second.url()}/models")
    ended = second.end(signal.SIGTERM)

    assert [score["score"] for score in history["scores"]] == [scored["score"]]
    assert [model["model_version"] for model in models["models"]] == [scored["model_version"]]
    assert ended == 0
    assert "Trained" not in second.output
    assert "Loaded" not in second.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_while_it_trains_and_the_next_run_begins_again(
    tmp_path: Path, runs: list[Run], number: signal.Signals
) -> None:
    first = Run(tmp_path, demo_leads=1500)
    runs.append(first)
    first.wait_for(re.compile("Loaded 1,500 synthetic"))

    ended = first.end(number)

    assert ended == 0
    assert "Stopped" in first.output
    assert "Traceback" not in first.output
    assert not json.loads((tmp_path / "demo" / "source.json").read_text())["complete"]


def test_own_leads_are_loaded_beside_the_demo_and_every_bad_row_is_named(
    tmp_path: Path, runs: list[Run]
) -> None:
    made = list(demo_leads(300))
    leads, outcomes = tmp_path / "leads.jsonl", tmp_path / "outcomes.csv"
    lines = [json.dumps({**each.lead, "lead_id": n}) for n, each in enumerate(made)]
    leads.write_text("\n".join([*lines, '{"lead_id": "bad", "title": "Chef", "price": -1}']))
    rows = [f"{n},{int(e.outcome['converted'])}" for n, e in enumerate(made) if e.outcome]
    outcomes.write_text("\n".join(["lead_id,converted", *rows, "17,maybe", "nobody,1"]))

    arguments = ("--data", str(leads), "--outcomes", str(outcomes))
    first = Run(tmp_path / "state", *arguments)
    runs.append(first)
    _, models = ask(f"{first.url()}/models")
    first.end()

    assert f"{leads}:301: /price: " in first.output
    assert f"{outcomes}:{len(rows) + 2}: /converted: must be true or false" in first.output
    assert f"{outcomes}:{len(rows) + 3}: /lead_id: is of no lead" in first.output
    [model] = models["models"]
    assert model["training_samples"] + model["validation_samples"] == len(rows)

    again = Run(tmp_path / "state")
    runs.append(again)
    _, models = ask(f"{again.url()}/models")
    again.end()

    assert models["models"][0]["model_version"] == model["model_version"]
    assert "your own leads" in again.output
    assert "DEMO=1" in again.output
    assert not (tmp_path / "state" / "demo").exists()


def test_a_model_is_trained_again_in_a_process_of_its_own_while_scores_are_given(
    tmp_path: Path, runs: list[Run]
) -> None:
    run = Run(tmp_path)
    runs.append(run)
    url = run.url()

    status, queued = ask(f"{url}/retrain", {"force_retrain": True})
    worker = worker_of(run, url, queued["job_id"])
    scored, _ = ask(f"{url}/score", {"lead_id": 7, "title": "Chef"})
    job = ended_job(url, queued["job_id"])
    run.wait_for(re.compile(rf"TrainingFunction, \d+ s: .*{re.escape(job['verdict']['text'])}"))
    again, _ = ask(f"{url}/retrain", {})
    run.end()

    assert (status, queued["status"], scored, again) == (202, "queued", 200, 202)
    assert worker != run.process.pid
    assert job["status"] == "succeeded"
    assert job["verdict"]["text"]
    assert "Traceback" not in run.output
    environment = (tmp_path / "demo" / "environment").read_text()
    assert re.search(r"AWS_ENDPOINT_URL_LAMBDA='http://127.0.0.1:\d+'", environment)
    assert "TRAINING_FUNCTION='demo-trainingfunction'" in environment


def test_a_worker_that_is_killed_is_found_by_its_lease_and_the_next_training_succeeds(
    tmp_path: Path, runs: list[Run]
) -> None:
    run = Run(tmp_path, RETRAIN_LEASE_SECONDS="2")
    runs.append(run)
    url = run.url()
    _, before = ask(f"{url}/models")
    _, queued = ask(f"{url}/retrain", {"force_retrain": True})

    os.kill(worker_of(run, url, queued["job_id"]), signal.SIGKILL)
    job = ended_job(url, queued["job_id"])
    _, after = ask(f"{url}/models")
    status, second = ask(f"{url}/retrain", {"force_retrain": True})
    then = ended_job(url, second["job_id"])
    run.end()

    assert (job["status"], job["model_version"]) == ("failed", None)
    assert job["error"]
    assert after == before
    assert (status, then["status"]) == (202, "succeeded")
    log = tmp_path / "demo" / "logs" / "TrainingFunction.log"
    assert f"ended with code -9: see {log}" in run.output


def test_it_stops_at_once_while_it_trains_and_the_worker_goes_too(
    tmp_path: Path, runs: list[Run]
) -> None:
    run = Run(tmp_path)
    runs.append(run)
    url = run.url()
    _, queued = ask(f"{url}/retrain", {"force_retrain": True})
    worker = worker_of(run, url, queued["job_id"])

    ended = run.end(signal.SIGINT)

    assert ended == 0
    assert not is_running(worker)
    assert "Traceback" not in run.output


def test_the_daily_check_is_made_when_the_clock_passes_its_time(
    tmp_path: Path, runs: list[Run]
) -> None:
    clock = tmp_path / "clock"
    run = Run(tmp_path / "state", CLOCK_FILE=str(clock))
    runs.append(run)
    url = run.url()
    run.wait_for(re.compile(r"DailyCheck of TrainingFunction is next on \w+, .* at 03:00 UTC"))
    _, before = ask(f"{url}/metrics")

    (tmp_path / "partial").write_text(str(8 * 86_400))
    (tmp_path / "partial").replace(clock)
    # The check and the monitor, which is due every hour.
    run.wait_for(re.compile(r"(^TrainingFunction, \d+ s: .*?){2}", re.MULTILINE | re.DOTALL))
    _, after = ask(f"{url}/metrics")
    run.end()

    job = after["training"]["last_job"]
    assert before["training"]["last_job"] != job
    assert (job["requested_by"], job["error"]) == ("schedule", None)
    # By that clock, which the worker has too.
    assert datetime.fromisoformat(job["created_at"]) > datetime.now(UTC) + timedelta(days=7)
    assert run.output.count("TrainingFunction has been called.") == 2
    assert after["monitored_at"] > job["created_at"][:10]


def worker_of(run: Run, url: str, job_id: str) -> int:
    """Return the process that does a job, once the job is running."""
    deadline = time.monotonic() + START_SECONDS
    while ask(f"{url}/retrain/{job_id}")[1]["status"] == "queued":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = Path(f"/proc/{run.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    [worker] = [pid for pid in pids if b"infra.invoke" in command_line(pid)]
    return worker


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith("Z")


def ended_job(url: str, job_id: str) -> Any:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        _, job = ask(f"{url}/retrain/{job_id}")
        if job["status"] not in ("queued", "running"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"job {job_id} never ended")


def test_too_few_outcomes_are_said_and_the_baseline_serves(tmp_path: Path, runs: list[Run]) -> None:
    run = Run(tmp_path, demo_leads=40)
    runs.append(run)

    status, scored = ask(f"{run.url()}/score", {"lead_id": 1, "title": "Chef"})
    run.end()

    assert (status, scored["model_version"]) == (200, "baseline")
    assert "more are needed to train" in run.output


def test_every_score_given_while_it_stops_is_kept(tmp_path: Path, runs: list[Run]) -> None:
    run = Run(tmp_path, demo_leads=40)
    runs.append(run)
    url, answers = run.url(), []

    def score_until_nobody_answers() -> None:
        with contextlib.suppress(OSError):
            while True:
                answers.append(ask(f"{url}/score", {"lead_id": 7, "title": "Chef"}))

    asking = threading.Thread(target=score_until_nobody_answers)
    asking.start()
    while len(answers) < 5:
        time.sleep(0.01)
    run.end()
    asking.join()

    # Degraded is what an answer is when its record could not be written.
    assert {(status, scored["degraded"]) for status, scored in answers} == {(200, False)}


def test_a_file_without_any_good_lead_is_refused(tmp_path: Path, runs: list[Run]) -> None:
    leads = tmp_path / "leads.jsonl"
    leads.write_text('{"lead_id": 1}\n')
    run = Run(tmp_path / "state", "--data", str(leads))
    runs.append(run)

    ended = run.process.wait(START_SECONDS)
    run.end()

    assert ended == 1
    assert f"{leads}:1: /title: is required" in run.output
    assert f"{leads} has no lead that can be used." in run.output
    assert "Traceback" not in run.output


def test_a_busy_port_is_said_in_one_sentence_before_anything_is_loaded(
    tmp_path: Path, runs: list[Run]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        run = Run(tmp_path, "--port", port)
        runs.append(run)
        ended = run.process.wait(START_SECONDS)
        run.end()

    assert ended == 1
    assert run.output.startswith(f"Port {port} is in use")
    assert run.output.count("\n") == 1
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "nowhere.csv"), "There is no file nowhere.csv: check DATA=."),
        (("--outcomes", "o.csv"), "name their file too, with DATA=."),
        (("--port", "http"), "PORT must be a number"),
        (("--add",), "name it with DATA=."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    tmp_path: Path, runs: list[Run], arguments: tuple[str, ...], message: str
) -> None:
    run = Run(tmp_path, *arguments)
    runs.append(run)

    ended = run.process.wait(START_SECONDS)
    run.end()

    assert ended == 1
    assert message in run.output
    assert run.output.count("\n") == 1
