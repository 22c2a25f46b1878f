"""`make sam-local`: the built functions in Lambda's containers, by `sam local start-api`.

It starts the embedded AWS where containers reach it, loads the demo and trains a first model as
`make run` does, and serves the API with warm containers. Trainings that are asked for run in a
process here. Without Docker, `make run RUNTIME=lambda` runs the same functions in Lambda's runtime.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.embedded_aws import LOCAL_CREDENTIALS
from infra.lambda_runtime import BUILT, built_template
from infra.local_run import prepare_leads
from infra.local_stack import LocalStack
from infra.state import DEMO, STATE, RunError, StateFolder
from infra.stop_request import Stopped, StopRequest
from infra.template import Template
from infra.template_yaml import parse_yaml

LOCAL_TEMPLATE = BUILT.with_name("local.json")
# What a container of Docker Desktop calls the machine that it runs on.
DESKTOP_HOST = "host.docker.internal"
NO_DOCKER = (
    "Docker does not answer: start it, and try again. Without Docker, `make run RUNTIME=lambda`"
    " runs the same functions in Lambda's runtime loop."
)


def main(given: list[str] | None = None) -> int:
    """Serve until asked to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="make sam-local", description=__doc__)
    parser.add_argument("--port", default="3000")
    parser.add_argument("--demo-leads", type=int, default=int(os.environ.get("DEMO_LEADS", "6000")))
    arguments = parser.parse_args(given)
    stop = StopRequest().listen()
    try:
        _serve(arguments, stop)
    except Stopped:
        print("\nStopped; leads and models are kept.", flush=True)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(arguments: argparse.Namespace, stop: StopRequest) -> None:
    own_host, containers_host = hosts()
    folder = StateFolder(STATE / DEMO)
    with contextlib.ExitStack() as stack:
        stack.callback(folder.lock().close)
        local = LocalStack(folder, host=own_host)
        stack.callback(local.stop)
        local.start()
        prepare_leads(local, arguments.demo_leads, stop)
        settings = reached_from(containers_host, local.environment())
        write_template(settings, LOCAL_TEMPLATE)
        print("Functions run in containers; the first start downloads AWS's image (about 600 MB).")
        sam = subprocess.Popen(  # noqa: S603 (all our own words)
            [*_sam(), "--template", str(LOCAL_TEMPLATE), "--port", arguments.port],
            env=os.environ | LOCAL_CREDENTIALS,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        stack.callback(_end, sam)
        while sam.poll() is None:
            stop.wait(0.5)
        raise RunError(f"sam local ended with code {sam.returncode}: see above.")


def hosts() -> tuple[str, str]:
    """Return at which address of ours containers reach us, and what they call it."""
    docker = shutil.which("docker")
    if docker is None:
        raise RunError(NO_DOCKER)
    if _told([docker, "info", "--format", "{{.OperatingSystem}}"]) == "Docker Desktop":
        return "127.0.0.1", DESKTOP_HOST
    # An engine that made its bridge since it started tells the subnet only, not yet the gateway.
    first = "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}"
    told = _told([docker, "network", "inspect", "bridge", "--format", first])
    bridge = str(next(ip_network(told).hosts())) if "/" in told else told
    return bridge, bridge


def _told(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode != 0 or not answer.stdout.strip():
        raise RunError(NO_DOCKER)
    return answer.stdout.strip()


def reached_from(host: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings as a container needs them: addresses by the name that it has for us.

    >>> reached_from("10.0.0.1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "MODEL_DIR": "/x"})
    {'AWS_ENDPOINT_URL': 'http://10.0.0.1:4566'}
    """
    found = {}
    for name, value in settings.items():
        if name.startswith("AWS_ENDPOINT_URL"):
            found[name] = f"http://{host}:{urlsplit(value).port}"
        # A container keeps models in a folder of its own, and has credentials from sam.
        elif name != "MODEL_DIR" and not name.startswith("AWS_"):
            found[name] = value
    return found


def write_template(settings: Mapping[str, str], file: Path) -> None:
    """Write the built template with the settings of this machine.

    `sam local` passes on only the variables that a template gives a value.
    """
    document: dict[str, Any] = parse_yaml(BUILT.read_text(encoding="utf-8"))
    for function in built_template(stack=DEMO).functions():
        own = {name: settings.get(name, value) for name, value in function.environment.items()}
        own |= {name: settings[name] for name in settings if name.startswith("AWS_ENDPOINT_URL")}
        properties = document["Resources"][function.logical_id]["Properties"]
        properties["Environment"] = {"Variables": own}
    document["Globals"]["Function"].pop("Environment")
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _sam() -> list[str]:
    sam = [".local/tools/bin/python", "-m", "samcli"]
    return [*sam, "local", "start-api", "--warm-containers", "EAGER"]


def _end(sam: "subprocess.Popen[bytes]") -> None:
    # On its own, sam stops one container after the other, ten seconds each.
    remove_containers(built_template(DEMO))
    if sam.poll() is None:
        sam.terminate()
        try:
            sam.wait(20)
        except subprocess.TimeoutExpired:
            sam.kill()


def remove_containers(template: Template) -> None:
    """End every container that runs a function of this template."""
    of_ours = [f"--filter=volume={each.code_dir}" for each in template.functions()]
    listed = ["docker", "ps", "--quiet", "--all", *of_ours]
    found = subprocess.run(listed, capture_output=True, text=True, check=False)  # noqa: S603
    if found.stdout.split():
        removal = ["docker", "rm", "--force", *found.stdout.split()]
        subprocess.run(removal, capture_output=True, check=False)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
