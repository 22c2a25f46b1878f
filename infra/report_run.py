"""The steps of `make report`: connect, read, write the page, keep it beside the model."""

import argparse
import contextlib
from pathlib import Path

from infra.report_facts import PAGE_FILE, gather
from infra.report_page import page
from infra.report_system import kept_folder, kept_system
from infra.state import RunError
from infra.stop_request import StopRequest
from infra.template import PROJECT
from lead_scoring.errors import StoreUnavailableError

REPORTS = PROJECT / ".local" / "reports"


def write_report(given: argparse.Namespace, stop: StopRequest) -> Path:
    """Write the report of a model and return where; raise Stopped, RunError."""
    folder = kept_folder(given)
    with kept_system(folder) as services:
        stop.check()
        facts = gather(services, given.model)
        stop.check()
        version = facts.record.model_version
        # A lone half of a character must not keep a page from being written.
        content = page(facts).encode("utf-8", "replace")
        stop.check()
        file = _write(given.out or REPORTS / f"{version}.html", content)
        try:
            services.artifacts.write(version, {PAGE_FILE: content})
        except StoreUnavailableError as error:
            raise RunError(f"{file} is written, but not kept with the model: {error}.") from error
    print(f"{_shown(file)} ({len(content) / 1e6:.1f} MB) is written, and kept with the model.")
    return file


def _write(out: Path, content: bytes) -> Path:
    file = out.expanduser().absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.partial")
        partial.write_bytes(content)
        partial.replace(file)
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror}; choose OUT=.") from error
    return file


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
