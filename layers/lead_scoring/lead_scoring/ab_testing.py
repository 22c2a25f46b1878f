"""A/B tests: put models against each other on the same leads, and say which one to keep."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from .ab_looks import Rules, look_at, significant
from .ab_reading import Reading
from .ab_results import deciding_look, kept_figures, results_view, stopped_view, test_view
from .ab_scoring import ABScorer
from .ab_shadows import shadow_outcomes, shadow_report
from .ab_test_cache import ABTestCache
from .ab_verdict import DECISIONS, FIX_ALLOCATION, Verdict, judge
from .entities import Lead, Prediction
from .entities.models import Activation, ModelRecord, Operation
from .errors import Fault, InvalidInputError, NotFoundError
from .experiments import (
    ABTest,
    Ending,
    PlannedSize,
    Tally,
    Variant,
    WantedTest,
    WantedVariant,
)
from .model_releases import ModelReleases
from .ports import ABTestStore, Clock, ModelRegistry, TrainingStore
from .settings import Settings

LeadLike = Lead | Mapping[str, Any]


class ABTestManager:
    """Creates tests, scores with them, reads their results, stops them."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        tests: ABTestStore,
        cache: ABTestCache,
        scorer: ABScorer,
        models: ModelRegistry,
        releases: ModelReleases,
        training_data: TrainingStore,
        read_lead: Callable[[Mapping[str, Any]], Lead],
        read_test: Callable[[Mapping[str, Any]], WantedTest],
    ) -> None:
        """Wire it; `read_lead` and `read_test` validate what is not read yet."""
        self._settings, self._clock, self._tests, self._cache = settings, clock, tests, cache
        self._scorer, self._models, self._releases = scorer, models, releases
        self._training_data = training_data
        self._read_lead, self._read_test = read_lead, read_test
        self._rules = Rules.of(settings)
        self._attribution = timedelta(days=settings.ab_attribution_days)

    def create_ab_test(
        self,
        test: WantedTest | Mapping[str, Any],
        by: str = "library",
        operation: Operation | None = None,
    ) -> dict[str, Any]:
        """Start a test; a dict is read as the API reads it. Return it as the API shows it.

        Doing it again with the same operation changes nothing. Raises InvalidInputError with every
        fault, an unknown model among them; ConflictError if the name is taken.
        """
        wanted = test if isinstance(test, WantedTest) else self._read_test(test)
        operation = operation or self._new_operation()
        records = self._records(wanted)
        created = ABTest(
            test_name=wanted.test_name,
            variants=[_variant(each, records) for each in wanted.variants],
            metric=wanted.metric,
            started_at=operation.at,
            created_by=by,
            operation_id=operation.operation_id,
            expected_days=wanted.expected_days,
        )
        try:
            return test_view(self._tests.create(created))
        except NotFoundError as error:
            gone = Fault("/variants", "one of the models was deleted just now")
            raise InvalidInputError((gone,)) from error

    def ab_tests(self) -> list[dict[str, Any]]:
        """Return all tests, newest first."""
        return [test_view(each) for each in self._tests.newest_first()]

    def ab_test(self, test_name: str) -> dict[str, Any]:
        """Return a test; raise NotFoundError."""
        return test_view(self._tests.get(test_name))

    def score_with_ab_test(
        self,
        test_name: str,
        lead: LeadLike,
        user_id: str | None = None,
        *,
        explain: bool = True,
        request_id: str = "",
    ) -> Prediction:
        """Score a lead by the variant of its user, or else of the lead itself, and keep it.

        A dict is read as the API reads a lead. Raises InvalidInputError, NotFoundError,
        TestStoppedError, and StoreUnavailableError if the variant's model cannot be had: no other
        model stands in for it, because the unit would count for a variant that it never met.
        """
        read = lead if isinstance(lead, Lead) else self._read_lead(lead)
        request_id = request_id or str(uuid4())
        return self._scorer.score(test_name, read, user_id, explain=explain, request_id=request_id)

    def results(self, test_name: str) -> dict[str, Any]:
        """Look at a test: what was counted, what it means, what to do. Raises NotFoundError.

        A look that freezes the plan, or that decides, is kept; whoever looks first is heard.
        """
        test = self._tests.get(test_name)
        tally = self._tests.tally(test)
        reading, verdict = self._look(test, tally)
        return results_view(reading, verdict, self._attribution, self._shadows(reading.test, tally))

    def stop(
        self,
        test_name: str,
        winner_variant: str | None = None,
        by: str = "library",
        request_id: str | None = None,
        operation: Operation | None = None,
        *,
        activate: bool = True,
    ) -> dict[str, Any]:
        """Stop a test for good; the winner's model becomes active unless that is not wished.

        Both happen in one transaction. Doing it again with the same operation changes nothing more.
        Raises NotFoundError for an unknown test or winner; InvalidInputError for a shadow as
        winner; ConflictError if it is stopped already, or the winner's files are of no use.
        """
        operation = operation or self._new_operation()
        test = self._tests.get(test_name)
        winner = _winner(test, winner_variant) if winner_variant else None
        activation = None
        if winner and activate:
            activation = Activation(
                at=operation.at,
                by=by,
                model_version=winner.model_version,
                reason=f"{winner.variant_name} won the A/B test {test_name}",
                request_id=request_id,
                operation_id=operation.operation_id,
            )
            if test.ending is None:
                self._releases.check(winner.model_version)
        ending = Ending(operation.at, by, operation.operation_id, winner_variant)
        # No look by the rule of looks: nobody reads it.
        look = look_at(test, self._tests.tally(test), self._rules)
        stopped = self._tests.stop(test_name, ending, activation, kept_figures(look))
        self._cache.forget(test_name)
        return stopped_view(stopped)

    def _look(self, test: ABTest, tally: Tally) -> tuple[Reading, Verdict]:
        look, now = look_at(test, tally, self._rules), self._clock.now()
        if test.planned is None and look.can_be_planned and look.required_samples is not None:
            assert look.control_rate is not None  # noqa: S101 (it has conversions)
            planned = PlannedSize(look.required_samples, now, look.control_rate)
            test = self._tests.freeze_plan(test.test_name, planned)
        samples = test.planned.samples if test.planned else None
        if test.final_look is None:
            found = significant(look, samples, self._rules)
            reading = Reading(test, look, self._rules, samples, found, now)
            verdict = judge(reading)
            if verdict.code not in DECISIONS:
                return reading, verdict
            test = self._tests.keep_final_look(test.test_name, deciding_look(reading, verdict))
        return self._decided(Reading(test, look, self._rules, samples, frozenset(), now))

    def _decided(self, reading: Reading) -> tuple[Reading, Verdict]:
        """Return what was decided, which stands; unless the units turn out to be mixed up."""
        final_look = reading.test.final_look
        assert final_look is not None  # noqa: S101 (it was decided)
        if reading.look.is_mismatched:
            verdict = judge(reading)
            assert verdict.code == FIX_ALLOCATION  # noqa: S101 (the first that applies)
            return reading, verdict
        stands = reading._replace(significant=frozenset(final_look["significant"]))
        return stands, Verdict(final_look["code"], final_look["text"], final_look["variant_name"])

    def _shadows(self, test: ABTest, tally: Tally) -> list[dict[str, Any]]:
        if not test.shadows:
            return []
        evidence = self._training_data.evidence(test.started_at)
        outcomes = shadow_outcomes(
            evidence, test, self._clock.now(), self._settings.label_maturity_hours
        )
        return shadow_report(
            test, tally, outcomes, lambda version: self._models.get(version).threshold
        )

    def _records(self, wanted: WantedTest) -> dict[str, ModelRecord]:
        """Return the models of a test by version; raise InvalidInputError for unknown ones."""
        known = {each.model_version: each for each in self._models.newest_first()}
        faults = [
            Fault(f"/variants/{place}/model_version", "is no registered model; see GET /models")
            for place, each in enumerate(wanted.variants)
            if each.model_version not in known
        ]
        if faults:
            raise InvalidInputError(tuple(faults))
        return known

    def _new_operation(self) -> Operation:
        return Operation(uuid4().hex, self._clock.now())


def _variant(wanted: WantedVariant, records: Mapping[str, ModelRecord]) -> Variant:
    return Variant(
        variant_name=wanted.variant_name,
        model_version=wanted.model_version,
        traffic_percentage=wanted.traffic_percentage,
        is_control=wanted.is_control,
        is_shadow=wanted.is_shadow,
        checksums=records[wanted.model_version].checksums,
    )


def _winner(test: ABTest, name: str) -> Variant:
    found = next((each for each in test.variants if each.variant_name == name), None)
    if found is None:
        raise NotFoundError(f"the test {test.test_name} has no such variant")
    if found.is_shadow:
        raise InvalidInputError((Fault("/winner_variant", "is a shadow, which cannot win"),))
    return found
