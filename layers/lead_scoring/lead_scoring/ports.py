"""What the domain needs from the world. Adapters keep these promises; tests have fakes.

Every method of a store may raise StoreUnavailableError: the store throttled, hung, refused or
failed, and the adapter's own retries did not help. What it wrote before is then unknown.
"""

# Whoever scores needs no class of A/B tests or alerts: making all of them delays a start.
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .alerting import AlertChange, Watch
    from .entities import ActiveModel, GivenScore, Lead, LeadId, ScoreRecord
    from .entities.feedback import CountedFeedback, Feedback, FeedbackPage
    from .entities.models import (
        Activation,
        Job,
        KeptReply,
        Lease,
        LedgerRow,
        ModelRecord,
        Operation,
    )
    from .entities.training import LeadSnapshot, Outcome, WantedSnapshot
    from .experiments import (
        ABScoring,
        ABTest,
        Conversion,
        Ending,
        Exposure,
        PlannedSize,
        StoppedTest,
        Tally,
    )

# What is kept of each variant when its test ends, by name of the variant.
Figures = Mapping[str, Mapping[str, float | None]]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class PredictionStore(Protocol):
    """The audit log of scores."""

    def add(self, records: Sequence[ScoreRecord]) -> None:
        """Write all records; each expires after the retention period."""

    def newest_first(self, lead_id: LeadId, *, live_only: bool = False) -> Iterator[ScoreRecord]:
        """Iterate over a lead's scores from the newest on, reading as they are asked for.

        `live_only` leaves out those as of another moment.
        """

    def given_before(self, lead_id: LeadId, moment: datetime) -> GivenScore | None:
        """Return the last live score before a moment, None if there is none; one read.

        Scores as of another moment do not count.
        """

    def sampled(self, since: datetime) -> Iterator[ScoreRecord]:
        """Iterate over the live scores since a moment that monitoring may look at.

        From the newest day on, in any order within a day. Reads an index, never the whole table.
        """

    def knows(self, lead_id: LeadId) -> bool:
        """Whether anything is kept about a lead: a score of any kind, or its imported copy."""

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        """Delete a lead's scores and its imported copy; return how many of each went."""


class TrainingStore(Protocol):
    """Leads with outcomes: what a model is trained on."""

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        """Keep imported leads, each with the moment it is to be scored for. Upserts by lead."""

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Keep imported outcomes. Upserts by lead."""

    def evidence(self, since: datetime | None = None) -> Iterator[Feedback | Outcome]:
        """Iterate over all feedback and all imported outcomes (from a moment on), in any order.

        The moment is compared to `created_at`, and to `occurred_at` (else the time of the import).
        Of feedback's sender nothing is read. Reads an index, never the whole table.
        """

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        """Iterate over the snapshots that exist, each with the key of its lead, in any order."""

    def count(self) -> int:
        """Return how many rows of feedback and imported outcomes are kept."""

    def delete(self, lead_id: LeadId) -> int:
        """Delete a lead's feedback and outcomes; return how many rows went."""


