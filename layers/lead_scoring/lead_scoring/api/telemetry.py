"""What CloudWatch learns of a request: how long it took and how it ended; never whose it was."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from ..embedded_metrics import emit, metric_line


def report_request(
    function: str, method: str, route: str, status: int, milliseconds: float, request_id: str
) -> None:
    """Write the metrics of a request to the log, where there is a Lambda that has one.

    `route` is the path with the names of its parameters, not their values.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    metrics = {
        "Requests": (1.0, "Count"),
        "Latency": (round(milliseconds, 3), "Milliseconds"),
        "ServerErrors": (float(status >= HTTPStatus.INTERNAL_SERVER_ERROR), "Count"),
        "Refusals": (float(400 <= status < 500), "Count"),
    }
    properties: Mapping[str, object] = {
        "event": "request",
        "method": method,
        "route": route,
        "status": status,
        "request_id": request_id,
    }
    emit([metric_line(datetime.now(UTC), {"Function": function}, metrics, properties)])
