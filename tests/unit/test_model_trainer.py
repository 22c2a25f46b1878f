from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from lead_scoring import model_fitting, ubjson
from lead_scoring.adapters import estimators
from lead_scoring.candidate import HOLDOUT_FILE
from lead_scoring.entities import ActiveModel
from lead_scoring.entities.training import Outcome
from lead_scoring.errors import JobRunningError, StoreUnavailableError, TooFewSamplesError
from lead_scoring.incumbent import REPORT_FILE
from lead_scoring.model_card import global_importance
from lead_scoring.model_fitting import FOLDS, fit_model
from lead_scoring.monitoring_reference import REFERENCE_FILE
from lead_scoring.scoring_model import (
    MODEL_FILE,
    SCORING_FILES,
    artifact_version,
    checksums,
)
from tests import builders, forests
from tests.artifacts import history_of, manifest_of
from tests.builders import lead
from tests.fakes import FakeArtifactStore, FakeModelRegistry
from tests.trainings import (
    COUNT,
    HELD_OUT,
    ROWS,
    Row,
    files_of,
    model_of,
    report_of,
    services_with,
    trained,
    with_outcome,
)


@pytest.fixture(scope="module")
def services() -> Any:
    return trained(ROWS)


@pytest.fixture(scope="module")
def report(services: Any) -> dict[str, Any]:
    return report_of(services)


# The same data, the same model.


def test_the_same_data_in_any_order_make_the_same_model_bit_for_bit(services: Any) -> None:
    again = trained(ROWS[::-1])

    assert again.artifacts.files == services.artifacts.files
    assert again.models.records == services.models.records


def test_another_seed_makes_another_model(services: Any) -> None:
    seeded = services_with(ROWS)

    seeded.model_trainer.train_new_model({**forests.QUICK, "random_state": 7})

    assert report_of(seeded)["hyperparameters"]["random_state"] == 7
    assert files_of(seeded)[MODEL_FILE] != files_of(services)[MODEL_FILE]


# The holdout.


def test_the_newest_fifth_is_held_out(services: Any, report: dict[str, Any]) -> None:
    (record,) = services.models.newest_first()
    moments = sorted(moment for _, moment, _ in ROWS)

    assert (record.training_samples, record.validation_samples) == (COUNT - HELD_OUT, HELD_OUT)
    assert report["training_window"]["leads"] == COUNT - HELD_OUT
    assert report["holdout_window"]["leads"] == HELD_OUT
    assert report["training_window"]["to"].startswith(f"{moments[-HELD_OUT - 1]:%Y-%m-%dT%H}")
    assert report["holdout_window"]["from"].startswith(f"{moments[-HELD_OUT]:%Y-%m-%dT%H}")


def test_another_share_can_be_held_out() -> None:
    (record,) = trained(ROWS, validation_split=0.4).models.newest_first()

    assert (record.training_samples, record.validation_samples) == (90, 60)


def flipped(row: Row) -> Row:
    return with_outcome(row, converted=not row[2].converted)


def another_lead(row: Row) -> Row:
    other = row[0]._replace(title="Zookeeper wanted", price=9.9e9, category="zoo", description="x")
    return other, row[1], row[2]


def assert_same_but_the_history(before: bytes, after: bytes) -> None:
    assert manifest_of(after) == manifest_of(before)  # calibration, threshold, range
    forests_of = [ubjson.loads(content)["learner"] for content in (before, after)]
    assert str(forests_of[0]) == str(forests_of[1])
    histories = [history_of(content) for content in (before, after)]
    assert any(histories[0][name].tolist() != histories[1][name].tolist() for name in histories[0])


@pytest.mark.parametrize("change", [flipped, another_lead])
def test_the_holdout_moves_nothing_that_scores_but_the_history_that_later_leads_look_back_on(
    services: Any, change: Callable[[Row], Row]
) -> None:
    changed = trained([*ROWS[:-HELD_OUT], *map(change, ROWS[-HELD_OUT:])])

    before, after = files_of(services), files_of(changed)
    assert_same_but_the_history(before[MODEL_FILE], after[MODEL_FILE])
    for same in ("cross_validated_log_loss", "hyperparameters", "threshold", "training_window"):
        assert report_of(changed)[same] == report_of(services)[same]
    assert report_of(changed)["metrics"] != report_of(services)["metrics"]


