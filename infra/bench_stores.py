"""The stores that a measurement uses: an embedded AWS with what the template declares."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lead_scoring.bootstrap import Services
from lead_scoring.entities.models import Activation, ModelRecord
from lead_scoring.scoring_model import SCORING_FILES, ScoringModel, artifact_version, checksums
from lead_scoring.settings import Settings

from .embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from .provision import provision
from .template import Template


@contextmanager
def embedded_stores() -> Iterator[Settings]:
    """Run an empty embedded AWS for a while; this process and its children find it, and no other.

    Gives the settings that name its stores.
    """
    template = Template.load()
    with embedded_aws() as endpoint_url:
        settings = template.environment(
            {"HASH_KEY": "a key of a benchmark", "AWS_ENDPOINT_URL": endpoint_url}
        )
        with environment(LOCAL_CREDENTIALS | settings):
            provision(template, endpoint_url)
            yield Settings.from_environment(os.environ)


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Have this process and its children use these settings for a while."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def publish(services: Services, folder: Path) -> None:
    """Put a model's files into the stores of services, and make it the one that answers."""
    files = {name: (folder / name).read_bytes() for name in SCORING_FILES}
    model, now = ScoringModel.load(files.__getitem__), datetime.now(UTC)
    record = ModelRecord(
        model_version=artifact_version(files, now),
        model_type="xgboost",
        metrics={},
        training_samples=0,
        validation_samples=0,
        feature_count=len(model.extractor.features),
        training_duration=0.0,
        size_bytes=sum(map(len, files.values())),
        checksums=checksums(files),
        created_at=now,
        threshold=model.threshold,
        trained_until=now,
        data_fingerprint="0" * 64,
    )
    services.artifacts.write(record.model_version, files)
    services.models.register(record)
    services.models.activate(Activation(now, "bench", record.model_version))
