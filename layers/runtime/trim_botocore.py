"""Leave of botocore's descriptions of services what ours need: making a client reads them all.

Called at the build with the folder of the descriptions. What stays says what it said before, but
for its documentation and its white space.
"""

import gzip
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What is called, by botocore itself too: S3's client asks a bucket for its region by HeadBucket.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset(
        {
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "TransactWriteItems",
            "UpdateItem",
        }
    ),
    "lambda": frozenset({"Invoke"}),
    "s3": frozenset({"DeleteObject", "GetObject", "HeadBucket", "ListObjectsV2", "PutObject"}),
}
# These sign in; which of their operations are called is up to the surroundings.
WHOLE = frozenset({"sso", "sso-oidc", "sts"})


def trim(data: Path) -> None:
    """Trim a folder of descriptions in place."""
    for service in [each for each in data.iterdir() if each.is_dir()]:
        if service.name not in {*OPERATIONS, *WHOLE}:
            shutil.rmtree(service)
            continue
        *older, newest = sorted(each for each in service.iterdir() if each.is_dir())
        for version in older:
            shutil.rmtree(version)
        for file in sorted(newest.iterdir()):
            _trim_file(file, OPERATIONS.get(service.name))
    endpoints = data / "endpoints.json"
    _write(endpoints, trimmed_endpoints(_read(endpoints)))


def trimmed_service(description: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """Return a service's description with these operations and the shapes that they speak of."""
    kept = {name: each for name, each in description["operations"].items() if name in operations}
    if missing := operations - set(kept):
        raise ValueError(f"there is no operation {', '.join(sorted(missing))}")
    shapes, open_names = dict[str, Any](), _shapes_in(kept)
    while open_names:
        name = open_names.pop()
        if name not in shapes:
            shapes[name] = description["shapes"][name]
            open_names |= _shapes_in(shapes[name])
    # In the order of the original: what is sent is in it.
    ordered = {name: each for name, each in description["shapes"].items() if name in shapes}
    return {**description, "operations": kept, "shapes": ordered}


def trimmed_endpoints(endpoints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the list of regions and endpoints with those of our services."""
    ours = {*OPERATIONS, *WHOLE}
    return {
        **endpoints,
        "partitions": [
            partition
            | {
                "services": {
                    name: each for name, each in partition["services"].items() if name in ours
                }
            }
            for partition in endpoints["partitions"]
        ],
    }


def _trim_file(file: Path, operations: frozenset[str] | None) -> None:
    if file.name.startswith(("examples-", "waiters-")):
        file.unlink()
        return
    description = _read(file)
    if file.name.startswith("service-2.json"):
        # A client is refused where anything else has no text.
        spoken_of = {name: _undocumented(description[name]) for name in ("operations", "shapes")}
        description |= spoken_of
        if operations is not None:
            description = trimmed_service(description, operations)
    file.unlink()
    # Not packed: botocore looks for a plain file first, and has less to do.
    _write(file.with_name(file.name.removesuffix(".gz")), description)


def _shapes_in(value: Any) -> set[str]:
    """Return the names of the shapes that a part of a description refers to."""
    if isinstance(value, list):
        return set().union(*map(_shapes_in, value))
    if not isinstance(value, dict):
        return set()
    own = {value["shape"]} if isinstance(value.get("shape"), str) else set()
    return own.union(*map(_shapes_in, value.values()))


def _undocumented(value: Any) -> Any:
    """Return a description without its texts, of which a member's name is none."""
    if isinstance(value, list):
        return [_undocumented(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _undocumented(each)
        for name, each in value.items()
        if name != "documentation" or not isinstance(each, str)
    }


def _read(file: Path) -> Any:
    content = file.read_bytes()
    return json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)


def _write(file: Path, description: Any) -> None:
    file.write_text(json.dumps(description, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
