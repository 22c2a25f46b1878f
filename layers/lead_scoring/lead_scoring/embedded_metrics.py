"""CloudWatch's embedded metric format: a line of the log from which CloudWatch makes metrics.

Source: AWS, "Specification: Embedded metric format", CloudWatch user guide.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

NAMESPACE = "LeadScoring"
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
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()],
    }
    content: dict[str, object] = {
        "_aws": {"Timestamp": int(1000 * at.timestamp()), "CloudWatchMetrics": [directive]},
        **(properties or {}),
        **dimensions,
        **{name: value for name, (value, _) in metrics.items()},
    }
    return json.dumps(content, separators=(",", ":"))


def emit(lines: Sequence[str]) -> None:
    """Write lines where CloudWatch reads them: each by itself on the standard output."""
    for line in lines:
        print(line, flush=True)
