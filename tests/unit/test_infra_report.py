import json
import math
import subprocess
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from infra import report_holdout, report_since, report_summary
from infra.report_curves import GRID, bands, counted, gains, lift, precision_recall, roc
from infra.report_drift import drift_points, worst_by_feature
from infra.report_facts import Facts, gather, standing
from infra.report_holdout import Tried
from infra.report_metrics import METRICS
from infra.report_page import page
from infra.report_run import write_report
from infra.report_system import environment, kept_folder
from infra.report_threshold import THRESHOLDS, confusion, histogram, over_thresholds
from infra.state import RunError
from infra.stop_request import StopRequest
from lead_scoring import evaluation
from lead_scoring.entities import ActiveModel
from lead_scoring.entities.models import ModelRecord
from lead_scoring.errors import ArtifactError, NotFoundError, StoreUnavailableError
from lead_scoring.feedback_analytics import analytics, days_until

# What is measured is the layers; this is about what is beside them.
pytestmark = pytest.mark.untraced

NOW = datetime(2024, 6, 30, 12, tzinfo=UTC)
MADE = NOW - timedelta(days=20)
VERSION = "v20240610_120000_0123abcd"
SECTIONS = (
    *("summary", "ranking", "calibration", "separation", "threshold"),
    *("importance", "drift", "feedback", "figures"),
)
FIVE = np.array([0.9, 0.7, 0.5, 0.2, 0.1]), np.array([1.0, 0.0, 1.0, 0.0, 0.0])
CHARTS = (
    *("gains", "lift", "reliability", "roc", "precision-recall", "distribution", "threshold"),
    *("importance", "drift", "feedback", "actions"),
)
HOSTILE = "</style></svg><script>alert('$x$')</script>\x00\ud800 &amp; \"'"


def tried(size=400, seed=5):
    """Return predictions with ties, and targets that are likelier where they are high."""
    generator = np.random.default_rng(seed)
    probabilities = generator.beta(1.5, 3, size).round(2)
    return probabilities, (generator.random(size) < probabilities).astype(float)


def card(probabilities, targets, label="Price"):
    ranked = evaluation.rank(probabilities, targets)
    window = {"from": "2024-05-01T00:00:00.000000Z", "to": "2024-06-01T00:00:00.000000Z"}
    window |= {"leads": len(targets), "positives": int(targets.sum())}
    return {
        "metrics": evaluation.flatten(evaluation.metrics(ranked, 0.3)),
        "metric_intervals": evaluation.with_intervals(ranked, 0.3, 42, resamples=30),
        "threshold": 0.3,
        "calibration": {"kind": "beta"},
        "calibration_bins": evaluation.calibration_bins(ranked),
        "lift_table": evaluation.lift_table(ranked),
        "global_importance": [
            {"feature": f"{label} {place}", "importance": 0.04, "direction": way}
            for place, way in enumerate(["raises", "lowers", None] * 8)
        ],
        "training_window": window,
        "holdout_window": window,
        "hyperparameters": {"max_depth": 3},
        "cross_validated_log_loss": 0.45,
        "data_name": "made up",
        "parent_version": None,
        "promotion_verdict": {"text": "Promoted: F1 is better.", "compared_with": "baseline"},
    }


RECORD = ModelRecord(
    model_version=VERSION,
    model_type="xgboost",
    metrics={},
    training_samples=1600,
    validation_samples=400,
    feature_count=24,
    training_duration=12.3,
    size_bytes=3_000_000,
    checksums={},
    created_at=MADE,
    threshold=0.3,
    trained_until=MADE,
    data_fingerprint="0f" * 32,
)


def look(hours, score, features, version=VERSION, **changes):
    drift = {
        "samples": 900,
        "enough": True,
        "score": {"psi": score},
        "features": [
            {"feature": name, "psi": psi, "level": "ok", "threshold": 0.25}
            for name, psi in features.items()
        ],
    }
    at = (MADE + timedelta(hours=hours)).isoformat()
    return {"model_version": version, "at": at, "drift": drift | changes}


LOOKS = [
    look(1, 0.02, {"Price": 0.05, "Title Length": 0.11}),
    look(2, 0.03, {"Price": 0.31, "Title Length": 0.07}),
    look(3, 0.9, {"Price": 5.0}, version="v20230101_000000_ffffffff"),
    look(4, 0.8, {"Price": 4.0}, enough=False),
    {"model_version": VERSION, "at": MADE.isoformat(), "drift": None},
]


def some_feedback(rows):
    days = days_until(NOW.date(), 90)
    counters = {"manual_convert": rows, "manual_view": 2 * rows} if rows else {}
    return analytics(days, {date(2024, 6, 20): counters})


