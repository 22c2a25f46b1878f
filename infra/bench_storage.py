"""Time the largest batch with its audit records kept, against one write after the other.

Both sides score the same leads with the product and keep the same records in an embedded AWS: ours
through the product's own store, the other a PutItem a record.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any, cast

from lead_scoring.adapters.clock import SystemClock
from lead_scoring.adapters.dynamodb import bound
from lead_scoring.adapters.lead_item import LeadItem
from lead_scoring.adapters.prediction_store import DynamoPredictionStore
from lead_scoring.entities import ScoreRecord
from lead_scoring.ports import PredictionStore
from lead_scoring.settings import Settings

from . import bench_ours
from .bench_arena import Arena
from .bench_stores import embedded_stores
from .bench_timing import in_turn


class _OneByOne:
    """Keeps scores as the product does, but one write after the other."""

    def __init__(self, settings: Settings) -> None:
        self._table = bound(LeadItem, settings.predictions_table, settings)
        self._kept_for = timedelta(days=settings.prediction_retention_days)
        self._rate = settings.monitoring_sample_rate

    def add(self, records: Sequence[ScoreRecord]) -> None:
        for record in records:
            self._table.of_score(record, self._kept_for, self._rate).save()


def measure_storage(arena: Arena, count: int, rounds: int) -> dict[str, Any]:
    """Score so many leads in one call, without reasons, and keep the scores: wall seconds."""
    with embedded_stores() as settings:
        together: PredictionStore = DynamoPredictionStore(settings, SystemClock())
        one_by_one = cast(PredictionStore, _OneByOne(settings))
        leads = [
            {**lead, "lead_id": number}
            for number, lead in enumerate(islice(cycle(arena.leads), count))
        ]
        ours, other = (
            partial(bench_ours.connect_keeping(arena.ours, store), leads, False)
            for store in (together, one_by_one)
        )
        # The first call makes the client.
        in_turn([(ours, int)])
        pair = in_turn([(ours, other)] * rounds)
    return {"leads": count, "wall_seconds": pair.report()}