def test_the_training_part_does_move_the_model(services: Any) -> None:
    changed = trained([*map(flipped, ROWS[:20]), *ROWS[20:]])

    before, after = (files_of(each)[MODEL_FILE] for each in (services, changed))
    assert manifest_of(after) != manifest_of(before)  # calibration, threshold
    assert str(ubjson.loads(after)["learner"]) != str(ubjson.loads(before)["learner"])


def test_later_leads_look_back_on_every_outcome_those_of_the_holdout_too(services: Any) -> None:
    extractor = model_of(services).extractor
    position = [feature.name for feature in extractor.features].index("category_cases")
    cases = sum(row[0].category == "health" for row in ROWS)

    row = extractor.extract([lead(category="health")], [ROWS[-1][1] + timedelta(days=30)])[0]

    assert row[position] == cases < 100


def test_the_metrics_are_those_of_the_holdout_scored_as_of_its_moments(
    services: Any, report: dict[str, Any]
) -> None:
    newest = ROWS[-HELD_OUT:]
    labels = [outcome.converted for _, _, outcome in newest]

    scored = model_of(services).score([row[0] for row in newest], [row[1] for row in newest]).scored

    found, probabilities = report["metrics"], [each.probability for each in scored]
    assert found["auc_roc"] == pytest.approx(roc_auc_score(labels, probabilities), abs=1e-6)
    assert found["log_loss"] == pytest.approx(log_loss(labels, probabilities), abs=1e-6)
    assert found["conversion_rate"] == pytest.approx(np.mean(labels), abs=1e-6)


# Too little to learn from.


def assert_refused(rows: list[Row], told: str, **settings: Any) -> None:
    services = services_with(rows, **settings)

    with pytest.raises(TooFewSamplesError, match=told):
        services.model_trainer.train_new_model(forests.QUICK)
    assert services.models.records == {}
    assert services.artifacts.files == {}


def test_too_few_outcomes_say_how_many_are_missing() -> None:
    assert_refused(ROWS[:99], "^99 leads have an outcome; 1 more")


def test_no_outcomes_at_all_are_too_few() -> None:
    assert_refused([], "^0 leads have an outcome; 100 more")


@pytest.mark.parametrize("fewest", [10, 12])
def test_the_fewest_outcomes_are_a_setting(fewest: int) -> None:
    services = services_with(ROWS[:fewest], min_training_samples=fewest)

    services.model_trainer.train_new_model(forests.QUICK)

    assert len(services.models.records) == 1


@pytest.mark.parametrize("converted", [True, False])
def test_outcomes_that_are_all_alike_cannot_be_learned_from(converted: bool) -> None:
    alike = [with_outcome(row, converted=converted) for row in ROWS]

    assert_refused(alike, "all 120 outcomes of the training part are alike")


def test_the_holdout_alone_cannot_bring_the_second_class() -> None:
    rows = [with_outcome(row, converted=n >= COUNT - HELD_OUT) for n, row in enumerate(ROWS)]

    assert_refused(rows, "alike")


def test_a_holdout_of_one_class_leaves_undefined_metrics_null() -> None:
    rows = [*ROWS[:-HELD_OUT], *(with_outcome(row, converted=False) for row in ROWS[-HELD_OUT:])]

    report = report_of(trained(rows))

    assert report["metrics"]["auc_roc"] is None
    assert report["metric_intervals"]["auc_roc"] is None
    assert report["metrics"]["log_loss"] > 0


def test_leads_without_an_outcome_and_outcomes_without_a_lead_are_not_used(services: Any) -> None:
    more = services_with(ROWS)
    more.training_data.add_leads([(lead(lead_id="unlabelled"), forests.FIRST_DAY)])
    more.training_data.add_outcomes([Outcome("stranger", converted=True)])

    more.model_trainer.train_new_model(forests.QUICK)

    assert more.artifacts.files == services.artifacts.files


