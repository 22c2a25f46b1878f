"""Both sides of the benchmark, trained on the same leads, with leads that neither has seen."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from . import bench_ours
from .bench_data import LabelledLeads
from .bench_models import fit_ours, measuring_settings
from .reference.plain_scorer import PlainScorer
from .rows import FileError

BATCH = 1000
SEED = 42
# The largest request holds so many leads.
MOST_LEADS = 5000
# None of our own: the product's cross-validation chooses, and the plain implementation gets the
# same depth, step, rows, columns and number of trees.
DEFAULT_TREES: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Arena:
    """Both models, saved, and leads that neither was trained on, as JSON-like bodies."""

    ours: Path
    plain: Path
    leads_file: Path
    leads: list[dict[str, Any]]
    trained_on: int
    parameters: dict[str, Any]


def prepare_apart(
    read: Callable[[], LabelledLeads], folder: Path, params: Mapping[str, Any] | None
) -> Arena:
    """Read leads and do what `prepare` does in a process of its own; raise FileError.

    So the one that measures has neither read nor trained before, as one that serves: what that
    leaves behind in memory makes each lead dearer.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        return apart.submit(_read_and_prepare, read, folder, params).result()


def _read_and_prepare(
    read: Callable[[], LabelledLeads], folder: Path, params: Mapping[str, Any] | None
) -> Arena:
    try:
        data = read()
    except (OSError, ValueError) as fault:
        raise FileError(str(fault)) from fault
    return prepare(data, folder, params)


def prepare(data: LabelledLeads, folder: Path, params: Mapping[str, Any] | None) -> Arena:
    """Train both sides on all but a thousand leads and save them below `folder`.

    `params` go to both; None leaves ours to its cross-validation and the plain to its defaults.
    """
    settings = measuring_settings()
    order = np.random.default_rng(SEED).permutation(len(data.leads))
    held_out = min(BATCH, len(order) // 4)
    train, tried = data.take(np.sort(order[held_out:])), data.take(order[:held_out])
    fitted = fit_ours(train, settings, params)
    bench_ours.save(fitted.artifact, folder / "ours")
    same = {} if params is None else {**fitted.params, "n_estimators": fitted.trees}
    plain = PlainScorer(
        same,
        title_terms=settings.tfidf_max_features_title,
        description_terms=settings.tfidf_max_features_desc,
    )
    plain.fit(train.rows(), train.moments, train.labels).save(folder / "plain")
    # Scored as they come in: now.
    leads = [dict(row) for row in tried.rows()]
    # Held-out leads in turn, each with a number of its own.
    many = [{**row, "lead_id": i} for i, row in enumerate(islice(cycle(leads), MOST_LEADS))]
    lines = "".join(f"{json.dumps(row)}\n" for row in many)
    (folder / "leads.jsonl").write_text(lines, encoding="utf-8")
    parameters = {
        "ours": {**fitted.params, "n_estimators": fitted.trees},
        "plain": plain.parameters,
    }
    return Arena(
        folder / "ours",
        folder / "plain",
        folder / "leads.jsonl",
        leads,
        len(train.leads),
        parameters,
    )
