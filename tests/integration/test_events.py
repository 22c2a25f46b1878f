"""The events for `sam local invoke` do what their names say; `chalice local` has every route."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client

from infra.gateway_functions import LoadedFunction
from infra.template import PROJECT, Template
from lead_scoring import bootstrap
from tests.fakes import fake_services

EVENTS = sorted((PROJECT / "tests" / "events").glob("*.json"))
FUNCTIONS = {each.logical_id: each for each in Template.load().functions()}
STATUS = {"feedback": 201, "create-ab-test-of-unknown-models": 422}


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = fake_services(str(tmp_path))
    monkeypatch.setattr(bootstrap, "connect", lambda: made)
    return made


def test_every_function_has_an_event() -> None:
    assert {each.name.partition(".")[0] for each in EVENTS} == set(FUNCTIONS)


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_an_event_is_answered(file: Path) -> None:
    function, _, name = file.stem.partition(".")

    answer = LoadedFunction(FUNCTIONS[function])(json.loads(file.read_text()))

    if function == "TrainingFunction":
        assert answer["status" if name == "daily-check" else "alerts"] in ("skipped", [])
    else:
        assert answer["statusCode"] == STATUS.get(name, 200), answer["body"]


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("group", [None, "scoring"])
def test_chalice_local_serves_all_groups_or_one(
    group: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if group:
        monkeypatch.setenv("GROUP", group)
    spec = importlib.util.spec_from_file_location("app_of_all", PROJECT / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    served = {(method, path) for path, methods in module.app.routes.items() for method in methods}

    wanted = {
        (route.method, route.path)
        for route in Template.load().routes()
        if group is None or FUNCTIONS[route.function].code_dir.name == group
    }
    assert served == wanted
    lead = json.dumps({"lead_id": 7, "title": "Baker"}).encode()
    with Client(module.app) as client:
        headers = {"Content-Type": "application/json"}
        scored = client.http.post("/api/v1/ml/score", headers=headers, body=lead)
    assert json.loads(scored.body)["lead_id"] == 7