# Parameters.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_depth", 1),
        ("learning_rate", 0.01),
        ("n_estimators", 2),
        ("subsample", 0.3),
        ("colsample_bytree", 0.2),
        ("min_child_weight", 20),
        ("gamma", 5),
        ("reg_alpha", 5),
        ("reg_lambda", 50),
        ("scale_pos_weight", 4),
        ("random_state", 7),
    ],
)
def test_every_hyperparameter_has_an_effect(services: Any, name: str, value: float) -> None:
    # Numbers come back from a store as floats.
    changed = trained_with({**forests.QUICK, name: float(value)})

    assert files_of(changed)[MODEL_FILE] != files_of(services)[MODEL_FILE]
    assert report_of(changed)["hyperparameters"][name] <= value


def trained_with(params: Mapping[str, Any] | None) -> Any:
    services = services_with(ROWS)
    services.model_trainer.train_new_model(params)
    return services


def test_weights_count_relative_to_each_other() -> None:
    examples = forests.training_examples(120)
    doubled = [example._replace(weight=2 * example.weight) for example in examples]
    older = [
        example._replace(weight=example.weight / 9 if n < 60 else example.weight)
        for n, example in enumerate(examples)
    ]

    first, same, other = (
        fit_model(each, builders.settings(), estimators, forests.QUICK)
        for each in (examples, doubled, older)
    )

    assert same.artifact == first.artifact
    assert other.artifact[MODEL_FILE] != first.artifact[MODEL_FILE]


def test_hyperparameters_reach_the_forest_and_the_card() -> None:
    services = services_with(ROWS)

    services.model_trainer.train_new_model(
        {"max_depth": 1, "n_estimators": 4, "learning_rate": 0.05}
    )

    forest = ubjson.loads(files_of(services)[MODEL_FILE])["learner"]["gradient_booster"]["model"]
    used = report_of(services)["hyperparameters"]
    assert used.items() >= {"max_depth": 1, "learning_rate": 0.05, "random_state": 42}.items()
    assert used["subsample"] == model_fitting.DEFAULT_PARAMS["subsample"]
    assert used["n_estimators"] == len(forest["trees"]) <= 4
    assert all(len(tree["left_children"]) <= 3 for tree in forest["trees"])


def test_without_parameters_cross_validation_chooses_the_candidate_with_the_least_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hopeless = {"n_estimators": 2, "learning_rate": 0.001}
    good = {"n_estimators": 60, "learning_rate": 0.1, "max_depth": 2}
    monkeypatch.setattr(model_fitting, "CANDIDATES", (hopeless, good, hopeless))
    services = services_with(ROWS)

    services.model_trainer.train_new_model()

    report = report_of(services)
    assert report["hyperparameters"]["learning_rate"] == good["learning_rate"]
    assert report["cross_validated_log_loss"] < 0.69


def test_the_domains_defaults_are_the_defaults() -> None:
    assert dict(model_fitting.DEFAULT_PARAMS) == {
        "objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 6,
        "learning_rate": 0.1, "n_estimators": 100, "subsample": 0.8, "colsample_bytree": 0.8,
        "random_state": 42,
    }  # fmt: skip


def test_soft_targets_are_learned_as_they_are_and_a_probability_is_that_of_a_positive() -> None:
    ratings = {"Python developer": 90, "Senior Python lead": 70, "Nurse": 40, "Accountant": 10}
    rated = [
        with_outcome(row, converted=False, user_rating=float(ratings.get(row[0].title, 10)))
        for row in ROWS
    ]
    services = services_with(rated)
    services.model_trainer.train_new_model(
        {"n_estimators": 60, "learning_rate": 0.2, "max_depth": 3, "subsample": 1}
    )

    at = [ROWS[-1][1]] * len(ratings)
    scored = model_of(services).score([lead(title=title) for title in ratings], at).scored

    raw = [100 / (1 + np.exp(-each.margin)) for each in scored]
    assert raw == pytest.approx(list(ratings.values()), abs=2)
    assert [each.probability > 0.5 for each in scored] == [True, True, False, False]
    assert scored[0].probability > 0.9
    assert scored[3].probability < 0.05


