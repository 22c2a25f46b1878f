"""Lambda function: show, activate and clean up models, have new ones trained, say how they do."""

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.answers import (
    card_answer,
    change_answer,
    job_answer,
    known_version,
    ledger_answer,
    models_answer,
    queued_answer,
)
from lead_scoring.api.http import ApiRequest, Reply, endpoint
from lead_scoring.api.model_bodies import read_nothing, read_reason, read_retrain
from lead_scoring.api.warm_up import on_lambda

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
    record, active, files = (
        services.models.get(version),
        services.models.active(),
        services.artifacts,
    )
    report, page = files.read(version, "report.json"), files.link(version, "report.html")
    return card_answer(record, active, report, page)


@endpoint(app, "POST", "/api/v1/ml/models/{version}/activate")
def activate(request: ApiRequest) -> object:
    """Make a model the active one."""
    request.query()
    body = request.json(empty={})
    version, reason = known_version(request.path("version")), read_reason(body)
    services, by = bootstrap.connect(), (request.caller, request.request_id)
    change = services.model_releases.activate
    answer = services.idempotency.once(
        request.keyed(body),
        lambda operation: (200, change_answer(change(version, reason, *by, operation))),
    )
    return Reply(*answer)


@endpoint(app, "POST", "/api/v1/ml/models/rollback")
def rollback(request: ApiRequest) -> object:
    """Make the model active that was so before."""
    request.query()
    body = request.json(empty={})
    reason = read_reason(body)
    services, by = bootstrap.connect(), (request.caller, request.request_id)
    change = services.model_releases.rollback
    answer = services.idempotency.once(
        request.keyed(body),
        lambda operation: (200, change_answer(change(reason, *by, operation))),
    )
    return Reply(*answer)


@endpoint(app, "GET", "/api/v1/ml/models/history")
def history(request: ApiRequest) -> object:
    """Show the changes of the active model, newest first."""
    query = request.query()
    return ledger_answer(bootstrap.connect().model_releases.history(**query))


@endpoint(app, "POST", "/api/v1/ml/cleanup/models")
def cleanup(request: ApiRequest) -> object:
    """Delete all but the newest models, the active one and the one before it."""
    query = request.query()
    body = request.json(empty={})
    read_nothing(body)
    services = bootstrap.connect()
    answer = services.idempotency.once(
        request.keyed(body, **query),
        lambda _operation: (200, services.model_releases.cleanup(**query)),
    )
    return Reply(*answer)


@endpoint(app, "POST", "/api/v1/ml/retrain")
def retrain(request: ApiRequest) -> object:
    """Have a model trained; do not wait for it."""
    request.query()
    body = request.json(empty={})
    wanted = read_retrain(body)
    services, by = bootstrap.connect(), (request.caller, request.request_id)
    train = services.retraining.request
    answer = services.idempotency.once(
        request.keyed(body),
        lambda operation: (202, queued_answer(train(*wanted, *by, operation))),
    )
    return Reply(*answer)


@endpoint(app, "GET", "/api/v1/ml/retrain/{job_id}")
def retrain_job(request: ApiRequest) -> object:
    """Show how far a training is, or how it ended."""
    request.query()
    return job_answer(bootstrap.connect().retraining.status(request.path("job_id")))


@endpoint(app, "GET", "/api/v1/ml/metrics")
def metrics(request: ApiRequest) -> object:
    """Show how the active model does."""
    request.query()
    return bootstrap.connect().performance.report()


on_lambda(lambda: bootstrap.connect().prepare("models"))
