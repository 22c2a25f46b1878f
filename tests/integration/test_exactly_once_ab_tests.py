"""A/B tests count exactly: eight clients, two gateways, one AWS, each a process of its own.

Two scores and one conversion a user are each sent twice, in no order at all: a conversion may come
before the score that it follows by its date. `make stress` has 1,000 users.
"""

import contextlib
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings
from tests import forests
from tests.scale import either

from .processes import get, process

CLIENTS, USERS = 8, either(quick=200, thorough=1000)
RUN_SECONDS = 400
TEST = "under-fire"
LEADS = ("first", "second")


def plan(seed: int) -> tuple[list[list[dict[str, Any]]], set[str]]:
    """Return what each client sends, and which users convert by it."""
    now, chance = datetime.now(UTC), random.Random(seed)
    later, earlier = (now + timedelta(hours=1)).isoformat(), (now - timedelta(days=2)).isoformat()
    requests: list[dict[str, Any]] = []
    converting: set[str] = set()

    def score(user: str, lead: str) -> None:
        lead_data = {"lead_id": f"{lead}-{user[-1]}", "title": f"Python developer {user}"}
        body = {"user_id": user, "lead_data": lead_data}
        requests.append({"path": f"/ab-tests/{TEST}/score?explain=false", "body": body})

    def convert(user: str, lead: str, at: str, counts: bool) -> None:
        body = {"lead_id": f"{lead}-{user[-1]}", "action_type": "convert", "user_id": user}
        key = f"{user}-{lead}" if chance.random() < 0.5 else None
        request = {"path": "/feedback", "body": {**body, "created_at": at}, "key": key}
        requests.append(request)
        if counts:
            converting.add(user)

    for number in range(USERS):
        user = f"user-{number}"
        for lead in LEADS:
            score(user, lead)
        place = number / USERS
        if place < 0.35:
            for lead in LEADS:
                convert(user, lead, later, counts=True)
        elif place < 0.5:
            convert(user, "second", later, counts=True)
        elif place < 0.6:
            convert(user, "first", earlier, counts=False)
        elif place < 0.65:
            convert(user, "never scored", later, counts=False)
    assert len(requests) == 3 * USERS
    twice = requests * 2
    chance.shuffle(twice)
    return [twice[client::CLIENTS] for client in range(CLIENTS)], converting


def test_samples_and_conversions_are_exact_under_fire(
    environment: dict[str, str], gateways: list[str], tmp_path: Path
) -> None:
    services = Services(Settings.from_environment(environment))
    versions = [forests.publish(services, forests.small_model(seed)) for seed in (0, 1)]
    arms = [
        {"variant_name": name, "model_version": version, "traffic_percentage": 50}
        for name, version in zip(("control", "other"), versions, strict=True)
    ]
    services.ab_tests.create_ab_test({"test_name": TEST, "variants": arms})
    requests, converting = plan(seed=4)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(requests))

    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(
                process("ab_test_client", environment, str(file), str(number), *gateways)
            )
            for number in range(CLIENTS)
        ]
        answers = [json.loads(client.communicate(timeout=RUN_SECONDS)[0]) for client in clients]

    flat = [answer for client in answers for answer in client]
    assert Counter(status for status, *_ in flat) == {200: 4 * USERS, 201: 2 * USERS}
    scored = [(user, variant) for status, user, variant, _ in flat if status == 200]
    assert not any(degraded for *_, degraded in flat)
    variant_of = dict(scored)
    assert set(scored) == set(variant_of.items())
    assert len(variant_of) == USERS

    for url in gateways:
        results = get(f"{url}/ab-tests/{TEST}/results")
        for arm in results["variants"]:
            name = arm["variant_name"]
            units = {user for user, variant in variant_of.items() if variant == name}
            assert arm["sample_size"] == len(units)
            assert arm["conversions"] == len(units & converting)
            assert arm["scorings"] == 4 * len(units)
    assert sum(arm["conversions"] for arm in results["variants"]) == USERS / 2
