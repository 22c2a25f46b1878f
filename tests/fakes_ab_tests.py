"""In-memory fakes of the stores of A/B tests and of exposures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from lead_scoring.entities import ScoreRecord, iso
from lead_scoring.entities.models import Activation, LedgerRow, ModelRecord
from lead_scoring.errors import ConflictError, NotFoundError, TestStoppedError
from lead_scoring.experiments import (
    ABScoring,
    ABTest,
    ArmCounts,
    Conversion,
    Ending,
    Exposure,
    PlannedSize,
    ShadowCounts,
    StoppedTest,
    Tally,
)
from lead_scoring.ports import Figures, PredictionStore
from tests.fakes_feedback import Switch


class Models(Protocol):
    """What the fake registry has to do with tests."""

    running_tests: dict[str, set[str]]
    operations: dict[str, LedgerRow]

    def get(self, model_version: str) -> ModelRecord: ...

    def activate(self, activation: Activation) -> LedgerRow: ...


@dataclass
class Met:
    """A unit's exposure; stripped of all when its lead was erased."""

    variant_name: str | None
    exposed_at: datetime | None
    converted_at: datetime | None = None


class FakeABTestStore:
    """Tests in a dictionary, counters in Counters."""

    def __init__(self, models: Models, outage: Switch) -> None:
        self.tests: dict[str, ABTest] = {}
        self.figures: dict[str, Figures] = {}
        self.counts: dict[str, Counter[tuple[str, str]]] = {}
        self.pairs: dict[str, dict[str, Counter[tuple[int, int]]]] = {}
        self.models, self.outage = models, outage

    def create(self, test: ABTest) -> ABTest:
        self.outage.check()
        known = self.tests.get(test.test_name)
        if known is not None:
            if known.operation_id == test.operation_id:
                return known
            raise ConflictError(f"there is a test {test.test_name} already")
        for variant in test.variants:
            self.models.get(variant.model_version)
        for variant in test.variants:
            self.models.running_tests.setdefault(variant.model_version, set()).add(test.test_name)
        self.tests[test.test_name] = test
        return test

    def get(self, test_name: str) -> ABTest:
        self.outage.check()
        if test_name not in self.tests:
            raise NotFoundError(f"there is no test {test_name}")
        return self.tests[test_name]

    def newest_first(self) -> list[ABTest]:
        self.outage.check()
        return sorted(self.tests.values(), key=lambda one: (one.started_at, one.test_name))[::-1]

    def tally(self, test: ABTest) -> Tally:
        self.outage.check()
        counts = self.counts.get(test.test_name, Counter())
        names = ("samples", "conversions", "scorings", "score_sum")
        arms = {
            each.variant_name: ArmCounts(*(counts[each.variant_name, name] for name in names))
            for each in test.arms
        }
        pairs = self.pairs.get(test.test_name, {})
        shadows = {
            each.variant_name: ShadowCounts(
                dict(pairs.get(each.variant_name, {})), counts[each.variant_name, "failures"]
            )
            for each in test.shadows
        }
        return Tally(arms, shadows)

    def freeze_plan(self, test_name: str, planned: PlannedSize) -> ABTest:
        test = self.get(test_name)
        if test.planned is None:
            self.tests[test_name] = test._replace(planned=planned)
        return self.tests[test_name]

    def keep_final_look(self, test_name: str, look: Mapping[str, Any]) -> ABTest:
        test = self.get(test_name)
        if test.final_look is None:
            self.tests[test_name] = test._replace(final_look=look)
        return self.tests[test_name]

    def stop(
        self, test_name: str, ending: Ending, activation: Activation | None, figures: Figures
    ) -> StoppedTest:
        test = self.get(test_name)
        if test.ending is not None:
            if test.ending.operation_id != ending.operation_id:
                raise ConflictError(f"the test {test_name} is stopped already")
            change = self.models.operations.get((activation and activation.operation_id) or "")
            return StoppedTest(test, change)
        change = self.models.activate(activation) if activation else None
        if change and change.from_version == change.to_version:
            change = None
        for variant in test.variants:
            self.models.running_tests.get(variant.model_version, set()).discard(test_name)
        self.tests[test_name] = test._replace(ending=ending)
        self.figures[test_name] = figures
        return StoppedTest(self.tests[test_name], change)

    def add(self, test_name: str, variant_name: str, **counts: int) -> None:
        sums = self.counts.setdefault(test_name, Counter())
        for name, count in counts.items():
            sums[variant_name, name] += count


