"""Try the monitor on leads of your own: false alarms, detection, estimates without labels, cost.

`python -m infra.monitoring_trial --data LEADS --outcomes OUTCOMES` trains a model on the older four
fifths of the leads, as the product does. Then it draws weeks from the training period, in which
nothing changed, and weeks from the holdout that are turned bad, and says which alerts would open.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from lead_scoring.adapters import estimators
from lead_scoring.drift_findings import drift_findings, moved
from lead_scoring.entities import Lead, ScoreRecord
from lead_scoring.entities.training import TrainingExample
from lead_scoring.estimated_performance import estimated_metrics
from lead_scoring.evaluation import metrics, rank
from lead_scoring.model_card import predicted
from lead_scoring.model_fitting import fit_model
from lead_scoring.monitoring import observe
from lead_scoring.monitoring_reference import Reference
from lead_scoring.scoring_model import ScoringModel
from lead_scoring.training_data import split_by_time, training_set

from .bench_data import read_labelled
from .bench_models import measuring_settings
from .bench_progress import Steps

SEED = 42
WEEKS, TRIALS, MANY = 50, 20, 100_000
WEEK = timedelta(days=7)
DRIFT = {"feature_drift", "score_drift"}
Change = Callable[[Lead], Lead]


@dataclass(frozen=True, slots=True)
class Bad:
    """A way to turn leads bad, the alert that should open, and what it should name."""

    name: str
    change: Change
    code: str
    subject: str


BAD = (
    Bad("another category", lambda x: x._replace(category="astronomy"), "unseen_categories", ""),
    Bad("prices times 3", lambda x: _priced(x, 3), "feature_drift", "Price"),
    Bad("prices times 0.01", lambda x: _priced(x, 0.01), "feature_drift", "Price"),
    Bad(
        "half the descriptions empty",
        lambda x: x._replace(description=None) if crc32(x.title.encode()) % 2 else x,
        "missing_values",
        "description",
    ),
    Bad("no posting times", lambda x: x._replace(posted_at=None), "missing_values", "posted_at"),
    Bad("no places", lambda x: x._replace(location_name=None), "missing_values", "location_name"),
    Bad(
        "titles in capitals",
        lambda x: x._replace(title=x.title.upper()),
        "feature_drift",
        "Title Capitals",
    ),
    Bad(
        "descriptions cut at 100 characters",
        lambda x: x._replace(description=x.description and x.description[:100]),
        "feature_drift",
        "Description Length",
    ),
    Bad(
        "descriptions in HTML",
        lambda x: x._replace(description=x.description and x.description.replace(" ", "&nbsp;")),
        "feature_drift",
        "Description Length",
    ),
    Bad(
        "place and category mixed up",
        lambda x: x._replace(category=x.location_name, location_name=x.category),
        "unseen_categories",
        "",
    ),
    Bad(
        "posting times 8 hours ahead",
        lambda x: x._replace(posted_at=x.posted_at and x.posted_at + timedelta(hours=8)),
        "inconsistent_leads",
        "posted after it was scored",
    ),
)


class Watched:
    """A model, its reference, and what it says of leads."""

    def __init__(self, model: ScoringModel, reference: Reference) -> None:
        self.model, self.reference = model, reference

    def alerts(self, examples: Sequence[TrainingExample]) -> dict[str, Sequence[str]]:
        """Return the alerts that would open, with what each names."""
        observed, _ = observe(self.model, self.reference, self.records(examples))
        found = drift_findings(moved(self.reference, observed), self.reference, observed)
        return {each.code: each.subjects for each in found if each.is_bad}

    def records(self, examples: Sequence[TrainingExample]) -> list[ScoreRecord]:
        """Return the scores that the model gives examples as of their moments."""
        probabilities = predicted(self.model, examples)
        return [
            ScoreRecord(e.lead, e.moment, "r", 0, "v", round(100 * p), float(p), 0.5, "B", 1.0)
            for e, p in zip(examples, probabilities, strict=True)
        ]


def false_alarms(watched: Watched, training: Sequence[TrainingExample]) -> Counter[str]:
    """Count, of WEEKS bootstrap weeks of the training period, in how many each alert opens."""
    random = np.random.default_rng(SEED)
    moments = np.array([e.moment.timestamp() for e in training])
    opened: Counter[str] = Counter()
    week = WEEK.total_seconds()
    for _ in range(WEEKS):
        start = random.uniform(moments[0], moments[-1] - week)
        inside = np.flatnonzero((moments >= start) & (moments < start + week))
        drawn = random.choice(inside, len(inside))
        codes = set(watched.alerts([training[i] for i in np.sort(drawn)]))
        opened.update(codes | ({"any drift alert"} if codes & DRIFT else set()))
    return opened


def detected(watched: Watched, holdout: Sequence[TrainingExample], bad: Bad) -> tuple[int, int]:
    """Return in how many of TRIALS the right alert opens, and names the right thing."""
    random = np.random.default_rng(SEED)
    opened = named = 0
    for _ in range(TRIALS):
        drawn = random.choice(len(holdout), min(1000, len(holdout)))
        changed = [holdout[i]._replace(lead=bad.change(holdout[i].lead)) for i in np.sort(drawn)]
        subjects = watched.alerts(changed).get(bad.code)
        opened += subjects is not None
        named += subjects is not None and (not bad.subject or bad.subject in subjects)
    return opened, named


def estimates(watched: Watched, holdout: Sequence[TrainingExample]) -> dict[str, Any]:
    """Return AUC and F1 as estimated without labels, and as realised."""
    _, steps = observe(watched.model, watched.reference, watched.records(holdout))
    threshold = watched.model.threshold
    targets = np.array([e.target for e in holdout])
    realised = metrics(rank(predicted(watched.model, holdout), targets), threshold)
    estimated = estimated_metrics(steps, threshold)
    return {name: (estimated[name], realised[name]) for name in ("auc_roc", "f1_score")}


def cost(watched: Watched, examples: Sequence[TrainingExample]) -> tuple[float, float]:
    """Return seconds, and megabytes at the peak of a process of its own, for MANY scores."""
    # A fresh one: the peak of this one is that of the training.
    files, some = watched.model.files(), watched.records(examples[:5000])
    with ProcessPoolExecutor(1, get_context("spawn")) as own:
        return own.submit(_cost, files, watched.reference, some, MANY).result()


def _cost(
    files: Mapping[str, bytes], reference: Reference, some: Sequence[ScoreRecord], many: int
) -> tuple[float, float]:
    model = ScoringModel.load(files.__getitem__)
    started = time.perf_counter()
    observe(model, reference, (some[i % len(some)] for i in range(many)))
    seconds = time.perf_counter() - started
    return seconds, _peak_megabytes()


def _peak_megabytes() -> float:
    # What getrusage says of a child begins with the peak of its parent; only Linux tells another.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(each.split()[1]) / 1024 for each in lines if "VmHWM" in each), float("nan"))


def _priced(lead: Lead, factor: float) -> Lead:
    return lead._replace(price=None if lead.price is None else factor * lead.price)


def main(given: Sequence[str] | None = None) -> int:
    """Run the trial and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m infra.monitoring_trial", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="leads, JSON Lines or CSV")
    parser.add_argument("--outcomes", type=Path, required=True, help="what became of them")
    parser.add_argument("--newest", type=int, help="only so many leads, the newest")
    arguments = parser.parse_args(given)
    settings = measuring_settings()
    leads = read_labelled(arguments.data, arguments.outcomes)
    data = training_set(leads, settings, datetime.now(UTC))
    examples = data.examples[-(arguments.newest or len(data.examples)) :]
    training, holdout = split_by_time(examples, 0.2)
    if training[-1].moment - training[0].moment <= WEEK:
        parser.error("the older four fifths of the leads must span more than a week")
    with Steps("monitoring", 4 + len(BAD)) as steps:
        steps.doing("training")
        model = fit_model(training, settings, estimators, history=data.history).scoring_model
        reference = Reference.of(model, training, holdout, predicted(model, holdout))
        watched = Watched(model, reference)
        steps.done("trained")
        steps.doing("weeks of the training period")
        alarms = false_alarms(watched, training)
        steps.done("weeks of the training period")
        found = {}
        for bad in BAD:
            steps.doing(bad.name)
            found[bad.name] = detected(watched, holdout, bad)
            steps.done(bad.name)
        estimated = estimates(watched, holdout)
        steps.done("estimates")
        seconds, megabytes = cost(watched, training)
        steps.done("cost")
    print(f"{len(training):,} leads of the training, {len(holdout):,} of the holdout, seed {SEED}")
    print(f"reference.json: {len(reference.to_bytes()) / 1024:.0f} KB")
    print(f"alerts on the holdout as it is: {watched.alerts(holdout)}")
    print(f"of {WEEKS} weeks without a change: {dict(alarms) or 'no alert at all'}")
    for name, (opened, named) in found.items():
        print(f"{name}: the right alert in {opened} of {TRIALS}, naming the right thing in {named}")
    for name, (guess, real) in estimated.items():
        print(f"{name}: estimated {guess:.4f}, realised {real:.4f}")
    print(f"{MANY:,} scores: {seconds:.0f} s; peak of the process {megabytes:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
