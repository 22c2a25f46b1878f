"""The table of exposures: which unit met which variant, and by which leads; keyed hashes only.

| owner | entry | holds |
|---|---|---|
| unit | `EXPOSURE#test` | the variant, since when, when the unit converted; written once |
| unit | `SCORED#lead#test` | since when the test scores the lead for the unit |
| lead | `SEEN#test#time#request` | for which unit the test scored the lead then |
| lead | `COUNTED#test#feedback` | that this feedback counted in the test, and never does again |
"""

from datetime import datetime
from typing import NamedTuple

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from ..entities import ScoreRecord, iso
from ..experiments import ABScoring, Exposure
from .columns import MomentColumn, WholeColumn
from .queries import Values

EXPOSURE, SCORED, SEEN, COUNTED = "EXPOSURE#", "SCORED#", "SEEN#", "COUNTED#"
# Sorts right behind `#`, so behind everything that begins with the text before it.
AFTER = "$"


class ExposureItem(Model):
    """Anything in the table; the keys say what."""

    owner = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    variant_name = UnicodeAttribute(null=True)
    metric = UnicodeAttribute(null=True)
    unit = UnicodeAttribute(null=True)
    exposed_at = MomentColumn(null=True)
    converted_at = MomentColumn(null=True)
    first_at = MomentColumn(null=True)
    expires_at = WholeColumn(null=True)

    @classmethod
    def of_exposure(cls, scoring: ABScoring) -> "ExposureItem":
        """Make the item of a unit's first exposure, which stays."""
        exposure = scoring.exposure
        return cls(
            owner=exposure.unit,
            entry=EXPOSURE + exposure.test_name,
            variant_name=exposure.variant_name,
            exposed_at=scoring.record.scored_at,
        )

    @classmethod
    def of_sight(cls, scoring: ABScoring, expires_at: int) -> "ExposureItem":
        """Make the item of one scoring, under the lead."""
        exposure, record = scoring.exposure, scoring.record
        return cls(
            owner=scoring.lead,
            entry=SEEN + sight(exposure.test_name, record),
            unit=exposure.unit,
            variant_name=exposure.variant_name,
            metric=exposure.metric,
            expires_at=expires_at,
        )


class Sight(NamedTuple):
    """A scoring as a lead's partition knows it."""

    test_name: str
    at: str
    unit: str


def sight(test_name: str, record: ScoreRecord) -> str:
    """Return the key of a scoring among those of its lead: by test, then by time."""
    return f"{test_name}#{iso(record.scored_at)}#{record.request_id}#{record.position:04d}"


def read_sight(values: Values) -> Sight:
    """Read which unit a test scored a lead for, and when."""
    test_name, at, _ = values["entry"].removeprefix(SEEN).split("#", 2)
    return Sight(test_name, at, values["unit"])


def read_exposure(values: Values, test_name: str, unit: str) -> Exposure:
    """Read which exposure a link leads to."""
    return Exposure(test_name, values["variant_name"], values["metric"], unit)


def seconds(moment: datetime) -> int:
    """Return a moment as DynamoDB's expiry has it."""
    return int(moment.timestamp())
