"""Analytics from daily counters against a recount of the rows themselves."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.entities import ACTION_TYPES
from lead_scoring.entities.feedback import Feedback
from lead_scoring.feedback_analytics import analytics, counted, counts, days_until

TODAY = date(2024, 3, 2)
DAYS = days_until(TODAY, 7)
VALUES = st.one_of(st.none(), st.integers(0, 10**7).map(lambda cents: cents / 100))

rows = st.builds(
    Feedback,
    feedback_id=st.just("f"),
    lead_id=st.integers(),
    action_type=st.sampled_from(ACTION_TYPES),
    feedback_source=st.sampled_from(["manual", "implicit"]),
    created_at=st.datetimes(datetime(2024, 2, 20), datetime(2024, 3, 5), timezones=st.just(UTC)),
    target_score=st.just(0.5),
    confidence=st.integers(0, 10_000).map(lambda parts: parts / 10_000),
    contact_successful=st.none() | st.booleans(),
    conversion_value=VALUES,
)


def row(**changes: Any) -> Feedback:
    fields: dict[str, Any] = {
        "feedback_id": "f",
        "lead_id": 1,
        "action_type": "view",
        "feedback_source": "manual",
        "created_at": datetime(2024, 3, 2, 13, 59, tzinfo=UTC),
        "target_score": 0.4,
        "confidence": 0.45,
    }
    return Feedback(**fields | changes)


def counters_of(feedback: Sequence[Feedback]) -> dict[date, Counter[str]]:
    days: dict[date, Counter[str]] = {}
    for each in map(counted, feedback):
        days.setdefault(each.day, Counter()).update(each.counts)  # type: ignore[arg-type]
    return days


def mean(values: Sequence[float]) -> Any:
    return pytest.approx(fmean(values), abs=1e-12) if values else None


def recount(feedback: Sequence[Feedback]) -> dict[str, Any]:
    """The contract's answer, computed from rows one figure after the other."""
    shown = [each for each in feedback if DAYS[0] <= each.created_at.date() <= TODAY]
    known = [
        each
        for each in shown
        if each.action_type == "contact" and each.contact_successful is not None
    ]
    per_day = Counter(each.created_at.date().isoformat() for each in shown)
    per_hour = Counter(str(each.created_at.hour) for each in shown)
    per_weekday = Counter(str(each.created_at.weekday()) for each in shown)
    by_action = {action: [e for e in shown if e.action_type == action] for action in ACTION_TYPES}
    sources = {}
    for source in ("manual", "implicit"):
        own = [each for each in shown if each.feedback_source == source]
        sources[source] = {
            "count": len(own),
            "conversion_rate": mean([each.action_type == "convert" for each in own]),
            "contact_success_rate": mean([bool(e.contact_successful) for e in known if e in own]),
            "mean_confidence": mean([each.confidence for each in own]),
        }
    return {
        "days": 7,
        "total": len(shown),
        "action_distribution": {action: len(own) for action, own in by_action.items()},
        "confidence": {
            "mean": mean([each.confidence for each in shown]),
            "by_action": {a: mean([e.confidence for e in own]) for a, own in by_action.items()},
        },
        "temporal": {
            "per_day": {day.isoformat(): per_day[day.isoformat()] for day in DAYS},
            "per_hour": {str(hour): per_hour[str(hour)] for hour in range(24)},
            "per_weekday": {str(weekday): per_weekday[str(weekday)] for weekday in range(7)},
        },
        "sources": sources,
        "conversion_rate": mean([each.action_type == "convert" for each in shown]),
        "contact_success_rate": mean([bool(each.contact_successful) for each in known]),
        "conversion_value": pytest.approx(sum(e.conversion_value or 0 for e in shown), abs=1e-6),
    }


@given(st.lists(rows, max_size=40))
def test_analytics_are_what_a_recount_of_the_rows_says(feedback: list[Feedback]) -> None:
    assert analytics(DAYS, counters_of(feedback)) == recount(feedback)


def test_nothing_is_zeros_and_rates_of_nothing_are_null() -> None:
    nothing = {
        "count": 0,
        "conversion_rate": None,
        "contact_success_rate": None,
        "mean_confidence": None,
    }

    found = analytics(days_until(TODAY, 2), {})

    assert found == {
        "days": 2,
        "total": 0,
        "action_distribution": dict.fromkeys(ACTION_TYPES, 0),
        "confidence": {"mean": None, "by_action": dict.fromkeys(ACTION_TYPES)},
        "temporal": {
            "per_day": {"2024-03-01": 0, "2024-03-02": 0},
            "per_hour": {str(hour): 0 for hour in range(24)},
            "per_weekday": {str(weekday): 0 for weekday in range(7)},
        },
        "sources": {"manual": nothing, "implicit": nothing},
        "conversion_rate": None,
        "contact_success_rate": None,
        "conversion_value": 0,
    }


def test_a_row_adds_to_the_counters_of_its_own_day_in_utc() -> None:
    late = row(created_at=datetime(2024, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC))

    assert counted(late).day == TODAY
    assert counts(late) == {"manual_view": 1, "manual_view_confidence": 4500, "hour_23": 1}


def test_a_contact_adds_its_outcome_only_where_it_is_known() -> None:
    added = [
        counts(row(action_type="contact", contact_successful=each)) for each in (True, False, None)
    ]

    known = [each.get("manual_contacts_known", 0) for each in added]
    assert known == [1, 1, 0]
    assert [each.get("manual_contacts_succeeded", 0) for each in added] == [1, 0, 0]


def test_success_of_what_is_no_contact_is_not_counted() -> None:
    assert "manual_contacts_known" not in counts(row(contact_successful=True))


def test_every_conversion_value_counts_whatever_brought_it() -> None:
    sums = counters_of(
        [
            row(action_type="convert", conversion_value=0.1),
            row(action_type="contact", conversion_value=0.2),
            row(action_type="convert", conversion_value=1e12, feedback_source="implicit"),
        ]
    )

    assert analytics(DAYS, sums)["conversion_value"] == 1_000_000_000_000.3


def test_confidences_add_up_exactly_over_many_rows() -> None:
    sums = counters_of([row(confidence=0.0001)] * 9_999 + [row(confidence=1.0)])

    assert analytics(DAYS, sums)["confidence"]["mean"] == 1.9999 / 10_000


def test_every_counter_of_a_row_is_a_whole_number_but_its_value() -> None:
    added = counts(row(action_type="convert", conversion_value=1.25, confidence=0.8746))

    assert {name for name, value in added.items() if not isinstance(value, int)} == {
        "conversion_value"
    }


def test_days_end_today_and_follow_each_other() -> None:
    days = days_until(TODAY, 365)

    assert (len(days), days[-1]) == (365, TODAY)
    assert {later - day for day, later in pairwise(days)} == {timedelta(days=1)}
