"""Lambda function: take feedback, show it, count it, let go of it."""

from chalice.app import Chalice

from lead_scoring import bootstrap
from lead_scoring.api.feedback_answers import session_answer
from lead_scoring.api.http import ApiRequest, Reply, endpoint
from lead_scoring.api.model_bodies import read_nothing
from lead_scoring.api.warm_up import on_lambda

app = Chalice("feedback", env={})


@endpoint(app, "POST", "/api/v1/ml/feedback")
def feedback(request: ApiRequest) -> object:
    """Take what somebody says about a lead."""
    request.query()
    services, body = bootstrap.connect(), request.json()
    said, sender = services.read_feedback(body, request.source_ip, request.user_agent)
    processor = services.feedback_processor
    process, again = processor.process_user_feedback, processor.count_again
    answer = services.idempotency.once_in_one_write(
        request.keyed(body),
        lambda operation, keep: (201, process(said, sender, operation, lambda row: keep(201, row))),
        lambda kept: again(said, sender, kept),
    )
    return Reply(*answer)


@endpoint(app, "POST", "/api/v1/ml/feedback/implicit")
def implicit_feedback(request: ApiRequest) -> object:
    """Take what was observed in a session, and say what of it is of no use."""
    request.query()
    services, body = bootstrap.connect(), request.json()
    session = services.read_session(body, request.source_ip, request.user_agent)
    seen, sender, size = session.interactions, session.sender, session.size
    process = services.feedback_processor.process_implicit
    answer = services.idempotency.once(
        request.keyed(body),
        lambda operation: (201, session_answer(session, process(seen, sender, operation, size))),
    )
    return Reply(*answer)


@endpoint(app, "GET", "/api/v1/ml/feedback/{lead_id}")
def lead_feedback(request: ApiRequest) -> object:
    """Show the feedback about a lead, newest first."""
    query = request.query()
    return bootstrap.connect().feedback_processor.history(request.path("lead_id"), **query)


@endpoint(app, "GET", "/api/v1/ml/analytics/feedback")
def feedback_analytics(request: ApiRequest) -> object:
    """Show what the feedback of the last days tells."""
    query = request.query()
    return bootstrap.connect().feedback_processor.analytics(**query)


@endpoint(app, "POST", "/api/v1/ml/cleanup/feedback")
def cleanup_feedback(request: ApiRequest) -> object:
    """Delete feedback that is older than is wanted."""
    query = request.query()
    body = request.json(empty={})
    read_nothing(body)
    services = bootstrap.connect()
    cleanup = services.feedback_processor.cleanup
    answer = services.idempotency.once(
        request.keyed(body, **query),
        lambda operation: (200, cleanup(**query, operation=operation)),
    )
    return Reply(*answer)


on_lambda(lambda: bootstrap.connect().prepare("feedback_processor", "idempotency"))
