"""The nouns of running the service: models, their jobs, who changed what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

# Why a job failed whose lease expired.
WORKER_STOPPED = "the worker stopped before it was done"


class Operation(NamedTuple):
    """What one request does; doing it again under the same `operation_id` changes nothing more.

    A request with an idempotency key keeps its operation through every repetition; `at` is when it
    came first, and stands wherever the operation writes a time.
    """

    operation_id: str
    at: datetime


class KeyedRequest(NamedTuple):
    """A request by its idempotency key (None: it has none), where it went, and what it says.

    `content` is what JSON can hold.
    """

    key: str | None
    scope: str
    content: object


class KeptReply(NamedTuple):
    """What answered a request with an idempotency key: `key` and `fingerprint` are keyed hashes."""

    key: str
    fingerprint: str
    status: int
    body: str


class Job(NamedTuple):
    """A training of a model; `status` is queued, running, skipped, succeeded or failed.

    `fence` is the number of its lease: the larger came later. `fraction` is in [0, 1].
    """

    job_id: str
    status: str
    requested_by: str
    created_at: datetime
    fence: int
    force_retrain: bool = False
    validation_split: float = 0.2
    params: Mapping[str, float] | None = None
    data_name: str | None = None
    request_id: str | None = None
    step: str = "queued"
    fraction: float = 0.0
    reasons: Sequence[str] = ()
    model_version: str | None = None
    metrics: Mapping[str, float | None] | None = None
    promoted: bool | None = None
    verdict: str | None = None
    error: str | None = None
    finished_at: datetime | None = None


class Lease(NamedTuple):
    """The right to train, for one job, until it expires or is renewed."""

    job_id: str
    fence: int
    expires_at: datetime


class ModelRecord(NamedTuple):
    """A registered model: what the registry knows without opening its artifact.

    `checksums` maps each file of the artifact to its SHA-256 in hex; `threshold` is the probability
    from which a lead counts as predicted positive; `trained_until` is when its newest outcome was
    known.
    """

    model_version: str
    model_type: str
    metrics: Mapping[str, float | None]
    training_samples: int
    validation_samples: int
    feature_count: int
    training_duration: float
    size_bytes: int
    checksums: Mapping[str, str]
    created_at: datetime
    threshold: float
    trained_until: datetime
    data_fingerprint: str
    deployed_at: datetime | None = None


class Activation(NamedTuple):
    """A wish to change the active model; `model_version` None wishes for the one before (rollback).

    Wishing again with the same `operation_id` and `at` changes nothing more.
    """

    at: datetime
    by: str
    model_version: str | None
    reason: str | None = None
    request_id: str | None = None
    operation_id: str | None = None


class LedgerRow(NamedTuple):
    """A change of the active model, as the ledger keeps it."""

    at: datetime
    by: str
    from_version: str | None
    to_version: str
    reason: str | None = None
    request_id: str | None = None
