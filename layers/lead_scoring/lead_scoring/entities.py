"""The nouns of the domain: leads, outcomes, predictions, models. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LeadId = int | str
BASELINE_VERSION = "baseline"
# Why a job failed whose lease expired.
WORKER_STOPPED = "the worker stopped before it was done"
ACTION_TYPES = ("view", "contact", "convert", "archive", "rate")
FEEDBACK_SOURCES = ("manual", "implicit")


def lead_key(lead_id: LeadId) -> str:
    """Return the key of a lead: 123 and "123" are the same lead.

    >>> lead_key(123) == lead_key("123")
    True
    """
    return str(lead_id)


def iso(moment: datetime) -> str:
    """Write an aware UTC time as the service writes times: microseconds and `Z`.

    >>> from datetime import UTC
    >>> iso(datetime(2024, 1, 1, 12, tzinfo=UTC))
    '2024-01-01T12:00:00.000000Z'
    """
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead, validated. Times are aware and UTC; texts are as sent; None means absent.

    The e-mail address itself never gets here: only its domain (lower case, None where the
    address has none) and its keyed hash (None where there is no address).
    """

    lead_id: LeadId
    title: str
    description: str | None = None
    category: str | None = None
    location_name: str | None = None
    price: float | None = None
    email_domain: str | None = None
    email_hash: str | None = None
    posted_at: datetime | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a lead, as imported. `user_rating` is 0 to 100; None means not known."""

    lead_id: LeadId
    converted: bool
    contacted: bool | None = None
    user_rating: float | None = None
    conversion_value: float | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A lead, the moment for which it is scored, and what became of it.

    `target` is in [0, 1], `weight` above 0. `known_at` is when the outcome became known,
    never before `moment`, so that no lead ever sees its own outcome. `contact_succeeded` says
    whether getting in touch worked, None where nobody tried or nobody knows.
    """

    lead: Lead
    moment: datetime
    target: float
    weight: float
    known_at: datetime
    contact_succeeded: bool | None = None


class TrainingMatrix(NamedTuple):
    """What a forest is trained on: n rows of features, in time order.

    `rows` (n, features), NaN where missing; `targets` in [0, 1] and `weights` above 0, both (n,);
    `column_weights` (features,): how likely each feature is among those that a tree may use;
    `directions` (features,): 1 where more of it may never lower a score, else 0.
    """

    rows: "NDArray[np.float32]"
    targets: "NDArray[np.float64]"
    weights: "NDArray[np.float64]"
    column_weights: "NDArray[np.float64]"
    directions: "NDArray[np.intp]"


class Feature(NamedTuple):
    """A feature: stable machine name, human label, group. Reasons are summed by label."""

    name: str
    label: str
    group: str


class Reason(TypedDict):
    """One additive contribution, in log-odds."""

    feature: str
    effect: float
    direction: str
    value: float | None


class Prediction(TypedDict):
    """A score as the API answers it; see `docs/` for every field."""

    lead_id: LeadId
    score: int
    confidence: float
    probability: float
    grade: str
    model_version: str
    feature_importance: NotRequired[dict[str, float]]
    reasons: NotRequired[list[Reason]]
    margin: float
    base_effect: NotRequired[float]
    is_outlier: bool
    outlier_reasons: list[str]
    degraded: bool
    prediction_time: str
    as_of: NotRequired[str]
    ab_test: NotRequired[str]
    ab_test_variant: NotRequired[str]


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """The audit record of one score: the lead as scored, the answer, by which request.

    `position` tells apart the scores of one batch, which share a moment and a request.
    """

    lead: Lead
    scored_at: datetime
    request_id: str
    position: int
    model_version: str
    score: int
    probability: float
    confidence: float
    grade: str
    latency_ms: float
    ab_test: str | None = None
    variant: str | None = None
    # The probability that each shadow of the test would have given, by variant.
    shadows: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class GivenScore:
    """A score that a lead was given, as feedback remembers it; `score_key` names its record.

    `shadows` has the probability that each shadow of the test would have given, by variant.
    """

    score_key: str
    model_version: str
    score: int
    probability: float
    ab_test: str | None = None
    variant: str | None = None
    shadows: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """What somebody did with a lead, validated; None means not known.

    `action_type` is view, contact, convert, archive or rate; `user_rating` is 0 to 100;
    `created_at` None means now.
    """

    lead_id: LeadId
    action_type: str
    user_rating: float | None = None
    interaction_seconds: float | None = None
    contact_successful: bool | None = None
    contact_response_seconds: float | None = None
    conversion_value: float | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent feedback: a session as named by the client; of persons only keyed hashes."""

    session_id: str | None = None
    user_hash: str | None = None
    ip_hash: str | None = None
    user_agent_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """One row of feedback: an interaction, what it says, and the score that it answers to.

    `target_score` and `confidence` are in [0, 1]; `feedback_source` is manual or implicit;
    `given` is the lead's last score before `created_at`, None if it had none.
    """

    feedback_id: str
    lead_id: LeadId
    action_type: str
    feedback_source: str
    created_at: datetime
    target_score: float
    confidence: float
    user_rating: float | None = None
    interaction_seconds: float | None = None
    contact_successful: bool | None = None
    contact_response_seconds: float | None = None
    conversion_value: float | None = None
    sender: Sender = Sender()
    given: GivenScore | None = None


@dataclass(frozen=True, slots=True)
class CountedFeedback:
    """A row of feedback and what it adds to the counters of its day (UTC), by counter."""

    feedback: Feedback
    day: date
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """Some of a lead's feedback, newest first; `next_cursor` is None at the end."""

    feedback: Sequence[Feedback]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class LeadSnapshot:
    """A lead as it was at a moment: as it was scored then, or as it was imported."""

    lead: Lead
    moment: datetime


@dataclass(frozen=True, slots=True)
class WantedSnapshot:
    """Which snapshot of a lead training wants: that of a score, else the best there is.

    Without `score_key`: the last live score before `before`, else the imported copy, else the
    first live score of all.
    """

    lead: str
    score_key: str | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Operation:
    """What one request does; doing it again under the same `operation_id` changes nothing more.

    A request with an idempotency key keeps its operation through every repetition; `at` is when it
    came first, and stands wherever the operation writes a time.
    """

    operation_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request by its idempotency key (None: it has none), where it went, and what it says.

    `content` is what JSON can hold.
    """

    key: str | None
    scope: str
    content: object


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What answered a request with an idempotency key: `key` and `fingerprint` are keyed hashes."""

    key: str
    fingerprint: str
    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Job:
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


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to train, for one job, until it expires or is renewed."""

    job_id: str
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ModelRecord:
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


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The active pointer: which model answers, since when, and what it must hash to."""

    model_version: str
    checksums: Mapping[str, str]
    activated_at: datetime
    previous_version: str | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A wish to change the active model; `model_version` None wishes for the one before (rollback).

    Wishing again with the same `operation_id` and `at` changes nothing more.
    """

    at: datetime
    by: str
    model_version: str | None
    reason: str | None = None
    request_id: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A change of the active model, as the ledger keeps it."""

    at: datetime
    by: str
    from_version: str | None
    to_version: str
    reason: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredHistory:
    """The scores of one lead, newest first, and the trend over its last ten."""

    lead_id: LeadId
    scores: list[dict[str, Any]] = field(default_factory=list)
    trend: str = "not_enough_data"
