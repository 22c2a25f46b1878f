"""In-memory fakes of every port; the contract suites hold them to what the real stores do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_scoring.bootstrap import Services
from lead_scoring.entities import ActiveModel, GivenScore, Lead, LeadId, ScoreRecord, iso, lead_key
from lead_scoring.entities.feedback import Feedback, Sender
from lead_scoring.entities.models import Activation, Job, Lease, LedgerRow, ModelRecord
from lead_scoring.entities.training import LeadSnapshot, Outcome, WantedSnapshot
from lead_scoring.errors import (
    ArtifactError,
    ConflictError,
    NotFoundError,
    PointerMovedError,
    StoreUnavailableError,
)
from lead_scoring.settings import Settings
from tests.fakes_ab_tests import FakeABTestStore, FakeExposureStore
from tests.fakes_feedback import FakeFeedbackStore, FakeReplyStore
from tests.fakes_jobs import FakeJobStore, FakeTrainingWorker
from tests.fakes_monitoring import FakeMonitoringStore


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

    def newest_first(self, lead_id: LeadId, *, live_only: bool = False) -> Iterator[ScoreRecord]:
        self.outage.check()
        own = [each for each in self.records if lead_key(each.lead.lead_id) == lead_key(lead_id)]
        shown = [each for each in own if each.lead.as_of is None or not live_only]
        yield from sorted(shown, key=_score_key, reverse=True)

    def given_before(self, lead_id: LeadId, moment: datetime) -> GivenScore | None:
        live = self.newest_first(lead_id, live_only=True)
        before = next((each for each in live if each.scored_at < moment), None)
        if before is None:
            return None
        return GivenScore(
            score_key=_score_key(before),
            model_version=before.model_version,
            score=before.score,
            probability=before.probability,
            ab_test=before.ab_test,
            variant=before.variant,
            shadows=before.shadows,
        )

    def sampled(self, since: datetime) -> Iterator[ScoreRecord]:
        self.outage.check()
        live = [one for one in self.records if one.lead.as_of is None and one.scored_at >= since]
        yield from sorted(live, key=_score_key, reverse=True)

    def knows(self, lead_id: LeadId) -> bool:
        known = next(self.newest_first(lead_id), None) is not None
        return known or lead_key(lead_id) in self.imported

    def delete(self, lead_id: LeadId) -> tuple[int, int]:
        self.outage.check()
        kept = [each for each in self.records if lead_key(each.lead.lead_id) != lead_key(lead_id)]
        gone = len(self.records) - len(kept)
        self.records = kept
        return gone, 1 if self.imported.pop(lead_key(lead_id), None) else 0


class FakeTrainingStore:
    """Imported leads and outcomes in dictionaries, and the feedback of another fake."""

    def __init__(
        self, predictions: FakePredictionStore, feedback: FakeFeedbackStore | None = None
    ) -> None:
        self.predictions = predictions
        feedback = feedback or _no_feedback(predictions.outage)
        self.outcomes, self.rows = feedback.outcomes, feedback.rows
        # When an outcome without a date was imported.
        self.imported_at: dict[str, datetime] = {}
        self.clock = feedback.replies.clock

    def add_leads(self, leads: Iterable[tuple[Lead, datetime]]) -> None:
        self.predictions.outage.check()
        for lead, moment in leads:
            self.predictions.imported[lead_key(lead.lead_id)] = (lead, moment)

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        self.predictions.outage.check()
        for outcome in outcomes:
            self.outcomes[lead_key(outcome.lead_id)] = outcome
            self.imported_at[lead_key(outcome.lead_id)] = self.clock.now()

    def evidence(self, since: datetime | None = None) -> Iterator[Feedback | Outcome]:
        self.predictions.outage.check()
        for key, outcome in self.outcomes.items():
            if since is None or (outcome.occurred_at or self.imported_at[key]) >= since:
                yield outcome
        for row in self.rows.values():
            if since is None or row.created_at >= since:
                given = row.given and row.given._replace(variant=None)
                yield row._replace(sender=Sender(), given=given)

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        self.predictions.outage.check()
        for each in wanted:
            found = self._snapshot(each)
            if found is not None:
                yield each.lead, found

    def _snapshot(self, wanted: WantedSnapshot) -> LeadSnapshot | None:
        newest_first = list(self.predictions.newest_first(wanted.lead, live_only=True))
        for record in newest_first:
            if _score_key(record) == wanted.score_key:
                return LeadSnapshot(record.lead, record.scored_at)
        for record in newest_first:
            if wanted.before is not None and record.scored_at < wanted.before:
                return LeadSnapshot(record.lead, record.scored_at)
        if wanted.lead in self.predictions.imported:
            lead, moment = self.predictions.imported[wanted.lead]
            return LeadSnapshot(lead._replace(as_of=None), moment)
        for record in newest_first[-1:]:
            return LeadSnapshot(record.lead, record.scored_at)
        return None

    def count(self) -> int:
        self.predictions.outage.check()
        return len(self.outcomes) + len(self.rows)

    def delete(self, lead_id: LeadId) -> int:
        self.predictions.outage.check()
        own = [key for key in self.rows if key[0] == lead_key(lead_id)]
        for key in own:
            del self.rows[key]
        return len(own) + (1 if self.outcomes.pop(lead_key(lead_id), None) else 0)


class FakeModelRegistry:
    """Models, the pointer and the ledger in memory; a training's end goes to the fake of jobs."""

    def __init__(self, outage: Outage | None = None, jobs: FakeJobStore | None = None) -> None:
        self.records: dict[str, ModelRecord] = {}
        self.pointer: ActiveModel | None = None
        self.activated_by = ""
        self.ledger: list[LedgerRow] = []
        self.operations: dict[str, LedgerRow] = {}
        self.running_tests: dict[str, set[str]] = {}
        self.outage = outage or Outage("dynamodb")
        self.jobs = jobs or FakeJobStore(self.outage)

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

    def publish(
        self,
        record: ModelRecord,
        activation: Activation | None,
        compared_with: ActiveModel | None,
        lease: Lease,
        finished: Job,
    ) -> None:
        self.outage.check()
        if not self.jobs.may_finish(lease, finished):
            return
        if activation and self.pointer != compared_with:
            raise PointerMovedError("another model was activated meanwhile")
        if record.model_version in self.records:
            raise ConflictError("registered already")
        self.register(record)
        self.jobs.finish(lease, finished)
        if activation:
            self._move(record.model_version, activation)

    def activate(self, activation: Activation) -> LedgerRow:
        before = self.active()
        if activation.operation_id in self.operations:
            return self.operations[activation.operation_id]
        version = activation.model_version or (before.previous_version if before else None)
        if version is None:
            raise ConflictError("no other model was active before this one")
        if before and before.model_version == version:
            return LedgerRow(before.activated_at, self.activated_by, version, version)
        return self._move(version, activation)

    def history(self, limit: int) -> list[LedgerRow]:
        self.outage.check()
        return self.ledger[::-1][:limit]

    def remove(self, model_version: str) -> bool:
        active = self.active()
        if active and model_version in (active.model_version, active.previous_version):
            return False
        if self.running_tests.get(model_version):
            return False
        return self.records.pop(model_version, None) is not None

    def _move(self, version: str, activation: Activation) -> LedgerRow:
        record, before = self.get(version), self.pointer
        at, tick = activation.at, timedelta(microseconds=1)
        row = LedgerRow(
            at=max(at, before.activated_at + tick) if before else at,
            by=activation.by,
            from_version=before.model_version if before else None,
            to_version=version,
            reason=activation.reason,
            request_id=activation.request_id,
        )
        self.records[version] = record._replace(deployed_at=row.at)
        self.ledger.append(row)
        if activation.operation_id:
            self.operations[activation.operation_id] = row
        self.activated_by = activation.by
        self.pointer = ActiveModel(version, record.checksums, row.at, row.from_version)
        return row


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

    def link(self, model_version: str, name: str) -> str | None:
        self.outage.check()
        return f"https://{model_version}/{name}" if (model_version, name) in self.files else None

    def versions(self) -> list[str]:
        self.outage.check()
        return sorted({version for version, _ in self.files})

    def delete(self, model_version: str) -> None:
        self.outage.check()
        self.files = {key: file for key, file in self.files.items() if key[0] != model_version}

    def ping(self) -> None:
        self.outage.check()


