"""Golden numbers are scikit-learn's, on rows repeated as often as they count."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from lead_scoring import evaluation
from lead_scoring.evaluation import Metrics, best_f1_threshold, metrics, rank

Doubles = NDArray[np.float64]


def drawn(count: int, seed: int = 0, decimals: int = 1) -> tuple[Doubles, Doubles]:
    """Return predictions that tie and soft targets that go with them."""
    generator = np.random.default_rng(seed)
    probabilities = np.round(generator.random(count), decimals)
    noisy = probabilities + generator.normal(0, 0.4, count)
    return probabilities, np.clip(np.round(noisy, 1), 0, 1)


def by_scikit_learn(probabilities: Doubles, targets: Doubles, threshold: float) -> Metrics:
    labels, chosen = targets >= 0.5, probabilities >= threshold
    return {
        "precision": sklearn_metrics.precision_score(labels, chosen),
        "recall": sklearn_metrics.recall_score(labels, chosen),
        "f1_score": sklearn_metrics.f1_score(labels, chosen),
        "accuracy": sklearn_metrics.accuracy_score(labels, chosen),
        "auc_roc": sklearn_metrics.roc_auc_score(labels, probabilities),
        "average_precision": sklearn_metrics.average_precision_score(labels, probabilities),
        "log_loss": sklearn_metrics.log_loss(labels, probabilities),
        "brier": sklearn_metrics.brier_score_loss(labels, probabilities),
        "ndcg": sklearn_metrics.ndcg_score([targets], [probabilities]),
        "conversion_rate": labels.mean(),
        "avg_prediction_score": 100 * probabilities.mean(),
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [1, 6])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_every_metric_is_scikit_learns(seed: int, decimals: int, threshold: float) -> None:
    probabilities, targets = drawn(200, seed, decimals)

    found = metrics(rank(probabilities, targets), threshold)

    expected = by_scikit_learn(probabilities, targets, threshold)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_count_is_as_if_the_row_stood_there_that_often(seed: int) -> None:
    probabilities, targets = drawn(150, seed)
    counts = np.random.default_rng(seed).integers(0, 4, 150)
    ranked = rank(probabilities, targets, [None, True, False] * 50)
    order = np.argsort(-probabilities, kind="stable")

    counted = metrics(ranked, 0.4, counts[order].astype(float))

    again = np.repeat(np.arange(150), counts)
    contact_succeeded = [[None, True, False][i % 3] for i in again]
    repeated = metrics(rank(probabilities[again], targets[again], contact_succeeded), 0.4)
    expected = by_scikit_learn(probabilities[again], targets[again], 0.4)
    assert counted == pytest.approx(repeated, abs=1e-9)
    assert {name: counted[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_certain_predictions_have_scikit_learns_finite_log_loss() -> None:
    probabilities, targets = np.array([0.0, 1.0, 0.3]), np.array([1.0, 0.0, 0.0])

    found = metrics(rank(probabilities, targets), 0.5)["log_loss"]

    assert found == pytest.approx(sklearn_metrics.log_loss(targets, probabilities))


def test_a_target_of_a_half_is_positive() -> None:
    ranked = rank(np.array([0.5, 0.2]), np.array([0.5, 0.499]))

    assert ranked.labels.tolist() == [1.0, 0.0]
    assert metrics(ranked, 0.5)["conversion_rate"] == 0.5


def test_a_prediction_at_the_threshold_counts_as_positive() -> None:
    ranked = rank(np.array([0.5, 0.2]), np.array([1.0, 0.0]))

    assert metrics(ranked, 0.5)["recall"] == 1.0


def test_lift_and_recall_at_the_top_are_counted_there() -> None:
    generator = np.random.default_rng(1)
    probabilities, labels = generator.random(95), (generator.random(95) < 0.3).astype(float)
    best = labels[np.argsort(-probabilities)]

    found = metrics(rank(probabilities, labels), 0.5)

    # The top tenth of 95 leads are 10, the top fifth 19.
    assert found["recall_at_10"] == pytest.approx(best[:10].sum() / labels.sum())
    assert found["lift_at_10"] == pytest.approx(best[:10].mean() / labels.mean())
    assert found["recall_at_20"] == pytest.approx(best[:19].sum() / labels.sum())
    assert found["lift_at_20"] == pytest.approx(best[:19].mean() / labels.mean())


def test_predictions_that_are_all_equal_lift_nothing() -> None:
    found = metrics(rank(np.full(40, 0.3), np.tile([1.0, 0.0, 0.0, 0.0], 10)), 0.5)

    assert found["lift_at_10"] == pytest.approx(1.0)
    assert found["recall_at_20"] == pytest.approx(0.2)
    assert found["auc_roc"] == 0.5


def test_calibration_error_is_the_mean_gap_over_ten_equal_bins() -> None:
    generator = np.random.default_rng(2)
    probabilities, labels = generator.random(237), (generator.random(237) < 0.4).astype(float)
    order = np.argsort(probabilities)
    gaps = [
        abs(probabilities[part].mean() - labels[part].mean()) * len(part)
        for part in np.array_split(order, 10)
    ]

    found = metrics(rank(probabilities, labels), 0.5)["expected_calibration_error"]

    assert found == pytest.approx(sum(gaps) / 237)


@pytest.mark.parametrize("decimals", [1, 6])
def test_the_bins_tell_the_calibration_error(decimals: int) -> None:
    ranked = rank(*drawn(203, decimals=decimals))

    bins = evaluation.calibration_bins(ranked)

    means = [each["mean_prediction"] for each in bins]
    total = sum(
        each["count"] * abs(each["mean_prediction"] - each["observed_rate"]) for each in bins
    )
    assert sum(each["count"] for each in bins) == 203
    assert {each["count"] for each in bins} == {20, 21}
    assert means == sorted(means)
    assert metrics(ranked, 0.5)["expected_calibration_error"] == pytest.approx(total / 203)


def test_fewer_leads_than_bins_have_a_bin_each() -> None:
    bins = evaluation.calibration_bins(rank(np.array([0.2, 0.8]), np.array([0.0, 1.0])))

    assert bins == [
        {"mean_prediction": pytest.approx(0.2), "observed_rate": 0.0, "count": 1},
        {"mean_prediction": pytest.approx(0.8), "observed_rate": 1.0, "count": 1},
    ]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.integers(0, 5))
def test_the_order_of_rows_changes_no_figure(order: list[int], seed: int) -> None:
    probabilities, targets = drawn(40, seed)
    contact_succeeded = [True, None, False, True] * 10

    straight = rank(probabilities, targets, contact_succeeded)
    shuffled = rank(probabilities[order], targets[order], [contact_succeeded[i] for i in order])

    assert metrics(shuffled, 0.4) == pytest.approx(metrics(straight, 0.4), abs=1e-12)
    assert best_f1_threshold(probabilities[order], targets[order]) == best_f1_threshold(
        probabilities, targets
    )
    for table in (evaluation.calibration_bins, evaluation.lift_table):
        for one, other in zip(table(shuffled), table(straight), strict=True):
            assert one == pytest.approx(other, abs=1e-12)


def test_contact_success_is_the_share_of_successes_among_those_known() -> None:
    targets = np.array([1.0, 0.0, 1.0, 1.0, 0.0])

    found = metrics(rank(np.linspace(0, 1, 5), targets, [True, False, False, None, False]), 0.5)

    assert found["contact_success_rate"] == 0.25


@pytest.mark.parametrize("seed", range(3))
def test_the_headline_is_the_same_as_in_all_metrics(seed: int) -> None:
    probabilities, targets = drawn(80, seed)
    counts = np.random.default_rng(seed).integers(0, 4, 80).astype(float)
    ranked = rank(probabilities, targets)

    found = evaluation.headline(ranked, 0.4, counts)

    everything = metrics(ranked, 0.4, counts)
    assert found == {name: everything[name] for name in ("f1_score", "auc_roc", "log_loss")}


def test_a_ranking_remembers_where_its_rows_stood() -> None:
    probabilities, targets = drawn(50, 1)

    ranked = rank(probabilities, targets)

    assert np.array_equal(ranked.probabilities, probabilities[ranked.order])
    assert np.array_equal(ranked.targets, targets[ranked.order])


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_what_one_class_does_not_define_is_none(label: float) -> None:
    found = metrics(rank(np.array([0.2, 0.7]), np.full(2, label)), 0.5)

    assert found["auc_roc"] is None
    assert found["contact_success_rate"] is None
    assert found["log_loss"] is not None
    undefined = {"recall", "average_precision", "lift_at_10", "recall_at_20", "ndcg"}
    assert {found[name] is None for name in undefined} == {label == 0.0}


def test_precision_without_a_predicted_positive_is_none() -> None:
    assert metrics(rank(np.array([0.2, 0.7]), np.array([1.0, 0.0])), 0.9)["precision"] is None


def test_nothing_at_all_has_no_metric() -> None:
    assert set(metrics(rank(np.zeros(0), np.zeros(0)), 0.5).values()) == {None}


def test_no_metric_is_ever_nan() -> None:
    for size in (1, 2, 3, 10, 11):
        for seed in range(10):
            found = metrics(rank(*drawn(size, seed)), 0.5)

            assert not any(value is not None and math.isnan(value) for value in found.values())


def test_the_lift_table_ends_with_every_lead() -> None:
    probabilities, targets = drawn(93)
    table = evaluation.lift_table(rank(probabilities, targets))

    assert [row["top_fraction"] for row in table] == [i / 10 for i in range(1, 11)]
    assert table[0]["leads"] == 10
    assert table[-1]["leads"] == 93
    assert table[-1]["recall"] == table[-1]["lift"] == 1.0
    assert table[-1]["positives"] == (targets >= 0.5).sum()
    recalls = [row["recall"] or 0.0 for row in table]
    assert recalls == sorted(recalls)


@pytest.mark.parametrize("seed", range(8))
def test_the_threshold_is_the_one_with_the_highest_f1(seed: int) -> None:
    probabilities, targets = drawn(60, seed)
    labels = targets >= 0.5

    threshold = best_f1_threshold(probabilities, targets)

    f1 = [sklearn_metrics.f1_score(labels, probabilities >= cut) for cut in probabilities]
    assert sklearn_metrics.f1_score(labels, probabilities >= threshold) == pytest.approx(max(f1))
    assert threshold in probabilities


def test_without_positives_the_threshold_is_a_half() -> None:
    assert best_f1_threshold(np.array([0.1, 0.9]), np.zeros(2)) == 0.5


def test_intervals_are_the_same_for_the_same_seed_and_hold_their_metric() -> None:
    ranked = rank(*drawn(120))

    intervals = evaluation.with_intervals(ranked, 0.5, seed=3)

    assert intervals == evaluation.with_intervals(ranked, 0.5, seed=3)
    assert intervals != evaluation.with_intervals(ranked, 0.5, seed=4)
    for name, value in metrics(ranked, 0.5).items():
        if value is None:
            assert intervals[name] is None
        elif name != "expected_calibration_error":  # noise only ever adds to it
            low, high = intervals[name] or (math.nan, math.nan)
            assert low <= value <= high


@pytest.mark.untraced
def test_intervals_cover_the_truth_about_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "BOOTSTRAP_RESAMPLES", 120)
    covered = {"auc_roc": 0, "brier": 0, "conversion_rate": 0}
    # p uniform on (0, 1), label drawn with p: AUC 5/6, Brier E[p (1 - p)] = 1/6, rate 1/2.
    truth = {"auc_roc": 5 / 6, "brier": 1 / 6, "conversion_rate": 1 / 2}
    for seed in range(60):
        generator = np.random.default_rng(seed)
        probabilities = generator.random(150)
        labels = (generator.random(150) < probabilities).astype(float)

        intervals = evaluation.with_intervals(rank(probabilities, labels), 0.5, seed)

        for name, true in truth.items():
            low, high = intervals[name] or (1, 0)
            covered[name] += low <= true <= high

    # 95 % of 60 are 57; below 50 is less likely than one in a thousand, and 60 of all is not.
    assert all(count >= 50 for count in covered.values())
    assert sum(covered.values()) < 180


def test_figures_are_rounded_for_people() -> None:
    assert evaluation.flatten({"a": 1 / 3, "b": None}) == {"a": 0.333333, "b": None}
