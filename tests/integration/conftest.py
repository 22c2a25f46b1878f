import pytest

from lead_scoring import bootstrap
from tests.fakes import fake_services

from .http_client import HttpClient


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> HttpClient:
    """Every app on fakes, without any model: the baseline answers."""
    services = fake_services(str(tmp_path_factory.mktemp("models")))
    monkeypatch.setattr(bootstrap, "connect", lambda: services)
    return HttpClient(services)
