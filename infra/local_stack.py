"""The world of a local run: an AWS, its tables, bucket and functions, and how to reach them."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.embedded_aws import LOCAL_CREDENTIALS, EmbeddedAws
from infra.function_news import tell
from infra.function_processes import Call, Ended, FunctionProcesses
from infra.lambda_endpoint import LambdaEndpoint
from infra.lambda_runtime import built_template
from infra.provision import provision
from infra.state import RunError, StateFolder
from infra.stop_request import StopRequest
from infra.template import Template
from lead_scoring.errors import SettingsError
from lead_scoring.settings import Settings

POLL_SECONDS = 0.1
# Where functions run.
IN_PROCESS, LAMBDA = "python", "lambda"
SHOW_CURSOR = "\x1b[?25h"


class LocalStack:
    """An AWS with what the template declares: embedded, or the one at AWS_ENDPOINT_URL.

    Functions that nobody waits for always run here, whichever AWS it is; `say` is told of them.
    `settings` are fixed on top of the template's. `runtime` says where functions run: in this
    process, or in Lambda's runtime loop; `host` is the address of ours at which its stores answer.
    """

    def __init__(
        self,
        folder: StateFolder,
        template: Template | None = None,
        settings: Mapping[str, str] | None = None,
        say: Callable[[Call, Ended | None], None] = tell,
        runtime: str = IN_PROCESS,
        host: str = "127.0.0.1",
    ) -> None:
        self.folder, self.runtime, self._host = folder, runtime, host
        # Names of tables carry the folder's, so that a shared endpoint keeps demo and own apart.
        load = built_template if runtime == LAMBDA else Template.load
        self.template = template or load(stack=folder.name)
        invoker = "infra.invoke_emulated" if runtime == LAMBDA else "infra.invoke"
        self.logs = folder.path / "logs"
        self.processes = FunctionProcesses(self.logs, say, invoker)
        self._settings = dict(settings or {})
        self._given_endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self._embedded = None if self._given_endpoint else EmbeddedAws(folder.path, host=host)
        self._lambda: LambdaEndpoint | None = None

    @property
    def endpoint_url(self) -> str:
        """Where the AWS answers."""
        return self._embedded.endpoint_url if self._embedded else str(self._given_endpoint)

    @property
    def log_file(self) -> Path:
        """Where the embedded AWS writes what it has to say."""
        return self.folder.path / "embedded-aws.log"

    def start(self) -> None:
        """Start it, tell this process's environment about it, create what is missing."""
        if self._embedded:
            self._embedded.start()
        self._lambda = LambdaEndpoint(self.template.functions(), self.processes, self._host)
        os.environ.update(self.environment())
        try:
            Settings.from_environment(os.environ)
        except SettingsError as error:
            raise RunError(f"These settings cannot be used: {error}.") from error
        try:
            # The embedded AWS forgets what has expired by the machine's clock, not by another.
            provision(self.template, self.endpoint_url, expire="CLOCK_FILE" not in self._settings)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise RunError(
                f"The AWS at {self.endpoint_url} cannot be used: {error}. "
                "Check AWS_ENDPOINT_URL, or leave it out to have one embedded."
            ) from error

    def environment(self) -> dict[str, str]:
        """Return the settings of this stack; what the user has set besides stays."""
        fixed = self._settings | {
            "HASH_KEY": self.folder.hash_key(),
            "MODEL_DIR": str(self.folder.path / "models"),
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }
        if self._lambda:
            fixed["AWS_ENDPOINT_URL_LAMBDA"] = self._lambda.url
        names = self.template.names()
        settings = {
            name: value
            for name, value in self.template.environment(fixed).items()
            if name in fixed or value in names or name not in os.environ
        }
        if self._embedded:
            return settings | LOCAL_CREDENTIALS
        return settings | {k: v for k, v in LOCAL_CREDENTIALS.items() if k not in os.environ}

    def invoke(self, logical_id: str, event: Any) -> Call:
        """Call a function in a process of its own, without waiting for it."""
        [function] = [each for each in self.template.functions() if each.logical_id == logical_id]
        return self.processes.start(function, event)

    def write_down(self) -> None:
        """Have the embedded AWS write its state, which it does when it stops."""
        if self._embedded:
            self._embedded.restart()

    def is_alive(self) -> bool:
        """Whether the embedded AWS still runs (another one is not ours to watch)."""
        return self._embedded is None or self._embedded.is_alive()

    def stop(self) -> None:
        """End the functions that run, and the embedded AWS, once it has written its state."""
        if self._lambda:
            self._lambda.stop()
        if self._embedded:
            self._embedded.stop()


def run_child(module: str, arguments: list[str], stop: StopRequest) -> int:
    """Run one of our modules in a process of its own until it ends; return its exit code.

    Its session is its own, so that Ctrl-C reaches only us; raise Stopped after ending it.
    """
    child = subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        while child.poll() is None:
            stop.wait(POLL_SECONDS)
        return child.returncode
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
            if sys.stdout.isatty():
                print(SHOW_CURSOR, end="", flush=True)
        if child.stdin:
            child.stdin.close()


def write_environment(environment: dict[str, str], file: Path) -> None:
    """Write the settings as shell commands, so that a notebook can connect to the same stores."""
    file.touch(mode=0o600)
    lines = [f"export {name}='{value}'\n" for name, value in sorted(environment.items())]
    file.write_text("".join(lines))
