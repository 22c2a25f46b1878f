"""Processes of the tests' own beside the one that tests."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from infra.template import PROJECT

START_SECONDS = 60


@contextlib.contextmanager
def process(
    module: str, environment: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run one of our modules beside this process, and end it if it has not ended by itself."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"tests.integration.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | environment,
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=START_SECONDS)


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)
