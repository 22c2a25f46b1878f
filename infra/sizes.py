"""Say how large each built function is with its layers; fail if one is too large to deploy.

Lambda's limit is 250 MB unzipped for a function and its layers together.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from infra.lambda_runtime import BUILT, built_template
from infra.state import RunError
from infra.template import PROJECT, Template

# As Lambda counts them: its 250 MB are 262,144,000 bytes.
MB = 2**20
LAMBDA_LIMIT_MB = 250
# Our own limits leave room for the next release of a library.
LIMITS_MB = {"TrainingFunction": 210}
SERVING_LIMIT_MB = 80


def size_mb(folder: Path) -> float:
    """Return the size of all files of a folder, in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MB


class BuiltSize(NamedTuple):
    """How large a built function is: it all, its limit here, and of it each layer."""

    function: str
    megabytes: float
    limit_megabytes: float
    layers: dict[str, float]


def is_older_than_its_code(built: Path = BUILT, project: Path = PROJECT) -> bool:
    """Whether `make build` would build again: a source has changed since."""
    patterns = ("*.py", "*.txt", "Makefile")
    folders = (project / "functions", project / "layers")
    sources = (file for folder in folders for each in patterns for file in folder.rglob(each))
    return any(file.stat().st_mtime > built.stat().st_mtime for file in sources)


def built_sizes(template: Template) -> list[BuiltSize]:
    """Return the size of every function of a built template, unzipped."""
    sizes = []
    for function in template.functions():
        layers = {each.name: size_mb(each) for each in template.layers(function)}
        total = size_mb(function.code_dir) + sum(layers.values())
        limit = LIMITS_MB.get(function.logical_id, SERVING_LIMIT_MB)
        sizes.append(BuiltSize(function.logical_id, total, limit, layers))
    return sizes


def main() -> int:
    """Print the sizes; return 1 if one is over its limit."""
    try:
        template = built_template()
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    table = Table("function", "MB with its layers", "limit", "layers")
    too_large = []
    for function, total, limit, layers in built_sizes(template):
        parts = ", ".join(f"{name} {size:.0f}" for name, size in layers.items())
        table.add_row(function, f"{total:.0f}", f"{limit}", parts)
        if total > limit:
            too_large.append(f"{function} has {total:.0f} MB, {limit} are allowed")
    Console().print(table)
    for sentence in too_large:
        print(f"{sentence} (Lambda itself takes {LAMBDA_LIMIT_MB}).", file=sys.stderr)
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
