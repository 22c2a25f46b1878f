import subprocess
import sys
from pathlib import Path

import pytest

from lead_scoring import bootstrap
from lead_scoring.errors import InvalidInputError, SettingsError
from tests.builders import settings
from tests.fakes import fake_services


def test_equal_settings_get_the_same_services() -> None:
    first, second = bootstrap.connect(settings()), bootstrap.connect(settings())

    assert first is second
    assert first.lead_scorer is second.lead_scorer
    assert bootstrap.connect(settings(model_bucket="other")) is not first


def test_settings_come_from_the_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASH_KEY", "a key made up for tests")
    monkeypatch.setenv("MODEL_BUCKET", "from-the-environment")

    assert bootstrap.connect().settings.model_bucket == "from-the-environment"


def test_settings_that_cannot_be_used_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASH_KEY", raising=False)

    with pytest.raises(SettingsError, match="HASH_KEY"):
        bootstrap.connect()


def test_services_are_wired_to_the_settings_and_to_each_other(tmp_path: Path) -> None:
    services = fake_services(str(tmp_path), model_refresh_seconds=0)

    assert services.active_model.refresh().version == "baseline"
    assert services.lead_scorer.load_model() == "baseline"
    assert services.model_trainer is services.model_trainer


def test_a_lead_is_read_with_the_clock_and_the_key_of_the_services(tmp_path: Path) -> None:
    services = fake_services(str(tmp_path))
    other = fake_services(str(tmp_path), hash_key="another key for tests")
    value = {"id": 1, "title": "x", "email": "ann@example.com"}

    assert services.read_lead(value).email_hash != other.read_lead(value).email_hash
    with pytest.raises(InvalidInputError, match="posted_at"):
        services.read_lead(value | {"posted_at": "2024-06-03T12:00:00Z"})


@pytest.mark.parametrize("part", ["predictions", "training_data", "models", "artifacts"])
def test_every_store_is_made_without_being_connected_to(part: str) -> None:
    services = bootstrap.Services(settings(aws_endpoint_url="http://127.0.0.1:9"))

    assert getattr(services, part) is getattr(services, part)


def test_scoring_loads_no_library_that_only_training_needs() -> None:
    program = (
        "import sys; from lead_scoring import bootstrap, settings;"
        "services = bootstrap.connect(settings.Settings(hash_key='a key made up for tests'));"
        "services.lead_scorer;"
        "print([name for name in ('xgboost', 'sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )

    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(bootstrap.__file__).parents[1],
    ).stdout

    assert told.strip() == "[]"


def test_scoring_starts_without_the_store_that_only_erasing_needs(tmp_path: Path) -> None:
    services = bootstrap.Services(settings(model_dir=str(tmp_path)))

    assert services.lead_scorer
    assert "exposures" not in vars(services)
