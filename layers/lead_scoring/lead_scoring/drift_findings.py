"""What the leads and scores of late are, against those of the training: figures, and findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .alerting import WARNING, Finding
from .data_quality import FIELDS, QualityCounts, share_of
from .drift import FEWEST_SAMPLES, WARNING_PSI, Counts, noise, psi
from .monitoring_reference import Reference
from .significance import Proportion, two_proportion_z

# A share of faults that rose by less is no news, however many leads tell it.
_LEAST_RISE = 0.1
_CHANCE = 1e-4
_CLEAR = 0.8
_MOST_NAMED, _MOST_SHOWN = 5, 30
# Hour, weekday and month of the posting; success rates, and how many earlier cases each rests on:
# early leads of the training had little history, those of today have all of it.
_CALENDAR, _HISTORY = "posted_", ("_success_rate", "_cases")


@dataclass(slots=True)
class Observed:
    """What was counted over the scores of late."""

    counts: list[Counts]
    quality: QualityCounts = field(default_factory=QualityCounts)

    @property
    def samples(self) -> int:
        """How many scores were counted."""
        return self.quality.leads


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a feature, or the score, has moved; `threshold` is where that is an alarm."""

    name: str
    label: str
    psi: float
    threshold: float
    noise: float

    @property
    def moves_with_time(self) -> bool:
        """Whether time alone moves it: a week has other days than a weekend, histories grow."""
        return self.name.startswith(_CALENDAR) or self.name.endswith(_HISTORY)

    @property
    def level(self) -> str:
        """Whether that is ok, a warning or an alarm; what time alone moves alarms nobody."""
        if self.psi > self.threshold and not self.moves_with_time:
            return "alarm"
        return "warning" if self.psi > max(WARNING_PSI, self.noise) else "ok"


def moved(reference: Reference, observed: Observed) -> list[Moved]:
    """Return how far everything has moved, furthest beyond its threshold first."""
    found = [
        Moved(
            reference.names[place],
            reference.labels[place],
            psi(expected, actual),
            reference.threshold(place, actual),
            noise(expected, actual),
        )
        for place, (expected, actual) in enumerate(
            zip(reference.counts, observed.counts, strict=True)
        )
    ]
    return sorted(found, key=lambda each: each.psi / each.threshold, reverse=True)


def drift_view(found: Sequence[Moved], samples: int) -> dict[str, Any]:
    """Return drift as `GET /metrics` shows it: the score, and the features that moved most."""
    score = next(each for each in found if each.name == "score")
    features = [each for each in found if each is not score]
    return {
        "samples": samples,
        "enough": samples >= FEWEST_SAMPLES,
        "score": _moved_view(score),
        "features": [_moved_view(each) for each in features[:_MOST_SHOWN]],
        "alarms": sum(each.level == "alarm" for each in features),
        "warnings": sum(each.level == "warning" for each in features),
    }


def quality_view(reference: Reference, quality: QualityCounts) -> dict[str, Any]:
    """Return the shares of faults of late beside those of the training."""
    return {
        "samples": quality.leads,
        "shares": quality.shares(),
        "at_training": reference.quality,
        "never_seen": quality.examples(),
    }


def drift_findings(
    found: Sequence[Moved], reference: Reference, observed: Observed
) -> Iterator[Finding]:
    """Return what is found about the leads and scores of late; nothing of too few.

    `found` is how far everything has moved.
    """
    if observed.samples < FEWEST_SAMPLES:
        return
    score = next(each for each in found if each.name == "score")
    features = [each for each in found if each is not score]
    yield _feature_drift([each for each in features if not each.moves_with_time])
    yield _score_drift(score)
    yield from _quality(reference, observed.quality)


def _moved_view(one: Moved) -> dict[str, Any]:
    return {
        "feature": one.label,
        "name": one.name,
        "psi": round(one.psi, 4),
        "level": one.level,
        "threshold": round(one.threshold, 4),
    }


