"""The nouns of training: what leads were, and what became of them."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from . import Lead, LeadId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Outcome(NamedTuple):
    """What became of a lead, as imported. `user_rating` is 0 to 100; None means not known."""

    lead_id: LeadId
    converted: bool
    contacted: bool | None = None
    user_rating: float | None = None
    conversion_value: float | None = None
    occurred_at: datetime | None = None


class TrainingExample(NamedTuple):
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


class LeadSnapshot(NamedTuple):
    """A lead as it was at a moment: as it was scored then, or as it was imported."""

    lead: Lead
    moment: datetime


class WantedSnapshot(NamedTuple):
    """Which snapshot of a lead training wants: that of a score, else the best there is.

    Without `score_key`: the last live score before `before`, else the imported copy, else the
    first live score of all.
    """

    lead: str
    score_key: str | None
    before: datetime | None
