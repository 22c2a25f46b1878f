"""What the domain returns, as the bodies of answers."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..entities import ActiveModel, LeadId, Prediction, ScoredHistory, iso
from ..entities.models import Job, LedgerRow, ModelRecord
from ..errors import NotFoundError, TooLargeError
from .problems import compact_json, listed

if TYPE_CHECKING:
    # Functions that read no lead need not load it.
    from .bodies import BadLead

# Lambda can answer 6 MB, in which the body is a JSON string, its quotes and backslashes escaped.
_MOST_BYTES = 6_200_000
# Of so many leads each may take 12 KB: three times what the longest ids and names make of one.
_SURELY_FIT = 500
_VERSION = re.compile(r"v[0-9]{8}_[0-9]{6}_[0-9a-f]{8}")


def batch_answer(
    results: Sequence[Prediction], bad: "Sequence[BadLead]", seconds: float
) -> dict[str, Any]:
    """Build the answer to a batch of which at least one lead was scored."""
    return {
        "results": results,
        "errors": [
            {"index": each.position, "lead_id": each.lead_id, "errors": listed(each.faults)}
            for each in bad
        ],
        "count": len(results),
        "model_version": results[0]["model_version"],
        "processing_time_ms": round(1000 * seconds),
    }


def may_be_too_large(leads: int) -> bool:
    """Whether the answer to so many leads has to be measured before anything of it is kept."""
    return leads > _SURELY_FIT


def refuse_too_large(results: Sequence[Prediction], bad: "Sequence[BadLead]") -> None:
    """Raise TooLargeError if the answer to a batch is more than Lambda can send.

    A batch's limits leave room for any usual lead, but not for thousands of the longest ids.
    """
    text = compact_json(batch_answer(results, bad, 0))
    size = len(text.encode()) + text.count('"') + text.count("\\")
    if size > _MOST_BYTES:
        most = (len(results) + len(bad)) * _MOST_BYTES // size
        raise TooLargeError(
            "the answer would be larger than the 6 MB that can be sent: "
            f"send at most {most:,} such leads at once"
        )


def history_answer(history: ScoredHistory) -> dict[str, Any]:
    """Build the answer that shows a lead's scores."""
    return {"lead_id": history.lead_id, "scores": history.scores, "trend": history.trend}


def erased_answer(lead_id: LeadId, deleted: dict[str, int]) -> dict[str, Any]:
    """Build the answer that says what went with a lead."""
    return {"lead_id": lead_id, "deleted": deleted}


def models_answer(records: Sequence[ModelRecord], active: ActiveModel | None) -> dict[str, Any]:
    """Build the list of models."""
    return {"models": [_row(record, active) for record in records]}


def card_answer(
    record: ModelRecord, active: ActiveModel | None, report: bytes, report_url: str | None
) -> dict[str, Any]:
    """Build a model card: the row of the list, the report of the training, the checksums.

    `report_url` is where the report for people can be read, if one was made.
    """
    card: dict[str, Any] = json.loads(report)
    more = {"artifact_checksums": dict(record.checksums), "report_url": report_url}
    return _row(record, active) | card | more


def change_answer(change: LedgerRow) -> dict[str, Any]:
    """Build the answer to an activation or a rollback."""
    return {
        "model_version": change.to_version,
        "previous_version": change.from_version,
        "activated_at": iso(change.at),
        "activated_by": change.by,
    }


def ledger_answer(changes: Sequence[LedgerRow]) -> dict[str, Any]:
    """Build the history of the active model."""
    return {
        "history": [
            {
                "at": iso(change.at),
                "by": change.by,
                "from": change.from_version,
                "to": change.to_version,
                "reason": change.reason,
                "request_id": change.request_id,
            }
            for change in changes
        ]
    }


def queued_answer(job: Job) -> dict[str, Any]:
    """Build the answer to a request to train, which says where to see how it goes."""
    return {
        "job_id": job.job_id,
        "status": job.status,
        "status_url": f"/api/v1/ml/retrain/{job.job_id}",
    }


def job_answer(job: Job) -> dict[str, Any]:
    """Build the answer that says how far a training is, or how it ended."""
    verdict = {"promoted": job.promoted, "text": job.verdict}
    return {
        "job_id": job.job_id,
        "status": job.status,
        "reasons": list(job.reasons),
        "progress": {"step": job.step, "fraction": round(job.fraction, 3)},
        "model_version": job.model_version,
        "metrics": None if job.metrics is None else dict(job.metrics),
        "verdict": None if job.promoted is None else verdict,
        "error": job.error,
        "created_at": iso(job.created_at),
        "finished_at": iso(job.finished_at) if job.finished_at else None,
    }


def known_version(text: str) -> str:
    """Return the version if it looks like one; raise NotFoundError.

    >>> known_version("v20240101_120000_abc12345")
    'v20240101_120000_abc12345'
    """
    if not _VERSION.fullmatch(text):
        raise NotFoundError("there is no model of this version")
    return text


def _row(record: ModelRecord, active: ActiveModel | None) -> dict[str, Any]:
    return {
        "model_version": record.model_version,
        "model_type": record.model_type,
        "metrics": dict(record.metrics),
        "training_samples": record.training_samples,
        "validation_samples": record.validation_samples,
        "feature_count": record.feature_count,
        "training_duration": record.training_duration,
        "created_at": iso(record.created_at),
        "deployed_at": iso(record.deployed_at) if record.deployed_at else None,
        "is_active": active is not None and active.model_version == record.model_version,
        "size_bytes": record.size_bytes,
    }
