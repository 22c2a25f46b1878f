"""Which unit met which variant, in DynamoDB: written with the score, found by later feedback."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ..entities import iso
from ..errors import TestStoppedError
from ..experiments import ABScoring, Conversion, Exposure
from ..settings import Settings
from .aws import unavailable_on_failure
from .counter_item import CounterItem, add_counts, add_pair, is_open
from .dynamodb import bound, delete_all
from .exposure_item import (
    AFTER,
    COUNTED,
    EXPOSURE,
    SCORED,
    SEEN,
    ExposureItem,
    read_exposure,
    read_sight,
    seconds,
)
from .lead_item import LeadItem
from .queries import Query, Values
from .transactions import REFUSED, reasons_against, until_settled, write_until_settled

# So many units are remembered as exposed; each takes some 200 bytes.
_MOST_REMEMBERED = 50_000
# A day more than anything can be counted in.
_MARGIN = timedelta(days=1)


class DynamoExposureStore:
    """An ExposureStore in the tables of exposures, of counters, and of scores."""

    def __init__(self, settings: Settings) -> None:
        self._table = bound(ExposureItem, settings.ab_test_exposures_table, settings)
        self._counters = bound(CounterItem, settings.ab_test_variants_table, settings)
        self._scores = bound(LeadItem, settings.predictions_table, settings)
        self._sample_rate = settings.monitoring_sample_rate
        self._scores_kept_for = timedelta(days=settings.prediction_retention_days)
        attribution = timedelta(days=settings.ab_attribution_days)
        self._kept_for = max(self._scores_kept_for, attribution) + _MARGIN
        # An exposure is for ever, so what is remembered is never wrong.
        self._exposed: OrderedDict[tuple[str, str], None] = OrderedDict()

    def record(self, scoring: ABScoring) -> None:
        """Write the audit record of a score, the exposure and what it counts, in one transaction.

        A unit counts once; recording the same score again changes nothing. Raises TestStoppedError.
        """
        until_settled(lambda: self._record(scoring))

    def of(self, lead: str, user: str | None, moment: datetime) -> list[Exposure]:
        """Return to which exposures what was done with a lead at a moment belongs, one a test."""
        with unavailable_on_failure("dynamodb"):
            if user is None:
                return list(self._last_seen(lead, iso(moment)))
            own = self._scored_for(user, lead, moment)
            # Where the lead itself is the unit, whoever does something with it does it to the unit.
            return list({**self._scored_for(lead, lead, moment), **own}.values())

    def convert(self, exposure: Exposure, conversion: Conversion, window: timedelta) -> bool:
        """Count a conversion, in one transaction; tell whether it counted."""
        return until_settled(lambda: self._convert(exposure, conversion, window))

    def erase(self, lead: str) -> int:
        """Forget by which scores a lead came into tests; return how many exposures there were."""
        with unavailable_on_failure("dynamodb"):
            seen = Query(
                self._table, lead, self._table.entry.startswith(SEEN), attributes=["entry", "unit"]
            )
            sights = {item["entry"]: read_sight(item) for item in seen.items()}
            pairs = {(each.test_name, each.unit) for each in sights.values()}
            keys = [{"owner": lead, "entry": entry} for entry in sights]
            keys += [
                {"owner": unit, "entry": f"{SCORED}{lead}#{test_name}"} for test_name, unit in pairs
            ]
            counted = Query(
                self._table, lead, self._table.entry.startswith(COUNTED), attributes=["entry"]
            )
            keys += [{"owner": lead, "entry": item["entry"]} for item in counted.items()]
            # The exposures first: what is left of a lead tells how to go on.
            stripped = {(test_name, lead) for test_name in self._strip(lead)}
            delete_all(self._table, keys)
        return len(pairs | stripped)

    def _record(self, scoring: ABScoring) -> bool | None:
        exposure = scoring.exposure
        unit = (exposure.test_name, exposure.unit)
        is_first = unit not in self._exposed
        connection = self._scores._get_connection().connection
        with unavailable_on_failure("dynamodb"):
            reasons = reasons_against(
                connection, lambda write: self._fill(write, scoring, is_first=is_first)
            )
        if not reasons:
            self._remember(unit)
            return True
        # Of the puts in their order, then of the updates.
        _, sight, *rest = reasons
        if sight == REFUSED:
            # Ours, from a call whose answer was lost.
            return True
        met_before = is_first and rest.pop(0) == REFUSED
        if rest[1] == REFUSED:
            raise TestStoppedError(exposure.test_name)
        if not met_before:
            return None
        self._remember(unit)
        return self._record(scoring)

    def _fill(self, write: TransactWrite, scoring: ABScoring, *, is_first: bool) -> None:
        exposure, record = scoring.exposure, scoring.record
        expires_at = seconds(record.scored_at + self._kept_for)
        write.save(self._scores.of_score(record, self._scores_kept_for, self._sample_rate))
        sight = self._table.of_sight(scoring, expires_at)
        write.save(sight, self._table.entry.does_not_exist())
        if is_first:
            first = self._table.of_exposure(scoring)
            write.save(first, self._table.entry.does_not_exist())
        link = self._table(exposure.unit, f"{SCORED}{scoring.lead}#{exposure.test_name}")
        write.update(link, self._link(scoring, expires_at))
        counts = {"scorings": 1, "score_sum": record.score} | ({"samples": 1} if is_first else {})
        test_name, table = exposure.test_name, self._counters
        add_counts(write, table, test_name, exposure.variant_name, counts, is_open(table))
        for shadow, score in scoring.shadow_scores.items():
            if score is None:
                add_counts(write, table, test_name, shadow, {"failures": 1})
            else:
                add_pair(write, table, test_name, shadow, (record.score, score))

    def _link(self, scoring: ABScoring, expires_at: int) -> list[Action]:
        table, at = self._table, scoring.record.scored_at
        return [
            table.first_at.set(table.first_at | at),
            table.variant_name.set(scoring.exposure.variant_name),
            table.metric.set(scoring.exposure.metric),
            table.expires_at.set(expires_at),
        ]

    def _remember(self, unit: tuple[str, str]) -> None:
        self._exposed[unit] = None
        while len(self._exposed) > _MOST_REMEMBERED:
            self._exposed.popitem(last=False)

    def _scored_for(self, unit: str, lead: str, moment: datetime) -> dict[str, Exposure]:
        prefix = f"{SCORED}{lead}#"
        query = Query(self._table, unit, self._table.entry.startswith(prefix))
        return {
            name: read_exposure(item, name, unit)
            for item in query.items()
            if item["first_at"] <= iso(moment)
            for name in [item["entry"].removeprefix(prefix)]
        }

    def _last_seen(self, lead: str, at: str) -> Iterator[Exposure]:
        """Iterate over the tests that scored a lead by then, each with the last unit it did so for.

        One step a test, and one more where it scored the lead later too: however often it did.
        """
        item = self._before(lead, SEEN, SEEN[:-1] + AFTER)
        while item is not None:
            name = read_sight(item).test_name
            prefix = f"{SEEN}{name}#"
            if read_sight(item).at > at:
                item = self._before(lead, prefix, f"{prefix}{at}{AFTER}")
            if item is not None:
                yield read_exposure(item, name, item["unit"])
            item = self._before(lead, SEEN, prefix)

    def _before(self, lead: str, low: str, high: str) -> Values | None:
        """Return the last entry of a lead between two texts."""
        between = self._table.entry.between(low, high)
        return Query(self._table, lead, between, is_backwards=True).first()

    def _convert(
        self, exposure: Exposure, conversion: Conversion, window: timedelta
    ) -> bool | None:
        table, moment = self._table, conversion.moment
        since = table.exposed_at.between(moment - window, moment)
        is_due = since & table.converted_at.does_not_exist()
        connection = table._get_connection().connection

        def fill(write: TransactWrite) -> None:
            counted = table(
                conversion.lead,
                f"{COUNTED}{exposure.test_name}#{conversion.feedback_id}",
                expires_at=seconds(moment + self._kept_for),
            )
            write.save(counted, table.entry.does_not_exist())
            item = table(exposure.unit, EXPOSURE + exposure.test_name)
            write.update(item, [table.converted_at.set(moment)], is_due)
            counts, variant = {"conversions": 1}, exposure.variant_name
            add_counts(write, self._counters, exposure.test_name, variant, counts)

        with unavailable_on_failure("dynamodb"):
            reasons = reasons_against(connection, fill)
        if REFUSED in reasons:
            return False
        return None if reasons else True

    def _strip(self, unit: str) -> Iterator[str]:
        """Leave nothing of a unit's exposures but their keys; iterate over their tests."""
        own = Query(self._table, unit, self._table.entry.startswith(EXPOSURE))
        columns = (self._table.variant_name, self._table.exposed_at, self._table.converted_at)
        removed: list[Action] = [column.remove() for column in columns]
        for item in own.items():
            if "exposed_at" in item:
                write_until_settled(partial(self._table(unit, item["entry"]).update, removed))
                yield item["entry"].removeprefix(EXPOSURE)
