import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from lead_scoring.promotion import Contender, Difference, judge

Doubles = NDArray[np.float64]
RANDOM = np.random.default_rng(7)
TARGETS: Doubles = (RANDOM.random(600) < 0.3).astype(float)
GOOD: Doubles = np.clip(0.3 * TARGETS + 0.15 + 0.25 * RANDOM.normal(size=600), 0.01, 0.99)
NOISY: Doubles = np.clip(GOOD + 0.4 * RANDOM.normal(size=600), 0.01, 0.99)


def model(probabilities: Doubles, version: str = "v1", threshold: float = 0.4) -> Contender:
    return Contender(version, probabilities, threshold)


def by_scikit_learn(probabilities: Doubles, threshold: float) -> dict[str, float]:
    return {
        "f1_score": sklearn_metrics.f1_score(TARGETS, probabilities >= threshold),
        "auc_roc": sklearn_metrics.roc_auc_score(TARGETS, probabilities),
        "log_loss": sklearn_metrics.log_loss(TARGETS, probabilities),
    }


def test_differences_are_scikit_learns_each_at_its_own_threshold() -> None:
    found = judge(model(GOOD, "v2", 0.35), model(NOISY, "v1", 0.55), TARGETS).differences

    ours, theirs = by_scikit_learn(GOOD, 0.35), by_scikit_learn(NOISY, 0.55)
    assert {name: one.estimate for name, one in found.items()} == pytest.approx(
        {name: ours[name] - theirs[name] for name in ours}, abs=1e-6
    )


def share_of_pairs(probabilities: Doubles, rows: NDArray[np.intp]) -> float:
    """AUC by its definition: how often a positive stands before a negative; ties are half."""
    positive = probabilities[rows[TARGETS[rows] == 1]][:, None]
    negative = probabilities[rows[TARGETS[rows] == 0]]
    return float(np.mean((positive > negative) + 0.5 * (positive == negative)))


def test_intervals_are_those_of_a_paired_bootstrap() -> None:
    found = judge(model(GOOD, "v2"), model(NOISY), TARGETS).differences["auc_roc"]

    random, draws, unpaired = np.random.default_rng(1), [], []
    for _ in range(500):
        rows, others = random.integers(0, 600, 600), random.integers(0, 600, 600)
        ours = share_of_pairs(GOOD, rows)
        draws.append(ours - share_of_pairs(NOISY, rows))
        unpaired.append(ours - share_of_pairs(NOISY, others))
    assert (found.low, found.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.01)
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low < np.ptp(np.quantile(unpaired, [0.025, 0.975]))


def test_the_same_data_give_the_same_verdict() -> None:
    assert judge(model(GOOD, "v2"), model(NOISY), TARGETS) == judge(
        model(GOOD, "v2"), model(NOISY), TARGETS
    )


# The gate.


def test_a_better_model_is_promoted() -> None:
    verdict = judge(model(GOOD, "v2"), model(NOISY), TARGETS)

    assert verdict.promoted
    assert verdict.compared_with == "v1"
    assert verdict.text.startswith("Promoted: on the 600 newest leads F1 is ")
    assert "v1, now active" in verdict.text
    assert verdict.short.startswith("promoted: F1 +")


def test_the_sentence_has_the_figures() -> None:
    verdict = judge(model(GOOD, "v2"), model(NOISY), TARGETS)

    ours, theirs = by_scikit_learn(GOOD, 0.4), by_scikit_learn(NOISY, 0.4)
    assert f"F1 is {ours['f1_score']:.3f}, against {theirs['f1_score']:.3f}" in verdict.text
    for name in ("AUC", "log loss"):
        assert name in verdict.text


@pytest.mark.parametrize("candidate", [GOOD, NOISY])
def test_a_model_whose_f1_does_not_improve_is_not_promoted(candidate: Doubles) -> None:
    verdict = judge(model(candidate, "v2"), model(GOOD), TARGETS)

    assert not verdict.promoted
    assert verdict.text.startswith("Not promoted, because F1 does not improve")


