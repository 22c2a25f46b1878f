"""How much the benchmark measures: for figures to rely on, or for a quick look."""

from collections.abc import Sequence
from dataclasses import dataclass

from .bench_training import Training


@dataclass(frozen=True, slots=True)
class Effort:
    """On how many leads, unless they are your own, and how often each thing is measured.

    `single`, `batch`, `sizes`, `storage`, `fresh` and `cold` are numbers of rounds; `stored` is the
    number of leads that are kept.
    """

    synthetic_leads: int
    single: int
    batch: int
    sizes: int
    stored: int
    storage: int
    fresh: int
    cold: int
    trainings: Sequence[Training]
    feedback_rows: Sequence[int]


FULL = Effort(
    synthetic_leads=6000,
    single=300,
    batch=9,
    sizes=7,
    stored=5000,
    storage=2,
    fresh=9,
    cold=4,
    trainings=(
        Training(1_000, 2),
        Training(10_000, 1),
        Training(100_000, 1),
        Training(1_000, 1, chosen=True),
    ),
    feedback_rows=(10_000, 30_000, 100_000),
)
QUICK = Effort(
    synthetic_leads=2000,
    single=60,
    batch=3,
    sizes=2,
    stored=5000,
    storage=1,
    fresh=3,
    cold=2,
    trainings=(Training(1_000, 1), Training(3_000, 1)),
    feedback_rows=(1_000, 3_000, 10_000),
)
