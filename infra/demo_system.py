"""The local system of a simulation: a state folder of its own, a clock of its own, one port."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.demo_clock import SimulatedClock
from infra.demo_team import MATURITY_HOURS
from infra.gateway_server import GatewayServer
from infra.local_stack import LocalStack
from infra.serving import port_number, reserve_port
from infra.state import STATE, RunError, StateFolder

SIMULATION = "simulation"
USUAL_PORT = 8000


def simulation_folder(state: Path | None) -> StateFolder:
    """Return the folder of simulations; nothing else ever writes to it."""
    return StateFolder((state or STATE).absolute() / SIMULATION)


def simulated_clock(folder: StateFolder) -> SimulatedClock:
    """Return the clock of a simulation."""
    return SimulatedClock(folder.path / "clock")


@contextmanager
def emptied(folder: StateFolder) -> Iterator[Path | None]:
    """Hold an empty folder, and say where its content has gone; RunError if it is in use."""
    lock, kept = folder.lock(), None
    try:
        if simulated_clock(folder).file.exists():
            kept = folder.move_away()
            lock.close()
            lock = folder.lock()
        yield kept
    finally:
        lock.close()


@contextmanager
def simulated_system(folder: StateFolder) -> Iterator[LocalStack]:
    """Run the stores and functions of a simulation by the time of its clock."""
    settings = {
        "CLOCK_FILE": str(simulated_clock(folder).file),
        "MODEL_REFRESH_SECONDS": "1",
        "LABEL_MATURITY_HOURS": str(MATURITY_HOURS),
    }
    # The player itself says what came of a training.
    local = LocalStack(folder, settings=settings, say=lambda _call, _ended: None)
    try:
        local.start()
        yield local
    finally:
        local.stop()


@contextmanager
def reserved_server(port: str | None) -> Iterator[GatewayServer]:
    """Hold the given port, else the usual one, else any that is free; RunError if it is taken."""
    server = _usual_server() if port is None else reserve_port(port_number(port))
    try:
        yield server
    finally:
        server.stop()


def _usual_server() -> GatewayServer:
    with contextlib.suppress(RunError):
        return reserve_port(USUAL_PORT)
    return reserve_port(0)
