"""An API fuzzer reads the description, and finds nothing that does not keep to it."""

import subprocess
import sys
from pathlib import Path

from infra.template import PROJECT

from .system import System

EXAMPLES = 5


def test_schemathesis_finds_nothing_with_all_its_checks(system: System) -> None:
    program = Path(sys.executable).with_name("schemathesis")

    options = ["--checks", "all", "--seed", "1", "--max-examples", str(EXAMPLES), "--no-color"]
    # Only API Gateway asks for signatures.
    options += ["--exclude-checks", "ignored_auth"]

    ended = subprocess.run(
        [program, "run", f"{system.url}/openapi.json", "--continue-on-failure", *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert ended.returncode == 0, ended.stdout[-5000:]
