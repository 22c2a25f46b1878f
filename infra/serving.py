"""The last steps of `make run`: take the port, load the functions, answer until asked to stop."""

import json

from infra.gateway import Gateway
from infra.gateway_events import HttpRequest
from infra.gateway_server import GatewayServer
from infra.lambda_emulator import emulated
from infra.local_stack import LAMBDA, LocalStack, write_environment
from infra.schedules import Schedules
from infra.state import RunError
from infra.stop_request import StopRequest
from infra.template import Template
from lead_scoring import bootstrap

HEALTH_SECONDS = 15
WATCH_SECONDS = 0.5
EXAMPLE = {
    "lead_id": 123,
    "title": "Senior Python Developer ($120k-$140k)",
    "description": "Join a growing team of 12. Python, PostgreSQL, AWS. Health insurance, 401k.",
    "category": "software/backend",
    "location_name": "Remote",
    "price": 130000,
}


def port_number(text: str) -> int:
    """Read a port; raise RunError if it is none.

    >>> port_number("8123")
    8123
    """
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise RunError(f"PORT must be a number from 1 to 65535, not {text}.")


def reserve_port(port: int) -> GatewayServer:
    """Take a port of the loopback without answering on it yet; raise RunError if it is taken."""
    try:
        return GatewayServer(port)
    except PermissionError:
        raise RunError(
            f"Port {port} needs more rights: choose one from 1024 on, with PORT=."
        ) from None
    except OSError:
        raise RunError(
            f"Port {port} is in use: stop what uses it, or choose another, "
            f"such as `make run PORT={port + 1 if port < 65535 else 8000}`."
        ) from None


def base_path(template: Template) -> str:
    """Return what every path begins with: that of /health without its last part."""
    [path] = [route.path for route in template.routes() if route.path.endswith("/health")]
    return path.removesuffix("/health")


def serve(server: GatewayServer, local: LocalStack, stop: StopRequest) -> None:
    """Serve every function once the service is healthy, until asked to stop."""
    version, url = start_serving(server, local, stop)
    schedules = local_schedules(local)
    print(f"\nThe model is {version}. Score a lead:\n")
    print(f"curl -s {url}/score -H 'Content-Type: application/json' -d '{json.dumps(EXAMPLE)}'\n")
    for schedule, due in schedules.next_times():
        print(f"{schedule.name} of {schedule.function} is next on {due:%A, %d %B at %H:%M} UTC.")
    print(f"Serving {url}  (Ctrl-C stops)", flush=True)
    try:
        _watch(local, schedules, stop)
    finally:
        # Before the AWS is stopped, so that no request is left without its stores.
        server.stop()


def start_serving(server: GatewayServer, local: LocalStack, stop: StopRequest) -> tuple[str, str]:
    """Answer in the background once the service is healthy; return its model and base URL."""
    write_environment(local.environment(), local.folder.path / "environment")
    gateway = _gateway(local)
    base = base_path(local.template)
    version = _wait_until_healthy(gateway, f"{base}/health", local, stop)
    stop.check()
    try:
        server.start(gateway)
    except OSError:
        raise RunError(f"Port {server.server_port} has been taken meanwhile: try again.") from None
    return version, f"http://127.0.0.1:{server.server_port}{base}"


def _gateway(local: LocalStack) -> Gateway:
    if local.runtime != LAMBDA:
        return Gateway.from_template(local.template)
    print("Functions run in Lambda's runtime loop: the first call of each starts it, in a second.")
    return Gateway.from_template(
        local.template, lambda function: emulated(local.template, function, local.logs)
    )


def local_schedules(local: LocalStack) -> Schedules:
    """Return the template's schedules, by the clock that all functions have."""
    return Schedules(local.template.schedules(), bootstrap.connect().clock.now, local.invoke)


def _wait_until_healthy(gateway: Gateway, path: str, local: LocalStack, stop: StopRequest) -> str:
    for _ in range(int(HEALTH_SECONDS / WATCH_SECONDS)):
        response = gateway.answer(HttpRequest("GET", path))
        if response.status == 200:
            return str(json.loads(response.body).get("model_version"))
        if response.status != 503:
            break
        # A store that is not there yet may come.
        stop.wait(WATCH_SECONDS)
    answered = response.body.decode("utf-8", "replace")
    advice = " A new model may help: `make train`." if _lacks_a_model(answered) else ""
    raise RunError(f"The service does not get healthy: {answered} (see {local.log_file}).{advice}")


def _lacks_a_model(answered: str) -> bool:
    """Tell whether health says that the model alone is at fault, as one of an older version is.

    >>> _lacks_a_model('{"checks": {"model": {"status": "failed"}, "s3": {"status": "ok"}}}')
    True
    """
    try:
        checks = json.loads(answered)["checks"]
        return {name for name, each in checks.items() if each["status"] == "failed"} == {"model"}
    except (KeyError, TypeError, ValueError):
        return False


def _watch(local: LocalStack, schedules: Schedules, stop: StopRequest) -> None:
    was_alive = True
    while True:
        stop.wait(WATCH_SECONDS)
        schedules.look()
        if was_alive and not local.is_alive():
            was_alive = False
            print(f"The embedded AWS has ended: scores are degraded now. See {local.log_file}.")
