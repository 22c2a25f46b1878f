import copy
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lead_scoring.entities import Lead
from lead_scoring.errors import ArtifactError
from lead_scoring.feature_extractor import FeatureExtractor
from lead_scoring.features.historical import OutcomeHistory
from tests import builders
from tests.builders import POSTED_AT, bare_lead, lead, various_leads

EXTRACTOR = builders.extractor()
LEADS = various_leads()
MOMENTS = [POSTED_AT + timedelta(hours=number) for number in range(len(LEADS))]


def column(name: str) -> int:
    return [feature.name for feature in EXTRACTOR.features].index(name)


def test_features_have_unique_names_and_a_label_and_group() -> None:
    names = [feature.name for feature in EXTRACTOR.features]

    assert len(set(names)) == len(names)
    assert all(feature.label and feature.group for feature in EXTRACTOR.features)


def test_every_family_of_the_domain_is_there_and_history_is_last() -> None:
    groups = [feature.group for feature in EXTRACTOR.features]

    assert list(dict.fromkeys(groups)) == [
        "text", "temporal", "location", "category", "price", "contact", "tfidf", "historical",
    ]  # fmt: skip


def test_the_matrix_has_a_row_a_lead_and_a_column_a_feature() -> None:
    matrix = EXTRACTOR.extract(LEADS, MOMENTS)

    assert matrix.shape == (len(LEADS), len(EXTRACTOR.features))
    assert matrix.dtype == np.float32


def test_no_leads_make_an_empty_matrix() -> None:
    assert EXTRACTOR.extract([], []).shape == (0, len(EXTRACTOR.features))


def test_a_lead_has_the_same_bits_alone_and_among_others() -> None:
    together = EXTRACTOR.extract(LEADS, MOMENTS)

    for number, (one, moment) in enumerate(zip(LEADS, MOMENTS, strict=True)):
        alone = EXTRACTOR.extract([one], [moment])

        assert alone.tobytes() == together[number].tobytes()


def test_leads_and_moments_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 moments"):
        EXTRACTOR.extract([lead()], MOMENTS[:2])


def test_columns_hold_the_features_they_are_named_after() -> None:
    one = lead(title="Python Python!", price=99_000.0, email_domain="gmail.com")

    row = EXTRACTOR.extract([one], [POSTED_AT + timedelta(days=10)])[0]

    assert row[column("title_exclamation_marks")] == 1
    assert row[column("title_technology_keywords")] == 2
    assert row[column("age_hours")] == 240
    assert row[column("location_state")] == 6
    assert row[column("category_technology")] == 1
    assert row[column("price")] == 99_000
    assert row[column("email_free_domain")] == 1
    assert row[column("title_tfidf:python")] == 1
    assert row[column("description_experience_years_low")] == 5
    assert row[column("category_cases")] > 0


def test_either_text_has_its_own_seniority_and_keywords() -> None:
    one = lead(title="Senior nurse, bonus", description="You report to the director. Salary, pay.")

    (row,) = EXTRACTOR.extract([one], [POSTED_AT])

    assert row[column("title_seniority")] == 3
    assert row[column("description_seniority")] == 5
    assert row[column("title_salary_keywords")] == 1
    assert row[column("description_salary_keywords")] == 2


def test_a_lead_of_only_a_title_is_extracted_with_what_is_missing_missing() -> None:
    row = EXTRACTOR.extract([bare_lead()], [POSTED_AT])[0]

    for name in ("description_characters", "age_hours", "location_popularity", "category_share"):
        assert math.isnan(row[column(name)])
    assert row[column("price_missing")] == 1


def test_terms_are_never_missing() -> None:
    terms = [i for i, feature in enumerate(EXTRACTOR.features) if feature.group == "tfidf"]

    assert not np.isnan(EXTRACTOR.extract([bare_lead()], [POSTED_AT])[:, terms]).any()


def test_the_price_is_compared_with_the_salary_of_the_description() -> None:
    one = lead(title="Nurse", description="Pay: $50/hr", price=104_000.0)

    assert EXTRACTOR.extract([one], [POSTED_AT])[0, column("price_to_text_salary")] == 0


