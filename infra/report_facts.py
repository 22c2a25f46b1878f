"""What a report is written from: the model's own files, and what the stores know since."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.report_html import day_and_time
from infra.state import RunError
from lead_scoring.bootstrap import Services
from lead_scoring.candidate import HOLDOUT_FILE
from lead_scoring.entities import ActiveModel
from lead_scoring.entities.models import ModelRecord
from lead_scoring.errors import ArtifactError, NotFoundError, StoreUnavailableError
from lead_scoring.incumbent import REPORT_FILE

DAYS = 90
PAGE_FILE = "report.html"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a report shows; `probabilities` and `targets` are of the holdout, shape (n,)."""

    record: ModelRecord
    is_active: bool
    standing: str
    card: Mapping[str, Any]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.float64]
    reports: Sequence[Mapping[str, Any]]
    feedback: Mapping[str, Any]
    written_at: datetime


def gather(services: Services, model_version: str | None) -> Facts:
    """Read everything about a model, the active one by default; raise RunError."""
    try:
        active = services.models.active()
        record = _record(services, model_version or _version(active))
        card = json.loads(services.artifacts.read(record.model_version, REPORT_FILE))
        holdout = json.loads(services.artifacts.read(record.model_version, HOLDOUT_FILE))
        now = services.clock.now()
        reports = services.monitoring.reports(max(record.created_at, now - timedelta(DAYS)))
        feedback = services.feedback_processor.analytics(days=DAYS)
    except ArtifactError as error:
        raise RunError(f"The files of this model cannot be read: {error}.") from error
    except StoreUnavailableError as error:
        raise RunError(
            f"{error}: if `make run` is just starting, try again when it serves; otherwise stop it."
        ) from error
    return Facts(
        record=record,
        is_active=active is not None and active.model_version == record.model_version,
        standing=standing(active, record.model_version),
        card=card,
        probabilities=np.array(holdout["probability"], dtype=float),
        targets=np.array(holdout["target"], dtype=float),
        reports=reports,
        feedback=feedback,
        written_at=now,
    )


def standing(active: ActiveModel | None, model_version: str) -> str:
    """Say in a sentence whether a model answers now."""
    if active is None:
        return "No model is active: the baseline answers."
    if active.model_version == model_version:
        return f"This model is active since {day_and_time(active.activated_at)}."
    if active.previous_version == model_version:
        return (
            f"This model is not active: {active.model_version} took its place on"
            f" {day_and_time(active.activated_at)}. A rollback would bring it back."
        )
    return f"This model is not active: {active.model_version} answers."


def _version(active: ActiveModel | None) -> str:
    if active is None:
        raise RunError("No model is active yet: `make train` trains one; MODEL= names another.")
    return active.model_version


def _record(services: Services, model_version: str) -> ModelRecord:
    try:
        return services.models.get(model_version)
    except NotFoundError:
        known = [each.model_version for each in services.models.newest_first()]
        those = f"there are {', '.join(known[:5])}" if known else "there is none yet"
        raise RunError(f"There is no model {model_version}: {those}.") from None
