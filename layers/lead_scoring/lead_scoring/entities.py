"""The nouns of the domain: leads, outcomes, predictions, models. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LeadId = int | str
BASELINE_VERSION = "baseline"


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
    always after `moment`, so that no lead ever sees its own outcome.
    """

    lead: Lead
    moment: datetime
    target: float
    weight: float
    known_at: datetime
    contacted: bool | None = None


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


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A registered model: what the registry knows without opening its artifact.

    `checksums` maps each file of the artifact to its SHA-256 in hex.
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
    """A change of the active model, as the ledger keeps it."""

    at: datetime
    by: str
    model_version: str
    reason: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredHistory:
    """The scores of one lead, newest first, and the trend over its last ten."""

    lead_id: LeadId
    scores: list[dict[str, Any]] = field(default_factory=list)
    trend: str = "not_enough_data"
