"""In-memory fakes of every port; the contract suites hold them to what the real stores do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_scoring.bootstrap import Services
from lead_scoring.entities import (
    Activation,
    ActiveModel,
    Lead,
    LeadId,
    ModelRecord,
    Outcome,
    ScoreRecord,
    iso,
    lead_key,
)
from lead_scoring.errors import ArtifactError, NotFoundError, StoreUnavailableError
from lead_scoring.settings import Settings


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = datetime(2024, 6, 1, 12, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


class Outage:
    """A switch that makes a fake fail as a store that is down does."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.on = False

    def check(self) -> None:
        if self.on:
            raise StoreUnavailableError(self.store)


class FakePredictionStore:
    """Scores in a list, imported leads in a dictionary that the training store shares."""

    def __init__(self, outage: Outage | None = None) -> None:
        self.records: list[ScoreRecord] = []
        self.imported: dict[str, tuple[Lead, datetime]] = {}
        self.outage = outage or Outage("dynamodb")

    def add(self, records: Sequence[ScoreRecord]) -> None:
        self.outage.check()
        self.records += records

    def newest_first(self, lead_id: LeadId) -> Iterator[ScoreRecord]:
        self.outage.check()
        own = [each for each in self.records if lead_key(each.lead.lead_id) == lead_key(lead_id)]
        yield from sorted(own, key=_score_key, reverse=True)

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        self.outage.check()
        kept = [each for each in self.records if lead_key(each.lead.lead_id) != lead_key(lead_id)]
        gone = len(self.records) - len(kept)
        self.records = kept
        return gone, 1 if self.imported.pop(lead_key(lead_id), None) else 0


class FakeTrainingStore:
    """Imported leads and outcomes in dictionaries."""

    def __init__(self, predictions: FakePredictionStore) -> None:
        self.predictions = predictions
        self.outcomes: dict[str, Outcome] = {}

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        self.predictions.outage.check()
        for lead, moment in leads:
            self.predictions.imported[lead_key(lead.lead_id)] = (lead, moment)

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        self.predictions.outage.check()
        for outcome in outcomes:
            self.outcomes[lead_key(outcome.lead_id)] = outcome

    def labelled_leads(self) -> Iterator[tuple[Lead, datetime, Outcome]]:
        self.predictions.outage.check()
        for key, outcome in self.outcomes.items():
            if key in self.predictions.imported:
                yield (*self.predictions.imported[key], outcome)

    def count(self) -> int:
        self.predictions.outage.check()
        return len(self.outcomes)

    def delete(self, lead_id: LeadId) -> int:
        self.predictions.outage.check()
        return 1 if self.outcomes.pop(lead_key(lead_id), None) else 0


class FakeModelRegistry:
    """Models, the pointer and the ledger in memory."""

    def __init__(self, outage: Outage | None = None) -> None:
        self.records: dict[str, ModelRecord] = {}
        self.pointer: ActiveModel | None = None
        self.ledger: list[Activation] = []
        self.outage = outage or Outage("dynamodb")

    def active(self) -> ActiveModel | None:
        self.outage.check()
        return self.pointer

    def get(self, model_version: str) -> ModelRecord:
        self.outage.check()
        if model_version not in self.records:
            raise NotFoundError(f"there is no model {model_version}")
        return self.records[model_version]

    def newest_first(self) -> list[ModelRecord]:
        self.outage.check()
        return sorted(
            self.records.values(), key=lambda each: (each.created_at, each.model_version)
        )[::-1]

    def register(self, record: ModelRecord) -> None:
        self.outage.check()
        self.records.setdefault(record.model_version, record)

    def activate(self, activation: Activation) -> ActiveModel:
        record, before = self.get(activation.model_version), self.active()
        if before and before.model_version == activation.model_version:
            return before
        self.records[record.model_version] = replace(record, deployed_at=activation.at)
        self.ledger.append(activation)
        self.pointer = ActiveModel(
            model_version=record.model_version,
            checksums=record.checksums,
            activated_at=activation.at,
            previous_version=before.model_version if before else None,
        )
        return self.pointer


class FakeArtifactStore:
    """Files in a dictionary."""

    def __init__(self, outage: Outage | None = None) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.outage = outage or Outage("s3")

    def read(self, model_version: str, name: str) -> bytes:
        self.outage.check()
        if (model_version, name) not in self.files:
            raise ArtifactError(f"{name} of {model_version} is missing")
        return self.files[model_version, name]

    def write(self, model_version: str, files: Mapping[str, bytes]) -> None:
        self.outage.check()
        self.files |= {(model_version, name): content for name, content in files.items()}

    def ping(self) -> None:
        self.outage.check()


def _score_key(record: ScoreRecord) -> str:
    return f"{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"


def fake_services(model_dir: str, **settings: Any) -> Services:
    """Services as `bootstrap` wires them, on fakes of every port."""
    defaults = {"hash_key": "a key of the tests", "model_dir": model_dir}
    services = Services(Settings(**(defaults | settings)))
    predictions, models, artifacts = FakePredictionStore(), FakeModelRegistry(), FakeArtifactStore()
    # What a cached property would make is put in its place.
    services.__dict__.update(
        clock=FakeClock(),
        predictions=predictions,
        training_data=FakeTrainingStore(predictions),
        models=models,
        artifacts=artifacts,
    )
    return services
