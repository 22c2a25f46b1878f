"""Look at what the model does of late: drift, data quality, outcomes, training; open alerts."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from .alerting import AlertChange, Finding, Watch
from .alerts import alert_view, follow, superseded
from .drift_findings import Observed, drift_findings, drift_view, moved, quality_view
from .entities import ActiveModel, ScoreRecord, iso
from .entities.models import LedgerRow, Operation
from .errors import ArtifactError, ConflictError, NotFoundError
from .estimated_performance import STEPS, estimated_metrics, step_of
from .health_rules import Worse, model_findings
from .labels import by_lead
from .live_metrics import live_intervals, live_labels
from .model_files import ModelFiles
from .model_releases import ModelReleases
from .monitoring_reference import REFERENCE_FILE, Reference
from .ports import (
    ArtifactStore,
    Clock,
    ModelRegistry,
    MonitoringStore,
    PredictionStore,
    TrainingStore,
)
from .predecessor import compare
from .retraining import Retraining
from .retraining_check import RetrainingCheck
from .retraining_rules import OUTCOMES_TO_JUDGE_BY, Deployed, Findings
from .scoring_model import ScoringModel
from .settings import Settings

logger = logging.getLogger(__name__)

# What is looked at: the scores of a week, and of more than so many the newest.
WINDOW = timedelta(days=7)
MOST_SCORES = 100_000
_CHUNK = 2_000
BY = "monitoring"


class Monitor:
    """Looks, keeps what it found, and takes back a model that does worse if it may."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        predictions: PredictionStore,
        training_data: TrainingStore,
        models: ModelRegistry,
        artifacts: ArtifactStore,
        files: ModelFiles,
        check: RetrainingCheck,
        retraining: Retraining,
        releases: ModelReleases,
        store: MonitoringStore,
    ) -> None:
        """Wire it; nothing is read yet."""
        self._settings, self._clock, self._predictions = settings, clock, predictions
        self._training_data, self._models, self._artifacts = training_data, models, artifacts
        self._files, self._check, self._retraining = files, check, retraining
        self._releases, self._store = releases, store

    def run(self) -> dict[str, Any]:
        """Look once; return the report, with the open alerts and what changed.

        Of two runs at once one is kept; the other reports, and changes nothing.
        """
        before, findings = self._store.watch(), self._check.look()
        sample = self._sample(findings)
        found = [*self._about_model(findings), *sample.findings]
        since = findings.deployed.pointer.activated_at if findings.deployed else None
        left, closed = superseded(before.alerts, since, findings.at)
        alerts, changes = follow(left, found, findings.at)
        changes = [*closed, *changes]
        report = sample.report | {"at": iso(findings.at), "alerts": list(map(alert_view, alerts))}
        watch = Watch(before.revision + 1, tuple(alerts), report, findings.at)
        is_kept = self._store.keep(watch, changes)
        if is_kept:
            _log(changes)
            report["rolled_back_to"] = self._roll_back(findings.deployed, found)
        return report | {"changes": len(changes), "kept": is_kept}

    def _about_model(self, findings: Findings) -> Iterator[Finding]:
        deployed = findings.deployed
        threshold = deployed.record.threshold if deployed else 0.5
        yield from model_findings(
            findings,
            self._retraining.last(),
            self._against_predecessor(findings),
            live_intervals(findings.live, threshold),
            self._settings,
        )

    def _against_predecessor(self, findings: Findings) -> list[Worse]:
        deployed = findings.deployed
        if deployed is None or deployed.pointer.previous_version is None:
            return []
        if len(findings.live) < OUTCOMES_TO_JUDGE_BY:
            return []
        newest, *older = self._models.history(2)
        if newest.to_version != deployed.pointer.model_version:
            # Somebody activated another one since: the next run is about that.
            return []
        try:
            before = self._models.get(deployed.pointer.previous_version)
        except NotFoundError:
            return []
        since = older[0].at if older else before.created_at
        predecessor = ActiveModel(before.model_version, before.checksums, since)
        leads = by_lead(self._training_data.evidence(since)).values()
        hours = self._settings.label_maturity_hours
        then = live_labels(leads, predecessor, findings.at, hours)
        return compare(findings.live, then, deployed.record.threshold, before.threshold)

    def _sample(self, findings: Findings) -> "_Sample":
        """Look at the scores of late of the active model."""
        if findings.deployed is None:
            return _Sample({"drift": None, "data_quality": None, "estimated": None}, ())
        record = findings.deployed.record
        try:
            files = self._files.fetch(record.model_version, record.checksums)
            model = ScoringModel.load(files.__getitem__)
            content = self._artifacts.read(record.model_version, REFERENCE_FILE)
            reference = Reference.from_bytes(content)
        except ArtifactError as error:
            # Models of older versions of this code have no reference.
            logger.warning(json.dumps({"event": "no_reference", "fault": str(error)}))
            return _Sample({"drift": None, "data_quality": None, "estimated": None}, ())
        records = self._predictions.sampled(findings.at - WINDOW)
        own = (each for each in records if each.model_version == record.model_version)
        observed, steps = observe(model, reference, islice(own, MOST_SCORES))
        found = moved(reference, observed)
        return _Sample(
            {
                "model_version": record.model_version,
                "drift": drift_view(found, observed.samples),
                "data_quality": quality_view(reference, observed.quality),
                "estimated": _estimated(steps, record.threshold),
            },
            tuple(drift_findings(found, reference, observed)),
        )

    def _roll_back(self, deployed: Deployed | None, found: Sequence[Finding]) -> str | None:
        """Take back a model that this run found worse than the one before; return what answers."""
        is_worse = any(each.code == "new_model_worse" and each.is_bad for each in found)
        if deployed is None or not is_worse or not self._settings.auto_rollback:
            return None
        pointer = deployed.pointer
        [newest] = self._models.history(1)
        if newest.by == BY or newest.to_version != pointer.model_version:
            # What monitoring chose is for people to judge; so is what they chose meanwhile.
            return None
        # One operation for each activation: repeated runs take it back once.
        operation = Operation(f"rollback-of-{iso(pointer.activated_at)}", self._clock.now())
        reason = f"{pointer.model_version} does significantly worse than the model before it"
        try:
            change: LedgerRow = self._releases.rollback(reason, BY, None, operation)
        except ConflictError as error:
            logger.error(json.dumps({"event": "not_rolled_back", "fault": str(error)}))
            return None
        logger.warning(json.dumps({"event": "rolled_back", "to": change.to_version}))
        return change.to_version


