import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings

from lead_scoring import ubjson
from lead_scoring.adapters import estimators
from lead_scoring.effect_table import STORED_AS
from lead_scoring.entities import Lead
from lead_scoring.errors import ArtifactError
from lead_scoring.model_fitting import fit_model
from lead_scoring.scoring_model import (
    HISTORY,
    MANIFEST,
    MODEL_FILE,
    SCORING_FILES,
    ScoredLeads,
    ScoringModel,
    artifact_version,
    checksums,
)
from tests import builders, forests
from tests.artifacts import history_of, manifest_of, with_history, with_manifest
from tests.builders import POSTED_AT, bare_lead, lead
from tests.weird_leads import moments, weird_leads

LEADS = builders.various_leads(40)
MOMENTS = [POSTED_AT + timedelta(hours=9 * number) for number in range(40)]


@lru_cache
def model() -> ScoringModel:
    return forests.small_model().scoring_model


@lru_cache
def files() -> dict[str, bytes]:
    return model().files()


def loaded(content: bytes | None = None) -> ScoringModel:
    return ScoringModel.load({MODEL_FILE: content or files()[MODEL_FILE]}.__getitem__)


def with_changed_manifest(change: Callable[[Any], None]) -> bytes:
    manifest = manifest_of(files()[MODEL_FILE])
    change(manifest)
    return with_manifest(files()[MODEL_FILE], manifest)


def assert_adds_up(found: ScoredLeads) -> None:
    for scored, told in zip(found.scored, found.explanations(), strict=True):
        total = told.base_effect + sum(reason["effect"] for reason in told.reasons)
        assert total == pytest.approx(scored.margin, abs=1e-4)


def test_a_loaded_model_scores_with_the_same_bits() -> None:
    ours, theirs = (
        loaded().score(LEADS, MOMENTS, explain=True),
        model().score(LEADS, MOMENTS, explain=True),
    )
    assert ours.scored == theirs.scored
    assert ours.explanations() == theirs.explanations()
    assert loaded().files() == files()


def test_a_lead_has_the_same_score_with_reasons_and_without() -> None:
    with_reasons = model().score(LEADS, MOMENTS, explain=True)
    without = model().score(LEADS, MOMENTS)

    assert with_reasons.scored == without.scored
    assert len(with_reasons.explanations()) == len(LEADS)
    assert without.explanations() == []


def test_the_artifact_is_one_file_that_xgboost_reads() -> None:
    assert set(files()) == set(SCORING_FILES) == {MODEL_FILE}
    booster = xgboost.Booster()

    booster.load_model(bytearray(files()[MODEL_FILE]))

    assert booster.num_features() == len(model().extractor.features)


def test_a_lead_has_the_same_score_alone_and_in_a_batch() -> None:
    together = model().score(LEADS, MOMENTS, explain=True)

    alone = [
        model().score([one], [at], explain=True) for one, at in zip(LEADS, MOMENTS, strict=True)
    ]

    assert [one.scored[0] for one in alone] == together.scored
    assert [one.explanations()[0] for one in alone] == together.explanations()


def test_reasons_add_up_to_the_margin() -> None:
    assert_adds_up(model().score(LEADS, MOMENTS, explain=True))


def test_the_probability_rises_with_the_margin() -> None:
    ordered = sorted(model().score(LEADS, MOMENTS).scored, key=lambda scored: scored.margin)

    probabilities = [scored.probability for scored in ordered]

    assert probabilities == sorted(probabilities)
    assert probabilities[0] < probabilities[-1]
    assert probabilities[0] == model().calibration.probabilities(np.array([ordered[0].margin]))[0]


def test_reasons_are_grouped_by_label_and_show_the_first_features_value() -> None:
    found = model().score(
        [lead(title="Python developer", price=77_000.0)], [POSTED_AT], explain=True
    )

    (explanation,) = found.explanations()
    told = {reason["feature"]: reason["value"] for reason in explanation.reasons}
    labels = {feature.label for feature in model().extractor.features}
    assert len(told) == len(explanation.reasons)
    assert set(told) <= labels | {"Other features"}
    assert told["Price"] == 77_000.0


def test_what_was_learned_shows_in_the_scores() -> None:
    good = lead(title="Senior Python lead", price=150_000.0)
    poor = lead(title="Nurse", price=30_000.0)

    better, worse = model().score([good, poor], [POSTED_AT] * 2).scored

    assert better.probability > worse.probability + 0.2


def test_no_leads_have_no_scores() -> None:
    none = model().score([], [], explain=True)

    assert none.scored == none.explanations() == []


def test_an_unseen_category_is_an_outlier_by_name() -> None:
    (scored,) = model().score([lead(category="Deep Sea/Diving")], [POSTED_AT]).scored

    assert scored.is_outlier
    assert any("deep sea/diving" in reason for reason in scored.outlier_reasons)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(weird_leads, moments)
