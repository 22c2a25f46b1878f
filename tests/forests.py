"""Small forests and small models for tests; each is trained once per session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from lead_scoring import ubjson
from lead_scoring.adapters import estimators
from lead_scoring.effect_tabulation import tabulate
from lead_scoring.entities import ActiveModel, Lead
from lead_scoring.entities.models import Activation, ModelRecord
from lead_scoring.entities.training import LeadSnapshot, Outcome, TrainingExample, WantedSnapshot
from lead_scoring.forest_nodes import read_nodes
from lead_scoring.live_metrics import METRIC_NAMES
from lead_scoring.model_fitting import FittedModel, fit_model
from lead_scoring.scoring_model import artifact_version, checksums
from lead_scoring.training_data import training_set
from lead_scoring.tree_ensemble import TreeEnsemble
from tests import builders

FIRST_DAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
TRAINED_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
# Few and shallow trees: the tests are about what surrounds them.
QUICK: Mapping[str, Any] = {"n_estimators": 12, "max_depth": 3, "learning_rate": 0.3}

Floats = NDArray[np.float32]


def random_rows(count: int, features: int, seed: int = 0, missing: float = 0.2) -> Floats:
    """Return rows of coarse values, so that many tie, with a share of them missing."""
    generator = np.random.default_rng(seed)
    rows = np.round(generator.normal(size=(count, features)), 1).astype(np.float32)
    rows[generator.random(rows.shape) < missing] = np.nan
    return rows


def train(
    rows: Floats,
    targets: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
    trees: int = 10,
    **params: Any,
) -> xgboost.Booster:
    """Train XGBoost on rows; the targets depend on every feature by default."""
    if targets is None:
        sums = np.nan_to_num(rows).sum(axis=1) + np.nan_to_num(rows[:, 0]) ** 2
        targets = (sums + np.random.default_rng(1).normal(size=len(rows)) > 0.5).astype(float)
    data = xgboost.DMatrix(rows, targets, weight=weights)
    defaults = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}
    return xgboost.train(defaults | params, data, trees)


def compiled(
    booster: xgboost.Booster, groups: Sequence[int] | None = None, tabulated: bool = False
) -> TreeEnsemble:
    """Return our evaluator of a booster; by default every feature is a group of its own.

    Its effects are swept, or with `tabulated` looked up: then a table must be possible.
    """
    own = list(range(booster.num_features()) if groups is None else groups)
    model = ubjson.loads(bytes(booster.save_raw("ubj")))
    table = None
    if tabulated:
        table = tabulate(read_nodes(model, len(own)), np.array(own))
        assert table is not None
    return TreeEnsemble(model, own, table)


def effects_of(
    forest: TreeEnsemble, rows: Floats, groups: int | None = None
) -> NDArray[np.float64]:
    """Return the additive effects of rows for so many groups, shape (n, groups).

    By default every feature is a group of its own.
    """
    effects = np.zeros((len(rows), groups or rows.shape[1]))
    effects[:, forest.groups] = forest.margins_and_effects(rows)[1]
    return effects


def labelled_leads(count: int, seed: int = 0) -> Iterator[tuple[Lead, datetime, Outcome]]:
    """Make leads, their moments and outcomes: Python and good pay convert more often."""
    random = Random(seed)
    titles = ("Python developer", "Nurse", "Sales manager", "Accountant", "Senior Python lead")
    places = ("San Francisco, CA", "Berlin, DE", "Remote", None)
    for number in range(count):
        moment = FIRST_DAY + timedelta(hours=6 * number)
        title, price = random.choice(titles), random.choice((None, 30e3, 60e3, 90e3, 150e3))
        odds = 0.15 + 0.4 * ("Python" in title) + 0.3 * ((price or 0) > 80e3)
        lead = builders.lead(
            lead_id=number,
            title=title,
            description=random.choice((None, "Some text about the work.", "Pay: $50/hr. Apply!")),
            category=random.choice(("software/qa", "health", None)),
            location_name=random.choice(places),
            price=price,
            posted_at=moment - timedelta(hours=random.randrange(48)),
        )
        converted = random.random() < odds
        contacted = random.choice((True, False, None))
        yield lead, moment, Outcome(number, converted=converted, contacted=contacted)


class Imports:
    """Imported leads and their outcomes, read as a training store's."""

    def __init__(self, labelled: Iterable[tuple[Lead, datetime, Outcome]]) -> None:
        rows = list(labelled)
        self.leads = {str(lead.lead_id): LeadSnapshot(lead, moment) for lead, moment, _ in rows}
        self.outcomes = [outcome for *_, outcome in rows]

    def evidence(self) -> list[Outcome]:
        return self.outcomes

    def snapshots(self, wanted: Iterable[WantedSnapshot]) -> Iterator[tuple[str, LeadSnapshot]]:
        return ((one.lead, self.leads[one.lead]) for one in wanted)


@lru_cache
def training_examples(count: int = 240, seed: int = 0) -> tuple[TrainingExample, ...]:
    """Return examples in time order."""
    return tuple(
        training_set(Imports(labelled_leads(count, seed)), builders.settings(), NOW).examples
    )


@lru_cache
def small_model(seed: int = 0) -> FittedModel:
    """Return a small model, trained on 240 leads; another seed gives another model."""
    return fit_model(training_examples(240, seed), builders.settings(), estimators, QUICK)


def publish(
    services: Any, fitted: FittedModel, created_at: datetime = TRAINED_AT, activate: bool = True
) -> str:
    """Put a model into the stores of services, register and activate it; return its version."""
    record = model_record(fitted, created_at)
    services.artifacts.write(record.model_version, fitted.artifact)
    services.models.register(record)
    if activate:
        services.models.activate(Activation(created_at, "a test", record.model_version))
    return record.model_version


def model_record(fitted: FittedModel, created_at: datetime = TRAINED_AT) -> ModelRecord:
    """Return what the registry would know of a model."""
    return ModelRecord(
        model_version=artifact_version(fitted.artifact, created_at),
        model_type="xgboost",
        metrics=dict.fromkeys(METRIC_NAMES) | {"auc_roc": 0.8},
        training_samples=240,
        validation_samples=0,
        feature_count=len(fitted.scoring_model.extractor.features),
        training_duration=1.0,
        size_bytes=sum(map(len, fitted.artifact.values())),
        checksums=checksums(fitted.artifact),
        created_at=created_at,
        threshold=fitted.scoring_model.threshold,
        trained_until=created_at,
        data_fingerprint="0" * 64,
    )


def active_pointer(fitted: FittedModel, created_at: datetime = TRAINED_AT) -> ActiveModel:
    """Return the pointer at a model."""
    record = model_record(fitted, created_at)
    return ActiveModel(record.model_version, record.checksums, created_at)
