"""Metrics of predictions against outcomes, each with a bootstrap interval.

Every metric is a function of integer weights over the same ranked rows, so that a bootstrap
resample is a vector of counts and nothing is sorted twice. Rows with equal predictions share their
rank: no metric depends on the order in which rows came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Metrics = dict[str, float | None]

CALIBRATION_BINS = 10
BOOTSTRAP_RESAMPLES = 500
_CLIP = float(np.finfo(float).eps)  # as scikit-learn's log_loss does


@dataclass(frozen=True, slots=True)
class Ranked:
    """Predictions and outcomes, best prediction first; arrays of shape (n,).

    `labels` are 1.0 where the target is at least 0.5, else 0.0; `contact_succeeded` is 1.0,
    0.0, or NaN where nobody tried or knows; `groups` are the starts of runs of equal predictions;
    `order` is where each row stood before.
    """

    probabilities: Doubles
    targets: Doubles
    labels: Doubles
    contact_succeeded: Doubles
    groups: NDArray[np.intp]
    order: NDArray[np.intp]


def rank(
    probabilities: Doubles,
    targets: Doubles,
    contact_succeeded: Sequence[bool | None] | None = None,
) -> Ranked:
    """Sort predictions and their outcomes for evaluation; targets are in [0, 1]."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    known = [np.nan if value is None else float(value) for value in contact_succeeded or []]
    reached = np.array(known) if known else np.full(len(order), np.nan)
    return Ranked(
        ranked,
        targets[order],
        (targets[order] >= 0.5).astype(float),
        reached[order],
        np.flatnonzero(np.diff(ranked, prepend=np.inf)),
        order,
    )


def metrics(ranked: Ranked, threshold: float, weights: Doubles | None = None) -> Metrics:
    """Return every metric; None where it is not defined, as AUC is with one class only.

    `threshold` is the probability from which a lead counts as predicted positive.

    >>> ranked = rank(np.array([0.9, 0.6, 0.4, 0.1]), np.array([1.0, 0.0, 1.0, 0.0]))
    >>> metrics(ranked, threshold=0.5)["auc_roc"]
    0.75
    """
    counts = np.ones(len(ranked.labels)) if weights is None else weights
    total = float(counts.sum())
    positives = float(counts @ ranked.labels)
    result: Metrics = {
        **_thresholded(ranked, counts, threshold),
        **_ranking(ranked, counts, total, positives),
        **_probabilistic(ranked, counts, total),
        "conversion_rate": _ratio(positives, total),
        "contact_success_rate": _contact_success(ranked, counts),
        "avg_prediction_score": _ratio(100 * float(counts @ ranked.probabilities), total),
    }
    return result


def headline(ranked: Ranked, threshold: float, weights: Doubles) -> Metrics:
    """Return only F1, AUC and log loss: what two models are compared by."""
    return {
        "f1_score": _thresholded(ranked, weights, threshold)["f1_score"],
        "auc_roc": _auc(_by_group(ranked, weights * ranked.labels), _by_group(ranked, weights)),
        "log_loss": _log_loss(ranked, weights),
    }


