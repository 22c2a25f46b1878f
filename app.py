"""Every group of functions as one Chalice app, for `chalice local`; GROUP=scoring serves one alone.

It needs stores: start `make run` beside it, and read the settings that it wrote:

    . .local/state/demo/environment && .local/venv/bin/chalice local --port 8001
"""

import os
from typing import Any

from chalice.app import Chalice

from infra.gateway_functions import load_handler
from infra.template import Template

app = Chalice("lead-scoring", env={})


def _include(group: Any) -> None:
    """Serve the routes of a group, whose views see the requests of the whole."""
    shared = {
        name: property(lambda _, name=name: getattr(app, name, None))
        for name in ("current_request", "lambda_context")
    }
    group.__class__ = type("GroupOfAll", (Chalice,), shared)
    for path, methods in group.routes.items():
        for method, route in methods.items():
            app.route(
                path, methods=[method], content_types=route.content_types, name=f"{method} {path}"
            )(route.view_function)


_WANTED = os.environ.get("GROUP")
for _function in Template.load().functions():
    if _function.handler == "app.app" and _WANTED in (None, _function.code_dir.name):
        _include(load_handler(_function))
