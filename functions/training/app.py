"""Lambda function without a route: train, when a job asks for it or the schedule finds a reason."""

from typing import Any

from lead_scoring import bootstrap


def train(event: dict[str, Any], _context: object) -> object:
    """Do the job that the event names; without one, check whether to train."""
    trainer = bootstrap.connect().model_trainer
    if "job_id" in event:
        return trainer.run_job(event["job_id"])
    return trainer.run_scheduled()