def facts(sample=None, reports=LOOKS, feedback=7, label="Price", **changes):
    probabilities, targets = sample or tried()
    return Facts(
        record=RECORD,
        is_active=True,
        standing="This model is active since then.",
        card=card(probabilities, targets, label) | changes,
        probabilities=probabilities,
        targets=targets,
        reports=reports,
        feedback=some_feedback(feedback),
        written_at=NOW,
    )


class Page(HTMLParser):
    """A page as a browser would read it; complains where elements are not closed in order."""

    EMPTY = ("meta", "link", "br")

    def __init__(self, content):
        super().__init__()
        self.open, self.tags, self.ids, self.texts, self.links = [], [], [], [], []
        self.feed(content)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("href", "src", "xlink:href") if name in found]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def content():
    return page(facts())


@pytest.fixture(scope="module")
def shown(content):
    return Page(content)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_roc_is_scikit_learns(seed):
    probabilities, targets = tried(seed=seed)
    curve = roc(counted(evaluation.rank(probabilities, targets)))
    x, y, _ = sklearn_metrics.roc_curve(targets, probabilities, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_are_scikit_learns(seed):
    probabilities, targets = tried(seed=seed)
    curve = precision_recall(counted(evaluation.rank(probabilities, targets)))
    precision, recall, _ = sklearn_metrics.precision_recall_curve(targets, probabilities)
    np.testing.assert_allclose(curve.x, recall[::-1])
    np.testing.assert_allclose(curve.y, precision[::-1])


def test_gain_and_lift_are_those_counted_by_hand():
    # Best first: yes, (yes and no at one score), no, no; so the middle two share their gain.
    ranked = evaluation.rank(
        np.array([0.9, 0.6, 0.6, 0.3, 0.1]), np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    )
    curve = gains(counted(ranked))
    np.testing.assert_allclose(curve.x, [0, 0.2, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve.y, [0, 0.5, 1, 1, 1])
    risen = lift(counted(ranked))
    np.testing.assert_allclose(risen.x, [0.02, 0.2, 0.6, 0.8, 1])
    np.testing.assert_allclose(risen.y, [2.5, 2.5, 1 / 0.6, 1.25, 1])


def test_the_top_tenths_of_the_curve_are_those_of_the_card():
    ranked = evaluation.rank(*tried(size=1000))
    curve = gains(counted(ranked))
    for row in evaluation.lift_table(ranked):
        assert np.interp(row["top_fraction"], *curve) == pytest.approx(row["recall"])


def test_bands_hold_the_curve_and_are_the_same_every_time():
    ranked = evaluation.rank(*tried())
    found = bands(ranked, resamples=100)
    assert set(found) == {"roc", "precision_recall", "gains", "lift"}
    curve = np.interp(found["roc"].x, *roc(counted(ranked)))
    inside = (found["roc"].low <= curve) & (curve <= found["roc"].high)
    assert inside.mean() > 0.95
    assert np.all(found["gains"].x == GRID)
    for name, again in bands(ranked, resamples=100).items():
        np.testing.assert_array_equal(found[name], again)


def test_there_are_no_bands_of_one_class():
    assert bands(evaluation.rank(np.array([0.1, 0.4, 0.6]), np.ones(3)), resamples=20) == {}


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.3, 0.61, 1.0])
def test_the_confusion_table_is_scikit_learns(threshold):
    probabilities, targets = tried()
    found = confusion(probabilities, targets, threshold)
    [[tn, fp], [fn, tp]] = sklearn_metrics.confusion_matrix(targets, probabilities >= threshold)
    assert found == (tp, fp, fn, tn)


def test_the_curves_over_thresholds_are_the_confusion_tables():
    probabilities, targets = tried()
    over = over_thresholds(counted(evaluation.rank(probabilities, targets)))
    for place, threshold in enumerate(THRESHOLDS):
        one = confusion(probabilities, targets, threshold)
        assert over.recall[place] == pytest.approx(one.recall)
        assert over.flagged[place] == pytest.approx(one.flagged)
        if one.precision is None:
            assert math.isnan(over.precision[place])
        else:
            assert over.precision[place] == pytest.approx(one.precision)