class _Sample(NamedTuple):
    """What the scores of late say: as the report shows it, and as findings."""

    report: dict[str, Any]
    findings: Sequence[Finding]


def observe(
    model: ScoringModel, reference: Reference, records: Iterable[ScoreRecord]
) -> tuple[Observed, Any]:
    """Count scores, chunk by chunk: features as of the scores' moments, and the scores given.

    The second is how many leads had each probability, for estimated_metrics.
    """
    observed = Observed(reference.bins.empty())
    steps = np.zeros(STEPS + 1)
    waiting = iter(records)
    while chunk := list(islice(waiting, _CHUNK)):
        leads, moments = [each.lead for each in chunk], [each.scored_at for each in chunk]
        rows = model.extractor.extract(leads, moments)
        probabilities = np.array([each.probability for each in chunk])
        columns = np.column_stack([rows.astype(np.float64), 100 * probabilities])
        for total, counts in zip(observed.counts, reference.bins.count(columns), strict=True):
            total += counts
        observed.quality.add(model, leads, moments, rows)
        steps += np.bincount(step_of(probabilities), minlength=STEPS + 1)
    return observed, steps


def _estimated(steps: Any, threshold: float) -> dict[str, Any]:
    samples = int(steps.sum())
    metrics = estimated_metrics(steps, threshold) if samples else None
    return {"samples": samples, "metrics": metrics}


def _log(changes: Sequence[AlertChange]) -> None:
    for alert, closed_at in changes:
        event = "alert_closed" if closed_at else "alert_opened"
        logger.warning(json.dumps({"event": event, "code": alert.code, "figure": alert.figure}))
