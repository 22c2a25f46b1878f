"""A page to read the description of the API and to try it: Swagger UI, from a package."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ..errors import NotFoundError

_PACKAGE = "flask_swagger_ui"
_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    # Nothing but our own files, and no page of somebody else's around it.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lead scoring: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> does not.</noscript>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: "none", defaultModelsExpandDepth: 0,
});
"""


def asset(name: str) -> tuple[str, Mapping[str, str]]:
    """Return a file of the page and its headers; raise NotFoundError."""
    if name == "start.js":
        text = _START
    elif name in _FILES:
        text = (_folder() / name).read_text(encoding="utf-8")
    else:
        raise NotFoundError("the page has no such part")
    kind = _TYPES[name.rpartition(".")[2]]
    headers = {"Content-Type": kind, "X-Content-Type-Options": "nosniff"}
    return text, headers | {"Cache-Control": "public, max-age=3600"}


def _folder() -> Path:
    # Only found, not imported: it would load Flask.
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("the page is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "dist"
