import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from lead_scoring.estimated_performance import STEPS, estimated_metrics, step_of


def counts_of(probabilities):
    return np.bincount(step_of(np.asarray(probabilities)), minlength=STEPS + 1).astype(float)


def both_ways(probabilities):
    """Each lead twice: as a positive with the weight p, and as a negative with 1 - p."""
    p = np.asarray(probabilities)
    labels = np.concatenate([np.ones(len(p)), np.zeros(len(p))])
    return labels, np.concatenate([p, p]), np.concatenate([p, 1 - p])


STEPPED = st.lists(st.integers(0, STEPS), min_size=2, max_size=60).filter(
    lambda steps: 0 < sum(steps) < STEPS * len(steps)
)


@given(STEPPED, st.sampled_from([0.2, 0.5, 0.9]))
def test_estimates_are_what_scikit_learn_makes_of_weighted_leads(steps, threshold):
    p = np.array(steps) / STEPS
    labels, scores, weights = both_ways(p)
    above = scores >= threshold

    found = estimated_metrics(counts_of(p), threshold)

    auc = metrics.roc_auc_score(labels, scores, sample_weight=weights)
    assert found["auc_roc"] == pytest.approx(auc, abs=1e-6)
    for name, metric in (
        ("f1_score", metrics.f1_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
    ):
        if found[name] is not None:
            expected = metric(labels, above, sample_weight=weights, zero_division=0)
            assert found[name] == pytest.approx(expected, abs=1e-6)
    accuracy = metrics.accuracy_score(labels, above, sample_weight=weights)
    assert found["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert found["conversion_rate"] == pytest.approx(p.mean(), abs=1e-6)


def test_estimates_come_true_where_the_probabilities_are_calibrated():
    generator = np.random.default_rng(4)
    p = generator.beta(1, 3, 40_000)
    labels = generator.random(len(p)) < p

    found = estimated_metrics(counts_of(p), 0.3)

    assert found["auc_roc"] == pytest.approx(metrics.roc_auc_score(labels, p), abs=0.01)
    assert found["f1_score"] == pytest.approx(metrics.f1_score(labels, p >= 0.3), abs=0.01)
    assert found["precision"] == pytest.approx(metrics.precision_score(labels, p >= 0.3), abs=0.01)
    assert found["recall"] == pytest.approx(metrics.recall_score(labels, p >= 0.3), abs=0.01)


def test_a_probability_at_the_threshold_counts_as_positive():
    assert estimated_metrics(counts_of([0.5, 0.5]), 0.5)["recall"] == 1.0


def test_what_is_not_defined_is_no_figure():
    nothing, all_sure = np.zeros(STEPS + 1), counts_of([1.0, 1.0])

    assert set(estimated_metrics(nothing, 0.5).values()) == {None}
    assert estimated_metrics(all_sure, 0.5)["auc_roc"] is None
    assert estimated_metrics(counts_of([0.1]), 0.5)["precision"] is None


def test_a_probability_goes_to_the_nearest_step():
    assert step_of(np.array([0.0, 0.0004, 0.0006, 0.9996, 1.0])).tolist() == [0, 0, 1, 1000, 1000]
