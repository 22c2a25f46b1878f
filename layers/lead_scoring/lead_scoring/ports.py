"""What the domain needs from the world. Adapters keep these promises; tests have fakes.

Every method of a store may raise StoreUnavailableError: the store throttled, hung, refused or
failed, and the adapter's own retries did not help. What it wrote before is then unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from .entities import Activation, ActiveModel, Lead, LeadId, ModelRecord, Outcome, ScoreRecord


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class PredictionStore(Protocol):
    """The audit log of scores."""

    def add(self, records: Sequence[ScoreRecord]) -> None:
        """Write all records; each expires after the retention period."""

    def newest_first(self, lead_id: LeadId) -> Iterator[ScoreRecord]:
        """Iterate over a lead's scores from the newest on, reading as they are asked for."""

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        """Delete a lead's scores and its imported copy; return how many of each went."""


class TrainingStore(Protocol):
    """Leads with outcomes: what a model is trained on."""

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        """Keep imported leads, each with the moment it is to be scored for. Upserts by lead."""

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Keep imported outcomes. Upserts by lead."""

    def labelled_leads(self) -> Iterator[tuple[Lead, datetime, Outcome]]:
        """Iterate over every imported lead that has an outcome, in no particular order."""

    def count(self) -> int:
        """Return how many outcomes are kept."""

    def delete(self, lead_id: LeadId) -> int:
        """Delete a lead's outcomes; return how many went."""


class ModelRegistry(Protocol):
    """Registered models, the active pointer, and the ledger of its changes."""

    def active(self) -> ActiveModel | None:
        """Return the active pointer, None before any model was activated (strongly consistent)."""

    def get(self, model_version: str) -> ModelRecord:
        """Return one model; raise NotFoundError."""

    def newest_first(self) -> list[ModelRecord]:
        """Return all registered models."""

    def register(self, record: ModelRecord) -> None:
        """Add a model; registering the same version again changes nothing."""

    def activate(self, activation: Activation) -> ActiveModel:
        """Move the pointer and write the ledger row in one transaction; raise NotFoundError.

        Activating the active version changes nothing and writes no row.
        """


class ArtifactStore(Protocol):
    """The files of the models."""

    def read(self, model_version: str, name: str) -> bytes:
        """Return one file; raise ArtifactError if it is missing."""

    def write(self, model_version: str, files: Mapping[str, bytes]) -> None:
        """Write all files of a model."""

    def ping(self) -> None:
        """Return if the store answers."""
