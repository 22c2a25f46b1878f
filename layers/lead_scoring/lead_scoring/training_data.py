"""From leads and their outcomes to training examples, by the rules of the domain."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from .entities import Lead, Outcome, TrainingExample, iso, lead_key


def target(outcome: Outcome) -> float:
    """Return the target of an outcome, in [0, 1]: a conversion, else a rating, else none.

    An outcome says how a lead ended. That it was contacted on the way is no success of its own.

    >>> target(Outcome(1, converted=False, user_rating=40.0))
    0.4
    """
    if outcome.converted:
        return 1.0
    return 0.0 if outcome.user_rating is None else outcome.user_rating / 100


def to_examples(
    labelled: Iterable[tuple[Lead, datetime, Outcome]], label_maturity_hours: int
) -> Iterator[TrainingExample]:
    """Make an example of each lead, its moment and its outcome.

    An outcome without a date counts as known `label_maturity_hours` after the moment; one dated
    before the moment counts as known at it.
    """
    for lead, moment, outcome in labelled:
        known_at = outcome.occurred_at or moment + timedelta(hours=label_maturity_hours)
        yield TrainingExample(
            lead, moment, target(outcome), 1.0, max(known_at, moment), outcome.contacted
        )


def in_time_order(examples: Iterable[TrainingExample]) -> list[TrainingExample]:
    """Sort examples by moment, and by lead where moments are equal."""
    return sorted(examples, key=lambda example: (example.moment, lead_key(example.lead.lead_id)))


def split_by_time(
    examples: Sequence[TrainingExample], validation_split: float
) -> tuple[list[TrainingExample], list[TrainingExample]]:
    """Cut ordered examples into the training part and the newest share, the holdout.

    Examples of one moment stay together, unless that took more than twice the share.
    """
    size = max(1, round(validation_split * len(examples)))
    wanted = cut = len(examples) - size
    while 0 < cut < len(examples) and examples[cut - 1].moment == examples[cut].moment:
        cut -= 1
    if cut == 0 or len(examples) - cut > 2 * size:
        cut = wanted
    return list(examples[:cut]), list(examples[cut:])


def fingerprint(examples: Iterable[TrainingExample]) -> str:
    """Return the SHA-256 of which leads, when, and with which targets a model was trained on."""
    digest = hashlib.sha256()
    for example in examples:
        key = lead_key(example.lead.lead_id)
        digest.update(f"{key}\0{iso(example.moment)}\0{example.target!r}\n".encode())
    return digest.hexdigest()
