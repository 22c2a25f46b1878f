"""The training set: every lead once, as it was scored, with what became of it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from . import labels
from .entities import Lead, lead_key
from .entities.training import LeadSnapshot, TrainingExample, WantedSnapshot
from .features.historical import KnownTarget
from .labels import Evidence, Label
from .settings import Settings

# A weight must be above 0, however old the evidence.
_LEAST_WEIGHT = 1e-6


class Source(Protocol):
    """Where evidence and snapshots come from; a TrainingStore is one."""

    def evidence(self) -> Iterable[Evidence]:
        """Iterate over all feedback and imported outcomes."""

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterable[tuple[str, LeadSnapshot]]:
        """Iterate over the snapshots that exist, each with the key of its lead."""


class TrainingSet(NamedTuple):
    """Examples in time order, and what was known of all leads at any time."""

    examples: list[TrainingExample]
    history: list[KnownTarget]

    def known_until(self, now: datetime) -> datetime:
        """Return when the newest of it became known, not after the present."""
        return min(now, max((known.known_at for known in self.history), default=now))


def training_set(source: Source, settings: Settings, now: datetime) -> TrainingSet:
    """Make the training set of all evidence that there is.

    A lead whose outcome may still come is no example; nor is one that was neither scored live nor
    imported, or whose score from before its outcome is not kept any more.
    """
    maturity_hours = settings.label_maturity_hours
    evidence = labels.by_lead(source.evidence())
    usable: dict[str, Label] = {}
    for key, of_lead in evidence.items():
        label = labels.label(of_lead, now, maturity_hours)
        if label is not None:
            usable[key] = label
    wanted = {key: _scored_for(key, label) for key, label in usable.items()}
    snapshots = dict(source.snapshots(wanted.values()))
    labelled = (
        (snapshots[key], label)
        for key, label in usable.items()
        if key in snapshots and not _is_too_late(snapshots[key], label)
    )
    examples = in_time_order(_examples(labelled, settings))
    # What came later must not even change as what a lead counts: it counts as it was when the first
    # was heard of it.
    first = {key: _scored_first(key, of_lead) for key, of_lead in evidence.items()}
    others = [one for key, one in first.items() if not _is_same(one, wanted.get(key))]
    snapshots.update(source.snapshots(others))
    return TrainingSet(examples, list(_history(evidence, snapshots, now, maturity_hours)))


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


def fingerprint(data: TrainingSet, recipe: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that a model comes from: its data, and how it is trained.

    `recipe` is what JSON can hold. Equal fingerprints: training again makes the same model.
    """
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for example in data.examples:
        digest.update(_bytes(example._replace(lead=_same_lead(example.lead))))
    for known in data.history:
        digest.update(_bytes(known._replace(lead=_same_lead(known.lead))))
    return digest.hexdigest()


def _same_lead(lead: Lead) -> Lead:
    """Return a lead whose id is a text: 123 and "123" are the same."""
    return lead._replace(lead_id=lead_key(lead.lead_id))


def _bytes(value: object) -> bytes:
    return repr(value).encode("utf-8", "surrogatepass")


def _scored_for(key: str, label: Label) -> WantedSnapshot:
    return WantedSnapshot(key, label.given.score_key if label.given else None, label.known_at)


def _is_too_late(snapshot: LeadSnapshot, label: Label) -> bool:
    """Tell whether a lead that was scored before its outcome is only known as it was after it."""
    if label.given is None or label.known_at is None:
        return False
    return snapshot.moment > label.known_at


def _scored_first(key: str, evidence: Sequence[Evidence]) -> WantedSnapshot:
    return _scored_for(key, labels.strongest([labels.oldest(evidence)]))


def _is_same(one: WantedSnapshot, other: WantedSnapshot | None) -> bool:
    """Tell whether both name the same snapshot for sure."""
    if other is None or one.score_key != other.score_key:
        return False
    return one.score_key is not None or one.before == other.before


def _examples(
    labelled: Iterable[tuple[LeadSnapshot, Label]], settings: Settings
) -> Iterator[TrainingExample]:
    """Weigh each label by its confidence, halved with every half-life of its age.

    Ages are counted from the newest label, so that the same data gives the same model at any time.
    """
    maturity = timedelta(hours=settings.label_maturity_hours)
    dated = [(one, label, label.known_at or one.moment + maturity) for one, label in labelled]
    newest = max((known_at for *_, known_at in dated), default=None)
    half_life = timedelta(days=settings.feedback_half_life_days)
    for snapshot, label, known_at in dated:
        age = (newest or known_at) - known_at
        yield TrainingExample(
            lead=snapshot.lead,
            moment=snapshot.moment,
            target=label.target,
            weight=max(_LEAST_WEIGHT, label.confidence * 0.5 ** (age / half_life)),
            known_at=max(known_at, snapshot.moment),
            contact_succeeded=label.contact_succeeded,
        )


def _history(
    evidence: Mapping[str, Sequence[Evidence]],
    snapshots: Mapping[str, LeadSnapshot],
    now: datetime,
    maturity_hours: float,
) -> Iterator[KnownTarget]:
    """Tell what was known of each lead, and since when; leads in a fixed order."""
    for key in sorted(evidence):
        snapshot, before = snapshots.get(key), None
        if snapshot is None:
            continue
        undated_at = snapshot.moment + timedelta(hours=maturity_hours)
        for revision in labels.revisions(evidence[key], undated_at, now, maturity_hours):
            known_at = max(revision.known_at, snapshot.moment)
            yield KnownTarget(snapshot.lead, known_at, revision.target, before)
            before = revision.target
