"""What CloudWatch learns of a request: how long it took and how it ended; never whose it was."""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from ..embedded_metrics import emit, metric_line

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def report_request(
    function: str, method: str, route: str, status: int, milliseconds: float, request_id: str
) -> None:
    """Write the metrics of a request to the log, where there is a Lambda that has one.

    `route` is the path with the names of its parameters, not their values.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    template = _template(function, method, route, status)
    emit(template % (time.time_ns() // 1_000_000, json.dumps(request_id), milliseconds))


@lru_cache
def _template(function: str, method: str, route: str, status: int) -> str:
    """Return the line of such requests, open where each differs: time, request id, latency."""
    metrics = {
        "Requests": (1.0, "Count"),
        "ServerErrors": (float(status >= HTTPStatus.INTERNAL_SERVER_ERROR), "Count"),
        "Refusals": (float(400 <= status < 500), "Count"),
        "Latency": (0.0, "Milliseconds"),
    }
    properties: Mapping[str, object] = {
        "event": "request",
        "request_id": "",
        "method": method,
        "route": route,
        "status": status,
    }
    line = metric_line(_EPOCH, {"Function": function}, metrics, properties).replace("%", "%%")
    for given, opened in (
        ('"Timestamp":0', '"Timestamp":%d'),
        ('"request_id":""', '"request_id":%s'),
        ('"Latency":0.0', '"Latency":%.3f'),
    ):
        line = line.replace(given, opened, 1)
    return line


def report_monitoring(report: dict[str, Any]) -> dict[str, Any]:
    """Write that monitoring ran, and whether each alert is open, to the log of a Lambda.

    Returns the report, for whoever called the function.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # Of all functions, training alone monitors.
        from ..alerting import CODES

        now, is_open = datetime.now(UTC), {each["code"] for each in report["alerts"]}
        for code in CODES:
            count = {"OpenAlert": (float(code in is_open), "Count")}
            emit(metric_line(now, {"Alert": code}, count))
        samples = float((report.get("drift") or {}).get("samples", 0))
        counts = {"MonitorRuns": (1.0, "Count"), "MonitoredScores": (samples, "Count")}
        emit(metric_line(now, {"Function": "monitor"}, counts))
    return report
