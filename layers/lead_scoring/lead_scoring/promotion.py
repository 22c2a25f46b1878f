"""The gate: whether a candidate may take the place of what answers now, and the sentence why.

Both are measured on the same holdout, and the same resamples of it: leads that are hard for one are
hard for the other, so differences are surer than either figure.
Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import evaluation
from .entities import BASELINE_VERSION

Doubles = NDArray[np.float64]

# The baseline has learned no threshold.
BASELINE_THRESHOLD = 0.5
_SEED = 42
_NAMES = {"f1_score": "F1", "auc_roc": "AUC", "log_loss": "log loss"}


class Contender(NamedTuple):
    """A model on the holdout: its probabilities (n,) and the threshold of its own."""

    version: str
    probabilities: Doubles
    threshold: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus the other, with its 95 % interval; None where it is not defined."""

    estimate: float | None
    low: float | None
    high: float | None

    @property
    def span(self) -> str:
        """The difference in words."""
        if self.estimate is None or self.low is None or self.high is None:
            return "not defined"
        return f"{self.estimate:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate is promoted: in a sentence, in short, and in figures."""

    promoted: bool
    text: str
    short: str
    compared_with: str
    differences: Mapping[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """Return what the model card shows."""
        return {
            "promoted": self.promoted,
            "text": self.text,
            "compared_with": self.compared_with,
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def judge(
    candidate: Contender, other: Contender, targets: Doubles, remarks: Sequence[str] = ()
) -> Verdict:
    """Compare a candidate with what answers now; `targets` (n,) are in [0, 1].

    Against a model, F1 must improve, and neither AUC nor log loss be significantly worse. Against
    the baseline a lower log loss is enough. `remarks` are sentences that end the verdict.
    """
    figures = [_headline(one, targets) for one in (candidate, other)]
    differences = _differences(candidate, other, targets)
    faults = list(_faults(other, differences))
    leading = "log_loss" if other.version == BASELINE_VERSION else "f1_score"
    ours, theirs = (figure[leading] for figure in figures)
    opening = "Promoted" if not faults else f"Not promoted, because {' and '.join(faults)}"
    rest = "; ".join(
        f"{_NAMES[name]} {one.span}" for name, one in differences.items() if name != leading
    )
    text = (
        f"{opening}: on the {len(targets):,} newest leads {_NAMES[leading]} is {_figure(ours)},"
        f" against {_figure(theirs)} of {_called(other)}: {differences[leading].span}; {rest}"
        " (differences with 95 % intervals)."
    )
    short = (
        f"{'promoted' if not faults else 'not promoted'}: {_NAMES[leading]}"
        f" {differences[leading].span} against {other.version} on {len(targets):,} leads"
    )
    return Verdict(not faults, " ".join([text, *remarks]), short, other.version, differences)


def _faults(other: Contender, differences: Mapping[str, Difference]) -> Iterator[str]:
    f1, auc, log_loss = (differences[name] for name in ("f1_score", "auc_roc", "log_loss"))
    if other.version == BASELINE_VERSION:
        if log_loss.estimate is None or log_loss.estimate >= 0:
            yield "its log loss is not lower"
        return
    if f1.estimate is None:
        yield "F1 cannot be computed on them"
    elif f1.estimate <= 0:
        yield "F1 does not improve"
    if auc.high is not None and auc.high < 0:
        yield "AUC is significantly worse"
    if log_loss.low is not None and log_loss.low > 0:
        yield "log loss is significantly worse"


def _differences(candidate: Contender, other: Contender, targets: Doubles) -> dict[str, Difference]:
    ranked = [evaluation.rank(one.probabilities, targets) for one in (candidate, other)]
    thresholds = (candidate.threshold, other.threshold)

    def difference(counts: Doubles) -> dict[str, float | None]:
        ours, theirs = (
            evaluation.headline(each, threshold, counts[each.order])
            for each, threshold in zip(ranked, thresholds, strict=True)
        )
        return {name: _minus(ours[name], theirs[name]) for name in _NAMES}

    estimates = difference(np.ones(len(targets)))
    generator = np.random.default_rng(_SEED)
    draws: dict[str, list[float]] = {name: [] for name in _NAMES}
    for _ in range(evaluation.BOOTSTRAP_RESAMPLES):
        drawn = generator.integers(0, len(targets), len(targets))
        counts = np.bincount(drawn, minlength=len(targets)).astype(float)
        for name, value in difference(counts).items():
            if value is not None:
                draws[name].append(value)
    return {name: _with_interval(estimates[name], draws[name]) for name in _NAMES}


def _headline(contender: Contender, targets: Doubles) -> evaluation.Metrics:
    ranked = evaluation.rank(contender.probabilities, targets)
    return evaluation.headline(ranked, contender.threshold, np.ones(len(targets)))


def _with_interval(estimate: float | None, draws: Sequence[float]) -> Difference:
    if estimate is None or not draws:
        return Difference(None, None, None)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Difference(round(estimate, 6), round(float(low), 6), round(float(high), 6))


def _minus(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _called(other: Contender) -> str:
    return "the baseline" if other.version == BASELINE_VERSION else f"{other.version}, now active"