def test_categories_that_training_never_saw_are_named() -> None:
    assert EXTRACTOR.unseen_categories(lead(category="Zoo / Keeper")) == ["zoo/keeper"]
    assert EXTRACTOR.unseen_categories(lead(category="SOFTWARE/qa/dba")) == []
    assert EXTRACTOR.unseen_categories(lead(category=None)) == []


def test_the_settings_bound_the_number_of_terms() -> None:
    small = builders.extractor(tfidf_max_features_title=2, tfidf_max_features_desc=3)

    assert len(small.title_terms.terms) == 2
    assert len(small.description_terms.terms) == 3


@pytest.mark.parametrize("leads", [[], [bare_lead(title="!")], [bare_lead(title="\ud800")]])
def test_tiny_training_data_can_be_fitted(leads: list[Lead]) -> None:
    tiny = builders.extractor(leads)

    matrix = tiny.extract([lead()], [POSTED_AT])

    assert matrix.shape == (1, len(tiny.features))


def test_an_extractor_survives_json_bit_for_bit() -> None:
    written = json.loads(json.dumps(EXTRACTOR.to_json(), allow_nan=False))

    history = OutcomeHistory.from_arrays(EXTRACTOR.history.to_arrays())
    again = FeatureExtractor.from_json(written, history)

    assert again.features == EXTRACTOR.features
    assert again.extract(LEADS, MOMENTS).tobytes() == EXTRACTOR.extract(LEADS, MOMENTS).tobytes()
    assert again.unseen_categories(lead()) == EXTRACTOR.unseen_categories(lead())


def test_fitting_twice_writes_the_same_json() -> None:
    assert json.dumps(builders.extractor().to_json()) == json.dumps(EXTRACTOR.to_json())


def _put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


WRITTEN = EXTRACTOR.to_json()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {},
        {key: value for key, value in WRITTEN.items() if key != "prices"},
        _put(WRITTEN, ("format",), 0),
        _put(WRITTEN, ("title_terms", "terms", 0), "zoo keeper"),
        _put(WRITTEN, ("business_time_zone",), "Nowhere/Never"),
        _put(WRITTEN, ("business_time_zone",), 5),
        _put(WRITTEN, ("title_terms", "token_pattern"), r"\w+"),
        _put(WRITTEN, ("title_terms", "inverse_frequencies"), [1.0]),
        _put(WRITTEN, ("title_terms", "inverse_frequencies", 0), math.nan),
        _put(WRITTEN, ("title_terms", "inverse_frequencies", 0), "x"),
        _put(WRITTEN, ("title_terms", "terms", 0), 5),
        _put(WRITTEN, ("title_terms", "terms", 0), WRITTEN["title_terms"]["terms"][1]),
        _put(WRITTEN, ("categories", "counts", 0), ["one"]),
        _put(WRITTEN, ("categories", "counts", 0), [5, 5]),
        _put(WRITTEN, ("categories", "leads"), 0),
        _put(WRITTEN, ("prices", "overall"), [1.0, 2.0]),
        _put(WRITTEN, ("prices", "overall", 0), 1e99),
        _put(WRITTEN, ("prices", "by_category"), []),
    ],
)
def test_a_malformed_or_foreign_artifact_is_refused(broken: Any) -> None:
    with pytest.raises(ArtifactError):
        FeatureExtractor.from_json(broken, EXTRACTOR.history)


ANY_LEAD = st.builds(
    Lead,
    lead_id=st.integers() | st.text(),
    title=st.text(min_size=1, max_size=500),
    description=st.none() | st.text(max_size=2000),
    category=st.none() | st.text(max_size=200),
    location_name=st.none() | st.text(max_size=200),
    price=st.none() | st.floats(0, 1e12),
    email_domain=st.none() | st.text(),
    email_hash=st.none() | st.text(),
    posted_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=150, deadline=None)
@given(ANY_LEAD)
def test_any_lead_has_finite_or_missing_features(one: Lead) -> None:
    row = EXTRACTOR.extract([one], [datetime(2024, 1, 1, tzinfo=UTC)])

    assert not np.isinf(row).any()
