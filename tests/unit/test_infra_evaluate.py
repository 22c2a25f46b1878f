import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics as sklearn_metrics

from infra.bench_data import LabelledLeads, read_labelled, synthetic
from infra.bench_metrics import METRICS, Curve, Trial, bootstrap, figures, interval
from infra.bench_progress import Steps
from infra.evaluate import Results, group_splits, main, newest_split, summary
from lead_scoring.entities import Lead
from lead_scoring.entities.training import Outcome

FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def labelled(count, groups=None):
    leads = [Lead(i, f"Baker {i}") for i in range(count)]
    moments = [FIRST + timedelta(days=(7 * i) % count) for i in range(count)]
    outcomes = [Outcome(i, i % 3 == 0) for i in range(count)]
    return LabelledLeads(leads, moments, outcomes, np.array(groups or [str(i) for i in leads]))


def sample(count, seed, decimals=2):
    generator = np.random.default_rng(seed)
    labels = (generator.random(count) < 0.3).astype(float)
    return labels, np.round(0.2 * labels + 0.8 * generator.random(count), decimals)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    leads = [
        {"lead_id": i, "title": f"Baker of {'bread' if i % 3 else 'cake'}", "posted_at": posted}
        for i in range(60)
        for posted in [(FIRST + timedelta(hours=i)).isoformat()]
    ]
    outcomes = [{"lead_id": i, "converted": i % 3 == 0, "company": i % 10} for i in range(60)]
    return write(tmp_path / "leads.jsonl", leads), write(tmp_path / "outcomes.jsonl", outcomes)


@pytest.mark.parametrize("seed", range(5))
def test_weighted_metrics_equal_scikit_learn_where_predictions_tie(seed):
    labels, probabilities = sample(200, seed)
    weights = np.random.default_rng(seed).integers(0, 4, 200).astype(float)

    ours = Curve(labels, probabilities).figures(weights)

    given = (labels, probabilities)
    assert ours["auc"] == pytest.approx(
        sklearn_metrics.roc_auc_score(*given, sample_weight=weights), abs=1e-12
    )
    assert ours["average_precision"] == pytest.approx(
        sklearn_metrics.average_precision_score(*given, sample_weight=weights), abs=1e-12
    )
    assert ours["log_loss"] == pytest.approx(
        sklearn_metrics.log_loss(*given, sample_weight=weights), abs=1e-12
    )
    assert ours["brier"] == pytest.approx(
        sklearn_metrics.brier_score_loss(*given, sample_weight=weights), abs=1e-12
    )


def test_integer_weights_are_the_same_as_repeated_rows():
    labels, probabilities = sample(100, seed=1)
    weights = np.random.default_rng(2).integers(0, 3, 100)

    weighted = Curve(labels, probabilities).figures(weights.astype(float))

    repeated = Curve(np.repeat(labels, weights), np.repeat(probabilities, weights)).figures()
    assert weighted == pytest.approx(repeated, abs=1e-12)


def test_calibration_error_and_lift_equal_a_calculation_by_hand():
    labels, probabilities = sample(100, seed=3, decimals=12)
    order = np.argsort(-probabilities)

    ours = Curve(labels, probabilities).figures()

    bins = order.reshape(10, 10)
    by_hand = np.mean([abs(labels[b].mean() - probabilities[b].mean()) for b in bins])
    assert ours["ece"] == pytest.approx(by_hand, abs=1e-12)
    assert ours["lift_10"] == pytest.approx(labels[order[:10]].mean() / labels.mean(), abs=1e-12)
    assert ours["lift_20"] == pytest.approx(labels[order[:20]].mean() / labels.mean(), abs=1e-12)


def test_a_constant_prediction_is_neither_lucky_nor_unlucky():
    labels = np.array([1.0] * 20 + [0.0] * 80)

    ours = figures(labels, np.full(100, 0.2))

    assert (ours["auc"], ours["lift_10"], ours["lift_20"]) == pytest.approx((0.5, 1.0, 1.0))
    assert ours["ece"] == pytest.approx(0.0, abs=1e-12)


def test_outcomes_that_are_all_the_same_are_refused():
    with pytest.raises(ValueError, match="nothing can be ranked"):
        figures(np.ones(10), np.linspace(0, 1, 10))