def test_any_lead_at_any_moment_scores_finitely_with_reasons_that_add_up(
    one: Lead, moment: datetime
) -> None:
    found = model().score([one], [moment], explain=True)

    (scored,), (explanation,) = found.scored, found.explanations()
    assert math.isfinite(scored.margin)
    assert 0 <= scored.probability <= 1
    assert_adds_up(found)
    json.dumps(explanation.reasons, allow_nan=False)


@lru_cache
def bare_model() -> ScoringModel:
    """Train on leads that have a title and nothing else."""
    bare = tuple(
        each._replace(lead=bare_lead(lead_id=each.lead.lead_id, title=each.lead.title))
        for each in forests.training_examples(80)
    )
    return fit_model(bare, builders.settings(), estimators, forests.QUICK).scoring_model


def test_a_model_can_be_trained_on_titles_alone() -> None:
    python, nurse = (
        bare_model()
        .score([bare_lead(title="Python developer"), bare_lead(title="Nurse")], [POSTED_AT] * 2)
        .scored
    )

    assert python.probability > nurse.probability


def test_a_model_trained_on_titles_alone_scores_full_leads() -> None:
    again = ScoringModel.load(bare_model().files().__getitem__)

    assert_adds_up(again.score(LEADS, MOMENTS, explain=True))


# What does not fit is refused.


def swap_first_features(value: Any) -> None:
    value["features"][:2] = value["features"][1::-1]


def test_another_order_of_features_is_refused() -> None:
    with pytest.raises(ArtifactError, match="in order"):
        loaded(with_changed_manifest(swap_first_features))


def test_an_extractor_of_another_model_is_refused() -> None:
    other = manifest_of(bare_model().content)["extractor"]

    with pytest.raises(ArtifactError):
        loaded(with_changed_manifest(lambda manifest: manifest.update(extractor=other)))


def test_a_history_of_another_model_is_refused() -> None:
    content = with_history(files()[MODEL_FILE], history_of(bare_model().content))

    with pytest.raises(ArtifactError):
        loaded(content)


def test_a_forest_over_more_features_is_refused() -> None:
    rows = forests.random_rows(100, 700, missing=0.0)
    wide = forests.train(rows, (rows[:, 699] > 0).astype(float), trees=1).save_raw("ubj")
    content = with_history(bytes(wide), history_of(files()[MODEL_FILE]))

    with pytest.raises(ArtifactError):
        loaded(with_manifest(content, manifest_of(files()[MODEL_FILE])))


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(format=1),
        lambda manifest: manifest.pop("extractor"),
        lambda manifest: manifest["extractor"].update(format=1),
        lambda manifest: manifest.pop("format"),
        lambda manifest: manifest.pop("features"),
        lambda manifest: manifest["features"].pop(),
        lambda manifest: manifest.update(features=[1]),
        lambda manifest: manifest.update(threshold="high"),
        lambda manifest: manifest.update(threshold=None),
        lambda manifest: manifest.update(threshold=10**400),
        lambda manifest: manifest.update(threshold=math.nan),
        lambda manifest: manifest.update(threshold=-1),
        lambda manifest: manifest.update(calibration=None),
        lambda manifest: manifest["calibration"].update(c=10**400),
        lambda manifest: manifest["calibration"].update(a=-1),
        lambda manifest: manifest["training_range"]["low"].pop(),
        lambda manifest: manifest.update(training_range=7),
    ],
)
def test_a_malformed_manifest_is_refused(change: Callable[[Any], None]) -> None:
    with pytest.raises(ArtifactError):
        loaded(with_changed_manifest(change))


@pytest.mark.parametrize(
    "content", [b" ", b"[]", b"null", b"{", b"\xff\xfe", b"7", b"{}", b"[" * 99_999]
)
def test_a_file_that_is_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError):
        loaded(content)
    with pytest.raises(ArtifactError):
        loaded(with_manifest(files()[MODEL_FILE], content))


@pytest.mark.parametrize("member", [HISTORY, MANIFEST, STORED_AS])
def test_a_member_without_its_arrays_is_refused(member: str) -> None:
    with pytest.raises(ArtifactError):
        loaded(ubjson.with_arrays(files()[MODEL_FILE], member, {}))


# Versions and checksums.


def test_a_version_tells_the_time_and_the_hash_of_what_scores() -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)

    version = artifact_version(files(), at)

    assert version.startswith("v20240102_030405_")
    assert len(version) == len("v20240102_030405_") + 8
    assert artifact_version(files() | {"report.json": b"{}"}, at) == version
    for name in SCORING_FILES:
        assert artifact_version(files() | {name: files()[name] + b" "}, at) != version


def test_checksums_are_sha_256_in_hex() -> None:
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert checksums({"a": b"abc"}) == {"a": expected}
