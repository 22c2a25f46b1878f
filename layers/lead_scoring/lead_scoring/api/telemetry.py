"""What CloudWatch learns of a request: how long it took and how it ended; never whose it was."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ..alerting import CODES
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


def report_monitoring(report: dict[str, Any]) -> dict[str, Any]:
    """Write that monitoring ran, and whether each alert is open, to the log of a Lambda.

    Returns the report, for whoever called the function.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        now, is_open = datetime.now(UTC), {each["code"] for each in report["alerts"]}
        emit(
            [
                metric_line(now, {"Alert": code}, {"OpenAlert": (float(code in is_open), "Count")})
                for code in CODES
            ]
        )
        samples = float((report.get("drift") or {}).get("samples", 0))
        counts = {"MonitorRuns": (1.0, "Count"), "MonitoredScores": (samples, "Count")}
        emit([metric_line(now, {"Function": "monitor"}, counts)])
    return report
