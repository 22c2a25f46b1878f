import io
import json
import math
import os
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from rich.console import Console

from infra import bench_cold_starts, bench_ours, bench_plain, bench_scoring
from infra.bench_arena import Arena, prepare
from infra.bench_breakdown import STAGES, Walk, breakdown, load
from infra.bench_cold_starts import first_events
from infra.bench_data import synthetic
from infra.bench_descendants import descendant, used_so_far
from infra.bench_fresh import fresh_processes
from infra.bench_models import measuring_settings
from infra.bench_process import run_fresh
from infra.bench_progress import Steps
from infra.bench_reading import measure_reading, synthetic_feedback
from infra.bench_report import ROUNDS, notes, print_report
from infra.bench_rows import all_rows, cold_start_rows, reading_rows, storage_rows
from infra.bench_storage import measure_storage
from infra.bench_timing import Pair, in_turn, in_turn_by
from infra.bench_training import Training, measure_trainings
from infra.reference.lead_columns import lead_columns, raw_frame
from infra.reference.plain_scorer import PlainScorer, fit_history
from infra.reference.text_columns import text_columns, yearly_amounts, years_of_experience
from infra.sizes import is_older_than_its_code
from infra.state import RunError
from infra.template import Template

# What is measured is the layers; this is about what is beside them.
pytestmark = pytest.mark.untraced

TREES = {"n_estimators": 8, "max_depth": 3}


@pytest.fixture(scope="module")
def data():
    return synthetic(320)


@pytest.fixture(scope="module")
def plain(data):
    scorer = PlainScorer(TREES, title_terms=20, description_terms=30, threads=1)
    return scorer.fit(data.rows(), data.moments, data.labels)


@pytest.fixture(scope="module")
def arena(data, tmp_path_factory):
    return prepare(data, tmp_path_factory.mktemp("arena"), params=TREES)


def pair_report(ours, plain):
    return Pair([ours] * 3, [plain] * 3).report()


def bench_report(ours, plain, peak):
    both = {"wall_seconds": pair_report(ours, plain), "cpu_seconds": pair_report(ours, plain)}
    costs = both | {"peak_megabytes": pair_report(ours, plain)}
    sizes = [{"leads": size, "cpu_seconds_a_lead": pair_report(ours, plain)} for size in (10, 5000)]
    by_size = {"sizes": sizes, "growth": pair_report(1.2 if peak > 512 else 1.0, 1.0)}
    return {
        "machine": dict.fromkeys(
            ("date", "cores", "processor", "system", "python", "numpy", "pandas"), "some"
        )
        | {"scikit-learn": "some", "xgboost-cpu": "some"},
        "one_lead": pair_report(ours, plain),
        # In a test little more than without; twice as much where all else is slow too.
        "ab_scoring": pair_report(ours if plain >= 40 * ours else 2 * ours, ours),
        "monitoring": pair_report(ours if plain >= 40 * ours else 100 * ours, 100 * ours),
        "breakdown": {
            "loading": 0.03,
            "artifact_bytes": 2**20,
            "one": dict.fromkeys(STAGES, 1e-5),
            "thousand": dict.fromkeys(STAGES, 1e-2),
        },
        "sizes_with_reasons": by_size,
        "sizes_without_reasons": by_size,
        "storage": {"leads": 5000, "wall_seconds": pair_report(ours, plain)},
        "cold_starts": {"DocsFunction": costs, "ScoringFunction": costs},
        "built_sizes": [
            {
                "function": "ScoringFunction",
                "megabytes": peak / 8,
                "limit_megabytes": 64,
                "layers": {"RuntimeLayer": 60.0},
            }
        ],
        "reading": [],
        "trainings": [
            {"leads": 1000, "chosen": False, "trees": {"ours": 40, "plain": 100}}
            | both
            | {"peak_megabytes": pair_report(3 * peak, 200)}
        ],
        "quick": False,
        "effort": dict.fromkeys(ROUNDS, 3),
        "minutes": 12.0,
        "load_averages": [0.5, 2.0],
        "batch_with_reasons": both,
        "batch_without_reasons": both,
        "fresh_process": costs,
        "memory": {"5000_without_reasons": {"peak_megabytes": peak}},
        "parameters": {"ours": {"n_estimators": 9}, "plain": {"n_estimators": 9}},
        "trained_on": 1234,
        "data": "made-up leads",
    }


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("$120,000 - $150,000", [120_000.0, 150_000.0]),
        ("€60.000", [60_000.0]),
        ("80k-120k a year", [80_000.0, 120_000.0]),
        ("$50/hr", [104_000.0]),
        ("$5,000 per month", [60_000.0]),
        ("$,. and 12 people", []),
    ],
)
def test_the_plain_implementation_reads_pay_as_an_amount_a_year(text, amounts):
    assert yearly_amounts(text) == amounts


