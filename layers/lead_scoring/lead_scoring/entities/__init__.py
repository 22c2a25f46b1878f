"""The nouns of the domain. Standard library only.

Here are those that scoring needs; to make the classes of the others too delayed every start. All
are named tuples: to make the class of a frozen dataclass takes six times as long, a millisecond.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, NotRequired, TypedDict

LeadId = int | str
BASELINE_VERSION = "baseline"
ACTION_TYPES = ("view", "contact", "convert", "archive", "rate")


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


class Lead(NamedTuple):
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


class ScoreRecord(NamedTuple):
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


class GivenScore(NamedTuple):
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


class ActiveModel(NamedTuple):
    """The active pointer: which model answers, since when, and what it must hash to."""

    model_version: str
    checksums: Mapping[str, str]
    activated_at: datetime
    previous_version: str | None = None


class ScoredHistory(NamedTuple):
    """The scores of one lead, newest first, and the trend over its last ten."""

    lead_id: LeadId
    scores: list[dict[str, Any]]
    trend: str
