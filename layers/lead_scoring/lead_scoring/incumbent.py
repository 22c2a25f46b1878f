"""What answers now, tried on the holdout of a candidate."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from .baseline import Baseline
from .entities import BASELINE_VERSION, ActiveModel
from .entities.training import TrainingExample
from .errors import ArtifactError
from .model_card import predicted
from .ports import ArtifactStore, ModelRegistry
from .promotion import BASELINE_THRESHOLD, Contender
from .scoring_model import SCORING_FILES, ScoringModel, checksums

REPORT_FILE = "report.json"


class Incumbent(NamedTuple):
    """The other side of a comparison, and what has to be said about it, in sentences."""

    contender: Contender
    remarks: Sequence[str]


def incumbent(
    active: ActiveModel | None,
    models: ModelRegistry,
    artifacts: ArtifactStore,
    holdout: Sequence[TrainingExample],
) -> Incumbent:
    """Score the holdout with the active model, or with the baseline where there is none to use."""
    if active is None:
        return Incumbent(_baseline(holdout), ["A first model needs only to beat the baseline."])
    try:
        files = {name: _genuine(active, artifacts, name) for name in SCORING_FILES}
        model = ScoringModel.load(files.__getitem__)
    except ArtifactError as error:
        remark = (
            f"The active model {active.model_version} cannot be used ({error}),"
            " so the baseline stands in for it."
        )
        return Incumbent(_baseline(holdout), [remark])
    contender = Contender(active.model_version, predicted(model, holdout), model.threshold)
    return Incumbent(contender, _remarks(active, models, artifacts, holdout))


def _baseline(holdout: Sequence[TrainingExample]) -> Contender:
    return Contender(BASELINE_VERSION, predicted(Baseline(), holdout), BASELINE_THRESHOLD)


def _remarks(
    active: ActiveModel,
    models: ModelRegistry,
    artifacts: ArtifactStore,
    holdout: Sequence[TrainingExample],
) -> list[str]:
    """Say how many leads of the holdout the active model was trained on, if any."""
    try:
        report = json.loads(_genuine(active, artifacts, REPORT_FILE))
    except ArtifactError:
        return [f"Whether {active.model_version} was trained on some of them is not known."]
    last_moment = datetime.fromisoformat(report["training_window"]["to"])
    trained_until = models.get(active.model_version).trained_until
    seen = sum(e.moment <= last_moment and e.known_at <= trained_until for e in holdout)
    if not seen:
        return []
    return [
        f"{active.model_version} was trained on {seen:,} of these {len(holdout):,} leads,"
        " which flatters it."
    ]


def _genuine(active: ActiveModel, artifacts: ArtifactStore, name: str) -> bytes:
    content = artifacts.read(active.model_version, name)
    if checksums({name: content})[name] != active.checksums.get(name):
        raise ArtifactError(f"{name} fails its checksum")
    return content