def test_the_same_model_differs_by_nothing() -> None:
    verdict = judge(model(GOOD, "v2"), model(GOOD), TARGETS)

    assert not verdict.promoted
    assert set(verdict.differences.values()) == {Difference(0.0, 0.0, 0.0)}


def test_a_better_f1_does_not_outweigh_a_significantly_worse_auc() -> None:
    at_or_above = GOOD >= 0.4
    # Within both sides of the threshold the order is turned round: F1 stays, AUC falls.
    turned = np.where(at_or_above, 1.4 - GOOD, 0.39 - 0.9 * GOOD).clip(0.01, 0.99)

    verdict = judge(model(turned, "v2", 0.4), model(GOOD, "v1", 0.9), TARGETS)

    estimate = verdict.differences["f1_score"].estimate
    assert estimate is not None
    assert estimate > 0
    assert not verdict.promoted
    assert "AUC is significantly worse" in verdict.text


def test_a_better_f1_does_not_outweigh_a_significantly_worse_log_loss() -> None:
    sure = np.where(GOOD >= 0.4, 0.4 + 0.59 * (GOOD >= 0.4), GOOD / 30).clip(0.001, 0.999)

    verdict = judge(model(sure, "v2", 0.4), model(GOOD, "v1", 0.9), TARGETS)

    assert not verdict.promoted
    assert "log loss is significantly worse" in verdict.text


def test_an_insignificant_loss_in_auc_and_log_loss_is_no_obstacle() -> None:
    slightly = np.clip(GOOD + 0.03 * np.random.default_rng(5).normal(size=600), 0.01, 0.99)

    verdict = judge(model(slightly, "v2", 0.4), model(GOOD, "v1", 0.7), TARGETS)

    auc, log_loss = (verdict.differences[name] for name in ("auc_roc", "log_loss"))
    assert verdict.promoted
    assert auc.estimate is not None
    assert log_loss.estimate is not None
    assert auc.estimate < 0 < log_loss.estimate


def test_a_first_model_needs_only_a_lower_log_loss_than_the_baseline() -> None:
    poor_f1 = model(GOOD, "v2", threshold=0.99)
    baseline = model(np.full(600, 0.2), "baseline", 0.1)

    verdict = judge(poor_f1, baseline, TARGETS)

    estimate = verdict.differences["f1_score"].estimate
    assert estimate is not None
    assert estimate < 0
    assert verdict.promoted
    assert "against" in verdict.text
    assert "of the baseline" in verdict.text
    assert verdict.short.startswith("promoted: log loss -")


def test_a_first_model_that_does_not_beat_the_baseline_is_not_promoted() -> None:
    verdict = judge(model(NOISY, "v2"), model(GOOD, "baseline", 0.5), TARGETS)

    assert not verdict.promoted
    assert verdict.text.startswith("Not promoted, because its log loss is not lower")


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_holdout_of_one_kind_leaves_auc_undefined_and_says_so(label: float) -> None:
    verdict = judge(model(GOOD, "v2"), model(NOISY), np.full(600, label))

    assert verdict.differences["auc_roc"] == Difference(None, None, None)
    assert "AUC not defined" in verdict.text
    assert json.dumps(verdict.to_json(), allow_nan=False)


def test_without_positives_and_predicted_positives_f1_cannot_improve() -> None:
    verdict = judge(model(GOOD, "v2", 1.0), model(NOISY, "v1", 1.0), np.zeros(600))

    assert not verdict.promoted
    assert "F1 cannot be computed" in verdict.text


def test_remarks_end_the_sentence() -> None:
    verdict = judge(model(GOOD, "v2"), model(NOISY), TARGETS, ["It was raining."])

    assert verdict.text.endswith("(differences with 95 % intervals). It was raining.")


def test_the_card_shows_all_of_it() -> None:
    verdict = judge(model(GOOD, "v2"), model(NOISY), TARGETS)

    shown = verdict.to_json()

    assert shown.keys() == {"promoted", "text", "compared_with", "differences"}
    assert shown["differences"].keys() == {"f1_score", "auc_roc", "log_loss"}
    assert shown["differences"]["auc_roc"].keys() == {"estimate", "low", "high"}
