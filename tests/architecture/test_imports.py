"""What each handler loads, in an interpreter of its own: a cold start pays for all of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = {
    "boto3",
    "botocore",
    "numpy",
    "pandas",
    "pydantic",
    "pynamodb",
    "requests",
    "scipy",
    "sklearn",
    "xgboost",
}
LOAD = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", "functions/{function}/app.py")
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
{then}
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""
SCORE = """
from tests.fakes import fake_services
services = fake_services({folder!r})
services.lead_scorer.predict_single({{"lead_id": 1, "title": "Senior engineer, $120k"}})
"""
CONNECT = """
from lead_scoring import bootstrap
services = bootstrap.connect()
services.predictions, services.training_data, services.models, services.artifacts
services.jobs, services.training_worker, services.retraining, services.model_releases
services.idempotency
"""
# XGBoost loads pandas where it is installed, as it is beside the benchmark; Lambda has none.
TRAINER = """
sys.modules["pandas"] = None
from lead_scoring import bootstrap
bootstrap.connect().estimators
del sys.modules["pandas"]
"""


def loaded(function: str, then: str = "", **environment: str) -> set[str]:
    """The heavy libraries in memory after importing a handler and doing something."""
    # No variable of ours and none of AWS's: an import that reads one would fail or show.
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-c", LOAD.format(function=function, then=then)],
        cwd=PROJECT,
        env=bare | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'layers/lead_scoring'}"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1])) & HEAVY


@pytest.mark.parametrize(
    ("function", "libraries"),
    [("scoring", set()), ("models", set()), ("health", set()), ("training", set())],
)
def test_importing_a_handler_loads_little_and_reads_no_environment(
    function: str, libraries: set[str]
) -> None:
    assert loaded(function) == libraries


def test_scoring_needs_numpy_and_no_other_library_of_its_kind(tmp_path: Path) -> None:
    then = SCORE.format(folder=str(tmp_path))

    assert loaded("scoring", then) == {"numpy"}


def test_connecting_loads_the_clients_of_the_stores_only() -> None:
    environment = {"HASH_KEY": "a key of the tests"}

    assert loaded("models", CONNECT, **environment) == {"botocore", "pynamodb"}


def test_training_alone_loads_scikit_learn_and_xgboost_and_does_without_pandas() -> None:
    environment = {"HASH_KEY": "a key of the tests"}

    libraries = loaded("training", TRAINER, **environment)

    assert {"sklearn", "xgboost"} <= libraries
    assert "pandas" not in libraries
