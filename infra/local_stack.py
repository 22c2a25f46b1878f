"""The world of a local run: an AWS, its tables and bucket, and the environment that names them."""

import os
import subprocess
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.embedded_aws import LOCAL_CREDENTIALS, EmbeddedAws
from infra.provision import provision
from infra.state import RunError, StateFolder
from infra.stop_request import StopRequest
from infra.template import Template
from lead_scoring.errors import SettingsError
from lead_scoring.settings import Settings

POLL_SECONDS = 0.1
SHOW_CURSOR = "\x1b[?25h"


class LocalStack:
    """An AWS with what the template declares: embedded, or the one at AWS_ENDPOINT_URL."""

    def __init__(self, folder: StateFolder, template: Template | None = None) -> None:
        self.folder = folder
        # Names of tables carry the folder's, so that a shared endpoint keeps demo and own apart.
        self.template = template or Template.load(stack=folder.name)
        self._given_endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self._embedded = None if self._given_endpoint else EmbeddedAws(folder.path)

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
        os.environ.update(self.environment())
        try:
            Settings.from_environment(os.environ)
        except SettingsError as error:
            raise RunError(f"These settings cannot be used: {error}.") from error
        try:
            provision(self.template, self.endpoint_url)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise RunError(
                f"The AWS at {self.endpoint_url} cannot be used: {error}. "
                "Check AWS_ENDPOINT_URL, or leave it out to have one embedded."
            ) from error

    def environment(self) -> dict[str, str]:
        """Return the settings of this stack; what the user has set besides stays."""
        kept = self.template.store_names()
        ours = self.template.environment(
            {
                "HASH_KEY": self.folder.hash_key(),
                "MODEL_DIR": str(self.folder.path / "models"),
                "AWS_ENDPOINT_URL": self.endpoint_url,
            }
        )
        fixed = {"HASH_KEY", "MODEL_DIR", "AWS_ENDPOINT_URL"}
        settings = {
            name: value
            for name, value in ours.items()
            if name in fixed or value in kept or name not in os.environ
        }
        if self._embedded:
            return settings | LOCAL_CREDENTIALS
        return settings | {k: v for k, v in LOCAL_CREDENTIALS.items() if k not in os.environ}

    def write_down(self) -> None:
        """Have the embedded AWS write its state, which it does when it stops."""
        if self._embedded:
            self._embedded.restart()

    def is_alive(self) -> bool:
        """Whether the embedded AWS still runs (another one is not ours to watch)."""
        return self._embedded is None or self._embedded.is_alive()

    def stop(self) -> None:
        """Stop the embedded AWS and wait until it has written its state."""
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
