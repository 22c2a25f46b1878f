"""Lambda function without a route: train a model on what became of the leads."""

from typing import Any

from lead_scoring import bootstrap


def train(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Train, register and activate a model; return its version and metrics."""
    return bootstrap.connect().model_trainer.train_new_model()
