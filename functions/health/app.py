"""Lambda function: say whether the service can score."""

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.http import ApiRequest, Reply, endpoint
from lead_scoring.api.warm_up import on_lambda

app = Chalice("health", env={})


@endpoint(app, "GET", "/api/v1/ml/health")
def health(request: ApiRequest) -> object:
    """Answer 200 when it can score, 503 when it cannot."""
    request.query()
    report = bootstrap.connect().health.report()
    return Reply(503 if report["status"] == "unhealthy" else 200, report)


on_lambda(lambda: bootstrap.connect().prepare("health"))
