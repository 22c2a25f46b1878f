"""What monitoring concludes from counts, at the edges of its rules."""

import numpy as np
import pytest

from lead_scoring.data_quality import FIELDS, QualityCounts
from lead_scoring.drift import Binning, psi
from lead_scoring.drift_findings import (
    Observed,
    drift_findings,
    drift_view,
    moved,
    quality_view,
)
from lead_scoring.errors import ArtifactError
from lead_scoring.monitoring_reference import Reference

NAMES = ["price", "price_log", "posted_hour", "category_success_rate", "score"]
LABELS = ["Price", "Price", "Posting Hour", "Category Success Rate", "Score"]
EVEN = [50_000.0, 50_000.0, 0.0]
N = 10_000


def reference(natural=(0.0,) * 5, **quality):
    nothing = {
        "missing": dict.fromkeys(FIELDS, 0.0),
        "out_of_range": {},
        "unseen_categories": 0.0,
        "inconsistent": {},
    }
    counts = [np.array(EVEN) for _ in NAMES]
    bins = Binning([np.array([0.0]) for _ in NAMES])
    return Reference(NAMES, LABELS, bins, counts, natural, nothing | quality, 100_000)


def observed(samples=N, quality=None, **shares):
    """Counts in which a feature has this share of its leads in the first of two bins."""
    counts = []
    for name in NAMES:
        share = shares.get(name, 0.5)
        counts.append(np.array([share * samples, (1 - share) * samples, 0.0]))
    return Observed(counts, quality or QualityCounts(leads=samples))


def share_with(index):
    """Return the share in the first bin at which the index of two bins has this value."""
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        actual = np.array([middle * N, (1 - middle) * N, 0.0])
        low, high = (middle, high) if psi(np.array(EVEN), actual) < index else (low, middle)
    return low


def findings(seen, against=None):
    against = against or reference()
    return {each.code: each for each in drift_findings(moved(against, seen), against, seen)}


@pytest.mark.parametrize(
    ("index", "is_bad", "is_clear"),
    [(0.251, True, False), (0.249, False, False), (0.201, False, False), (0.199, False, True)],
)
@pytest.mark.parametrize(("name", "code"), [("price", "feature_drift"), ("score", "score_drift")])
def test_drift_opens_above_a_quarter_and_is_clear_well_below(name, code, index, is_bad, is_clear):
    found = findings(observed(**{name: share_with(index)}))[code]

    assert (found.is_bad, found.is_clear) == (is_bad, is_clear)
    assert (found.figure, found.threshold) == (pytest.approx(index, abs=1e-3), 0.25)
    assert f"PSI {'up to ' if name == 'price' else ''}{index:.2f}" in found.text


def test_features_of_one_label_are_named_once_and_the_furthest_first():
    shares = {"price": share_with(0.3), "price_log": share_with(0.9)}

    found = findings(observed(**shares))["feature_drift"]

    assert found.subjects == ["Price"]
    assert found.figure == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("name", ["posted_hour", "category_success_rate"])
def test_what_moves_with_time_is_shown_and_alarms_nobody(name):
    seen = observed(**{name: share_with(2.0)})

    assert not findings(seen)["feature_drift"].is_bad
    [shown, *_] = drift_view(moved(reference(), seen), N)["features"]
    assert (shown["name"], shown["level"]) == (name, "warning")


def test_a_feature_that_moved_as_far_during_the_training_alarms_only_beyond_that():
    against = reference(natural=(0.4, 0, 0, 0, 0))

    within = findings(observed(price=share_with(0.59)), against)["feature_drift"]
    beyond = findings(observed(price=share_with(0.61)), against)["feature_drift"]

    assert (within.is_bad, beyond.is_bad) == (False, True)
    assert beyond.threshold == pytest.approx(0.6)


def test_of_199_scores_nothing_is_said_and_of_200_it_is():
    assert findings(observed(199, price=1.0)) == {}
    assert findings(observed(200, price=1.0))["feature_drift"].is_bad
    assert drift_view(moved(reference(), observed(199)), 199)["enough"] is False


@pytest.mark.parametrize(
    ("level", "index"), [("ok", 0.099), ("warning", 0.101), ("warning", 0.249), ("alarm", 0.251)]
)
def test_levels_are_those_of_the_rules(level, index):
    seen = observed(price=share_with(index))

    view = drift_view(moved(reference(), seen), N)

    assert view["features"][0]["level"] == level
    assert (view["alarms"], view["warnings"]) == (level == "alarm", level == "warning")


def quality(missing=0, outside=0, unseen=0, inconsistent=0, leads=N):
    counts = QualityCounts(leads=leads)
    counts.missing["price"] = missing
    counts.out_of_range["Price"] = outside
    counts.unseen["astronomy"], counts.unseen_leads = unseen, unseen
    counts.inconsistent["posted after it was scored"] = inconsistent
    return counts


@pytest.mark.parametrize(
    ("kind", "code", "subject"),
    [
        ("missing", "missing_values", "price"),
        ("outside", "out_of_range", "Price"),
        ("unseen", "unseen_categories", "category"),
        ("inconsistent", "inconsistent_leads", "posted after it was scored"),
    ],
)
def test_a_share_of_faults_is_bad_when_it_rose_by_more_than_a_tenth(kind, code, subject):
    states = {}
    for count in (799, 801, 999, 1001):
        found = findings(observed(quality=quality(**{kind: count})))[code]
        states[count] = (found.is_bad, found.is_clear, list(found.subjects))

    assert states == {
        799: (False, True, []),
        801: (False, False, []),
        999: (False, False, []),
        1001: (True, False, [subject]),
    }


def test_a_share_that_was_as_high_at_training_is_no_news():
    before = {"missing": dict.fromkeys(FIELDS, 0.0) | {"price": 0.6}}

    assert not findings(observed(quality=quality(missing=6500)), reference(**before))[
        "missing_values"
    ].is_bad
    assert findings(observed(quality=quality(missing=7100)), reference(**before))[
        "missing_values"
    ].is_bad


def test_a_rise_that_chance_explains_is_not_bad():
    small = Reference(NAMES, LABELS, reference().bins, reference().counts, (0.0,) * 5, {}, 20)

    found = findings(observed(200, quality=quality(missing=24, leads=200)), small)

    assert found["missing_values"].figure == pytest.approx(0.12)
    assert not found["missing_values"].is_bad


def test_categories_that_were_never_seen_are_named():
    counts = quality(unseen=5000)

    found = findings(observed(quality=counts))["unseen_categories"]

    assert "astronomy" in found.text
    assert quality_view(reference(), counts)["never_seen"] == ["astronomy"]


def test_a_reference_comes_back_as_it_was_written():
    before = reference(natural=(0.4, 0, 0, 0, 0))

    after = Reference.from_bytes(before.to_bytes())

    seen = observed(price=0.9, score=0.7)
    assert moved(after, seen) == moved(before, seen)
    assert (after.quality, after.leads) == (before.quality, before.leads)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 99}', b"\xff"])
def test_a_malformed_reference_is_refused(content):
    with pytest.raises(ArtifactError):
        Reference.from_bytes(content)