def _feature_drift(found: Sequence[Moved]) -> Finding:
    worst = found[0]
    labels = _labels(each for each in found if each.level == "alarm")
    return Finding(
        "feature_drift",
        WARNING,
        round(worst.psi, 4),
        round(worst.threshold, 4),
        is_bad=worst.psi > worst.threshold,
        is_clear=worst.psi <= _CLEAR * worst.threshold,
        text=f"Leads are no longer as in training: {_named(labels)} moved"
        f" (PSI up to {worst.psi:.2f}, alarm at {worst.threshold:.2f}).",
        what_to_do="Look whether the sender changed something (units, fields, categories). If the"
        " leads are right, the next check trains a new model; POST /retrain does it now.",
        subjects=labels,
    )


def _score_drift(score: Moved) -> Finding:
    return Finding(
        "score_drift",
        WARNING,
        round(score.psi, 4),
        round(score.threshold, 4),
        is_bad=score.psi > score.threshold,
        is_clear=score.psi <= _CLEAR * score.threshold,
        text=f"Scores are distributed otherwise than in training (PSI {score.psi:.2f}, alarm at"
        f" {score.threshold:.2f}).",
        what_to_do="See under drift which features moved. Grades and thresholds mean something else"
        " now; the next check trains a new model.",
        subjects=["Score"],
    )


def _quality(reference: Reference, quality: QualityCounts) -> Iterator[Finding]:
    shares, before, n = quality.shares(), reference.quality, quality.leads
    missing = {name: _rise(shares, before, "missing", name) for name in FIELDS}
    yield _rose(
        "missing_values",
        missing,
        (n, reference.leads, before, "missing"),
        "More leads than in training lack",
        "Ask whoever sends the leads whether the field is still filled in, and under which name.",
    )
    outside = {name: _rise(shares, before, "out_of_range", name) for name in shares["out_of_range"]}
    yield _rose(
        "out_of_range",
        outside,
        (n, reference.leads, before, "out_of_range"),
        "More leads than in training lie outside its range in",
        "Look for another unit or currency, or a text in the wrong field.",
    )
    unseen = {"category": _rise(shares, before, "unseen_categories", None)}
    yield _rose(
        "unseen_categories",
        unseen,
        (n, reference.leads, before, "unseen_categories"),
        f"Leads have categories that training never saw ({', '.join(quality.examples())}):",
        "If they are new, have a model trained when outcomes are there; if they are old ones under"
        " new names, map them.",
    )
    contradictory = {
        name: _rise(shares, before, "inconsistent", name) for name in shares["inconsistent"]
    }
    yield _rose(
        "inconsistent_leads",
        contradictory,
        (n, reference.leads, before, "inconsistent"),
        "More leads than in training contradict themselves:",
        "Look at some of them: a unit or a time zone may have changed.",
    )


def _rose(
    code: str,
    rises: dict[str, float],
    basis: tuple[int, int, dict[str, Any], str],
    text: str,
    what_to_do: str,
) -> Finding:
    """Say which shares rose, by enough and not by chance."""
    n, n_before, before, kind = basis
    worst_first = sorted(rises, key=lambda name: rises[name], reverse=True)
    high = [
        name
        for name in worst_first
        if rises[name] > _LEAST_RISE
        and _is_sure(rises[name], share_of(before, kind, name), n, n_before)
    ]
    worst = rises[worst_first[0]] if worst_first else 0.0
    return Finding(
        code,
        WARNING,
        round(worst, 4),
        _LEAST_RISE,
        is_bad=bool(high),
        is_clear=worst <= _CLEAR * _LEAST_RISE,
        text=f"{text} {_named(high)} (up by {100 * worst:.0f} percentage points).",
        what_to_do=what_to_do,
        subjects=high,
    )


def _rise(shares: dict[str, Any], before: dict[str, Any], kind: str, name: str | None) -> float:
    return share_of(shares, kind, name) - share_of(before, kind, name)


def _is_sure(rise: float, share_before: float, n: int, n_before: int) -> bool:
    now = Proportion(round((share_before + rise) * n), n)
    then = Proportion(round(share_before * n_before), n_before)
    return two_proportion_z(then, now).p_value < _CHANCE


def _labels(found: Iterator[Moved]) -> list[str]:
    return list(dict.fromkeys(each.label for each in found))


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
