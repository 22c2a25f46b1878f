"""The monitor on fakes of the stores, with a small real model and what it scored."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from lead_scoring.alerting import CODES
from lead_scoring.api.operations import BASE
from lead_scoring.entities import Lead
from lead_scoring.entities.models import Activation
from lead_scoring.feedback_analytics import counted
from lead_scoring.model_card import predicted
from lead_scoring.monitoring_reference import REFERENCE_FILE, Reference
from tests import forests
from tests.conformity import assert_conforms
from tests.evidence import feedback
from tests.fakes import fake_services

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Change = Callable[[Lead], Lead]


class Scene:
    """Services whose active model was trained on 1,500 made-up leads; more like them come in."""

    def __init__(self, folder: str, **settings: Any) -> None:
        self.services: Any = fake_services(folder, **settings)
        self.version = self.publish(0)
        self.numbers = iter(range(10**6, 10**7))

    def publish(self, seed: int, activate: bool = True) -> str:
        fitted = forests.small_model(seed)
        now = self.services.clock.now()
        version = forests.publish(self.services, fitted, now, activate=False)
        examples = forests.training_examples(1500, 7)
        training, holdout = examples[:1200], examples[1200:]
        probabilities = predicted(fitted.scoring_model, holdout)
        reference = Reference.of(fitted.scoring_model, training, holdout, probabilities)
        self.services.artifacts.write(version, {REFERENCE_FILE: reference.to_bytes()})
        if activate:
            self.services.models.activate(Activation(now, "tests", version))
        return version

    def score(
        self, count: int = 400, change: Change = lambda lead: lead, seed: int = 1
    ) -> list[Any]:
        """Score leads like those of the training, changed; each as old as it was then."""
        examples = Random(seed).choices(forests.training_examples(1500, 7), k=count)
        leads = []
        for example in examples:
            shift = self.services.clock.now() - example.moment
            posted_at = example.lead.posted_at and example.lead.posted_at + shift
            lead = example.lead._replace(lead_id=next(self.numbers), posted_at=posted_at)
            leads.append(change(lead))
        self.services.lead_scorer.load_model()
        answers: list[Any] = self.services.lead_scorer.predict_batch(leads, explain=False)
        return answers

    def say(self, answers: Iterable[Any], converts: Callable[[float], bool]) -> None:
        """Have leads convert, or be archived, an hour later, by their probability."""
        self.services.clock.advance(hours=1)
        for answer in answers:
            lead_id, now = answer["lead_id"], self.services.clock.now()
            given = self.services.predictions.given_before(lead_id, now)
            action = "convert" if converts(answer["probability"]) else "archive"
            row = feedback(lead_id, action, now, given=given)
            self.services.feedback.add([counted(row)])

    def run(self) -> Any:
        self.services.clock.advance(hours=1)
        return self.services.monitor.run()

    def open_codes(self) -> list[str]:
        return [each["code"] for each in self.run()["alerts"]]


@pytest.fixture
def scene(tmp_path: Any) -> Scene:
    return Scene(str(tmp_path))


def test_leads_like_those_of_the_training_open_no_alert(scene: Scene) -> None:
    scene.score()

    report = scene.run()

    assert report["alerts"] == []
    assert report["drift"]["samples"] == 400
    assert report["drift"]["score"]["level"] != "alarm"
    assert report["kept"]


@pytest.mark.parametrize(
    ("change", "code", "subject"),
    [
        (
            lambda lead: lead._replace(price=lead.price and 3 * lead.price),
            "feature_drift",
            "Price",
        ),
        (
            lambda lead: lead._replace(description=None),
            "missing_values",
            "description",
        ),
        (
            lambda lead: lead._replace(category="a category of another trade"),
            "unseen_categories",
            "category",
        ),
        (
            lambda lead: lead._replace(price=lead.price and 1000 * lead.price),
            "out_of_range",
            "Price",
        ),
    ],
)
def test_leads_that_changed_open_the_alert_that_names_what_changed(
    scene: Scene, change: Change, code: str, subject: str
) -> None:
    scene.score(change=change)

    alerts = {each["code"]: each for each in scene.run()["alerts"]}

    assert subject in alerts[code]["subjects"]
    assert subject in alerts[code]["text"]
    assert alerts[code]["what_to_do"]


def test_what_was_found_is_shown_as_it_is_described(scene: Scene) -> None:
    scene.score(change=lambda lead: lead._replace(category="a category of another trade"))
    scene.run()

    shown = scene.services.performance.report()

    assert shown["drift"]["features"]
    assert shown["data_quality"]["never_seen"] == ["a category of another trade"]
    assert shown["estimated"]["metrics"]
    assert shown["alerts"]
    assert_conforms("GET", f"{BASE}/metrics", 200, "application/json", shown)


def test_too_few_scores_are_no_evidence(scene: Scene) -> None:
    scene.score(199, lambda lead: lead._replace(price=3e6, description=None))

    report = scene.run()

    assert report["alerts"] == []
    assert report["drift"]["enough"] is False


def test_an_alert_opens_once_closes_by_itself_and_is_on_record(scene: Scene) -> None:
    scene.score(400, lambda lead: lead._replace(description=None))
    opened = scene.open_codes()
    again = scene.open_codes()
    scene.services.clock.advance(days=8)
    scene.score(400)

    one_clear, two_clear = scene.open_codes(), scene.open_codes()

    assert "missing_values" in opened
    assert opened == again == one_clear
    assert "missing_values" not in two_clear
    history = scene.services.performance.report()["alert_history"]
    assert [each["code"] for each in history].count("missing_values") == 2
    assert history[0]["closed_at"] is not None


def test_scores_of_other_models_do_not_count(scene: Scene) -> None:
    scene.score(400, lambda lead: lead._replace(description=None))
    scene.services.clock.advance(hours=1)
    scene.publish(1)

    report = scene.run()

    assert report["drift"]["samples"] == 0
    assert "missing_values" not in [each["code"] for each in report["alerts"]]


def test_performance_is_estimated_before_any_outcome(scene: Scene) -> None:
    answers = scene.score()

    estimated = scene.run()["estimated"]

    p = np.array([each["probability"] for each in answers])
    order = np.argsort(p)
    below = np.cumsum(1 - p[order]) - (1 - p[order]) / 2
    auc = float(p[order] @ below / (p.sum() * (1 - p).sum()))
    assert estimated["samples"] == 400
    assert estimated["metrics"]["auc_roc"] == pytest.approx(auc, abs=0.01)


def test_a_fall_of_f1_is_critical_and_makes_the_next_check_train(scene: Scene) -> None:
    record = scene.services.models.records[scene.version]
    scene.services.models.records[scene.version] = record._replace(metrics={"f1_score": 0.95})
    scene.say(scene.score(150), lambda p: p < 0.5)

    report = scene.run()

    alert = next(each for each in report["alerts"] if each["code"] == "performance_degraded")
    assert alert["severity"] == "critical"
    assert scene.services.retraining_check.check()["should_retrain"]
    assert scene.services.health.report()["checks"]["alerts"]["status"] == "degraded"


def worse_successor(scene: Scene) -> str:
    """Have the first model do well, then another one badly."""
    scene.say(scene.score(150, seed=2), lambda p: p >= 0.5)
    scene.services.clock.advance(days=1)
    successor = scene.publish(1)
    scene.say(scene.score(150, seed=3), lambda p: p < 0.5)
    return successor


def test_a_new_model_that_does_worse_than_the_one_before_is_named(scene: Scene) -> None:
    successor = worse_successor(scene)

    report = scene.run()

    alert = next(each for each in report["alerts"] if each["code"] == "new_model_worse")
    assert successor in alert["text"]
    assert scene.version in alert["text"]
    assert report["rolled_back_to"] is None
    assert scene.services.models.active().model_version == successor


def test_with_auto_rollback_the_one_before_answers_again_once(tmp_path: Any) -> None:
    scene = Scene(str(tmp_path), auto_rollback=True)
    successor = worse_successor(scene)

    first, second = scene.run(), scene.run()

    assert first["rolled_back_to"] == scene.version
    assert second["rolled_back_to"] is None
    assert scene.services.models.active().model_version == scene.version
    newest, *_ = scene.services.models.history(10)
    assert (newest.by, newest.from_version) == ("monitoring", successor)
    assert "significantly worse" in newest.reason


def test_what_was_said_of_a_model_is_not_held_against_the_next(tmp_path: Any) -> None:
    scene = Scene(str(tmp_path), auto_rollback=True)
    worse_successor(scene)
    scene.run()
    scene.services.clock.advance(days=1)
    third = scene.publish(2)

    report = scene.run()

    assert report["rolled_back_to"] is None
    assert scene.services.models.active().model_version == third
    assert "new_model_worse" not in [each["code"] for each in report["alerts"]]
    closed = scene.services.performance.report()["alert_history"]
    assert {each["code"] for each in closed if each["closed_at"]} >= {"new_model_worse"}


def test_a_new_model_that_does_as_well_is_left_alone(scene: Scene) -> None:
    scene.say(scene.score(150, seed=2), lambda p: p >= 0.5)
    scene.services.clock.advance(days=1)
    scene.publish(1)
    scene.say(scene.score(150, seed=3), lambda p: p >= 0.5)

    assert "new_model_worse" not in scene.open_codes()


def test_without_a_model_the_monitor_has_nothing_to_say(tmp_path: Any) -> None:
    services = fake_services(str(tmp_path))

    report = services.monitor.run()

    assert (report["drift"], report["alerts"]) == (None, [])


def test_a_model_without_a_reference_is_watched_without_drift(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.services.artifacts.files.pop((scene.version, REFERENCE_FILE))
    scene.score()

    report = scene.run()

    assert report["drift"] is None
    assert "no_reference" in caplog.text


def test_every_alert_that_opens_is_known_and_logged_without_personal_data(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    scene.score(400, lambda lead: lead._replace(description=None, price=3e9, category="new"))

    codes = scene.open_codes()

    assert set(codes) <= set(CODES)
    events = [json.loads(record.message) for record in caplog.records]
    assert {each["code"] for each in events if each["event"] == "alert_opened"} == set(codes)


def test_a_reference_comes_back_as_it_was_written(scene: Scene) -> None:
    content = scene.services.artifacts.read(scene.version, REFERENCE_FILE)

    assert Reference.from_bytes(content).to_bytes() == content
    assert len(content) < 200_000
