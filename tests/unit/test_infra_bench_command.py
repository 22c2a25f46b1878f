import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from infra import bench, bench_cold_starts, bench_scoring
from infra.state import RunError
from tests.unit.test_infra_bench import bench_report

# What is measured is the layers; this is about what is beside them.
pytestmark = pytest.mark.untraced

TINY = replace(
    bench.QUICK,
    synthetic_leads=320,
    single=2,
    batch=1,
    sizes=1,
    stored=60,
    fresh=1,
    cold=1,
    trainings=(),
    feedback_rows=(),
)


PROCESSES = {"fresh_process", "memory", "storage"}


def nothing_built():
    raise RunError("There is nothing built yet: run `make build` first.")


def test_the_command_takes_every_step_that_it_promised_and_shows_and_keeps_the_figures(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(bench, "QUICK", TINY)
    monkeypatch.setattr(bench, "DEFAULT_TREES", {"n_estimators": 8, "max_depth": 3})
    monkeypatch.setattr(bench, "built_template", nothing_built)
    monkeypatch.setattr(bench_cold_starts, "built_template", nothing_built)
    monkeypatch.setattr(bench, "measure_reading", lambda _sizes, _steps: [])
    monkeypatch.setattr(bench_scoring, "SIZES", {True: (1, 10, 20), False: (1, 10, 50)})
    monkeypatch.setattr(bench_scoring, "BATCH", 50)
    monkeypatch.setattr(bench_scoring, "_MOST_CALLS", 1)
    # These start processes, and have tests of their own.
    made_up = bench_report(1.0, 2.0, 100)
    steps = [
        (name, label, (lambda _, __, name=name: made_up[name]) if name in PROCESSES else take)
        for name, label, take in bench.SCORING
    ]
    monkeypatch.setattr(bench, "SCORING", tuple(steps))
    file, shown = tmp_path / "figures.json", Console(file=io.StringIO(), record=True)

    assert bench.main(["--quick", "--json", str(file)], shown) == 0

    report = json.loads(file.read_text())
    assert set(report) >= {name for name, *_ in bench.SCORING}
    assert report["built_sizes"] == report["trainings"] == report["reading"] == []
    steps = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench: ")]
    assert steps[-1].startswith("bench: 14 of 14, cold starts: skipped. There is nothing built")
    text = shown.export_text()
    assert "a lead among 50 without, against among 10" in text
    assert "cold starts of the built functions" in text
    assert f"Written to {file}" in text


@pytest.mark.parametrize("given", [["--data", "leads.jsonl"], ["--outcomes", "o.jsonl"]])
def test_leads_and_outcomes_belong_together(given):
    with pytest.raises(SystemExit) as refused:
        bench.main(given)

    assert refused.value.code == 2


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    missing = str(tmp_path / "leads.jsonl")

    assert bench.main(["--data", missing, "--outcomes", missing]) == 2

    assert "leads.jsonl" in capsys.readouterr().err
