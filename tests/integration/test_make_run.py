"""`make run` as a user meets it: real processes, real signals, a few hundred demo leads."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.demo_leads import demo_leads
from infra.template import PROJECT

START_SECONDS = 120
STOP_SECONDS = 30
SERVING = re.compile(r"^Serving (http://127\.0\.0\.1:\d+/api/v1/ml)", re.MULTILINE)


class Run:
    """One `make run`, without make: what it says, and how it ends."""

    def __init__(self, state: Path, *arguments: str, demo_leads: int = 300) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment["DEMO_LEADS"] = str(demo_leads)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.run", "--port", "0", "--state", str(state), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
            env=environment,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if found := pattern.search(self.output):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"never said {pattern.pattern}:\n{self.output}")

    def url(self) -> str:
        return self.wait_for(SERVING).group(1)

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    started: list[Run] = []
    yield started
    for run in started:
        run.kill()


def ask(url: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_first_run_trains_and_scores_and_a_second_one_goes_on_from_there(
    tmp_path: Path, runs: list[Run]
) -> None:
    first = Run(tmp_path)
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
    assert "Training" not in second.output
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
