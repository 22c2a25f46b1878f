import math
import time

import pytest

from lead_scoring.features import text
from lead_scoring.features.keywords import GROUPS, TERMS, Keywords
from lead_scoring.features.lexicon import Lexicon
from lead_scoring.features.reading import read
from lead_scoring.features.salary import find_salary

TITLE_NAMES = [feature.name for feature in text.TITLE_FEATURES]


LEXICON = Lexicon.of(TERMS)


def hits(written: str) -> list[float]:
    """Return the seniority of a text, and the hits of each group of keywords."""
    (values,) = Keywords(LEXICON).count(LEXICON.find([read(written).words])).tolist()
    return list(values)


def of_title(title: str) -> dict[str, float]:
    return dict(zip(TITLE_NAMES, [*text.values(read(title)), *hits(title)], strict=True))


def of_description(description: str) -> dict[str, float]:
    names = [feature.name for feature in text.DESCRIPTION_FEATURES]
    return dict(zip(names, [*text.values(read(description)), *hits(description)], strict=True))


def test_every_value_has_its_feature() -> None:
    values = text.values(read("Python Developer"))

    assert len(values) + text.BY_TERM == len(text.TITLE_FEATURES) == len(text.DESCRIPTION_FEATURES)


def test_names_of_features_are_unique() -> None:
    names = [feature.name for feature in text.FEATURES]

    assert len(set(names)) == len(names)


def test_a_title_is_measured() -> None:
    title = of_title("Senior QA Engineer! Apply by 12 May.")

    assert title["title_characters"] == 36
    assert title["title_words"] == 7
    assert title["title_sentences"] == 2
    assert title["title_mean_word_length"] == pytest.approx(28 / 7)
    assert title["title_capitals_share"] == pytest.approx(6 / 26)
    assert title["title_digits"] == 2
    assert title["title_exclamation_marks"] == 1


def test_marks_and_links_of_a_title_are_counted() -> None:
    title = of_title("Hi! ！• a, b; c|d\n• WWW.x.y http://z https://www.q")

    assert title["title_exclamation_marks"] == 2
    assert title["title_list_items"] == 6
    assert title["title_links"] == 4
    assert of_title("www.x.y")["title_links"] == of_title("http://x")["title_links"] == 1
    assert of_title("wwwhtt")["title_links"] == 0


def test_characters_of_other_scripts_are_counted_by_their_kind() -> None:
    reading = read("Разработчик 東京 ٣٤ Ä")

    assert (reading.letters, reading.capitals, reading.digits) == (14, 2, 2)


def test_a_sentence_ends_at_the_end_of_a_line_too() -> None:
    assert of_title("Join us.\nWe pay well!\nApply")["title_sentences"] == 3
    assert of_title("Join us.\n\nApply. Now")["title_sentences"] == 4


def test_sentences_of_chinese_text_are_counted() -> None:
    assert of_title("你好。我们招聘工程师！")["title_sentences"] == 2


def test_marks_inside_words_end_no_sentence() -> None:
    assert of_title("Node.js at U.S.A., 3.5 days")["title_sentences"] == 1


def test_an_absent_description_is_missing_throughout() -> None:
    values = text.values(None)

    assert len(values) + text.BY_TERM == len(text.DESCRIPTION_FEATURES)
    assert all(math.isnan(value) for value in values)


def test_an_empty_description_has_counts_of_zero_and_no_means() -> None:
    empty = of_description("")

    assert empty["description_characters"] == 0
    assert empty["description_sentences"] == 0
    assert empty["description_salary_keywords"] == 0
    assert math.isnan(empty["description_mean_word_length"])
    assert math.isnan(empty["description_capitals_share"])


def test_keywords_are_counted_by_group_with_phrases_and_repetitions() -> None:
    title = of_title("Competitive pay, paid per hour; urgent, no experience; C++ and C#")

    assert title["title_salary_keywords"] == 4
    assert title["title_urgency_keywords"] == 1
    assert title["title_red_flags_keywords"] == 1
    assert title["title_experience_keywords"] == 1
    assert title["title_technology_keywords"] == 2
    assert title["title_benefits_keywords"] == 0


def test_every_keyword_can_be_found_in_a_text() -> None:
    unfound = [
        (group.name, term)
        for number, group in enumerate(GROUPS)
        for term in group.terms
        if not hits(term)[1 + number]
    ]

    assert unfound == []


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Marketing Intern", 0),
        ("Junior Developer", 1),
        ("Senior Nurse", 3),
        ("Senior Vice Director", 5),
        ("CTO", 7),
    ],
)
def test_the_highest_seniority_of_a_title_counts(title: str, level: int) -> None:
    assert of_title(title)["title_seniority"] == level


