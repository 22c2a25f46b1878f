"""`make demo` as a user meets it: real processes, real trainings, a short story."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.demo_leads import demo_leads
from infra.template import PROJECT

PATIENCE_SECONDS = 240
DAY = re.compile(r"^\w{3} \d\d \w{3} \d{4}  +\d+ leads", re.MULTILINE)


def demo(state: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | settings
    return subprocess.Popen(
        [sys.executable, "-m", "infra.demo", "--port", "0", "--state", str(state), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
        env=environment,
    )


def played(process: subprocess.Popen[str]) -> str:
    try:
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    return said


@pytest.fixture(scope="module")
def short_story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """Six days, in which the team works twice as hard as usual: enough for a training or two."""
    state = tmp_path_factory.mktemp("state")
    process = demo(state, "--quick", "--days", "6", RETRAIN_MIN_NEW_SAMPLES="100")
    said = played(process)
    return state, said, process.returncode


def test_a_story_is_played_to_its_end(short_story: tuple[Path, str, int]) -> None:
    _, said, code = short_story

    assert code == 0, said
    assert "Traceback" not in said
    assert len(DAY.findall(said)) == 6
    # The table begins with the baseline's time: dates, leads, AUC, lift.
    assert re.search(
        r"0 . baseline +. 01 Jan 2024 - 0\d Jan 2024 . +\d+ . 0\.\d{3} . +\d\.\d\d ", said
    )
    assert "Conversion of worked leads" in said


def test_the_schedule_trains_by_itself_once_there_are_enough_outcomes_and_the_gate_is_quoted(
    short_story: tuple[Path, str, int],
) -> None:
    _, said, _ = short_story

    check = re.search(r"03:00 check: .*(No model|model)", said)
    assert check, said
    # Not before there are outcomes to learn from.
    assert len(DAY.findall(said[: check.start()])) >= 2
    trained = re.findall(r"trained (v\d{8}_\d{6}_[0-9a-f]{8}): (promoted|not promoted)", said)
    assert trained
    gate = said.partition("What the gate said:")[2]
    assert len(re.findall(r"^  \d\d \w{3} 2024  (Promoted|Not promoted)", gate, re.M)) == len(
        trained
    )
    # The calendar is the simulation's, down to the model's version.
    assert all(version.startswith("v202401") for version, _ in trained)


def test_what_was_played_is_kept_and_can_be_looked_at_in_its_own_time(
    short_story: tuple[Path, str, int],
) -> None:
    state, said, _ = short_story
    promoted = re.findall(r"trained (v\w+): promoted", said)
    process = demo(state, "--look")
    try:
        assert process.stdout is not None
        lines, url = [], ""
        for line in process.stdout:
            lines.append(line)
            if found := re.match(r"Serving (\S+)", line):
                url = found.group(1)
                break

        health = ask(f"{url}/health")
        analytics = ask(f"{url}/analytics/feedback?days=30")
        metrics = ask(f"{url}/metrics")
        ledger = ask(f"{url}/models/history")

        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 0, rest
    assert "In this system it is Saturday, 06 January 2024" in "".join(lines)
    assert "Sunday, 07 January at 03:00 UTC" in "".join(lines)
    assert health["model_version"] == (promoted[-1] if promoted else "baseline")
    assert analytics["total"] > 200
    assert analytics["action_distribution"]["convert"] > 10
    assert metrics["training"]["next_check"].startswith("2024-01-07T03:00:00")
    assert [row["to"] for row in reversed(ledger["history"])] == promoted


def test_a_story_before_is_moved_away_and_nothing_of_it_is_lost(
    short_story: tuple[Path, str, int],
) -> None:
    state, _, _ = short_story
    before = sorted(each.name for each in (state / "simulation").iterdir())

    process = demo(state, "--days", "1", "--leads", "5")
    said = played(process)

    assert process.returncode == 0, said
    [kept] = [each for each in state.iterdir() if each.name != "simulation"]
    assert str(kept) in said
    assert sorted(each.name for each in kept.iterdir()) == before


def test_own_leads_are_played_in_their_order_on_a_calendar_before_now(tmp_path: Path) -> None:
    made = [each for each in demo_leads(300, seed=7) if each.outcome]
    for name, rows in (("leads", [each.lead for each in made]), ("out", [e.outcome for e in made])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = ("--data", str(tmp_path / "leads.jsonl"), "--outcomes", str(tmp_path / "out.jsonl"))

    process = demo(tmp_path / "state", *files, "--days", "9")
    said = played(process)

    assert process.returncode == 0, said
    assert "leads in their own order" in said
    assert re.search(r"came back: +[1-9]\d* converted", said)
    clock = float((tmp_path / "state" / "simulation" / "clock").read_text())
    assert clock < 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--days", "soon"), "DAYS must be a whole number from 1 to"),
        (("--data", "leads.csv"), "needs both files: DATA= and OUTCOMES="),
        (("--data", "a.csv", "--outcomes", "b.csv"), "There is no file a.csv: check DATA=."),
        (("--look",), "Nothing was played yet"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    process = demo(tmp_path, *arguments)
    said = played(process)

    assert process.returncode == 1
    assert message in said
    assert said.count("\n") == 1


def test_it_stops_cleanly_in_the_middle(tmp_path: Path) -> None:
    process = demo(tmp_path, "--days", "20")
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if DAY.match(line):
            break

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Stopped; what was played so far is kept." in rest
    assert "Traceback" not in said + rest


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as response:
        return json.load(response)