def test_no_experience_asked_is_missing_not_zero():
    assert math.isnan(years_of_experience("No experience needed"))


def test_plain_text_columns_count_what_they_say():
    frame = raw_frame([{"title": "URGENT: Python baker! Call 555 123 4567"}], ["2024-01-01"])

    columns = {name: column.iloc[0] for name, column in text_columns(frame["title"], "t").items()}

    assert columns["t_words"] == 7
    assert columns["t_exclamations"] == 1
    assert columns["t_urgency_keywords"] == 1
    assert columns["t_technology_keywords"] == 1
    assert columns["t_has_phone"] == 1
    assert columns["t_has_email"] == 0


def test_the_plain_history_of_a_training_lead_leaves_its_own_outcome_out(data):
    columns = lead_columns(raw_frame(data.rows(), data.moments))
    flipped = data.labels.copy()
    flipped[7] = 1 - flipped[7]

    before, after = (fit_history(columns, labels)[2] for labels in (data.labels, flipped))

    assert np.array_equal(before[7], after[7])
    assert not np.array_equal(before, after)


def test_plain_reasons_add_up_to_the_margin_and_the_margin_is_the_probability(plain, data):
    answers = plain.score(data.rows()[:20], data.moments[:20])

    for answer in answers:
        total = answer["base_effect"] + sum(reason["effect"] for reason in answer["reasons"])
        assert total == pytest.approx(answer["margin"], abs=1e-5)
        assert answer["probability"] == pytest.approx(1 / (1 + math.exp(-answer["margin"])), 1e-4)


def test_plain_scores_a_lead_alone_as_in_a_batch_and_after_loading(plain, data, tmp_path):
    rows, moments = data.rows()[:10], data.moments[:10]
    plain.save(tmp_path)

    loaded = PlainScorer.load(tmp_path)

    batch = plain.probabilities(rows, moments)
    alone = [loaded.probabilities([row], [at])[0] for row, at in zip(rows, moments, strict=True)]
    assert alone == pytest.approx(batch, abs=1e-7)


def test_plain_learns_more_than_the_constant(plain, data):
    probabilities = plain.probabilities(data.rows(), data.moments)

    assert probabilities[data.labels == 1].mean() > probabilities[data.labels == 0].mean() + 0.05


def test_pairs_are_timed_in_turn_first_one_first_then_the_other():
    called = []
    ticks = iter(range(100))
    work = (lambda: called.append("ours"), lambda: called.append("plain"))

    pair = in_turn([work, work], clock=lambda: float(next(ticks)))

    assert called == ["ours", "plain", "plain", "ours"]
    assert pair == Pair([1.0, 1.0], [1.0, 1.0])


def test_a_ratio_is_the_median_of_the_ratios_pair_by_pair():
    report = Pair([1.0, 2.0, 4.0], [10.0, 40.0, 60.0]).report()

    assert report["speedup"]["median"] == pytest.approx(15.0)
    assert report["share"]["median"] == pytest.approx(1 / 15)
    assert report["ours"]["p50"] == 2.0


def test_a_fresh_process_is_measured_without_the_memory_of_its_parent():
    ballast = bytearray(b"1") * 300_000_000

    cost, output = run_fresh(["-c", "print('done')"])

    assert output == "done\n"
    assert 0 < cost.peak_megabytes < 100 < len(ballast) / 2**20
    assert 0 < cost.cpu_seconds < 5
    assert cost.wall_seconds > 0


