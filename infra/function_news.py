"""Say on the console that a function runs that nobody waits for: a line when it begins and ends."""

from typing import Any

from infra.function_processes import Call, Ended


def tell(call: Call, ended: Ended | None) -> None:
    """Print that a call begins (`ended` None), or how it ended."""
    if ended is None:
        print(f"{call.function.logical_id} has been called.", flush=True)
    else:
        how = ended.fault or sentence(ended.answer)
        print(f"{call.function.logical_id}, {call.seconds:.0f} s: {how}", flush=True)


def sentence(answer: Any) -> str:
    """Say in one sentence what a function answered; a training says its verdict.

    >>> sentence({"status": "succeeded", "promoted": True, "verdict": "It is better."})
    'succeeded. It is better.'
    >>> sentence({"status": "skipped", "reasons": ["Nothing is new.", "It is young."]})
    'skipped. Nothing is new. It is young.'
    >>> sentence(None)
    'done.'
    """
    if not isinstance(answer, dict) or "status" not in answer:
        return "done."
    said = answer.get("verdict") or answer.get("error") or " ".join(answer.get("reasons") or ())
    return f"{answer['status']}. {said}".strip()
