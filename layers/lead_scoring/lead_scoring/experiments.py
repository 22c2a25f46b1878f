"""The nouns of A/B tests: tests, variants, exposures, what was counted. Standard library only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .entities import ScoreRecord
from .entities.models import LedgerRow

METRICS = ("conversion", "contact_success")
RUNNING, STOPPED = "running", "stopped"


class WantedVariant(NamedTuple):
    """A variant as somebody asks for it."""

    variant_name: str
    model_version: str
    traffic_percentage: float
    is_control: bool
    is_shadow: bool


class WantedTest(NamedTuple):
    """A test as somebody asks for it, checked against everything but the registered models."""

    test_name: str
    variants: Sequence[WantedVariant]
    metric: str
    expected_days: int | None


class Variant(NamedTuple):
    """One of the models that a test compares.

    `traffic_percentage` is in (0, 100], of a shadow 0: it scores beside whoever answers, and never
    answers. `checksums` maps each file of the model to its SHA-256 in hex.
    """

    variant_name: str
    model_version: str
    traffic_percentage: float
    is_control: bool = False
    is_shadow: bool = False
    checksums: Mapping[str, str] = {}


class PlannedSize(NamedTuple):
    """The size of a variant at which the final look is taken, and the look that froze it."""

    samples: int
    frozen_at: datetime
    control_rate: float


class Ending(NamedTuple):
    """How a test was stopped; ending it again with the same `operation_id` changes nothing."""

    at: datetime
    by: str
    operation_id: str
    winner_variant: str | None = None


class ABTest(NamedTuple):
    """A test of two or more models on the same leads, and how far it has come.

    `final_look` is the look that decided, as the API shows it; None until then.
    """

    test_name: str
    variants: Sequence[Variant]
    metric: str
    started_at: datetime
    created_by: str
    operation_id: str
    expected_days: int | None = None
    planned: PlannedSize | None = None
    final_look: Mapping[str, Any] | None = None
    ending: Ending | None = None

    @property
    def status(self) -> str:
        """Whether the test is running or stopped."""
        return STOPPED if self.ending else RUNNING

    @property
    def arms(self) -> list[Variant]:
        """The variants that units are assigned to: all but the shadows."""
        return [each for each in self.variants if not each.is_shadow]

    @property
    def shadows(self) -> list[Variant]:
        """The variants that only score beside the others."""
        return [each for each in self.variants if each.is_shadow]

    @property
    def control(self) -> Variant:
        """The variant that the others are compared with."""
        return next(each for each in self.variants if each.is_control)


class StoppedTest(NamedTuple):
    """A test that was stopped, and the change of the active model that came with it, if any."""

    test: ABTest
    change: LedgerRow | None


class Exposure(NamedTuple):
    """A variant that a unit was exposed to in a test, for which its conversions count.

    `unit` is a keyed hash, of the user or else of the lead.
    """

    test_name: str
    variant_name: str
    metric: str
    unit: str


class Conversion(NamedTuple):
    """Feedback that counts as a conversion; `lead` is the keyed hash of the lead's key."""

    lead: str
    feedback_id: str
    moment: datetime


class ABScoring(NamedTuple):
    """A score that a test gave a lead for a unit; `lead` is the keyed hash of the lead's key.

    `shadow_scores` has the score (0 to 100) of every shadow, None for one that failed.
    """

    exposure: Exposure
    lead: str
    record: ScoreRecord
    shadow_scores: Mapping[str, int | None] = {}


class ArmCounts(NamedTuple):
    """What was counted of one variant: units, those that converted, scorings, sum of scores."""

    samples: int = 0
    conversions: int = 0
    scorings: int = 0
    score_sum: int = 0


class ShadowCounts(NamedTuple):
    """How often each pair of an answer's score and the shadow's occurred, and failures."""

    pairs: Mapping[tuple[int, int], int] = {}
    failures: int = 0


class Tally(NamedTuple):
    """What was counted of a test, by name of the variant; one that counted nothing is absent."""

    arms: Mapping[str, ArmCounts]
    shadows: Mapping[str, ShadowCounts]

    def arm(self, variant: Variant) -> ArmCounts:
        """Return what was counted of a variant."""
        return self.arms.get(variant.variant_name, ArmCounts())

    def shadow(self, variant: Variant) -> ShadowCounts:
        """Return what was counted of a shadow."""
        return self.shadows.get(variant.variant_name, ShadowCounts())
