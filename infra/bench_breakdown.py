"""Where the time of one lead and of a thousand goes, stage by stage of the scoring service.

The stages are those of `LeadScorer.predict_batch` with its stores left out, called one after the
other with a clock between them; the answers are the same.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from lead_scoring.api.bodies import read_lead
from lead_scoring.api.problems import compact_json
from lead_scoring.entities import Prediction, iso
from lead_scoring.predictions import add_reasons, prediction, score_record
from lead_scoring.scoring_model import SCORING_FILES, Scored, ScoringModel
from lead_scoring.settings import Settings

from .bench_arena import BATCH, Arena
from .bench_models import measuring_settings

STAGES = {
    "parsing": "parse the body's JSON",
    "reading": "check the fields of a lead",
    "features": "features of text, time, place, category, price, contact, history",
    "forest": "margin of the forest, and additive effects of every feature",
    "calibration": "from margin to probability",
    "reasons": "the ten largest effects, with their values",
    "outliers": "compare with what training saw",
    "answers": "answers and audit records",
    "writing": "write the answer as JSON",
}
WARM_UP = 10


class Walk:
    """Scores bodies stage by stage, and notes the seconds of each."""

    def __init__(self, model: ScoringModel, settings: Settings) -> None:
        self._model, self._settings = model, settings
        self.seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}

    def __call__(self, body: str) -> list[Prediction]:
        """Score the leads of a body, a JSON array, with reasons; return the answers."""
        model, now = self._model, datetime.now(UTC)
        self._since = time.perf_counter()
        rows = json.loads(body)
        self._done("parsing")
        key = self._settings.hash_key
        leads = [read_lead(row, now=now, hash_key=key) for row in rows]
        self._done("reading")
        features = model.extractor.extract(leads, [lead.as_of or now for lead in leads])
        self._done("features")
        margins, effects = model.forest.margins_and_effects(features)
        self._done("forest")
        probabilities = [model.calibration.probability(margin) for margin in margins.tolist()]
        self._done("calibration")
        explanations = model.explainer.explain(effects, features, margins.tolist())
        self._done("reasons")
        outside = model.training_range.outlying(features)
        judged = [
            model.training_range.judge(out, row, unseen) if out or unseen else ([], False)
            for out, row, unseen in zip(
                outside, features, map(model.extractor.unseen_categories, leads), strict=True
            )
        ]
        self._done("outliers")
        answers = []
        pairs = zip(margins.tolist(), probabilities, strict=True)
        for number, (lead, pair, judgement) in enumerate(zip(leads, pairs, judged, strict=True)):
            scored = Scored(*pair, *judgement)
            answer = prediction(lead, scored, "v", iso(now), self._settings, is_degraded=False)
            score_record(lead, answer, now, "request", number, 1.0)
            answers.append(answer)
        add_reasons(answers, explanations)
        self._done("answers")
        compact_json(answers)
        self._done("writing")
        return answers

    def _done(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage].append(now - self._since)
        self._since = time.perf_counter()


def load(folder: Path) -> ScoringModel:
    """Load the model of a folder, as a function does once when it starts."""
    return ScoringModel.load(lambda name: (folder / name).read_bytes())


def breakdown(arena: Arena, single: int, batch: int) -> dict[str, Any]:
    """Walk so many single leads, and so many times a thousand: medians in seconds, by stage.

    `loading` is the seconds that the model takes to load from local files.
    """
    loads = []
    for _ in range(max(3, batch)):
        began = time.perf_counter()
        model = load(arena.ours)
        loads.append(time.perf_counter() - began)
    settings = measuring_settings()
    ones = [[lead] for lead in islice(cycle(arena.leads), single + WARM_UP)]
    thousands = [list(islice(cycle(arena.leads), BATCH))] * (batch + 1)
    return {
        "loading": float(np.median(loads)),
        "artifact_bytes": sum((arena.ours / name).stat().st_size for name in SCORING_FILES),
        "one": _medians(Walk(model, settings), ones, skipped=WARM_UP),
        "thousand": _medians(Walk(model, settings), thousands, skipped=1),
    }


def _medians(
    walk: Walk, given: Sequence[Sequence[Mapping[str, Any]]], skipped: int
) -> dict[str, float]:
    for leads in given:
        walk(json.dumps(leads))
    return {stage: float(np.median(taken[skipped:])) for stage, taken in walk.seconds.items()}
