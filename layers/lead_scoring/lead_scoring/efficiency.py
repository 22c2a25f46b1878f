"""How fast scores are given, from the scores of the last hour."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from .entities import ScoreRecord, iso

WINDOW = timedelta(hours=1)
# Enough for the 99th percentile; whoever asks waits for it.
MOST_SCORES = 10_000
_PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def efficiency(records: Iterable[ScoreRecord], now: datetime, sample_rate: float) -> dict[str, Any]:
    """Return latencies (of the model, in milliseconds a lead) and throughput (a minute).

    `records` are the sampled scores of the last hour. Where there are more than MOST_SCORES, the
    throughput is that of the part of the hour that so many span. None is what cannot be computed.
    """
    taken = list(islice(records, MOST_SCORES))
    latencies = sorted(each.latency_ms for each in taken)
    since = now - WINDOW
    if len(taken) == MOST_SCORES:
        since = min(each.scored_at for each in taken)
    minutes = max((now - since) / timedelta(minutes=1), 1.0)
    requests = len({each.request_id for each in taken})
    return {
        "since": iso(since),
        "sampled_scores": len(taken),
        "sample_rate": sample_rate,
        "latency_ms": {name: _quantile(latencies, q) for name, q in _PERCENTILES.items()},
        "throughput_per_minute": {
            "leads": round(len(taken) / minutes / sample_rate, 3) if sample_rate else None,
            # A batch shares its request; a part of its leads tells that it was there.
            "requests": round(requests / minutes, 3),
        },
    }


def _quantile(ordered: list[float], share: float) -> float | None:
    """Return a quantile by linear interpolation, as numpy's default.

    >>> _quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
