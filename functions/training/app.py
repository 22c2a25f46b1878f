"""Lambda function without a route: trains when a job or the schedule asks for it, and monitors."""

from typing import Any

from lead_scoring import bootstrap
from lead_scoring.api.telemetry import report_monitoring


def train(event: dict[str, Any], _context: object) -> object:
    """Do the job or the task that the event names; without one, check whether to train."""
    services = bootstrap.connect()
    if event.get("task") == "monitor":
        return report_monitoring(services.monitor.run())
    trainer = services.model_trainer
    if "job_id" in event:
        return trainer.run_job(event["job_id"])
    return trainer.run_scheduled()
