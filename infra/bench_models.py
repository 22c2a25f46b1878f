"""The models that the evaluation compares, each as one function: train here, predict there."""

import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lead_scoring.adapters import estimators, tfidf_fitting
from lead_scoring.model_fitting import FittedModel, fit_model
from lead_scoring.settings import Settings
from lead_scoring.training_data import training_set

from .bench_data import LabelledLeads
from .reference.plain_scorer import PlainScorer
from .reference.term_regression import Constant, TermRegression

Doubles = NDArray[np.float64]
OURS = "ours"


def measuring_settings() -> Settings:
    """Return the settings of the environment, with a hash key of the moment if it has none."""
    return Settings.from_environment({"HASH_KEY": secrets.token_hex(16), **os.environ})


class _Estimators:
    """The fitting libraries as the trainer asks for them."""

    fit_tfidf = staticmethod(tfidf_fitting.fit_tfidf)
    fit_forest = staticmethod(estimators.fit_forest)
    cross_validate = staticmethod(estimators.cross_validate)
    predictions = staticmethod(estimators.predictions)
    fit_calibration = staticmethod(estimators.fit_calibration)


def fit_ours(
    train: LabelledLeads, settings: Settings, params: Mapping[str, Any] | None = None
) -> FittedModel:
    """Fit the product's model; without `params` its own cross-validation chooses them."""
    data = training_set(train, settings, datetime.now(UTC))
    return fit_model(data.examples, settings, _Estimators(), params, history=data.history)


def predict_ours(train: LabelledLeads, test: LabelledLeads) -> Doubles:
    """Train the product in memory, without any store, and return its probabilities."""
    model = fit_ours(train, measuring_settings()).scoring_model
    scored = model.score(test.leads, test.moments).scored
    return np.array([one.probability for one in scored])


def predict_plain(train: LabelledLeads, test: LabelledLeads) -> Doubles:
    """Train the plain implementation with the default hyperparameters."""
    settings = measuring_settings()
    scorer = PlainScorer(
        title_terms=settings.tfidf_max_features_title,
        description_terms=settings.tfidf_max_features_desc,
    )
    scorer.fit(train.rows(), train.moments, train.labels)
    return scorer.probabilities(test.rows(), test.moments)


def predict_terms(train: LabelledLeads, test: LabelledLeads) -> Doubles:
    """Train the logistic regression on words."""
    return TermRegression().fit(train.rows(), train.labels).probabilities(test.rows())


def predict_constant(train: LabelledLeads, test: LabelledLeads) -> Doubles:
    """Give every lead the share of conversions in training."""
    return Constant().fit(train.labels).probabilities(len(test.labels))


MODELS: dict[str, Callable[[LabelledLeads, LabelledLeads], Doubles]] = {
    OURS: predict_ours,
    "plain": predict_plain,
    "words": predict_terms,
    "constant": predict_constant,
}