def _score_key(record: ScoreRecord) -> str:
    return f"{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"


def _no_feedback(outage: Outage) -> FakeFeedbackStore:
    return FakeFeedbackStore(FakeReplyStore(FakeClock(), outage), outage)


def fake_services(model_dir: str, **settings: Any) -> Services:
    """Services as `bootstrap` wires them, on fakes of every port."""
    defaults = {"hash_key": "a key of the tests", "model_dir": model_dir}
    services = Services(Settings(**(defaults | settings)))
    predictions, models, artifacts = FakePredictionStore(), FakeModelRegistry(), FakeArtifactStore()
    clock = FakeClock()
    replies = FakeReplyStore(clock, Outage("dynamodb"))
    feedback = FakeFeedbackStore(replies, Outage("dynamodb"))
    ab_tests = FakeABTestStore(models, Outage("dynamodb"))
    # What a cached property would make is put in its place.
    services.__dict__.update(
        clock=clock,
        predictions=predictions,
        training_data=FakeTrainingStore(predictions, feedback),
        feedback=feedback,
        replies=replies,
        models=models,
        jobs=models.jobs,
        training_worker=FakeTrainingWorker(),
        artifacts=artifacts,
        ab_test_store=ab_tests,
        exposures=FakeExposureStore(ab_tests, predictions, Outage("dynamodb")),
        monitoring=FakeMonitoringStore(Outage("dynamodb")),
    )
    return services
