import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from lead_scoring.adapters.estimators import fit_calibration
from lead_scoring.calibration import Calibration
from lead_scoring.errors import ArtifactError

Doubles = NDArray[np.float64]
slopes = st.floats(1e-3, 50.0)
offsets = st.floats(-50.0, 50.0)


def sigmoid(margins: Doubles) -> Doubles:
    result: Doubles = 1 / (1 + np.exp(-margins))
    return result


def drawn(count: int, probability: Calibration, seed: int = 0) -> tuple[Doubles, Doubles]:
    generator = np.random.default_rng(seed)
    margins = generator.normal(0, 2, count)
    return margins, (generator.random(count) < probability.probabilities(margins)).astype(float)


@given(slopes, slopes, offsets, st.lists(st.floats(-700, 700), min_size=2))
def test_probabilities_rise_with_the_margin_and_stay_in_0_to_1(
    a: float, b: float, c: float, margins: list[float]
) -> None:
    probabilities = Calibration("beta", a, b, c).probabilities(np.array(sorted(margins)))

    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_extreme_margins_have_probabilities_0_and_1() -> None:
    margins = np.array([-np.inf, -1e300, -1e5, 1e5, 1e300, np.inf])

    probabilities = Calibration("beta", 0.5, 2.0, 0.3).probabilities(margins)

    assert probabilities.tolist() == [0, 0, 0, 1, 1, 1]


def test_the_map_is_that_of_beta_calibration() -> None:
    margins = np.linspace(-5, 5, 11)
    s = sigmoid(margins)

    probabilities = Calibration("beta", 0.7, 1.4, -0.2).probabilities(margins)

    assert probabilities == pytest.approx(sigmoid(0.7 * np.log(s) - 1.4 * np.log(1 - s) - 0.2))


def test_equal_slopes_are_platts_map() -> None:
    margins = np.linspace(-5, 5, 11)

    probabilities = Calibration("platt", 0.7, 0.7, -0.2).probabilities(margins)

    assert probabilities == pytest.approx(sigmoid(0.7 * margins - 0.2))


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [(0, 1, 0), (1, -1, 0), (math.nan, 1, 0), (1, math.inf, 0), (1, 1, math.nan)],
)
def test_a_map_that_does_not_rise_is_refused(a: float, b: float, c: float) -> None:
    with pytest.raises(ArtifactError):
        Calibration("beta", a, b, c)


def test_a_calibration_survives_json() -> None:
    calibration = Calibration("beta", 0.1 + 0.2, 1.5, -1e-17)

    assert Calibration.from_json(calibration.to_json()).to_json() == calibration.to_json()


@pytest.mark.parametrize(
    "value",
    [{}, None, [], {"kind": "platt", "a": 1, "b": 1}, {"kind": "", "a": "x", "b": 1, "c": 0}],
)
def test_malformed_json_is_refused(value: object) -> None:
    with pytest.raises(ArtifactError):
        Calibration.from_json(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("symmetric", [True, False])
def test_fitting_recovers_the_parameters_that_made_the_data(symmetric: bool) -> None:
    true = Calibration("", 0.6, 0.6 if symmetric else 1.3, -0.4)
    margins, targets = drawn(60_000, true)

    found = fit_calibration(margins, targets, symmetric)

    assert found == pytest.approx((true.a, true.b, true.c), abs=0.06)


def test_platts_parameters_are_those_of_a_logistic_regression() -> None:
    margins, targets = drawn(20_000, Calibration("", 1.5, 1.5, 0.3))
    reference = LogisticRegression(C=1e9).fit(margins[:, None], targets)

    a, b, c = fit_calibration(margins, targets, symmetric=True)

    assert a == b
    assert (a, c) == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=0.01)


@pytest.mark.parametrize("symmetric", [True, False])
def test_calibration_beats_raw_probabilities_that_are_off(symmetric: bool) -> None:
    true = Calibration("", 0.4, 0.4 if symmetric else 0.9, 0.5)
    margins, targets = drawn(2_000, true)
    fresh_margins, fresh_targets = drawn(5_000, true, seed=1)

    fitted = Calibration("", *fit_calibration(margins, targets, symmetric))

    calibrated = log_loss(fresh_targets, fitted.probabilities(fresh_margins))
    best = log_loss(fresh_targets, true.probabilities(fresh_margins))
    assert calibrated < log_loss(fresh_targets, sigmoid(fresh_margins)) - 0.01
    assert calibrated < best + 0.006


@pytest.mark.parametrize("symmetric", [True, False])
def test_separable_data_gives_a_finite_slope(symmetric: bool) -> None:
    margins = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])

    a, b, c = fit_calibration(margins, (margins > 0).astype(float), symmetric)

    assert 0 < a < 10
    assert 0 < b < 10
    assert abs(c) < 1


def test_a_margin_that_misleads_still_gives_a_rising_map() -> None:
    margins, _ = drawn(500, Calibration("", 1, 1, 0))
    targets = (margins < 0).astype(float)

    fitted = Calibration("", *fit_calibration(margins, targets, symmetric=False))

    low, high = fitted.probabilities(np.array([-3.0, 3.0]))
    assert low < high
