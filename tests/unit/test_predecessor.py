import numpy as np
import pytest

from lead_scoring.entities import GivenScore
from lead_scoring.labels import Label
from lead_scoring.predecessor import compare
from tests.evidence import NOON


def outcomes(count, separation, seed, base=0.3):
    """Outcomes of leads whose probabilities, calibrated, lie this far apart."""
    generator = np.random.default_rng(seed)
    logits = np.log(base / (1 - base)) + separation * generator.normal(size=count)
    probabilities = 1 / (1 + np.exp(-logits))
    made = []
    for number, p in enumerate(probabilities):
        target = float(generator.random() < p)
        given = GivenScore(str(number), "v", round(100 * p), float(p))
        made.append(Label(target, 1.0, NOON, None, given, target == 1.0))
    return made


def worse(live, before):
    return {each.metric.removeprefix("relative "): each for each in compare(live, before, 0.5, 0.5)}


def test_a_model_that_sorts_much_worse_is_found_by_both_metrics():
    found = worse(outcomes(1500, 0.3, 1), outcomes(1500, 2.5, 2))

    assert found["AUC"].lower > 0
    assert found["log loss"].lower > 0
    assert (found["AUC"].samples, found["AUC"].samples_before) == (1500, 1500)


def test_a_model_that_does_as_well_or_better_is_not():
    assert max(each.lower for each in worse(outcomes(800, 1, 3), outcomes(800, 1, 4)).values()) < 0
    assert max(each.lower for each in worse(outcomes(800, 2, 5), outcomes(800, 1, 6)).values()) < 0


def test_fewer_conversions_now_do_not_make_a_model_worse():
    found = worse(outcomes(2000, 1.5, 7, base=0.1), outcomes(2000, 1.5, 8, base=0.4))

    assert all(each.lower <= 0 for each in found.values())


@pytest.mark.parametrize(("live", "before"), [(99, 500), (500, 99)])
def test_ninety_nine_outcomes_of_either_do_not_judge(live, before):
    assert compare(outcomes(live, 0.1, 1), outcomes(before, 3, 2), 0.5, 0.5) == []
    assert compare(outcomes(100, 0.1, 1), outcomes(500, 3, 2), 0.5, 0.5)


def test_outcomes_of_one_class_do_not_judge():
    lost = [each._replace(target=0.0) for each in outcomes(200, 1, 1)]

    assert compare(lost, outcomes(200, 1, 2), 0.5, 0.5) == []


def test_of_two_equal_models_few_are_called_worse():
    called = sum(
        any(
            each.lower > 0
            for each in compare(outcomes(150, 1, s), outcomes(150, 1, 500 + s), 0.5, 0.5)
        )
        for s in range(60)
    )

    # One in twenty by the rule; five or fewer of sixty in 92 of 100 such trials.
    assert called <= 5


def test_the_same_outcomes_get_the_same_answer():
    live, before = outcomes(200, 1, 1), outcomes(200, 1.2, 2)

    assert compare(live, before, 0.5, 0.5) == compare(live, before, 0.5, 0.5)
