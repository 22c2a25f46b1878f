"""Lambda function: describe the API, and serve a page to read and try it."""

from chalice.app import Chalice

from lead_scoring.api import docs_page
from lead_scoring.api.http import ApiRequest, Reply, endpoint
from lead_scoring.api.openapi import document

app = Chalice("docs", env={})


@endpoint(app, "GET", "/api/v1/ml/openapi.json")
def openapi(request: ApiRequest) -> object:
    """Describe the API."""
    request.query()
    return document(request.called_path.removesuffix("/openapi.json"))


@endpoint(app, "GET", "/api/v1/ml/docs")
def docs(request: ApiRequest) -> object:
    """Serve the page."""
    request.query()
    return Reply(200, docs_page.PAGE, docs_page.HEADERS)


@endpoint(app, "GET", "/api/v1/ml/docs/{asset}")
def asset(request: ApiRequest) -> object:
    """Serve what the page is made of."""
    request.query()
    return Reply(200, *docs_page.asset(request.path("asset")))