@dataclass
class FakeExposureStore:
    """Exposures and scorings in dictionaries, counted in the fake of tests."""

    tests: FakeABTestStore
    predictions: PredictionStore
    outage: Switch
    met: dict[tuple[str, str], Met] = field(default_factory=dict)
    seen: dict[str, dict[str, ABScoring]] = field(default_factory=dict)
    counted: set[tuple[str, str, str]] = field(default_factory=set)

    def record(self, scoring: ABScoring) -> None:
        self.outage.check()
        exposure, key = scoring.exposure, _key(scoring.record)
        own = self.seen.setdefault(scoring.lead, {})
        if f"{exposure.test_name}#{key}" in own:
            return
        test = self.tests.tests.get(exposure.test_name)
        if test is not None and test.ending is not None:
            raise TestStoppedError(exposure.test_name)
        self.predictions.add([scoring.record])
        own[f"{exposure.test_name}#{key}"] = scoring
        pair = (exposure.test_name, exposure.unit)
        is_first = pair not in self.met
        if is_first:
            self.met[pair] = Met(exposure.variant_name, scoring.record.scored_at)
        self._count(scoring, is_first)

    def of(self, lead: str, user: str | None, moment: datetime) -> list[Exposure]:
        self.outage.check()
        found: dict[str, tuple[tuple[bool, str], Exposure]] = {}
        for key, scoring in self.seen.get(lead, {}).items():
            unit = scoring.exposure.unit
            if scoring.record.scored_at > moment or (user is not None and unit not in (user, lead)):
                continue
            rank = (user is not None and unit == user, key)
            name = scoring.exposure.test_name
            if name not in found or rank > found[name][0]:
                found[name] = (rank, scoring.exposure)
        return [exposure for _, exposure in found.values()]

    def convert(self, exposure: Exposure, conversion: Conversion, window: timedelta) -> bool:
        self.outage.check()
        moment, row = conversion.moment, (exposure.test_name, *conversion[:2])
        if row in self.counted:
            return False
        met = self.met.get((exposure.test_name, exposure.unit))
        if met is None or met.exposed_at is None or met.converted_at is not None:
            return False
        if not met.exposed_at <= moment <= met.exposed_at + window:
            return False
        met.converted_at = moment
        self.counted.add(row)
        self.tests.add(exposure.test_name, exposure.variant_name, conversions=1)
        return True

    def erase(self, lead: str) -> int:
        self.outage.check()
        seen = self.seen.pop(lead, {}).values()
        pairs = {(each.exposure.test_name, each.exposure.unit) for each in seen}
        self.counted = {row for row in self.counted if row[1] != lead}
        for pair, met in self.met.items():
            if pair[1] == lead and met.exposed_at is not None:
                pairs.add(pair)
                met.variant_name = met.exposed_at = met.converted_at = None
        return len(pairs)

    def _count(self, scoring: ABScoring, is_first: bool) -> None:
        name, score = scoring.exposure.test_name, scoring.record.score
        variant = scoring.exposure.variant_name
        self.tests.add(name, variant, samples=int(is_first), scorings=1, score_sum=score)
        pairs = self.tests.pairs.setdefault(name, {})
        for shadow, shadow_score in scoring.shadow_scores.items():
            if shadow_score is None:
                self.tests.add(name, shadow, failures=1)
            else:
                pairs.setdefault(shadow, Counter())[score, shadow_score] += 1


def _key(record: ScoreRecord) -> str:
    return f"{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"
