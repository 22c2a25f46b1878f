"""Measure the cold start of every built function in Lambda's runtime loop on this machine.

From the start of the runtime's process to its first answer, with an empty temporary folder: Python,
the layers, the SDK, the model from the embedded S3 where the function needs it, and the request.
Beside each round of starts a fresh process of the plain implementation scores one lead.
"""

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lead_scoring.bootstrap import Services

from .bench_arena import Arena
from .bench_descendants import descendant, used_so_far
from .bench_fresh import fresh_child
from .bench_process import ProcessCost
from .bench_progress import Steps
from .bench_stores import embedded_stores, environment, publish
from .bench_timing import Pair
from .gateway_events import HttpRequest, RouteTable, proxy_event
from .lambda_emulator import emulated
from .lambda_runtime import built_template, require_runtime
from .state import RunError
from .template import Function, Template

_API = "/api/v1/ml"


def measure_cold_starts(arena: Arena, rounds: int, steps: Steps) -> dict[str, Any]:
    """Start every function so many times, in turn with the plain process; one step a round.

    Returns per function a pair of costs, `plain` being the plain process; or `skipped` and why.
    """
    try:
        template = built_template()
        require_runtime()
    except RunError as error:
        steps.done(f"cold starts: skipped. {error}", rounds + 1)
        return {"skipped": str(error)}
    costs: dict[str, list[ProcessCost]] = {}
    with embedded_stores() as settings, tempfile.TemporaryDirectory() as folder:
        publish(Services(settings), arena.ours)
        for number in range(rounds + 1):
            steps.doing("cold starts")
            for name, cost in _one_round(template, arena, Path(folder)):
                costs.setdefault(name, []).append(cost)
            steps.done(f"cold starts, round {number + 1}")
    plain = costs.pop("plain")
    return {name: _pairs(taken[1:], plain[1:]) for name, taken in costs.items()}


def _pairs(taken: list[ProcessCost], plain: list[ProcessCost]) -> dict[str, Any]:
    # The first round reads files that are not in the page cache yet.
    return {
        measure: Pair(
            *([getattr(cost, measure) for cost in side] for side in (taken, plain))
        ).report()
        for measure in ProcessCost._fields
    }


def _one_round(template: Template, arena: Arena, folder: Path) -> Iterator[tuple[str, ProcessCost]]:
    events = first_events(template, arena.leads[0])
    yield "plain", fresh_child("plain", arena, 1, explain=True)[0]
    for function in template.functions():
        yield function.logical_id, cold_start(template, function, events, folder)


def first_events(template: Template, lead: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each function is asked first, by its logical id."""
    asked = [
        ("POST", "/score", lead),
        ("POST", "/feedback", {"lead_id": lead["lead_id"], "action_type": "view"}),
        ("GET", "/models", None),
        ("GET", "/ab-tests", None),
        ("GET", "/health", None),
        ("GET", "/openapi.json", None),
    ]
    routes, events = RouteTable(template.routes()), dict[str, Any]()
    for method, path, body in asked:
        match = routes.match(_API + path)
        if match is None:
            raise RunError(f"the built template has no route {path}: run `make build`")
        request = HttpRequest(
            method,
            _API + path,
            [("Content-Type", "application/json")],
            json.dumps(body).encode() if body else b"",
        )
        function = match.routes[method].function
        events[function] = proxy_event(request, match, str(uuid.uuid4()))
    # The daily check of the schedule, which finds nothing to train on.
    return {each.logical_id: events.get(each.logical_id, {}) for each in template.functions()}


def cold_start(
    template: Template, function: Function, events: Mapping[str, Any], folder: Path
) -> ProcessCost:
    """Start a function in an execution environment of its own, and have it answer once."""
    own = tempfile.mkdtemp(dir=folder)
    with environment({"MODEL_DIR": f"{own}/models"}):
        emulator = emulated(template, function, folder / "logs")
    try:
        # Starts the emulator only; the call starts the runtime.
        emulator.warm_up()
        began = time.perf_counter()
        answer = emulator(events[function.logical_id])
        wall = time.perf_counter() - began
        if isinstance(answer, dict) and answer.get("statusCode", 200) >= 300:
            raise RuntimeError(f"{function.logical_id} answered {answer}")
        return ProcessCost(wall, *used_so_far(descendant(b"-m", b"awslambdaric")))
    finally:
        emulator.stop()
