"""The stores that a report is read from: those of a `make run` that serves, else started here."""

import argparse
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.demo_system import simulated_system, simulation_folder
from infra.local_stack import LocalStack
from infra.state import DEMO, OWN, STATE, RunError, StateFolder
from lead_scoring.bootstrap import Services, connect


def kept_folder(given: argparse.Namespace) -> StateFolder:
    """Return whose models are meant: the demo's story, own leads, or the demo; raise RunError."""
    base = (given.state or STATE).absolute()
    if given.look:
        folder, command = simulation_folder(given.state), "make demo"
    else:
        own = StateFolder(base / OWN)
        is_own = not given.demo and own.path.exists() and own.is_complete
        folder, command = own if is_own else StateFolder(base / DEMO), "make run"
    if not folder.path.exists():
        raise RunError(f"There is no model yet: `{command}` trains one first.")
    return folder


@contextmanager
def kept_system(folder: StateFolder) -> Iterator[Services]:
    """Connect to the stores of a folder; raise RunError."""
    try:
        lock = folder.lock()
    except RunError:
        print("These leads are being served: the report is read from their stores.", flush=True)
        os.environ.update(environment(folder.path / "environment"))
        yield connect()
        return
    with lock:
        print("Starting the stores ...", flush=True)
        with _started(folder):
            yield connect()


def environment(file: Path) -> dict[str, str]:
    """Read the settings that `make run` has written for others; raise RunError.

    Each line is `export NAME='value'`.
    """
    try:
        lines = file.read_text().splitlines()
    except OSError:
        raise RunError(
            "`make run` is just starting: try again when it serves, or stop it first."
        ) from None
    words = (shlex.split(line)[-1].partition("=") for line in lines if line.strip())
    return {name: value for name, _, value in words}


@contextmanager
def _started(folder: StateFolder) -> Iterator[None]:
    if folder == simulation_folder(folder.path.parent):
        with simulated_system(folder):
            yield
        return
    local = LocalStack(folder)
    try:
        local.start()
        yield
    finally:
        local.stop()
