import math

import pytest

from lead_scoring.features import category
from lead_scoring.features.category import CategoryVocabulary, high_value_groups, normal_category

SEEN = ["jobs/finance"] * 12 + ["software/qa/dba"] * 10 + ["Sales & Marketing"] * 3 + [None] * 5


def features(vocabulary: CategoryVocabulary, text: str | None) -> dict[str, float]:
    names = [feature.name for feature in vocabulary.features]
    return dict(zip(names, vocabulary.values(normal_category(text)), strict=True))


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("software/qa/dba", [1, 0, 0]),
        ("jobs/information_technology", [1, 0, 0]),
        ("jobs/accounting/auditing", [0, 1, 0]),
        ("Civil Engineering", [0, 0, 1]),
        ("FinTech / Software Engineering", [1, 1, 1]),
        ("Sales & Marketing", [0, 0, 0]),
        ("", [0, 0, 0]),
    ],
)
def test_high_value_groups_are_known_by_their_words(text: str, groups: list[float]) -> None:
    assert high_value_groups(normal_category(text) or "") == groups


def test_categories_are_compared_without_case_and_spaces() -> None:
    assert normal_category("  Software /QA/ DBA ") == normal_category("software/qa/dba")


def test_codes_are_ranks_by_frequency_in_training() -> None:
    vocabulary = CategoryVocabulary.fit(SEEN)

    assert features(vocabulary, "jobs/finance")["category_main_code"] == 0
    assert features(vocabulary, "software/qa/dba")["category_main_code"] == 1
    assert features(vocabulary, "software/qa/dba")["category_sub_code"] == 1
    assert features(vocabulary, "jobs/finance")["category_share"] == 12 / 30


def test_a_main_category_without_subcategory_has_no_subcategory_code() -> None:
    values = features(CategoryVocabulary.fit(SEEN), "sales & marketing")

    assert values["category_main_code"] == 2
    assert math.isnan(values["category_sub_code"])


def test_frequent_categories_have_a_feature_each() -> None:
    vocabulary = CategoryVocabulary.fit(SEEN)

    values = features(vocabulary, "Jobs/Finance")

    assert values["category_is:jobs/finance"] == 1
    assert values["category_is:software/qa/dba"] == 0
    assert "category_is:sales & marketing" not in values


def test_an_unseen_category_has_zeros_and_only_the_codes_that_were_seen() -> None:
    vocabulary = CategoryVocabulary.fit(SEEN)

    values = features(vocabulary, "software/sre")

    assert not vocabulary.knows("software/sre")
    assert values["category_technology"] == 1
    assert values["category_main_code"] == 1
    assert math.isnan(values["category_sub_code"])
    assert values["category_share"] == 0
    assert values["category_is:software/qa/dba"] == 0


@pytest.mark.parametrize("text", [None, "", " / "])
def test_an_absent_category_is_missing(text: str | None) -> None:
    values = features(CategoryVocabulary.fit(SEEN), text)

    assert all(math.isnan(values[feature.name]) for feature in category.FEATURES)
    assert values["category_is:jobs/finance"] == 0


def test_the_order_of_training_rows_does_not_matter() -> None:
    one, other = CategoryVocabulary.fit(SEEN), CategoryVocabulary.fit(list(reversed(SEEN)))

    assert one.to_json() == other.to_json()


def test_many_categories_keep_the_features_and_codes_bounded() -> None:
    vocabulary = CategoryVocabulary.fit([f"c{n % 200}/s{n % 200}" for n in range(4000)])

    values = [vocabulary.values(f"c{n}/s{n}") for n in range(200)]

    assert len(vocabulary.features) == len(category.FEATURES) + category.MOST_SINGLE
    assert max(row[3] for row in values) == category.MOST_CODES


def test_a_vocabulary_survives_json() -> None:
    vocabulary = CategoryVocabulary.fit(SEEN)

    read = CategoryVocabulary.from_json(vocabulary.to_json())

    assert read.to_json() == vocabulary.to_json()


def test_training_without_any_category_leaves_every_category_unseen() -> None:
    vocabulary = CategoryVocabulary.fit([None, " "])

    assert not vocabulary.knows("jobs")
    assert math.isnan(vocabulary.values("jobs")[3])