def test_a_fresh_process_keeps_bytecode_though_this_one_does_not(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    _, output = run_fresh(["-c", "import sys; print(sys.dont_write_bytecode)"])

    assert output == "False\n"


def test_a_fresh_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run_fresh(["-c", "1 / 0"])


def test_targets_are_met_or_not_by_the_median_ratio():
    fast, slow = (
        [row.is_met for row in all_rows(report) if row.target]
        for report in (bench_report(1.0, 40.0, 512), bench_report(1.0, 1.2, 513))
    )

    assert fast == [True] * 15
    assert slow == [False] * 15


def test_a_single_pair_shows_no_spread():
    report = bench_report(1.0, 39.0, 100)
    report["storage"]["wall_seconds"] = Pair([2.0], [10.0]).report()

    (row,) = storage_rows(report)

    assert row.ratio == "5.00 x"
    assert row.is_met


def test_what_misses_its_target_is_printed_as_such(tmp_path):
    console = Console(file=io.StringIO(), record=True)

    print_report(bench_report(1.0, 39.0, 100), tmp_path / "figures.json", console)

    lines = console.export_text().splitlines()
    one_lead = next(line for line in lines if line.startswith("one lead"))
    assert "39.00 [39.00, 39.00] x" in one_lead
    assert one_lead.rstrip().endswith("NOT MET")


def test_both_sides_score_the_same_held_out_leads_with_reasons(arena):
    leads = arena.leads[:3]

    for connect, folder in ((bench_ours.connect, arena.ours), (bench_plain.connect, arena.plain)):
        answers = connect(folder)(leads, True)
        assert [answer["lead_id"] for answer in answers] == [lead["lead_id"] for lead in leads]
        for answer in answers:
            total = answer["base_effect"] + sum(reason["effect"] for reason in answer["reasons"])
            assert total == pytest.approx(answer["margin"], abs=1e-4)


def test_both_sides_have_as_many_trees_unless_asked_otherwise(arena):
    assert arena.parameters["ours"]["n_estimators"] == arena.parameters["plain"]["n_estimators"]
    assert arena.parameters["ours"]["max_depth"] == arena.parameters["plain"]["max_depth"]


def test_several_clocks_time_the_same_calls():
    called = []
    ticks, slow_ticks = iter(range(100)), iter(range(0, 1000, 10))
    work = (lambda: called.append("ours"), lambda: called.append("plain"))

    pairs = in_turn_by([work], lambda: float(next(ticks)), lambda: float(next(slow_ticks)))

    assert called == ["ours", "plain"]
    assert pairs == [Pair([1.0], [1.0]), Pair([10.0], [10.0])]


def test_every_batch_size_has_its_cost_a_lead(arena, monkeypatch):
    monkeypatch.setattr(bench_scoring, "SIZES", {True: (1, 10, 20)})
    monkeypatch.setattr(bench_scoring, "_MOST_CALLS", 2)

    taken = bench_scoring.batch_sizes(arena, rounds=2, explain=True)

    assert [each["leads"] for each in taken["sizes"]] == [1, 10, 20]
    one, ten, twenty = (each["cpu_seconds_a_lead"] for each in taken["sizes"])
    assert one["ours"]["p50"] > ten["ours"]["p50"] > 0
    assert taken["growth"]["pairs"] == 2
    assert min(each["p50"] for each in (twenty["ours"], taken["growth"]["plain"])) > 0


def test_the_cost_of_a_lead_in_small_and_large_calls_is_that_of_the_same_leads(arena, monkeypatch):
    calls = []
    monkeypatch.setattr(bench_scoring, "SIZES", {True: (10, 25)})
    monkeypatch.setattr(
        bench_scoring.bench_ours,
        "connect",
        lambda _: lambda leads, _: calls.append([lead["lead_id"] for lead in leads]),
    )

    bench_scoring.batch_sizes(arena, rounds=1, explain=True)

    large, small, *again = calls[-8:]
    assert [len(call) for call in calls[-8:]] == [25, 10, 10, 5, 10, 10, 5, 25]
    assert large == small + again[0] + again[1]


def test_the_stages_make_the_answers_that_the_service_makes(arena):
    expected = bench_ours.connect(arena.ours)(arena.leads, True)

    walk = Walk(load(arena.ours), measuring_settings())
    answers = walk(json.dumps(arena.leads))

    moving = ("prediction_time", "model_version")
    for answer, other in zip(answers, expected, strict=True):
        assert {k: v for k, v in answer.items() if k not in moving} == {
            k: v for k, v in other.items() if k not in moving
        }


def test_a_breakdown_has_every_stage_of_one_lead_and_of_a_thousand(arena):
    taken = breakdown(arena, single=2, batch=1)

    assert list(taken["one"]) == list(taken["thousand"]) == list(STAGES)
    assert min(taken["one"].values()) > 0
    assert sum(taken["one"].values()) < sum(taken["thousand"].values())
    assert taken["loading"] > 0


def test_leads_are_kept_together_or_one_after_the_other(arena):
    taken = measure_storage(arena, count=60, rounds=1)

    assert taken["leads"] == 60
    assert taken["wall_seconds"]["speedup"]["median"] > 1


def test_without_a_build_cold_starts_are_skipped_with_a_line(arena, monkeypatch, capsys):
    def nothing_built():
        raise RunError("There is nothing built yet: run `make build` first.")

    monkeypatch.setattr(bench_cold_starts, "built_template", nothing_built)
    with Steps("bench", 3) as steps:
        taken = bench_cold_starts.measure_cold_starts(arena, 2, steps)

    said = capsys.readouterr().err.splitlines()
    assert taken == {"skipped": "There is nothing built yet: run `make build` first."}
    assert said[0].startswith("bench: 3 of 3, cold starts: skipped. There is nothing built yet")
    assert not any(said[1:])
    (row,) = cold_start_rows({"cold_starts": taken})
    assert row.ratio == "skipped: There is nothing built yet: run `make build` first."


def test_a_build_is_old_once_its_code_is_newer(tmp_path):
    built, source = tmp_path / "template.yaml", tmp_path / "functions" / "docs" / "app.py"
    source.parent.mkdir(parents=True)
    for number, file in enumerate((source, built)):
        file.touch()
        os.utime(file, (number, number))

    assert not is_older_than_its_code(built, tmp_path)
    os.utime(source, (2, 2))
    assert is_older_than_its_code(built, tmp_path)
    assert notes(bench_report(1.0, 2.0, 100) | {"build_is_old": True})[0].startswith("The build is")


def test_every_function_is_asked_something_at_its_cold_start():
    template = Template.load()

    events = first_events(template, {"lead_id": 7, "title": "Baker"})

    assert set(events) == {function.logical_id for function in template.functions()}
    assert json.loads(events["ScoringFunction"]["body"])["title"] == "Baker"
    assert events["TrainingFunction"] == {}


def test_what_a_child_of_ours_has_used_is_found_by_its_arguments():
    code = "import sys; data = bytearray(b'1') * 50_000_000; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "some", "words"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        child.stdout.readline()
        found = descendant(b"some", b"words")
        cpu_seconds, peak_megabytes = used_so_far(found)
        child.stdin.close()

    assert found.name == str(child.pid)
    assert 0 <= cpu_seconds < 5
    assert 50 < peak_megabytes < 200
    with pytest.raises(RuntimeError, match="no process of ours"):
        descendant(b"some", b"words")


def test_both_sides_are_trained_on_exactly_so_many_leads_in_fresh_processes():
    steps = Steps("bench", 1, Console(quiet=True))

    (taken,) = measure_trainings([Training(60, 1)], steps)

    assert (taken["leads"], taken["chosen"], taken["trees"]["plain"]) == (60, False, 100)
    for measure in ("wall_seconds", "cpu_seconds", "peak_megabytes"):
        assert taken[measure]["ours"]["p50"] > 0
        assert taken[measure]["plain"]["p50"] > 0


def test_a_fresh_process_of_ours_loads_less_than_one_of_the_plain(arena: Arena):
    pairs = fresh_processes(arena, rounds=1)

    report = pairs["peak_megabytes"].report()
    assert report["share"]["median"] < 0.8
    assert json.loads(arena.leads_file.read_text().splitlines()[4999])["lead_id"] == 4999


def test_reading_is_measured_at_every_size_and_reads_every_row():
    steps = Steps("bench", 2, Console(quiet=True))

    few, more = measure_reading((60, 150), steps)

    assert (few["rows"], more["rows"]) == (60, 150)
    for read in (few, more):
        assert read["rows_per_second"] == pytest.approx(read["rows"] / read["seconds"])
        assert read["seconds_per_1000"] == pytest.approx(1000 * read["seconds"] / read["rows"])
        assert 0 < read["peak_megabytes"] < 500


def test_only_the_largest_reading_has_a_limit():
    def read(rows, seconds):
        pace = 1000 * seconds / rows
        return {"rows": rows, "seconds": seconds, "seconds_per_1000": pace, "peak_megabytes": 90}

    rows = list(reading_rows({"reading": [read(10_000, 99.0), read(100_000, 60.0)]}))
    late = list(reading_rows({"reading": [read(100_000, 60.1)]}))

    assert [row.is_met for row in rows] == [None, None, True, None]
    assert rows[2].ratio == "0.600 a thousand"
    assert late[0].is_met is False


def test_made_up_feedback_is_always_the_same_and_no_row_is_another():
    rows = list(islice(synthetic_feedback(), 500))

    assert rows == list(islice(synthetic_feedback(), 500))
    assert len({row.feedback_id for row in rows}) == 500
    assert 100 < len({row.lead_id for row in rows}) < 250
