"""Say how large each built function is with its layers; fail if one is too large to deploy.

Lambda's limit is 250 MB unzipped for a function and its layers together.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.lambda_emulator import built_template
from infra.state import RunError

# As Lambda counts them: its 250 MB are 262,144,000 bytes.
MB = 2**20
LAMBDA_LIMIT_MB = 250
# Our own limits leave room for the next release of a library.
LIMITS_MB = {"TrainingFunction": 210}
SERVING_LIMIT_MB = 80


def size_mb(folder: Path) -> float:
    """Return the size of all files of a folder, in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MB


def main() -> int:
    """Print the sizes; return 1 if one is over its limit."""
    try:
        template = built_template()
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    table = Table("function", "MB with its layers", "limit", "layers")
    too_large = []
    for function in template.functions():
        layers = template.layers(function)
        total = size_mb(function.code_dir) + sum(map(size_mb, layers))
        limit = LIMITS_MB.get(function.logical_id, SERVING_LIMIT_MB)
        parts = ", ".join(f"{each.name} {size_mb(each):.0f}" for each in layers)
        table.add_row(function.logical_id, f"{total:.0f}", f"{limit}", parts)
        if total > limit:
            too_large.append(f"{function.logical_id} has {total:.0f} MB, {limit} are allowed")
    Console().print(table)
    for sentence in too_large:
        print(f"{sentence} (Lambda itself takes {LAMBDA_LIMIT_MB}).", file=sys.stderr)
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
