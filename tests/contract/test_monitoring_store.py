"""Every store of monitoring keeps the same promises: one run after another, nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from lead_scoring.alerting import Alert, AlertChange, Watch

from .conftest import Stores
from .examples import NOON, bare_lead, fresh, full_lead, score

HOUR = timedelta(hours=1)
ALERT = Alert(
    "feature_drift", "warning", NOON, 0.1 + 0.2, 0.25, "Prices moved ä.", "Look.", ("Price",), NOON
)


def following(stores: Stores) -> Watch:
    """The next run after whatever was kept before."""
    last = stores.monitoring.watch()
    return Watch(last.revision + 1, at=(last.at or NOON) + HOUR)


def test_what_a_run_left_comes_back(stores: Stores) -> None:
    watch = following(stores)._replace(
        alerts=(ALERT,), report={"drift": {"psi": 0.1 + 0.2, "none": None}}
    )

    kept = stores.monitoring.keep(watch, [])

    assert kept
    assert stores.monitoring.watch() == watch


def test_of_two_runs_that_began_alike_the_first_is_kept(stores: Stores) -> None:
    first = following(stores)._replace(report={"run": "first"})
    second = first._replace(at=first.at + HOUR, report={"run": "second"})

    kept = [stores.monitoring.keep(each, []) for each in (first, second)]

    assert kept == [True, False]
    assert stores.monitoring.watch() == first


def test_keeping_the_same_run_again_changes_nothing(stores: Stores) -> None:
    watch = following(stores)
    change = AlertChange(ALERT, None)
    stores.monitoring.keep(watch, [change])
    changes = len(stores.monitoring.history(1000))

    assert stores.monitoring.keep(watch, [change])
    assert len(stores.monitoring.history(1000)) == changes


def test_a_run_that_skips_one_is_not_kept(stores: Stores) -> None:
    watch = following(stores)

    stores.monitoring.keep(watch, [])

    assert not stores.monitoring.keep(watch._replace(revision=watch.revision - 1), [])


def test_reports_come_oldest_first_from_a_moment_on(stores: Stores) -> None:
    watches = []
    for number in range(3):
        watches.append(following(stores)._replace(report={"number": number}))
        stores.monitoring.keep(watches[-1], [])

    later = stores.monitoring.reports(watches[1].at)

    assert later == [{"number": 1}, {"number": 2}]


def test_changes_of_alerts_come_newest_first(stores: Stores) -> None:
    opened, closed = following(stores), None
    stores.monitoring.keep(opened, [AlertChange(ALERT, None)])
    closed = following(stores)
    stores.monitoring.keep(closed, [AlertChange(ALERT, closed.at)])

    history = stores.monitoring.history(2)

    assert history == [AlertChange(ALERT, closed.at), AlertChange(ALERT, None)]
    assert stores.monitoring.history(1) == history[:1]


def test_an_alert_may_close_and_open_anew_in_one_run(stores: Stores) -> None:
    watch = following(stores)
    changes = [AlertChange(ALERT, watch.at), AlertChange(ALERT._replace(since=watch.at), None)]

    kept = stores.monitoring.keep(watch, changes)

    assert kept
    assert stores.monitoring.history(2) == changes[::-1]


def test_of_many_runs_at_once_one_is_kept(embedded_stores: Stores) -> None:
    watch = following(embedded_stores)
    runs = [watch._replace(at=watch.at + number * HOUR) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda run: embedded_stores.monitoring.keep(run, []), runs))

    assert kept.count(True) == 1
    assert embedded_stores.monitoring.watch() == runs[kept.index(True)]


def test_sampled_scores_come_whole_from_the_newest_day_on(stores: Stores) -> None:
    leads = [fresh() for _ in range(4)]
    now = stores.clock.now()
    records = [
        score(full_lead(lead, as_of=None), scored_at=now - timedelta(days=days))
        for days, lead in enumerate(leads)
    ]
    stores.predictions.add(records)

    sampled = list(stores.predictions.sampled(now - timedelta(days=2)))

    assert [each for each in sampled if each.lead.lead_id in leads] == records[:3]


def test_backtests_are_not_sampled(stores: Stores) -> None:
    lead, now = fresh(), stores.clock.now()
    stores.predictions.add([score(full_lead(lead), scored_at=now)])

    assert lead not in {each.lead.lead_id for each in stores.predictions.sampled(now)}


def test_a_bare_lead_is_sampled_too(stores: Stores) -> None:
    lead, now = fresh(), stores.clock.now()
    stores.predictions.add([score(bare_lead(lead), scored_at=now)])

    assert lead in {each.lead.lead_id for each in stores.predictions.sampled(now)}
