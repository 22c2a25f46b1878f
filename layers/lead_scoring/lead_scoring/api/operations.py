"""What can be asked of the API, and with which query parameters: the one list of it.

Views read their query by it, and the description of the API is made from it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .queries import Flag, Reader, Text, WholeNumber

BASE = "/api/v1/ml"
_NOTHING: Mapping[str, Reader] = {}
_EXPLAIN = {"explain": Flag(True)}


class Operation(NamedTuple):
    """One thing to ask: a method of a path below BASE.

    `is_keyed` says that it heeds an Idempotency-Key, `is_open` that nobody need sign in for it.
    """

    method: str
    path: str
    group: str
    summary: str
    query: Mapping[str, Reader] = _NOTHING
    is_keyed: bool = False
    is_open: bool = False


OPERATIONS = (
    Operation("POST", "/score", "Scoring", "Score a lead, with reasons", _EXPLAIN),
    Operation("POST", "/batch-score", "Scoring", "Score many leads at once", _EXPLAIN),
    Operation(
        "GET",
        "/leads/{lead_id}/scores",
        "Scoring",
        "A lead's scores, newest first, and their trend",
        {"limit": WholeNumber(1, 1000, 50)},
    ),
    Operation("DELETE", "/leads/{lead_id}", "Scoring", "Erase all that is stored about a lead"),
    Operation("POST", "/feedback", "Feedback", "Say what was done with a lead", is_keyed=True),
    Operation(
        "POST",
        "/feedback/implicit",
        "Feedback",
        "Say what was observed in a session",
        is_keyed=True,
    ),
    Operation(
        "GET",
        "/feedback/{lead_id}",
        "Feedback",
        "A lead's feedback, newest first",
        {"limit": WholeNumber(1, 1000, 100), "cursor": Text(1_000)},
    ),
    Operation(
        "GET",
        "/analytics/feedback",
        "Feedback",
        "What the feedback of the last days adds up to",
        {"days": WholeNumber(1, 365, 30)},
    ),
    Operation("GET", "/models", "Models", "All models, newest first"),
    Operation("GET", "/models/{version}", "Models", "The card of a model"),
    Operation(
        "POST", "/models/{version}/activate", "Models", "Make a model the active one", is_keyed=True
    ),
    Operation(
        "POST", "/models/rollback", "Models", "Go back to the model before this one", is_keyed=True
    ),
    Operation(
        "GET",
        "/models/history",
        "Models",
        "Who changed the active model, when and why",
        {"limit": WholeNumber(1, 1000, 50)},
    ),
    Operation("POST", "/retrain", "Models", "Have a model trained", is_keyed=True),
    Operation("GET", "/retrain/{job_id}", "Models", "How far a training is, or how it ended"),
    Operation("GET", "/metrics", "Models", "How the active model does, and what is wrong"),
    Operation(
        "POST",
        "/cleanup/models",
        "Models",
        "Let go of old models",
        {"keep_count": WholeNumber(1, 100, 5)},
        is_keyed=True,
    ),
    Operation(
        "POST",
        "/cleanup/feedback",
        "Feedback",
        "Let go of old feedback",
        {"retention_days": WholeNumber(1, 3650, 365)},
        is_keyed=True,
    ),
    Operation("POST", "/ab-tests", "A/B tests", "Put models against each other", is_keyed=True),
    Operation("GET", "/ab-tests", "A/B tests", "All tests, newest first"),
    Operation("GET", "/ab-tests/{test_name}", "A/B tests", "One test"),
    Operation(
        "POST",
        "/ab-tests/{test_name}/score",
        "A/B tests",
        "Score a lead by the variant of its user, or of the lead itself",
        _EXPLAIN,
    ),
    Operation(
        "GET", "/ab-tests/{test_name}/results", "A/B tests", "What was counted, and what to do"
    ),
    Operation(
        "POST",
        "/ab-tests/{test_name}/stop",
        "A/B tests",
        "Stop a test, and activate the winner's model",
        {"winner_variant": Text(255), "activate": Flag(True)},
        is_keyed=True,
    ),
    Operation("GET", "/health", "Service", "Whether it can score"),
    Operation("GET", "/openapi.json", "Service", "This description", is_open=True),
    Operation("GET", "/docs", "Service", "A page to read it, and to try it", is_open=True),
    Operation("GET", "/docs/{asset}", "Service", "What the page is made of", is_open=True),
)
_BY_ROUTE = {(each.method, BASE + each.path): each for each in OPERATIONS}


def operation(method: str, path: str) -> Operation:
    """Return what a method of a whole path is; raise KeyError if it is nothing."""
    return _BY_ROUTE[method, path]