def test_a_title_without_a_word_of_seniority_has_none() -> None:
    assert math.isnan(of_title("Nurse")["title_seniority"])


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("mail jobs@example.com today", 1),
        ("a.b+c@sub.example.co.uk", 1),
        ("meet @ noon", 0),
        ("@handle only", 0),
        ("name@localhost", 0),
    ],
)
def test_email_addresses_are_found(written: str, found: int) -> None:
    assert of_title(written)["title_email_address"] == found


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("call (555) 123-4567", 1),
        ("call 555-123-4567 now", 1),
        ("555.123.4567", 1),
        ("+49 30 1234 5678", 1),
        ("+1 (555) 123-4567", 1),
        ("1-555-123-4567", 1),
        ("030 1234567", 1),
        ("$1,000,000 to $2,000,000", 0),
        ("from 2020 to 2023", 0),
        ("12345678901234567890", 0),
        ("room 12, floor 3, desk 45, door 678", 0),
    ],
)
def test_phone_numbers_are_found(written: str, found: int) -> None:
    assert of_title(written)["title_phone_number"] == found


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("$50/hr", 104_000, 104_000),
        ("80k-120k", 80_000, 120_000),
        ("$80-120k", 80_000, 120_000),
        ("$5,000 per month", 60_000, 60_000),
        ("€60.000", 60_000, 60_000),
        ("£450/day", 117_000, 117_000),
        ("$20-$25 an hour", 41_600, 52_000),
        ("$15 - $20", 31_200, 41_600),
        ("$17.50 hourly", 36_400, 36_400),
        ("$900 a week", 46_800, 46_800),
        ("USD 60,000", 60_000, 60_000),
        ("60,000 EUR p.a.", 60_000, 60_000),
        ("50.000 € im Jahr", 50_000, 50_000),
        ("60 000 €", 60_000, 60_000),
        ("CHF 100'000", 100_000, 100_000),
        ("₹12,00,000 per annum", 1_200_000, 1_200_000),
        ("€1.500,50 per month", 18_006, 18_006),
        ("$80,000 to $120,000 per year", 80_000, 120_000),
        ("from $60,000 or else 90k–95k", 60_000, 95_000),
        ("$75K+", 75_000, 75_000),
        ("5k-10k", 60_000, 120_000),
        ("$5,000-$10,000", 60_000, 120_000),
    ],
)
def test_salaries_are_brought_to_a_year(written: str, low: float, high: float) -> None:
    assert find_salary(written.lower()) == pytest.approx((low, high))


@pytest.mark.parametrize(
    "written",
    [
        "401k and dental",
        "40 hours per week",
        "from 2020-2023",
        "$25 gift card",
        "$10,000 sign-on bonus",
        "bonus up to $10k",
        "$40,000 per annum signing bonus",
        "$2m revenue",
        "$10 million raised",
        "over 5 years, 60000 customers",
        "100%",
        "$999999999999999999999",
        "$",
        "",
    ],
)
def test_other_amounts_are_no_salaries(written: str) -> None:
    assert find_salary(written) is None


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("3+ years", 3, 3),
        ("five to seven years", 5, 7),
        ("5-7 years of experience", 5, 7),
        ("at least two (2) yrs", 2, 2),
        ("10 or more years", 10, 10),
        ("3 years Java and 8+ years SQL", 3, 8),
        ("mindestens 4 Jahre", 4, 4),
    ],
)
def test_years_of_experience_are_read(written: str, low: float, high: float) -> None:
    assert text.experience_years(read(written).words) == (low, high)


@pytest.mark.parametrize(
    "written", ["18 years old", "4 year degree", "100 years", "years", "2 days"]
)
def test_other_years_are_no_experience(written: str) -> None:
    assert all(math.isnan(value) for value in text.experience_years(read(written).words))


HOSTILE = ["a", "1", "$", " ", ".", ",", "@", "a@", "1 ", "1,", "$1", "$1-", "+1", "(1", "0 ", "é",
           "1k-", "1 years ", "five to ", "usd ", "-.", "!", "\n", "\ud800", "İ", "١"]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_no_faster_than_a_hostile_text(unit: str) -> None:
    def fastest(length: int) -> float:
        hostile = (unit * length)[:length]
        times = []
        for _ in range(3):
            start = time.process_time()
            text.values(read(hostile))
            times.append(time.process_time() - start)
        return min(times)

    short, long = fastest(12_500), fastest(50_000)

    # Four times the text: linear is 4, quadratic 16. Below a few milliseconds the clock decides.
    assert long < max(9 * short, 0.02)
