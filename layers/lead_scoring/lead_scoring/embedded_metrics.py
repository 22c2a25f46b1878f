"""CloudWatch's embedded metric format: a line of the log from which CloudWatch makes metrics.

Source: AWS, "Specification: Embedded metric format", CloudWatch user guide.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

# Each deployment has its own, so that alarms of one do not tell of another.
NAMESPACE = os.environ.get("METRICS_NAMESPACE", "LeadScoring")
Metrics = Mapping[str, tuple[float, str]]


def metric_line(
    at: datetime,
    dimensions: Mapping[str, str],
    metrics: Metrics,
    properties: Mapping[str, object] | None = None,
) -> str:
    """Return the line for metrics (value and unit by name) that share their dimensions.

    `properties` stand in the log beside them, and are no metrics.

    >>> from datetime import UTC
    >>> line = metric_line(datetime(2024, 6, 1, tzinfo=UTC), {"Function": "scoring"},
    ...                    {"Latency": (12.5, "Milliseconds")})
    >>> json.loads(line)["Latency"], json.loads(line)["_aws"]["Timestamp"]
    (12.5, 1717200000000)
    """
    units = tuple((name, unit) for name, (_, unit) in metrics.items())
    content: dict[str, object] = {
        **(properties or {}),
        **dimensions,
        **{name: value for name, (value, _) in metrics.items()},
    }
    directive = _directive(units, tuple(dimensions))
    about = f'"Timestamp":{int(1000 * at.timestamp())},"CloudWatchMetrics":[{directive}]'
    return f'{{"_aws":{{{about}}},{_compact(content)[1:]}'


@lru_cache
def _directive(units: tuple[tuple[str, str], ...], dimensions: tuple[str, ...]) -> str:
    """Return what tells CloudWatch which members are metrics: the same for every request."""
    return _compact(
        {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": unit} for name, unit in units],
        }
    )


_compact = json.JSONEncoder(separators=(",", ":")).encode


def emit(line: str) -> None:
    """Write a line where CloudWatch reads it: by itself on the standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