@pytest.mark.parametrize(("count", "kind"), [(999, "platt"), (1000, "beta")])
def test_calibration_is_platts_below_1000_samples_and_beta_from_there(
    count: int, kind: str
) -> None:
    examples = forests.training_examples(1000)[:count]

    calibration = fit_model(
        examples, builders.settings(), estimators, {"n_estimators": 3, "max_depth": 2}
    ).scoring_model.calibration

    assert calibration.kind == kind
    assert (calibration.a == calibration.b) == (kind == "platt")


@pytest.mark.parametrize("size", [5, 8, 10, 16, 40, 80, 99, 100, 101, 999, 1000, 12_345])
def test_every_fold_gets_about_as_many_leads(size: int) -> None:
    folds = model_fitting._time_blocks(size)

    counts = np.bincount(folds, minlength=FOLDS)
    assert len(counts) == FOLDS
    assert counts.min() >= 1
    assert counts.max() - counts.min() <= 20


@pytest.mark.parametrize("size", [80, 1000])
def test_every_fold_has_leads_of_all_times(size: int) -> None:
    folds = model_fitting._time_blocks(size)

    for fold in range(FOLDS):
        positions = np.flatnonzero(folds == fold)
        assert positions[0] < size / 5
        assert positions[-1] >= size - size / 5


# What is published.


def test_the_card_tells_everything_that_the_contract_names(report: dict[str, Any]) -> None:
    assert report.keys() >= {
        "metrics", "metric_intervals", "calibration_bins", "lift_table", "global_importance",
        "training_window", "hyperparameters", "data_fingerprint", "parent_version",
        "promotion_verdict", "threshold", "data_name",
    }  # fmt: skip
    assert report["metrics"].keys() == report["metric_intervals"].keys()
    assert report["metrics"].keys() >= {
        "precision", "recall", "f1_score", "auc_roc", "average_precision", "accuracy", "log_loss",
        "brier", "expected_calibration_error", "lift_at_10", "lift_at_20", "recall_at_10",
        "recall_at_20", "ndcg", "conversion_rate", "contact_success_rate", "avg_prediction_score",
    }  # fmt: skip
    assert len(report["calibration_bins"]) == len(report["lift_table"]) == 10
    assert len(report["data_fingerprint"]) == 64
    assert report["promotion_verdict"]["promoted"] is True
    assert report["parent_version"] is None


def test_the_card_names_the_data() -> None:
    services = trained(ROWS, data_name="synthetic")

    assert report_of(services)["data_name"] == "synthetic"


def test_intervals_hold_their_metrics(report: dict[str, Any]) -> None:
    for name in ("auc_roc", "log_loss", "brier", "f1_score", "conversion_rate"):
        low, high = report["metric_intervals"][name]
        assert low <= report["metrics"][name] <= high


def test_global_importance_is_ordered_and_adds_up_to_one(report: dict[str, Any]) -> None:
    importances = [entry["importance"] for entry in report["global_importance"]]

    assert importances == sorted(importances, reverse=True)
    assert sum(importances) == pytest.approx(1, abs=1e-4)
    price = next(each for each in report["global_importance"] if each["feature"] == "Price")
    assert price["direction"] == "raises"


def test_a_forest_that_splits_nowhere_has_no_importance() -> None:
    examples, params = forests.training_examples(60), {"gamma": 1e9, "n_estimators": 2}

    constant = fit_model(examples, builders.settings(), estimators, params)

    assert global_importance(constant.scoring_model, examples) == []


def test_the_registered_row_describes_the_artifact(services: Any, report: dict[str, Any]) -> None:
    (record,) = services.models.newest_first()
    files = files_of(services)

    assert set(files) == {*SCORING_FILES, REPORT_FILE, HOLDOUT_FILE, REFERENCE_FILE}
    assert record.checksums == checksums(files)
    assert record.size_bytes == sum(map(len, files.values()))
    assert record.model_version == artifact_version(files, services.clock.now())
    assert record.metrics == report["metrics"]
    assert record.model_type == "xgboost"
    assert record.feature_count == len(manifest_of(files[MODEL_FILE])["features"])
    assert record.created_at == record.deployed_at == services.clock.now()
    assert record.threshold == report["threshold"]
    assert record.data_fingerprint == report["data_fingerprint"]
    assert record.trained_until == ROWS[-1][1] + timedelta(hours=24)


