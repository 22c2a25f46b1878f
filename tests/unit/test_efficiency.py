from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lead_scoring import efficiency as module
from lead_scoring.efficiency import efficiency
from tests.contract.examples import bare_lead, score

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
SCORE = score(bare_lead("x"))._replace(scored_at=NOON)


def test_without_scores_latency_is_unknown_and_throughput_zero() -> None:
    found = efficiency([], NOON, 1.0)

    assert found["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert found["throughput_per_minute"] == {"leads": 0.0, "requests": 0.0}


def test_percentiles_are_numpys() -> None:
    latencies = np.random.default_rng(1).exponential(3, 237).tolist()

    found = efficiency([SCORE._replace(latency_ms=each) for each in latencies], NOON, 1.0)

    expected = np.percentile(latencies, [50, 95, 99])
    assert list(found["latency_ms"].values()) == pytest.approx(expected)


def test_throughput_counts_leads_by_the_sample_rate_and_a_batch_as_one_request() -> None:
    batch = [SCORE._replace(request_id="batch", position=place) for place in range(50)]
    single = [SCORE._replace(request_id=f"r{number}") for number in range(10)]

    found = efficiency([*batch, *single], NOON, 0.5)

    assert found["throughput_per_minute"] == {"leads": 2.0, "requests": round(11 / 60, 3)}


def test_of_too_many_scores_the_part_that_was_read_gives_the_throughput(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_SCORES", 120)
    recent = [
        SCORE._replace(scored_at=NOON - timedelta(seconds=number), request_id=str(number))
        for number in range(3600)
    ]

    found = efficiency(recent, NOON, 1.0)

    assert found["sampled_scores"] == 120
    assert found["throughput_per_minute"]["leads"] == pytest.approx(60, rel=0.02)


def test_nothing_sampled_has_no_throughput_of_leads() -> None:
    assert efficiency([], NOON, 0.0)["throughput_per_minute"]["leads"] is None
