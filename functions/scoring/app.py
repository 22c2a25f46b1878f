"""Lambda function: score leads, show their scores, erase them."""

import time
from functools import partial

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.answers import (
    batch_answer,
    erased_answer,
    history_answer,
    may_be_too_large,
    refuse_too_large,
)
from lead_scoring.api.bodies import read_batch
from lead_scoring.api.http import ApiRequest, endpoint
from lead_scoring.api.warm_up import on_lambda

app = Chalice("scoring", env={})


@endpoint(app, "POST", "/api/v1/ml/score")
def score(request: ApiRequest) -> object:
    """Score one lead."""
    query = request.query()
    services = bootstrap.connect()
    lead = services.read_lead(request.json())
    return services.lead_scorer.predict_single(lead, **query, request_id=request.request_id)


@endpoint(app, "POST", "/api/v1/ml/batch-score")
def batch_score(request: ApiRequest) -> object:
    """Score the good leads of a batch, and say what is wrong with the bad ones."""
    started = time.perf_counter()
    query = request.query()
    services = bootstrap.connect()
    now, key = services.clock.now(), services.settings.hash_key
    batch = read_batch(request.json(), **query, now=now, hash_key=key)
    size = len(batch.leads) + len(batch.bad)
    results = services.lead_scorer.predict_batch(
        batch.leads,
        **query,
        request_id=request.request_id,
        accept=partial(refuse_too_large, bad=batch.bad) if may_be_too_large(size) else None,
    )
    return batch_answer(results, batch.bad, time.perf_counter() - started)


@endpoint(app, "GET", "/api/v1/ml/leads/{lead_id}/scores")
def lead_scores(request: ApiRequest) -> object:
    """Show the scores of a lead, newest first."""
    query = request.query()
    lead_id = request.path("lead_id")
    return history_answer(bootstrap.connect().lead_scorer.history(lead_id, **query))


@endpoint(app, "DELETE", "/api/v1/ml/leads/{lead_id}")
def erase_lead(request: ApiRequest) -> object:
    """Erase all that is stored about a lead."""
    request.query()
    services = bootstrap.connect()
    lead_id = request.path("lead_id")
    newest = next(services.predictions.newest_first(lead_id), None)
    known_as = newest.lead.lead_id if newest else lead_id
    return erased_answer(known_as, services.lead_scorer.erase(lead_id))


on_lambda(lambda: bootstrap.connect().lead_scorer.load_model())