def test_a_histogram_counts_every_lead_once():
    found = histogram(np.array([0.0, 0.04, 0.05, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert found.all.tolist() == [2, 1, *[0] * 16, 0, 1]
    assert found.positives.sum() == found.negatives.sum() == 1


def test_drift_is_of_this_model_and_of_enough_scores():
    first, second = drift_points(LOOKS[::-1], VERSION)
    assert first == (MADE + timedelta(hours=1), 0.02, "Title Length", 0.11)
    assert second == (MADE + timedelta(hours=2), 0.03, "Price", 0.31)


def test_features_are_listed_where_they_moved_furthest():
    assert [(each.feature, each.psi) for each in worst_by_feature(LOOKS, VERSION)] == [
        ("Price", 0.31),
        ("Title Length", 0.11),
    ]


def test_the_page_has_every_part(shown):
    assert {attrs.get("id") for attrs in shown.named("section")} == set(SECTIONS)
    for name in CHARTS:
        assert f"{name}-figure_1" in shown.ids
    assert shown.text.count("How to read it:") == len(CHARTS)
    assert len(shown.ids) == len(set(shown.ids))
    for metric in METRICS:
        assert metric.name in shown.text


def test_the_page_can_be_read_by_machines_that_read_aloud(shown):
    [document], charts = shown.named("html"), shown.named("figure")
    assert document["lang"] == "en"
    assert len(shown.named("title")) == len(shown.named("h1")) == len(shown.named("main")) == 1
    labels = [attrs["aria-label"] for attrs in shown.named("div") if attrs.get("role") == "img"]
    assert len(labels) == len(charts) == len(CHARTS)
    assert all(len(label) > 40 for label in labels)
    assert len(shown.named("caption")) == len(shown.named("table"))
    assert all(attrs.get("scope") in ("row", "col") for attrs in shown.named("th"))


def test_the_page_loads_nothing_and_is_small(content, shown):
    assert "http://" not in content
    assert "https://" not in content
    assert "@import" not in content
    assert all(link.startswith("#") or link == "data:," for link in shown.links)
    for link in shown.links:
        assert link == "data:," or link[1:] in shown.ids
    assert not shown.named("script")
    assert len(content) < 2e6


def test_every_colour_of_a_chart_follows_the_page(content):
    body = content.partition("<body>")[2]
    assert "#0a0b0" not in body
    assert "fill: #" not in body
    assert "stroke: #" not in body
    assert "var(--first)" in body


def test_the_same_facts_make_the_same_drawing(content):
    assert report_holdout.calibration(Tried.of(facts())).html() in content


def test_hostile_text_stays_text():
    verdict = {"text": HOSTILE, "compared_with": HOSTILE}
    hostile = {"data_name": HOSTILE, "hyperparameters": {HOSTILE: HOSTILE}}
    reports = [look(1, 0.1, {HOSTILE: 0.4})]
    alike = tried()[0], np.ones(400)
    content = page(facts(alike, reports, 0, HOSTILE, promotion_verdict=verdict, **hostile))
    shown = Page(content)
    assert "<script" not in content
    assert not shown.named("script")
    assert "\x00" not in content
    assert "$x$" in shown.text
    assert b"\x00" not in content.encode("utf-8", "replace")


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_holdout_of_one_class_has_no_curves_and_says_so(label):
    alike = Tried.of(facts((tried()[0], np.full(400, label))))
    parts = ("ranking", "calibration", "separation", "threshold")
    shown = Page("".join(getattr(report_holdout, part)(alike).html() for part in parts))
    assert shown.text.count("ended alike") == 2
    assert not {"roc-figure_1", "gains-figure_1"} & set(shown.ids)
    assert {"reliability-figure_1", "distribution-figure_1"} <= set(shown.ids)


def test_a_holdout_of_five_leads_is_shown_with_a_warning():
    few = facts(FIVE)
    assert "Only 5 leads in the holdout" in report_summary.in_short(few).html()
    shown = Page(report_holdout.separation(Tried.of(few)).html())
    assert {"roc-figure_1", "precision-recall-figure_1"} <= set(shown.ids)


def test_without_looks_and_feedback_sentences_stand_in_their_place():
    nothing = facts(reports=[], feedback=0)
    assert "Nothing is known yet" in report_since.drift(nothing).html()
    feedback = report_since.feedback(nothing).html()
    assert "No feedback came in the last 90 days." in feedback
    assert "<svg" not in feedback


def services(active=None, files=None, outage=False):
    """Return stores with one model, and its files."""
    probabilities, targets = tried()
    kept = {
        "report.json": json.dumps(card(probabilities, targets)).encode(),
        "holdout.json": json.dumps(
            {"probability": probabilities.tolist(), "target": targets.tolist(), "lead": ["0f"]}
        ).encode(),
    }
    kept = kept if files is None else files
    asked = []

    def current():
        if outage:
            raise StoreUnavailableError("dynamodb")
        return active

    def get(version):
        if version != VERSION:
            raise NotFoundError
        return RECORD

    def read(_version, name):
        if name not in kept:
            raise ArtifactError(f"{name} is missing")
        return kept[name]

    def reports(since):
        asked.append(since)
        return LOOKS

    return SimpleNamespace(
        asked=asked,
        clock=SimpleNamespace(now=lambda: NOW),
        models=SimpleNamespace(active=current, get=get, newest_first=lambda: [RECORD]),
        artifacts=SimpleNamespace(read=read, write=lambda _version, files: kept.update(files)),
        monitoring=SimpleNamespace(reports=reports),
        feedback_processor=SimpleNamespace(analytics=lambda days: some_feedback(days)),
    )


ACTIVE = ActiveModel(VERSION, {}, MADE)


def test_the_active_model_is_reported_on_by_default():
    stores = services(ACTIVE)
    found = gather(stores, None)
    assert found.is_active
    assert found.record is RECORD
    assert len(found.probabilities) == len(found.targets) == 400
    # What monitoring said before the model was made is about others.
    assert stores.asked == [MADE]


def test_another_model_can_be_named():
    found = gather(services(ActiveModel("another", {}, NOW, previous_version=VERSION)), VERSION)
    assert not found.is_active
    assert "another took its place on 30 Jun 2024, 12:00 UTC" in found.standing


def test_each_standing_has_its_sentence():
    assert standing(None, VERSION) == "No model is active: the baseline answers."
    assert standing(ACTIVE, VERSION) == "This model is active since 10 Jun 2024, 12:00 UTC."
    assert standing(ACTIVE, "older") == f"This model is not active: {VERSION} answers."


@pytest.mark.parametrize(
    ("stores", "version", "told"),
    [
        (services(), None, "No model is active yet"),
        (services(ACTIVE), "nonsense", f"There is no model nonsense: there are {VERSION}"),
        (services(ACTIVE, files={}), None, "report.json is missing"),
        (services(outage=True), None, "dynamodb is unavailable: if `make run` is just starting"),
    ],
)
def test_what_cannot_be_reported_on_is_said_in_a_sentence(stores, version, told):
    with pytest.raises(RunError, match=told):
        gather(stores, version)


def test_settings_are_read_as_make_run_writes_them(tmp_path):
    file = tmp_path / "environment"
    file.write_text("export HASH_KEY='0f'\nexport MODEL_DIR='/a b/c=d'\n")
    assert environment(file) == {"HASH_KEY": "0f", "MODEL_DIR": "/a b/c=d"}
    read = f". {file}; printf '%s' \"$MODEL_DIR\""
    assert subprocess.check_output(["sh", "-c", read], text=True) == "/a b/c=d"


def test_a_run_that_is_just_starting_is_said_so(tmp_path):
    with pytest.raises(RunError, match="try again when it serves"):
        environment(tmp_path / "environment")


def given(state, **changes):
    usual = {"model": None, "out": None, "demo": False, "look": False, "state": state}
    return SimpleNamespace(**usual | changes)


def test_before_anything_was_trained_the_command_for_it_is_named(tmp_path):
    with pytest.raises(RunError, match="`make run` trains one"):
        kept_folder(given(tmp_path))
    with pytest.raises(RunError, match="`make demo` trains one"):
        kept_folder(given(tmp_path, look=True))
    assert not list(tmp_path.iterdir())


def test_own_leads_are_meant_where_there_are_some(tmp_path):
    for name in ("own", "demo"):
        (tmp_path / name).mkdir()
    assert kept_folder(given(tmp_path)).name == "demo"
    (tmp_path / "own" / "source.json").write_text('{"complete": true}')
    assert kept_folder(given(tmp_path)).name == "own"
    assert kept_folder(given(tmp_path, demo=True)).name == "demo"


def test_the_page_is_written_and_kept_with_the_model(tmp_path, monkeypatch, capsys):
    (tmp_path / "demo").mkdir()
    files = {}
    stores = services(ACTIVE)
    stores.artifacts.write = lambda version, written: files.update({version: written})

    class Connected:
        def __enter__(self):
            return stores

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("infra.report_run.kept_system", lambda _folder: Connected())
    monkeypatch.setattr("infra.report_run.page", lambda _facts: "a page \ud800")
    out = tmp_path / "deep" / "page.html"
    assert write_report(given(tmp_path, out=out), StopRequest()) == out
    assert (
        files
        == {VERSION: {"report.html": out.read_bytes()}}
        == {VERSION: {"report.html": b"a page ?"}}
    )
    assert "is written, and kept with the model" in capsys.readouterr().out
    assert [each.name for each in Path(out.parent).iterdir()] == ["page.html"]
