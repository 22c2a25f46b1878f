"""Lambda function: compare models on the same leads: create tests, score, read results, stop."""

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.ab_test_bodies import known_test_name
from lead_scoring.api.http import ApiRequest, Reply, endpoint
from lead_scoring.api.model_bodies import read_nothing
from lead_scoring.api.warm_up import on_lambda

app = Chalice("ab_tests", env={})


@endpoint(app, "POST", "/api/v1/ml/ab-tests")
def create(request: ApiRequest) -> object:
    """Start a test."""
    request.query()
    services, body = bootstrap.connect(), request.json()
    wanted = services.read_ab_test(body)
    start, by = services.ab_tests.create_ab_test, request.caller
    answer = services.idempotency.once(
        request.keyed(body), lambda operation: (201, start(wanted, by, operation))
    )
    return Reply(*answer)


@endpoint(app, "GET", "/api/v1/ml/ab-tests")
def ab_tests(request: ApiRequest) -> object:
    """List all tests, newest first."""
    request.query()
    return {"tests": bootstrap.connect().ab_tests.ab_tests()}


@endpoint(app, "GET", "/api/v1/ml/ab-tests/{test_name}")
def ab_test(request: ApiRequest) -> object:
    """Show one test."""
    request.query()
    return bootstrap.connect().ab_tests.ab_test(known_test_name(request.path("test_name")))


@endpoint(app, "POST", "/api/v1/ml/ab-tests/{test_name}/score")
def score(request: ApiRequest) -> object:
    """Score one lead by the variant of its user, or of the lead itself."""
    query = request.query()
    services, name = bootstrap.connect(), known_test_name(request.path("test_name"))
    lead, user_id = services.read_ab_score(request.json(), name)
    return services.ab_tests.score_with_ab_test(
        name, lead, user_id, **query, request_id=request.request_id
    )


@endpoint(app, "GET", "/api/v1/ml/ab-tests/{test_name}/results")
def results(request: ApiRequest) -> object:
    """Look at a test: what was counted, and what to do."""
    request.query()
    return bootstrap.connect().ab_tests.results(known_test_name(request.path("test_name")))


@endpoint(app, "POST", "/api/v1/ml/ab-tests/{test_name}/stop")
def stop(request: ApiRequest) -> object:
    """Stop a test, and activate the winner's model."""
    query = request.query()
    winner, activate = query["winner_variant"], query["activate"]
    body = request.json(empty={})
    read_nothing(body)
    services, name = bootstrap.connect(), known_test_name(request.path("test_name"))
    end, by = services.ab_tests.stop, (request.caller, request.request_id)
    answer = services.idempotency.once(
        request.keyed(body, **query),
        lambda operation: (200, end(name, winner, *by, operation, activate=activate)),
    )
    return Reply(*answer)


on_lambda(lambda: bootstrap.connect().prepare("ab_tests", "idempotency"))
