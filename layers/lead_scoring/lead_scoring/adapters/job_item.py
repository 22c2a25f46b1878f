"""The table of jobs: one item a training, and the item of the lease."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import Attribute, BooleanAttribute, ListAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..entities.models import Job, Lease
from .columns import FloatColumn, FloatMapColumn, MomentColumn, WholeColumn

JOB = "JOB#"
LEASE = "LEASE#retrain"
# Until when a lease holds that was given back: expired at any moment.
FREED = datetime(1970, 1, 1, tzinfo=UTC)
UNFINISHED = ("queued", "running")
_KEPT_FOR = timedelta(days=90)


class ParamsColumn(Attribute[Mapping[str, float]]):
    """Named numbers; whole ones come back as such, for DynamoDB knows no difference."""

    attr_type = "M"

    def serialize(self, value: Mapping[str, float]) -> dict[str, dict[str, Any]]:
        """Write each as a number."""
        return FloatMapColumn().serialize(value)

    def deserialize(self, value: dict[str, dict[str, Any]]) -> dict[str, float]:
        """Read each back.

        >>> ParamsColumn().deserialize({"max_depth": {"N": "8.0"}, "gamma": {"N": "0.5"}})
        {'max_depth': 8, 'gamma': 0.5}
        """
        numbers = {name: float(entry["N"]) for name, entry in value.items()}
        return {
            name: int(number) if number.is_integer() else number for name, number in numbers.items()
        }


class JobsItem(Model):
    """Anything in the table."""

    job_key = UnicodeAttribute(hash_key=True)


class JobItem(JobsItem):
    """A training, as `Job` has it."""

    job_id = UnicodeAttribute()
    status = UnicodeAttribute()
    requested_by = UnicodeAttribute()
    created_at = MomentColumn()
    fence = WholeColumn()
    force_retrain = BooleanAttribute()
    validation_split = FloatColumn()
    params = ParamsColumn(null=True)
    data_name = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute(null=True)
    step = UnicodeAttribute()
    fraction = FloatColumn()
    reasons = ListAttribute[str]()
    model_version = UnicodeAttribute(null=True)
    metrics = FloatMapColumn(null=True)
    promoted = BooleanAttribute(null=True)
    verdict = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    finished_at = MomentColumn(null=True)
    expires_at = WholeColumn()

    def job(self) -> Job:
        """Return the training that the item describes."""
        return Job(
            job_id=self.job_id,
            status=self.status,
            requested_by=self.requested_by,
            created_at=self.created_at,
            fence=self.fence,
            force_retrain=self.force_retrain,
            validation_split=self.validation_split,
            params=self.params,
            data_name=self.data_name,
            request_id=self.request_id,
            step=self.step,
            fraction=self.fraction,
            reasons=tuple(self.reasons),
            model_version=self.model_version,
            metrics=self.metrics,
            promoted=self.promoted,
            verdict=self.verdict,
            error=self.error,
            finished_at=self.finished_at,
        )


class LeaseItem(JobsItem):
    """The lease: which job took it last, under which number, and until when it holds."""

    job_id = UnicodeAttribute()
    fence = WholeColumn()
    lease_until = MomentColumn()


def item_of(table: type[JobItem], job: Job) -> JobItem:
    """Make the item of a job, which expires long after it."""
    return table(
        job_key=JOB + job.job_id,
        job_id=job.job_id,
        status=job.status,
        requested_by=job.requested_by,
        created_at=job.created_at,
        fence=job.fence,
        force_retrain=job.force_retrain,
        validation_split=job.validation_split,
        params=None if job.params is None else dict(job.params),
        data_name=job.data_name,
        request_id=job.request_id,
        step=job.step,
        fraction=job.fraction,
        reasons=list(job.reasons),
        model_version=job.model_version,
        metrics=None if job.metrics is None else dict(job.metrics),
        promoted=job.promoted,
        verdict=job.verdict,
        error=job.error,
        finished_at=job.finished_at,
        expires_at=int((job.created_at + _KEPT_FOR).timestamp()),
    )


def is_unfinished(table: type[JobItem], fence: int) -> Condition:
    """Hold while a job is queued or running under this number."""
    condition: Condition = table.status.is_in(*UNFINISHED) & (table.fence == fence)
    return condition


def holds(table: type[LeaseItem], job_id: str, fence: int, now: datetime) -> Condition:
    """Hold while the lease is this job's, under this number, and has not expired."""
    own: Condition = (table.job_id == job_id) & (table.fence == fence)
    own &= table.lease_until > now
    return own


def write_end(
    write: TransactWrite,
    jobs: type[JobItem],
    leases: type[LeaseItem],
    lease: Lease,
    finished: Job,
) -> None:
    """Add the end of a job to a transaction: it is written down, and its lease given back.

    The lease must hold when the job finished, by the clock of whoever finishes it.
    """
    moment = ended_at(finished)
    write.save(item_of(jobs, finished), is_unfinished(jobs, lease.fence))
    write.update(
        leases(LEASE),
        [leases.lease_until.set(FREED)],
        holds(leases, lease.job_id, lease.fence, moment),
    )


def ended_at(finished: Job) -> datetime:
    """Return when a job ended; raise ValueError for one that has not."""
    if finished.finished_at is None or finished.status in UNFINISHED:
        raise ValueError("a job that has not finished cannot be written as finished")
    return finished.finished_at


def has_ended_as(stored: Job, finished: Job) -> bool:
    """Whether a job was written as finished by the very call that wants to do so again."""
    return (stored.fence, stored.status, stored.finished_at, stored.model_version) == (
        finished.fence,
        finished.status,
        finished.finished_at,
        finished.model_version,
    )
