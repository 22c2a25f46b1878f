"""The plain implementation's side of the benchmark: check the bodies, score, answer."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from .reference.plain_scorer import PlainScorer

Score = Callable[[Sequence[Mapping[str, Any]], bool], Sequence[Mapping[str, Any]]]


class LeadBody(BaseModel):
    """The rules that the product's own reading of a lead checks, the usual way."""

    lead_id: int | str
    title: Annotated[str, Field(min_length=1, max_length=500)]
    description: Annotated[str, Field(max_length=50_000)] | None = None
    category: Annotated[str, Field(max_length=200)] | None = None
    location_name: Annotated[str, Field(max_length=200)] | None = None
    price: Annotated[float, Field(ge=0, le=1e12)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    posted_at: datetime | None = None
    as_of: datetime | None = None


def connect(folder: Path) -> Score:
    """Return the function that scores JSON-like leads with the model in a folder."""
    scorer = PlainScorer.load(folder)

    def score(leads: Sequence[Mapping[str, Any]], explain: bool) -> Sequence[Mapping[str, Any]]:
        now = datetime.now(UTC)
        rows = [LeadBody.model_validate(lead).model_dump() for lead in leads]
        return scorer.score(rows, [row["as_of"] or now for row in rows], explain=explain)

    return score
