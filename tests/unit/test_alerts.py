from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.alerting import Alert, Finding
from lead_scoring.alerts import CHECKS_TO_CLOSE, alert_view, change_view, follow

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def finding(code: str = "score_drift", **changes: Any) -> Finding:
    bad = Finding(code, "warning", 0.4, 0.25, True, False, "Scores moved.", "Look.", ("score",))
    return bad._replace(**changes)


BAD = finding()
BETWEEN = finding(figure=0.22, is_bad=False)
CLEAR = finding(figure=0.05, is_bad=False, is_clear=True)


def run(*checks: list[Finding]) -> list[tuple[list[str], int]]:
    """The codes that are open after each check, and how many changes it made."""
    alerts: list[Alert] = []
    seen = []
    for day, findings in enumerate(checks):
        alerts, changes = follow(alerts, findings, NOON + day * DAY)
        seen.append(([each.code for each in alerts], len(changes)))
    return seen


def test_an_alert_opens_with_all_that_is_known() -> None:
    alerts, changes = follow([], [BAD], NOON)

    assert alerts == [
        Alert("score_drift", "warning", NOON, 0.4, 0.25, "Scores moved.", "Look.", ("score",), NOON)
    ]
    assert changes == [(alerts[0], None)]


def test_nothing_opens_where_nothing_is_bad() -> None:
    assert run([BETWEEN], [CLEAR], []) == [([], 0)] * 3


def test_an_alert_closes_after_two_clear_checks_in_a_row() -> None:
    assert run([BAD], [CLEAR], [CLEAR]) == [
        (["score_drift"], 1),
        (["score_drift"], 0),
        ([], 1),
    ]


def test_an_alert_does_not_flap_around_its_threshold() -> None:
    seen = run([BAD], [BETWEEN], [BAD], [CLEAR], [BETWEEN], [CLEAR], [BAD], [CLEAR], [CLEAR])

    assert [changes for _, changes in seen] == [1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_what_was_not_checked_stays_as_it_was() -> None:
    assert run([BAD], [], [], [CLEAR], [], [CLEAR])[-1] == ([], 1)


def test_an_alert_keeps_since_when_and_tells_the_newest_figure() -> None:
    alerts, _ = follow([], [BAD], NOON)

    again, changes = follow(alerts, [BAD._replace(figure=0.9)], NOON + DAY)

    assert (again[0].since, again[0].figure, again[0].seen_at) == (NOON, 0.9, NOON + DAY)
    assert changes == []


def test_critical_alerts_come_first_then_the_oldest() -> None:
    alerts, _ = follow([], [finding("a")], NOON)
    alerts, _ = follow(alerts, [finding("b"), finding("c", severity="critical")], NOON + DAY)

    assert [each.code for each in alerts] == ["c", "a", "b"]


def test_an_alert_is_shown_with_what_to_do_and_its_end() -> None:
    alerts, _ = follow([], [BAD], NOON)
    _, changes = follow([alerts[0]._replace(clear_checks=1)], [CLEAR], NOON + DAY)

    assert alert_view(alerts[0]) == {
        "code": "score_drift",
        "severity": "warning",
        "since": "2024-06-01T12:00:00.000000Z",
        "figure": 0.4,
        "threshold": 0.25,
        "text": "Scores moved.",
        "what_to_do": "Look.",
        "subjects": ["score"],
    }
    assert change_view(changes[0])["closed_at"] == "2024-06-02T12:00:00.000000Z"


@given(st.lists(st.sampled_from([BAD, BETWEEN, CLEAR, None]), max_size=40))
def test_an_alert_opens_only_by_a_bad_check_and_closes_only_by_clear_ones(
    checks: list[Finding | None],
) -> None:
    alerts: list[Alert] = []
    clear_in_a_row = 0
    for check in checks:
        was_open = bool(alerts)
        alerts, changes = follow(alerts, [] if check is None else [check], NOON)
        if check is not None:
            clear_in_a_row = clear_in_a_row + 1 if check is CLEAR else 0
        assert len(changes) == (was_open is not bool(alerts))
        if not was_open and alerts:
            assert check is BAD
        if was_open and not alerts:
            assert clear_in_a_row >= CHECKS_TO_CLOSE
