"""Load the Lambda handlers of `functions/` into this process and call them from threads."""

import importlib.util
import sys
import threading
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice
from chalice.local import LambdaContext

from infra.template import Function


class FunctionTimeoutError(Exception):
    """A function took longer than it may."""


Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class LoadedFunction:
    """A function of the template whose handler is ready to be called."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._handler = load_handler(function)

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the handler the way Lambda does."""
        context = LambdaContext(
            self.function.logical_id,
            self.function.memory_mb,
            self.function.timeout_seconds * 1000,
        )
        return self._handler(event, context)


def load_handler(function: Function) -> Handler:
    """Import a function's module, all of which are called `app`, under a name of its own."""
    module_name, _, attribute = function.handler.partition(".")
    file = function.code_dir / f"{module_name}.py"
    name = f"functions_{function.code_dir.name}_{module_name}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler: Handler = getattr(module, attribute)
    if isinstance(handler, Chalice):
        _keep_requests_apart(handler)
    return handler


def _keep_requests_apart(app: Chalice) -> None:
    """Give each thread a current request of its own.

    Chalice keeps it on the app, because a Lambda function has one request at a time;
    `chalice.local` makes the same change for its server.
    """
    own = threading.local()

    def per_thread(name: str) -> property:
        return property(
            lambda _: getattr(own, name, None), lambda _, value: setattr(own, name, value)
        )

    members = {name: per_thread(name) for name in ("current_request", "lambda_context")}
    app.__class__ = type("ThreadedChalice", (type(app),), members)
