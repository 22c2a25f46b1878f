"""Whether a new model does worse than the one that it took over from, by what became of leads.

The two answered at different times, maybe when more leads converted than now. So probabilities are
judged by their log loss as a part of that of the share of positives alone (one less McFadden's
pseudo-R squared, 1974), which a change of that share hardly moves, and the order by AUC.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .evaluation import Ranked, headline, rank
from .health_rules import Worse
from .labels import Label
from .retraining_rules import OUTCOMES_TO_JUDGE_BY

_RESAMPLES, _SEED = 500, 42
# Two metrics are looked at: each has half of the 5 % (Bonferroni).
_LOWER = 0.025 / 2
_NAMES = {"auc_roc": "AUC", "log_loss": "relative log loss"}


def compare(
    live: Sequence[Label], before: Sequence[Label], threshold: float, threshold_before: float
) -> list[Worse]:
    """Return how much worse the active model does on its outcomes than the one before on its own.

    Nothing with fewer than OUTCOMES_TO_JUDGE_BY of either, or with one class only. The lower end is
    that of a percentile bootstrap of the difference (Efron and Tibshirani 1993, chapter 13).
    """
    if min(len(live), len(before)) < OUTCOMES_TO_JUDGE_BY:
        return []
    ranked, ranked_before = _ranked(live), _ranked(before)
    now, then = _losses(ranked, threshold), _losses(ranked_before, threshold_before)
    if now is None or then is None:
        return []
    generator = np.random.default_rng(_SEED)
    draws: dict[str, list[float]] = {name: [] for name in now}
    for _ in range(_RESAMPLES):
        drawn = _losses(ranked, threshold, _drawn(ranked, generator))
        drawn_before = _losses(ranked_before, threshold_before, _drawn(ranked_before, generator))
        if drawn is not None and drawn_before is not None:
            for name in draws:
                draws[name].append(drawn[name] - drawn_before[name])
    return [
        Worse(
            _NAMES[name],
            now[name] - then[name],
            float(np.quantile(draws[name], _LOWER)),
            len(live),
            len(before),
        )
        for name in now
        if draws[name]
    ]


def _losses(
    ranked: Ranked, threshold: float, counts: NDArray[np.float64] | None = None
) -> Mapping[str, float] | None:
    """Return what is better when it is less; None where there is one class only."""
    weights = np.ones(len(ranked.labels)) if counts is None else counts
    found = headline(ranked, threshold, weights)
    auc, loss = found["auc_roc"], found["log_loss"]
    share = float(weights @ ranked.labels / weights.sum())
    if auc is None or loss is None or not 0 < share < 1:
        return None
    constant = -share * float(np.log(share)) - (1 - share) * float(np.log1p(-share))
    return {"auc_roc": -auc, "log_loss": loss / constant}


def _drawn(ranked: Ranked, generator: np.random.Generator) -> NDArray[np.float64]:
    size = len(ranked.labels)
    return np.bincount(generator.integers(0, size, size), minlength=size).astype(float)


def _ranked(outcomes: Sequence[Label]) -> Ranked:
    return rank(
        np.array([each.given.probability for each in outcomes if each.given]),
        np.array([each.target for each in outcomes]),
    )
