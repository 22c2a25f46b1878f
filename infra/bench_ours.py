"""The product's side of the benchmark: its scoring service, with a folder for a store.

Imports only what scoring needs, and as `bootstrap` does, without a search for garbage meanwhile:
fresh processes are measured with it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lead_scoring.garbage import loading

with loading():
    from lead_scoring.active_model import ActiveModelCache
    from lead_scoring.api.bodies import read_lead
    from lead_scoring.entities import ActiveModel, Lead, LeadId, ScoreRecord
    from lead_scoring.lead_scorer import LeadScorer
    from lead_scoring.model_files import ModelDirectory, ModelFiles
    from lead_scoring.ports import (
        ABTestStore,
        ArtifactStore,
        Clock,
        ExposureStore,
        FeedbackStore,
        ModelRegistry,
        PredictionStore,
        TrainingStore,
    )
    from lead_scoring.scoring_model import SCORING_FILES, checksums
    from lead_scoring.settings import Settings

if TYPE_CHECKING:
    from lead_scoring.entities.feedback import Feedback
    from lead_scoring.experiments import ABScoring, ABTest

Score = Callable[[Sequence[Mapping[str, Any]], bool], Sequence[Mapping[str, Any]]]
VERSION = "v20240101_000000_00000000"


class _Folder:
    """Pointer, files and audit log of one model in a folder; what is scored is forgotten."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def active(self) -> ActiveModel:
        files = {name: self.read(VERSION, name) for name in SCORING_FILES}
        return ActiveModel(VERSION, checksums(files), self.now())

    def read(self, _model_version: str, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def keep(self, _model_version: str, _files: Mapping[str, bytes]) -> None:
        """Keep nothing: the folder is local already."""

    def keep_active(self, _active: ActiveModel) -> None:
        """Keep nothing: the folder has one model only."""

    def add(self, _records: Sequence[ScoreRecord]) -> None:
        """Forget the scores: the benchmark measures scoring, not storage."""

    def get(self, test_name: str) -> "ABTest":
        """Return a test of the model against itself."""
        from lead_scoring.experiments import ABTest, Variant

        sums = self.active().checksums
        arms = [
            Variant("control", VERSION, 50, is_control=True, checksums=sums),
            Variant("other", VERSION, 50, checksums=sums),
        ]
        return ABTest(test_name, arms, "conversion", self.now(), "bench", "bench")

    def record(self, _scoring: "ABScoring") -> None:
        """Forget the exposures as well."""

    def dated_from(self, _lead_id: LeadId, _moment: datetime) -> "list[Feedback]":
        """Have no feedback."""
        return []

    def now(self) -> datetime:
        return datetime.now(UTC)


def save(artifact: Mapping[str, bytes], folder: Path) -> None:
    """Write a fitted model's files where `connect` finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in artifact.items():
        (folder / name).write_bytes(content)


def connect(folder: Path) -> Score:
    """Return the function that scores JSON-like leads with the model in a folder."""
    return connect_keeping(folder, cast(PredictionStore, _Folder(folder)))


def connect_keeping(folder: Path, predictions: PredictionStore) -> Score:
    """Return the function that scores with the model in a folder, and keeps the scores."""
    store = _Folder(folder)
    settings = Settings.from_environment({"HASH_KEY": "only for this measurement", **os.environ})

    def read(row: Mapping[str, Any]) -> Lead:
        return read_lead(row, now=store.now(), hash_key=settings.hash_key)

    models = ActiveModelCache(
        cast(ModelRegistry, store),
        cast(ArtifactStore, store),
        cast(ModelDirectory, store),
        refresh_seconds=3600,
    )
    scorer = LeadScorer(
        settings,
        cast(Clock, store),
        models,
        predictions,
        lambda: cast(TrainingStore, store),
        lambda: cast(ExposureStore, store),
        read,
    )
    scorer.load_model()

    def score(leads: Sequence[Mapping[str, Any]], explain: bool) -> Sequence[Mapping[str, Any]]:
        return cast(
            Sequence[Mapping[str, Any]],
            scorer.predict_batch(leads, explain=explain, request_id="b"),
        )

    return score


def connect_ab_test(folder: Path) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return the function that scores one JSON-like lead in an A/B test of the same model."""
    from lead_scoring.ab_scoring import ABScorer
    from lead_scoring.ab_test_cache import ABTestCache
    from lead_scoring.attribution import Attribution
    from lead_scoring.variant_models import VariantModels

    store = _Folder(folder)
    settings = Settings.from_environment({"HASH_KEY": "only for this measurement", **os.environ})
    files = ModelFiles(cast(ArtifactStore, store), cast(ModelDirectory, store))
    exposures, feedback = cast(ExposureStore, store), cast(FeedbackStore, store)
    scorer = ABScorer(
        settings,
        cast(Clock, store),
        ABTestCache(cast(ABTestStore, store), refresh_seconds=3600),
        VariantModels(files),
        cast(PredictionStore, store),
        exposures,
        Attribution(exposures, feedback, settings.hash_key, timedelta(days=30)),
    )

    def score(row: Mapping[str, Any]) -> Mapping[str, Any]:
        lead = read_lead(row, now=store.now(), hash_key=settings.hash_key)
        answer = scorer.score("bench", lead, "user", explain=True, request_id="b")
        return cast(Mapping[str, Any], answer)

    return score


def monitored() -> Callable[[], object]:
    """Return what monitoring adds to the scoring of one lead: its sample, its line of metrics."""
    from lead_scoring.adapters.lead_item import sample_part
    from lead_scoring.api.telemetry import report_request

    now = datetime.now(UTC)
    record = ScoreRecord(Lead(1, "x"), now, "b", 0, VERSION, 50, 0.5, 0.5, "B", 1.0)

    def add() -> None:
        sample_part(record, 1.0)
        report_request("scoring", "POST", "/api/v1/ml/score", 200, 1.0, "b")

    return add
