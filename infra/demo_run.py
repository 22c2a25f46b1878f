"""The steps of `make demo`: which story, a system of its own, play, report."""

import argparse
import contextlib
from pathlib import Path

from rich.console import Console

from infra.demo_client import ServiceClient
from infra.demo_history import History
from infra.demo_play import Player
from infra.demo_report import show
from infra.demo_story import Story
from infra.demo_system import (
    emptied,
    reserved_server,
    simulated_clock,
    simulated_system,
    simulation_folder,
)
from infra.demo_team import DEFAULT_DAYS, MOST_DAYS, Team
from infra.function_processes import Call
from infra.local_stack import LocalStack
from infra.schedules import Schedules
from infra.serving import serve, start_serving
from infra.state import RunError
from infra.stop_request import StopRequest

# So short a story still trains twice: the team works twice as much.
QUICK_DAYS, QUICK_EFFORT = 9, 2.0
# Of what is printed where there is no terminal.
WIDTH = 120


def play(given: argparse.Namespace, stop: StopRequest) -> None:
    """Play a story in a system of its own and report; raise Stopped, RunError."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    story, folder = _story(given), simulation_folder(given.state)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(reserved_server(given.port))
        kept = stack.enter_context(emptied(folder))
        clock = simulated_clock(folder)
        clock.move_to(story.steps[0].check_at)
        console.print("Starting an embedded AWS, tables and functions ...")
        local = stack.enter_context(simulated_system(folder))
        _, url = start_serving(server, local, stop)
        # Requests end before the stores do.
        stack.callback(server.stop)
        client = ServiceClient(url)
        stack.callback(client.close)
        _introduce(console, story, url, kept)
        calls: list[Call] = []
        schedules = _schedules(local, calls)
        player = Player(client, clock, schedules, calls, console, stop)
        player.play(story)
        folder.set_source({}, complete=True)
        show(console, player.journal, player.trainings)
        console.print(
            f"\nAll of it is kept in {_shown(folder.path)}; `make demo LOOK=1` serves it.",
            highlight=False,
        )


def look(given: argparse.Namespace, stop: StopRequest) -> None:
    """Serve what was played last, from its last moment on, until asked to stop."""
    folder = simulation_folder(given.state)
    clock = simulated_clock(folder)
    if not clock.file.exists():
        raise RunError("Nothing was played yet: `make demo` plays.")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(reserved_server(given.port))
        stack.callback(folder.lock().close)
        local = stack.enter_context(simulated_system(folder))
        print(f"In this system it is {clock.now():%A, %d %B %Y, %H:%M} UTC.")
        serve(server, local, stop)


def _story(given: argparse.Namespace) -> Story:
    if bool(given.data) != bool(given.outcomes):
        raise RunError("Your own history needs both files: DATA= and OUTCOMES=.")
    days = None if given.days is None else _whole("DAYS", given.days, 36_500)
    if given.data:
        data, outcomes = given.data.expanduser(), given.outcomes.expanduser()
        for name, file in (("DATA", data), ("OUTCOMES", outcomes)):
            if not file.is_file():
                raise RunError(f"There is no file {file}: check {name}=.")
        return History(data, outcomes, days)
    usual, effort = (QUICK_DAYS, QUICK_EFFORT) if given.quick else (DEFAULT_DAYS, 1.0)
    leads, seed = _whole("LEADS", given.leads, 1_000), _whole("SEED", given.seed, 2**31)
    return Team(min(days or usual, MOST_DAYS), leads, seed, effort)


def _whole(name: str, text: str, most: int) -> int:
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise RunError(f"{name} must be a whole number from 1 to {most:,}, not {text}.")


def _introduce(console: Console, story: Story, url: str, kept: Path | None) -> None:
    if kept:
        console.print(f"What was played before is kept in {_shown(kept)}.", highlight=False)
    console.print(f"{story.title}\n{url} answers meanwhile; Ctrl-C stops.\n", highlight=False)


def _schedules(local: LocalStack, calls: list[Call]) -> Schedules:
    clock = simulated_clock(local.folder)
    return Schedules(
        local.template.schedules(),
        clock.now,
        lambda function, event: calls.append(local.invoke(function, event)),
    )


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
