"""What the kept reports of monitoring say of drift, as points of a chart.

This is the one place that knows how a report is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


class DriftPoint(NamedTuple):
    """One look: the index of the score, and the feature that moved most; None if not known."""

    at: datetime
    score: float | None
    feature: str | None
    psi: float | None


class Worst(NamedTuple):
    """How far a feature moved at most, when, and what that look made of it."""

    feature: str
    psi: float
    at: datetime
    level: str
    threshold: float | None


def drift_points(reports: Sequence[Mapping[str, Any]], model_version: str) -> list[DriftPoint]:
    """Return the looks at one model, oldest first; looks at too few scores say nothing."""
    return sorted(
        DriftPoint(at, _psi(drift.get("score")), *_moved_most(drift))
        for at, drift in _looks(reports, model_version)
    )


def worst_by_feature(
    reports: Sequence[Mapping[str, Any]], model_version: str, most: int = 10
) -> list[Worst]:
    """Return how far each feature moved at most, furthest first."""
    worst: dict[str, Worst] = {}
    for at, drift in _looks(reports, model_version):
        for each in drift.get("features") or ():
            level, threshold = str(each.get("level", "")), each.get("threshold")
            found = Worst(str(each["feature"]), float(each["psi"]), at, level, threshold)
            if found.feature not in worst or found.psi > worst[found.feature].psi:
                worst[found.feature] = found
    return sorted(worst.values(), key=lambda each: each.psi, reverse=True)[:most]


def _looks(
    reports: Sequence[Mapping[str, Any]], model_version: str
) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    for report in reports:
        drift = report.get("drift") or {}
        # Each model is compared with its own training.
        is_own = report.get("model_version", model_version) == model_version
        if drift and is_own and drift.get("enough", True):
            yield datetime.fromisoformat(str(report["at"])), drift


def _moved_most(drift: Mapping[str, Any]) -> tuple[str | None, float | None]:
    moved = [(float(each["psi"]), str(each["feature"])) for each in drift.get("features") or ()]
    if not moved:
        return None, None
    psi, feature = max(moved)
    return feature, psi


def _psi(score: Mapping[str, Any] | None) -> float | None:
    return None if not score or score.get("psi") is None else float(score["psi"])
