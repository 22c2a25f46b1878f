"""Measure how long training waits for its feedback: rows by number, on an embedded AWS.

The rows are synthetic, and loaded past the API. Each reading is a process of its own, which is what
`python -m infra.bench_reading` does alone: it reads all feedback of the stores that its environment
names.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from lead_scoring import bootstrap
from lead_scoring.adapters.dynamodb import bound, put_all
from lead_scoring.adapters.feedback_item import FeedbackItem
from lead_scoring.entities import ACTION_TYPES, GivenScore, iso
from lead_scoring.entities.feedback import Feedback, Interaction, Sender
from lead_scoring.feedback import confidence, target_score

from .bench_process import run_fresh
from .bench_progress import Steps
from .bench_stores import embedded_stores

# Three things are said of a lead on average.
_ROWS_A_LEAD = 3
_SEED = 42
_AT_ONCE = 1_000
_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


def measure_reading(sizes: Sequence[int], steps: Steps) -> list[dict[str, Any]]:
    """Load ever more feedback, and read all of it at each size; one step a size.

    Returns for each size rows, seconds, seconds per 1,000 rows, and the reader's peak megabytes.
    """
    figures = []
    with embedded_stores() as settings:
        table = bound(FeedbackItem, settings.feedback_table, settings)
        rows, loaded = synthetic_feedback(), 0
        for size in sizes:
            while loaded < size:
                some = list(islice(rows, min(_AT_ONCE, size - loaded)))
                put_all(table, (table.of_feedback(row) for row in some))
                loaded += len(some)
                steps.doing(f"loading feedback, {loaded:,} of {sizes[-1]:,} rows")
            steps.doing(f"reading {size:,} rows of feedback")
            figures.append(_read_in_a_fresh_process(size))
            steps.done(f"read {size:,} rows of feedback")
    return figures


def synthetic_feedback(seed: int = _SEED) -> Iterator[Feedback]:
    """Iterate without end over made-up rows, as large as real ones, always the same."""
    chance = random.Random(seed)  # noqa: S311 (not a secret)
    number = 0
    while True:
        number += 1
        moment = _BEGINNING + timedelta(minutes=number)
        said = Interaction(
            lead_id=f"lead-{chance.randrange(1 + number // _ROWS_A_LEAD)}",
            action_type=chance.choice(ACTION_TYPES[:4]),
            interaction_seconds=round(chance.expovariate(1 / 90), 1),
            contact_successful=chance.choice([True, False, None]),
        )
        probability = chance.random()
        yield Feedback(
            feedback_id=f"{chance.getrandbits(128):032x}",
            lead_id=said.lead_id,
            action_type=said.action_type,
            feedback_source="manual",
            created_at=moment,
            target_score=target_score(said),
            confidence=confidence(said, "manual", 1),
            interaction_seconds=said.interaction_seconds,
            contact_successful=said.contact_successful,
            sender=Sender(*(f"{chance.getrandbits(256):064x}" for _ in range(4))),
            given=GivenScore(
                f"{iso(moment - timedelta(hours=1))}#{chance.getrandbits(128):032x}#0000",
                "v20240101_120000_abc12345",
                round(100 * probability),
                probability,
            ),
        )


def _read_in_a_fresh_process(expected: int) -> dict[str, Any]:
    cost, output = run_fresh(["-m", "infra.bench_reading"])
    said: dict[str, Any] = json.loads(output)
    if said["rows"] != expected:
        raise RuntimeError(f"{said['rows']} rows were read instead of {expected}")
    per_thousand = 1000 * said["seconds"] / expected
    return said | {
        "rows_per_second": expected / said["seconds"],
        "seconds_per_1000": per_thousand,
        "peak_megabytes": cost.peak_megabytes,
    }


def main() -> None:
    """Read all feedback once, as training does; print how much it was and how long it took."""
    training_data = bootstrap.connect().training_data
    began = time.perf_counter()
    rows = sum(1 for _ in training_data.evidence())
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