def test_leads_of_a_group_are_drawn_together():
    labels, probabilities = np.repeat([1.0, 0.0, 1.0, 0.0], 25), np.full(100, 0.2)
    alone = Trial(labels, np.arange(100), {"one": probabilities})
    together = Trial(labels, np.arange(100) // 25, {"one": probabilities})

    narrow, wide = (bootstrap([trial], 400, seed=1)["one"]["brier"] for trial in (alone, together))

    # 25 leads that are all alike tell no more than one: five times the error (less what is NaN).
    assert np.nanstd(wide) > 3 * np.nanstd(narrow)


def test_an_interval_holds_its_figure_even_where_resampling_is_biased():
    draws = np.random.default_rng(1).normal(0.03, 0.002, 1000)

    low, high = interval(draws, 0.015)

    assert low < 0.015 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.002, rel=0.1)


def test_a_model_that_ranks_better_is_called_better_and_its_twin_is_not():
    labels, good = sample(600, seed=4)
    bad = np.random.default_rng(5).random(600)
    predicted = {"ours": good, "plain": bad, "words": good}
    trial = Trial(labels, np.arange(600), predicted)
    names = list(predicted)
    results = Results(
        {name: [figures(labels, predicted[name])] for name in names},
        bootstrap([trial], 300, seed=6),
        dict.fromkeys(names, 0.0),
    )

    differences = summary(results, names)["differences"]

    assert differences["plain"]["auc"]["ours_is"] == "better"
    assert differences["plain"]["brier"]["ours_is"] == "better"
    assert differences["plain"]["brier"]["mean"] < 0
    assert differences["words"]["auc"]["ours_is"] == "not significantly different"
    assert differences["words"]["auc"]["interval"] == (0.0, 0.0)


def test_no_group_is_in_both_parts_and_every_lead_is_tested_once():
    data = labelled(50, groups=[f"company {i % 11}" for i in range(50)])

    splits = list(group_splits(data, 5))

    for train, test in splits:
        assert not set(data.groups[train]) & set(data.groups[test])
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(50))


def test_the_newest_fifth_is_tested_whatever_the_order_of_the_file():
    data = labelled(50)

    [(train, test)] = newest_split(data)

    assert len(test) == 10
    assert max(data.moments[i] for i in train) < min(data.moments[i] for i in test)


def test_leads_are_joined_with_outcomes_and_groups_by_id(files):
    leads, outcomes = files
    write(leads, [{"id": "7", "title": "Cook", "posted_at": "2024-01-05"}])

    data = read_labelled(leads, outcomes, "company")

    assert [(lead.lead_id, lead.title) for lead in data.leads] == [("7", "Cook")]
    assert data.moments == [datetime(2024, 1, 5, tzinfo=UTC)]
    assert (list(data.labels), list(data.groups)) == ([0.0], ["group 7"])


def test_a_column_that_no_outcome_has_is_refused(files, capsys):
    status = main(["--data", str(files[0]), "--outcomes", str(files[1]), "--group", "firm"])

    assert status == 2
    assert "no row of outcomes.jsonl has the column firm" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(files, tmp_path, capsys):
    status = main(["--data", str(tmp_path / "none.jsonl"), "--outcomes", str(files[1])])

    assert status == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_the_command_prints_a_table_and_writes_the_same_figures(files, tmp_path):
    console = Console(record=True, width=140, file=io.StringIO())
    target = tmp_path / "results" / "figures.json"
    arguments = ["--data", str(files[0]), "--outcomes", str(files[1]), "--group", "company"]
    arguments += ["--folds", "2", "--resamples", "100", "--models", "words", "constant"]

    status = main([*arguments, "--json", str(target)], console)

    report = json.loads(target.read_text())
    auc = report["models"]["words"]["auc"]
    assert status == 0
    assert auc["mean"] == pytest.approx(1.0)  # one word tells everything here
    assert set(METRICS) < set(report["models"]["constant"])
    printed = console.export_text()
    assert "1.0000" in printed
    assert f"{report['models']['words']['log_loss']['mean']:.4f}" in printed


def test_progress_without_a_terminal_is_plain_lines(tmp_path):
    with (tmp_path / "log").open("w") as log:
        console = Console(file=log, width=80)

        with Steps("evaluate", 2, console) as steps:
            steps.doing("first")
            steps.done("first")

    assert (tmp_path / "log").read_text().startswith("evaluate: 1 of 2, first, 0 s\n")
    assert "\x1b" not in (tmp_path / "log").read_text()


def test_synthetic_leads_come_with_both_outcomes_and_their_moments():
    data = synthetic(300)

    assert 0.1 < data.labels.mean() < 0.5
    assert len(data.leads) == len(data.moments) == len(data.groups)
    pairs = zip(data.leads, data.moments, strict=True)
    assert all(lead.posted_at <= moment for lead, moment in pairs)
