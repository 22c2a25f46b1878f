"""Lambda function: list models and show their cards."""

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.answers import card_answer, known_version, models_answer
from lead_scoring.api.http import ApiRequest, endpoint

app = Chalice("models", env={})


@endpoint(app, "GET", "/api/v1/ml/models")
def models(request: ApiRequest) -> object:
    """List all models, newest first."""
    request.query()
    registry = bootstrap.connect().models
    return models_answer(registry.newest_first(), registry.active())


@endpoint(app, "GET", "/api/v1/ml/models/{version}")
def model(request: ApiRequest) -> object:
    """Show the card of one model."""
    request.query()
    services = bootstrap.connect()
    version = known_version(request.path("version"))
    record, active = services.models.get(version), services.models.active()
    return card_answer(record, active, services.artifacts.read(version, "report.json"))