def with_intervals(
    ranked: Ranked, threshold: float, seed: int, resamples: int = BOOTSTRAP_RESAMPLES
) -> dict[str, list[float] | None]:
    """Return the 95 % percentile bootstrap interval of every metric, [low, high] or None.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    generator = np.random.default_rng(seed)
    size = len(ranked.labels)
    draws: dict[str, list[float]] = {}
    for _ in range(resamples):
        counts = np.bincount(generator.integers(0, size, size), minlength=size).astype(float)
        for name, value in metrics(ranked, threshold, counts).items():
            if value is not None:
                draws.setdefault(name, []).append(value)
    names = metrics(ranked, threshold)
    return {
        name: [float(q) for q in np.quantile(draws[name], [0.025, 0.975])]
        if name in draws
        else None
        for name in names
    }


def best_f1_threshold(probabilities: Doubles, targets: Doubles) -> float:
    """Return the probability that, as threshold, gives the highest F1; 0.5 without positives.

    >>> best_f1_threshold(np.array([0.2, 0.3, 0.8]), np.array([0.0, 1.0, 1.0]))
    0.3
    """
    ranked = rank(probabilities, targets)
    if not ranked.labels.any():
        return 0.5
    ends = np.append(ranked.groups[1:], len(ranked.labels))
    hits = np.cumsum(ranked.labels)[ends - 1]
    f1 = 2 * hits / (ends + ranked.labels.sum())
    return float(ranked.probabilities[ranked.groups[np.argmax(f1)]])


def calibration_bins(ranked: Ranked) -> list[dict[str, float]]:
    """Return ten bins of equal mass, lowest first: mean prediction, observed rate, count."""
    counts = np.ones(len(ranked.labels))
    sizes = _bin_sizes(len(counts))
    predicted = _bin_sums(ranked, counts, ranked.probabilities)
    observed = _bin_sums(ranked, counts, ranked.labels)
    return [
        {
            "mean_prediction": float(predicted[i] / sizes[i]),
            "observed_rate": float(observed[i] / sizes[i]),
            "count": int(sizes[i]),
        }
        for i in reversed(range(CALIBRATION_BINS))
        if sizes[i]
    ]


def lift_table(ranked: Ranked) -> list[dict[str, float | None]]:
    """Return, for the top 10 %, 20 %, ... 100 %: how many, how many positive, recall and lift."""
    counts = np.ones(len(ranked.labels))
    positives = float(ranked.labels.sum())
    table: list[dict[str, float | None]] = []
    for tenth in range(1, 11):
        hits, size = _top(ranked, counts, tenth / 10)
        table.append(
            {
                "top_fraction": tenth / 10,
                "leads": size,
                "positives": hits,
                "recall": _ratio(hits, positives),
                "lift": _ratio(hits * len(counts), size * positives),
            }
        )
    return table


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _by_group(ranked: Ranked, values: Doubles) -> Doubles:
    result: Doubles = np.add.reduceat(values, ranked.groups)
    return result


def _thresholded(ranked: Ranked, counts: Doubles, threshold: float) -> Metrics:
    chosen = ranked.probabilities >= threshold
    true_positives = float(counts[chosen] @ ranked.labels[chosen])
    predicted, positives = float(counts[chosen].sum()), float(counts @ ranked.labels)
    wrong = predicted + positives - 2 * true_positives
    return {
        "precision": _ratio(true_positives, predicted),
        "recall": _ratio(true_positives, positives),
        "f1_score": _ratio(2 * true_positives, predicted + positives),
        "accuracy": _ratio(float(counts.sum()) - wrong, float(counts.sum())),
    }


def _ranking(ranked: Ranked, counts: Doubles, total: float, positives: float) -> Metrics:
    hits = _by_group(ranked, counts * ranked.labels)
    sizes = _by_group(ranked, counts)
    hits_so_far, size_so_far = np.cumsum(hits), np.cumsum(sizes)
    precision = np.divide(hits_so_far, size_so_far, out=np.zeros_like(hits), where=size_so_far > 0)
    top10, size10 = _top(ranked, counts, 0.1)
    top20, size20 = _top(ranked, counts, 0.2)
    return {
        "auc_roc": _auc(hits, sizes),
        "average_precision": _ratio(float(hits @ precision), positives),
        "lift_at_10": _ratio(top10 * total, size10 * positives),
        "lift_at_20": _ratio(top20 * total, size20 * positives),
        "recall_at_10": _ratio(top10, positives),
        "recall_at_20": _ratio(top20, positives),
        "ndcg": _ndcg(ranked, counts, sizes, size_so_far),
    }


def _auc(hits: Doubles, sizes: Doubles) -> float | None:
    """Return the share of pairs in which the positive stands before the negative; ties are half."""
    negatives = sizes - hits
    pairs_won = float(negatives @ (np.cumsum(hits) - hits / 2))
    return _ratio(pairs_won, float(hits.sum()) * float(negatives.sum()))


def _top(ranked: Ranked, counts: Doubles, fraction: float) -> tuple[float, float]:
    """Return how many positives are among the top fraction, and its size.

    Where the cut goes through rows of equal prediction, their positives count in proportion.
    """
    size = np.ceil(fraction * counts.sum())
    sizes = np.cumsum(_by_group(ranked, counts))
    hits = np.cumsum(_by_group(ranked, counts * ranked.labels))
    return float(np.interp(size, np.append(0, sizes), np.append(0, hits))), float(size)


def _ndcg(ranked: Ranked, counts: Doubles, sizes: Doubles, ends: Doubles) -> float | None:
    """Return the normalised discounted cumulative gain of the targets, over the whole list.

    Source: Järvelin and Kekäläinen, ACM TOIS 2002; equal predictions share their discounts.
    """
    discounts = np.append(0, np.cumsum(1 / np.log2(np.arange(2, int(counts.sum()) + 2))))
    ends = ends.astype(int)
    starts = ends - sizes.astype(int)
    shared = np.divide(
        discounts[ends] - discounts[starts], sizes, out=np.zeros_like(sizes), where=sizes > 0
    )
    gain = float(_by_group(ranked, counts * ranked.targets) @ shared)
    best = np.argsort(-ranked.targets, kind="stable")
    best_ends = np.cumsum(counts[best]).astype(int)
    best_starts = best_ends - counts[best].astype(int)
    ideal = float(ranked.targets[best] @ (discounts[best_ends] - discounts[best_starts]))
    return _ratio(gain, ideal)


def _probabilistic(ranked: Ranked, counts: Doubles, total: float) -> Metrics:
    squares = (ranked.probabilities - ranked.labels) ** 2
    gaps = _bin_sums(ranked, counts, ranked.probabilities - ranked.labels)
    return {
        "log_loss": _log_loss(ranked, counts),
        "brier": _ratio(float(counts @ squares), total),
        "expected_calibration_error": _ratio(float(np.abs(gaps).sum()), total),
    }


def _log_loss(ranked: Ranked, counts: Doubles) -> float | None:
    clipped = np.clip(ranked.probabilities, _CLIP, 1 - _CLIP)
    losses = -np.where(ranked.labels > 0, np.log(clipped), np.log1p(-clipped))
    return _ratio(float(counts @ losses), float(counts.sum()))


def _bin_sizes(total: int) -> NDArray[np.intp]:
    """Return the sizes of the calibration bins, best predictions first; the last are larger."""
    return np.array([(total + i) // CALIBRATION_BINS for i in range(CALIBRATION_BINS)])


def _bin_sums(ranked: Ranked, counts: Doubles, values: Doubles) -> Doubles:
    """Sum values over each calibration bin; rows of equal prediction share theirs evenly."""
    edges = np.append(0, np.cumsum(_bin_sizes(int(counts.sum()))))
    so_far = np.append(0, np.cumsum(_by_group(ranked, counts)))
    sums = np.append(0, np.cumsum(_by_group(ranked, counts * values)))
    result: Doubles = np.diff(np.interp(edges, so_far, sums))
    return result


def _contact_success(ranked: Ranked, counts: Doubles) -> float | None:
    """Return the share of contacts that succeeded, of those of which it is known."""
    known = counts * ~np.isnan(ranked.contact_succeeded)
    return _ratio(float(known[ranked.contact_succeeded == 1].sum()), float(known.sum()))


def flatten(values: Mapping[str, float | None]) -> Metrics:
    """Return metrics rounded for people and for storage, to six decimals."""
    return {name: None if value is None else round(value, 6) for name, value in values.items()}
