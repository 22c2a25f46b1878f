"""The benchmark starts every built function, and knows what that took."""

import pytest
from rich.console import Console

from infra.bench_arena import Arena, prepare
from infra.bench_cold_starts import measure_cold_starts
from infra.bench_data import synthetic
from infra.bench_progress import Steps
from infra.lambda_runtime import built_template


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    trees = {"n_estimators": 8, "max_depth": 3}
    return prepare(synthetic(320), tmp_path_factory.mktemp("arena"), trees)


def test_every_built_function_starts_and_answers(arena: Arena) -> None:
    with Steps("bench", 2, Console(quiet=True)) as steps:
        starts = measure_cold_starts(arena, 1, steps)

    assert set(starts) == {each.logical_id for each in built_template().functions()}
    for start in starts.values():
        assert 0 < start["cpu_seconds"]["ours"]["p50"] < 30
        assert 20 < start["peak_megabytes"]["ours"]["p50"] < 500
        assert start["wall_seconds"]["plain"]["p50"] > 0
