"""The embedded AWS: `ministack` as a child process that only this machine can reach.

It keeps DynamoDB in memory and writes it down when it gets SIGTERM, so whoever starts it must
stop it and wait. Should the parent die without a word, the child notices (see
`embedded_aws_child`), writes its state and goes too.
"""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

USUAL_PORT = 4566
# Names the file that the child makes once the port is its own.
ANNOUNCEMENT = "LEAD_SCORING_ANNOUNCEMENT"
START_SECONDS = 60
STOP_SECONDS = 60
# Made up, so that a developer's real credentials are never sent anywhere.
LOCAL_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}


class EmbeddedAwsError(Exception):
    """The embedded AWS did not start; the message says where its log is."""


class EmbeddedAws:
    """One running embedded AWS; `endpoint_url` is where boto3 finds it."""

    def __init__(
        self,
        state_dir: Path,
        persist: bool = True,
        port: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.state_dir, self._host = state_dir, host
        self._reservation = contextlib.ExitStack()
        self.port = port or self._reservation.enter_context(
            reserved_port(preferred=USUAL_PORT if persist else None)
        )
        self.endpoint_url = f"http://{host}:{self.port}"
        self.log_file = state_dir / "embedded-aws.log"
        self._persist = persist
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it does not run."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> "EmbeddedAws":
        """Start the child and wait until it answers; raise EmbeddedAwsError if it does not."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        (self.state_dir / "tmp").mkdir(exist_ok=True)
        self._announcement.unlink(missing_ok=True)
        with self.log_file.open("wb") as log:
            # Its own session: Ctrl-C in the terminal must reach us first, not the child.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.embedded_aws_child"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=Path(__file__).parent.parent,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> None:
        """Have the child write its state, and start another one on the same port."""
        self._end_child()
        self.start()

    def stop(self) -> None:
        """Ask the child to write its state and go, and wait until it has."""
        self._end_child()
        self._reservation.close()

    @property
    def _announcement(self) -> Path:
        return self.state_dir / "tmp" / "listening"

    def _end_child(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        persist = "1" if self._persist else "0"
        return (
            kept
            | LOCAL_CREDENTIALS
            | {
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": self._host,
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "PERSIST_STATE": persist,
                "STATE_DIR": str(self.state_dir / "aws"),
                "S3_PERSIST": persist,
                "S3_DATA_DIR": str(self.state_dir / "s3"),
                "TMPDIR": str(self.state_dir / "tmp"),
                "LOG_LEVEL": "WARNING",
                ANNOUNCEMENT: str(self._announcement),
                # No container of the developer's is any of its business.
                "DOCKER_HOST": "unix:///nonexistent",
            }
        )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise EmbeddedAwsError(f"the embedded AWS stopped at once; see {self.log_file}")
            # Whatever else may answer on the port, only our child makes the announcement.
            if self._announcement.exists() and _answers(self.endpoint_url):
                return
            time.sleep(0.05)
        raise EmbeddedAwsError(
            f"the embedded AWS did not answer within {START_SECONDS} s; see {self.log_file}"
        )


@contextlib.contextmanager
def embedded_aws(state_dir: Path | None = None, persist: bool = False) -> Iterator[str]:
    """Run an embedded AWS for the length of a `with` block and give its endpoint URL.

    Without `state_dir` it starts empty and leaves nothing behind, which is what tests want.
    """
    with contextlib.ExitStack() as stack:
        if state_dir is None:
            state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = EmbeddedAws(state_dir, persist)
        stack.callback(aws.stop)
        yield aws.start().endpoint_url


@contextlib.contextmanager
def reserved_port(preferred: int | None = None) -> Iterator[int]:
    """Give the preferred port of the loopback if nobody has it, else any free one.

    Between this look and the child's own taking of the port another embedded AWS could take it,
    and would then be mistaken for ours: a lock on a file keeps others of our own kind away.
    """
    for port in (preferred, *[0] * 20):
        if port is not None and (free := _free(port)) is not None:
            with Path(tempfile.gettempdir(), f"lead-scoring-{os.getuid()}-port-{free}.lock").open(
                "wb"
            ) as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield free
                return
    raise EmbeddedAwsError("this machine has no free port left")


def _free(port: int) -> int | None:
    """Return the port, any one for 0, if it can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _answers(endpoint_url: str) -> bool:
    # No proxy stands between us and our own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_url}/_ministack/health", timeout=2) as answer:
            return isinstance(json.load(answer), dict)
    except (OSError, ValueError):
        return False
