"""What Lambda's runtime loop needs on this machine: built code and layers, and AWS's programs.

A function runs in a Python 3.13 that sees its code, its layers as Lambda lays them out, AWS's
runtime client (`awslambdaric`), and nothing else.
"""

import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from infra.state import RunError
from infra.template import PROJECT, Function, Template

BUILT = PROJECT / ".aws-sam" / "build" / "template.yaml"
FOLDER = PROJECT / ".local" / "lambda"


def built_template(stack: str = "local") -> Template:
    """Read what `sam build` made; raise RunError if it has not."""
    if not BUILT.exists():
        raise RunError("There is nothing built yet: run `make build` first.")
    return Template.load(BUILT, stack)


def require_runtime() -> None:
    """Raise RunError if what runs built functions is not installed."""
    emulator_program()
    if not Path(python_program()).exists():
        raise RunError(f"Lambda's Python is gone: there is no {python_program()}.")


def emulator_program() -> Path:
    """Return AWS's Runtime Interface Emulator; raise RunError if it is not installed."""
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    found = [*PROJECT.glob(f".local/tools/lib/*/site-packages/samcli/local/rapid/*-{machine}")]
    if not found:
        raise RunError("Lambda's emulator is not installed: run `make build` first.")
    return found[0]


def python_program() -> str:
    """Return the path of Lambda's Python; raise RunError if it is not installed."""
    file = FOLDER / "python"
    if not file.exists():
        raise RunError("Lambda's runtime is not installed: run `make run RUNTIME=lambda`.")
    return file.read_text().strip()


def runtime_environment(
    function: Function, opt: Path, settings: Mapping[str, str]
) -> dict[str, str]:
    """Return all that the process is told: Lambda's own variables, and the function's."""
    return {
        **settings,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": f"{function.code_dir}:{opt / 'python'}:{FOLDER / 'runtime'}",
        "LAMBDA_TASK_ROOT": str(function.code_dir),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


def laid_out(layers: list[Path]) -> Path:
    """Return a folder with layers as Lambda lays them out under /opt: one over the other.

    The files are links to the built ones; it is made anew when they are.
    """
    opt = FOLDER / "opt" / "+".join(each.name for each in layers)
    newest = max(each.stat().st_mtime_ns for each in layers)
    stamp = opt.with_name(f"{opt.name}.stamp")
    with _LAYING_OUT:
        if not stamp.exists() or int(stamp.read_text()) != newest:
            shutil.rmtree(opt, ignore_errors=True)
            for layer in layers:
                shutil.copytree(layer, opt, copy_function=_link, dirs_exist_ok=True)
            stamp.write_text(str(newest))
    return opt


_LAYING_OUT = threading.Lock()


def _link(source: str, target: str) -> None:
    # A later layer covers what an earlier one has at the same place.
    Path(target).unlink(missing_ok=True)
    os.link(source, target)