class FeedbackStore(Protocol):
    """Feedback, and the counters of its days."""

    def add(self, rows: Sequence[CountedFeedback], reply: KeptReply | None = None) -> None:
        """Write rows, each in one transaction with its counters; one that is there adds nothing.

        `reply` is for one row only: it is kept in the very transaction, and if something is kept
        under its key already, nothing is written and KeyInUseError raised.
        """

    def page(self, lead_id: LeadId, limit: int, cursor: str | None = None) -> FeedbackPage:
        """Return a lead's feedback, newest first; `cursor` goes on where another page ended."""

    def all_of(self, lead_id: LeadId) -> list[Feedback | Outcome]:
        """Return all that is known about what became of one lead, without its senders."""

    def dated_from(self, lead_id: LeadId, moment: datetime) -> list[Feedback]:
        """Return a lead's feedback dated at a moment or later, with its senders; one read."""

    def counts(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        """Return the counters of days (UTC); a day without feedback is absent."""

    def delete_before(self, cutoff: datetime) -> int:
        """Delete feedback created before a moment; return how much went. Counters stay."""


class ReplyStore(Protocol):
    """What answered requests with an idempotency key; forgotten after a day."""

    def begin(
        self, key: str, fingerprint: str, operation: Operation, until: datetime
    ) -> Operation | KeptReply:
        """Note that a request is being worked on until then, and return its operation.

        Returns the kept reply if it was answered already; the first operation if whoever began it
        has not answered in time. Raises KeyInUseError while it is being worked on. What is kept
        under the key may have another `fingerprint`: raises InvalidInputError.
        """

    def finish(self, reply: KeptReply) -> None:
        """Keep the answer."""

    def release(self, key: str) -> None:
        """Let whoever repeats the request go on at once."""

    def forget(self, key: str) -> None:
        """Forget the request, so that the next one under its key starts afresh."""

    def kept(self, key: str) -> KeptReply | None:
        """Return what answered under a key, None if nothing has yet."""


class JobStore(Protocol):
    """Trainings, and the lease of which there is only one."""

    def open(self, job: Job, until: datetime) -> Job:
        """Keep a new job and take the lease for it, in one transaction; return it with its fence.

        Opening the same job again changes nothing. An expired lease is taken over, and its job
        marked failed in the same transaction. Raises JobRunningError while another job has it.
        """

    def start(self, job: Job, now: datetime, until: datetime) -> Lease:
        """Turn a queued job into a running one; or raise LeaseLostError: too late, or done."""

    def renew(self, lease: Lease, now: datetime, until: datetime) -> Lease:
        """Prolong a lease that has not expired; raise LeaseLostError."""

    def report(self, lease: Lease, step: str, fraction: float) -> None:
        """Write down how far a running job is; raise LeaseLostError if it no longer runs."""

    def finish(self, lease: Lease, finished: Job) -> None:
        """Write how a job ended and free its lease, in one transaction; raise LeaseLostError."""

    def get(self, job_id: str) -> Job:
        """Return a job; raise NotFoundError."""

    def newest(self) -> Job | None:
        """Return the job that took the lease last."""

    def bury(self, job: Job, now: datetime, error: str) -> Job:
        """Mark a queued or running job failed if its lease has expired or went on; return it."""


class TrainingWorker(Protocol):
    """Trains elsewhere: another Lambda function, or another process."""

    def start(self, job_id: str) -> None:
        """Have a job done, without waiting for it."""


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

    def publish(
        self,
        record: ModelRecord,
        activation: Activation | None,
        compared_with: ActiveModel | None,
        lease: Lease,
        finished: Job,
    ) -> None:
        """Register a model, activate it if wished, and finish its job: all in one transaction.

        With an activation, the pointer must still be `compared_with`. Raises LeaseLostError or
        PointerMovedError; then nothing has changed.
        """

    def activate(self, activation: Activation) -> LedgerRow:
        """Move the pointer and write the ledger row in one transaction; return the change.

        Activating the active version changes nothing and writes no row: the change returned is from
        itself to itself. Raises NotFoundError for an unknown version, ConflictError where there is
        none to roll back to.
        """

    def history(self, limit: int) -> list[LedgerRow]:
        """Return the changes of the active model, newest first."""

    def remove(self, model_version: str) -> bool:
        """Take a model off the registry; tell if it went.

        The active model stays, the one before it, and one that a running A/B test uses.
        """


class ABTestStore(Protocol):
    """A/B tests and what was counted of them."""

    def create(self, test: ABTest) -> ABTest:
        """Keep a new test and that it uses its models, in one transaction; return it.

        Creating it again with the same operation changes nothing. Raises ConflictError if the name
        is taken, NotFoundError if one of the models is not registered.
        """

    def get(self, test_name: str) -> ABTest:
        """Return a test; raise NotFoundError."""

    def newest_first(self) -> list[ABTest]:
        """Return all tests."""

    def tally(self, test: ABTest) -> Tally:
        """Return what was counted of a test."""

    def freeze_plan(self, test_name: str, planned: PlannedSize) -> ABTest:
        """Keep the planned size unless there is one already; return the test as it is then."""

    def keep_final_look(self, test_name: str, look: Mapping[str, Any]) -> ABTest:
        """Keep the look that decided unless there is one already; return the test as it is then."""

    def stop(
        self, test_name: str, ending: Ending, activation: Activation | None, figures: Figures
    ) -> StoppedTest:
        """Stop a test and activate a model if wished, in one transaction; count no score after it.

        `figures` are kept with the variants. Stopping it again with the same operation changes
        nothing more. Raises NotFoundError, ConflictError if somebody else stopped it.
        """


class ExposureStore(Protocol):
    """Which unit was exposed to which variant, and by which leads; it holds keyed hashes only."""

    def record(self, scoring: ABScoring) -> None:
        """Write the audit record of a score, the exposure and what it counts, in one transaction.

        A unit counts once; recording the same score again changes nothing. Raises TestStoppedError.
        """

    def of(self, lead: str, user: str | None, moment: datetime) -> list[Exposure]:
        """Return to which exposures what was done with a lead at a moment belongs, one a test.

        What a user did belongs to that user, where a test scored the lead for them by then; else to
        the lead, where a test scored it for nobody. What nobody did belongs to the unit for which a
        test scored the lead last by then.
        """

    def convert(self, exposure: Exposure, conversion: Conversion, window: timedelta) -> bool:
        """Count a conversion, in one transaction; tell whether it counted.

        It does not if the unit has one already, if the same feedback counted in this test before,
        or if its moment is before the first exposure or later than `window` after it.
        """

    def erase(self, lead: str) -> int:
        """Forget by which scores a lead came into tests; return how many exposures there were.

        A lead that was a unit leaves only its keyed hash, and never counts again.
        """


class MonitoringStore(Protocol):
    """What monitoring found, and the alerts that it opened and closed."""

    def watch(self) -> Watch:
        """Return what the last run left; an empty watch before the first."""

    def keep(self, watch: Watch, changes: Sequence[AlertChange]) -> bool:
        """Keep what a run found, with the changes of alerts, in one transaction; tell if it did.

        It does not if another run was kept since the one before it (`watch.revision` - 1).
        """

    def reports(self, since: datetime) -> list[Mapping[str, Any]]:
        """Return the reports since a moment, oldest first."""

    def history(self, limit: int) -> list[AlertChange]:
        """Return how alerts opened and closed, newest first."""


class ArtifactStore(Protocol):
    """The files of the models."""

    def read(self, model_version: str, name: str) -> bytes:
        """Return one file; raise ArtifactError if it is missing."""

    def write(self, model_version: str, files: Mapping[str, bytes]) -> None:
        """Write all files of a model."""

    def link(self, model_version: str, name: str) -> str | None:
        """Return an address where anybody may read one file for an hour; None if it is missing."""

    def versions(self) -> list[str]:
        """Return the models that have files, registered or not."""

    def delete(self, model_version: str) -> None:
        """Delete all files of a model, as many as there are."""

    def ping(self) -> None:
        """Return if the store answers."""