def test_training_returns_the_version_and_the_metrics_and_activates_it() -> None:
    services = services_with(ROWS)

    found = services.model_trainer.train_new_model(forests.QUICK)

    assert services.models.pointer.model_version == found["model_version"]
    assert found["metrics"] == report_of(services)["metrics"]
    assert [each.by for each in services.models.ledger] == ["python"]
    assert services.models.ledger[0].reason.startswith("promoted: log loss -")
    assert (found["promoted"], found["status"]) == (True, "succeeded")
    assert found["verdict"] == report_of(services)["promotion_verdict"]["text"]
    assert services.lead_scorer.load_model() == found["model_version"]


def test_the_duration_is_the_clocks() -> None:
    services = services_with(ROWS)

    services.model_trainer.train_new_model(
        forests.QUICK, progress=lambda step, _: services.clock.advance(seconds=step == "training")
    )

    (record,) = services.models.newest_first()
    assert record.training_duration == 1.0


def test_progress_rises_from_0_to_1_and_names_its_steps() -> None:
    told: list[tuple[str, float]] = []
    services = services_with(ROWS)

    services.model_trainer.train_new_model(
        forests.QUICK, progress=lambda step, fraction: told.append((step, fraction))
    )

    fractions = [fraction for _, fraction in told]
    assert all(low <= high for low, high in pairwise(fractions))
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert sum(step == "cross-validating" for step, _ in told) >= FOLDS


# When a store fails.


class StoreFailingAtWrite(FakeArtifactStore):
    """Writes file by file and fails at the nth."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.left = nth

    def write(self, model_version: str, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            if self.left == 0:
                raise StoreUnavailableError("s3")
            self.left -= 1
            super().write(model_version, {name: content})


class FailingRegistry(FakeModelRegistry):
    """Fails when a model is published; `artifacts` is what must be whole by then."""

    def __init__(self, artifacts: FakeArtifactStore) -> None:
        super().__init__()
        self.artifacts = artifacts

    def publish(self, *_: Any) -> None:
        names = {name for _, name in self.artifacts.files}
        assert names == {*SCORING_FILES, REPORT_FILE, HOLDOUT_FILE, REFERENCE_FILE}
        raise StoreUnavailableError("dynamodb")


def services_on(models: FakeModelRegistry, artifacts: FakeArtifactStore) -> Any:
    services = services_with(ROWS)
    services.__dict__.update(models=models, jobs=models.jobs, artifacts=artifacts)
    return services


@pytest.mark.parametrize("nth", range(4))
def test_an_artifact_that_cannot_be_written_whole_is_not_listed(nth: int) -> None:
    services = services_on(FakeModelRegistry(), StoreFailingAtWrite(nth))

    with pytest.raises(StoreUnavailableError):
        services.model_trainer.train_new_model(forests.QUICK)

    assert len(services.artifacts.files) == nth
    assert services.models.records == {}
    assert services.models.pointer is None
    assert services.jobs.newest().status == "failed"


def test_a_registry_that_fails_leaves_the_pointer_as_it_was() -> None:
    artifacts = FakeArtifactStore()
    services = services_on(FailingRegistry(artifacts), artifacts)
    before = services.models.pointer = ActiveModel("v_before", {}, forests.FIRST_DAY)

    with pytest.raises(StoreUnavailableError):
        services.model_trainer.train_new_model(forests.QUICK)

    assert services.models.pointer == before
    assert services.models.records == {}
    assert services.models.ledger == []
    assert "dynamodb is unavailable" in services.jobs.newest().error


def test_only_one_training_runs_at_a_time() -> None:
    services, refused = services_with(ROWS), []

    def train_another(step: str, _: float) -> None:
        if step == "training":
            with pytest.raises(JobRunningError) as error:
                services.model_trainer.train_new_model(forests.QUICK)
            refused.append(error.value.job_id)

    found = services.model_trainer.train_new_model(forests.QUICK, progress=train_another)

    assert refused == [found["job_id"]]
    assert len(services.models.records) == 1


def test_training_data_that_cannot_be_read_train_nothing() -> None:
    services = services_with(ROWS)
    services.predictions.outage.on = True

    with pytest.raises(StoreUnavailableError):
        services.model_trainer.train_new_model(forests.QUICK)
    assert services.artifacts.files == {}
