"""The whole contract in Lambda's runtime: every operation, on real stores, in one story.

Every answer is held against the description of the API. At the end the calls that the functions
made to AWS are compared with what their roles allow: nothing missing, nothing unused.
"""

import time
from typing import Any

import pytest

from infra.lambda_runtime import built_template
from infra.template import PROJECT, Template
from infra.template_yaml import parse_yaml
from lead_scoring.api.operations import OPERATIONS

from .recording_aws import Use
from .system import System

LEAD = {
    "lead_id": 123,
    "title": "Senior Python Developer ($120k-$140k)",
    "description": "Join a growing team. Python, PostgreSQL, AWS.",
    "category": "software/backend",
    "location_name": "Remote",
    "price": 130000,
    "email": "ann@example.com",
}


def test_it_is_healthy_and_describes_itself(system: System) -> None:
    assert system.ask("GET", "/health")["status"] == "healthy"
    assert system.ask("GET", "/openapi.json")["servers"] == [{"url": "/api/v1/ml"}]
    assert "swagger-ui-bundle.js" in system.ask("GET", "/docs")
    assert system.ask("GET", "/docs/start.js").startswith("SwaggerUIBundle")


def test_leads_are_scored_with_reasons_that_add_up(system: System) -> None:
    scored = system.ask("POST", "/score", LEAD)

    total = scored["base_effect"] + sum(each["effect"] for each in scored["reasons"])
    assert total == pytest.approx(scored["margin"], abs=1e-4)
    assert scored["score"] == round(100 * scored["probability"])
    assert not scored["degraded"]
    assert "reasons" not in system.ask("POST", "/score?explain=false", LEAD)


def test_a_batch_scores_as_one_by_one_and_names_the_bad(system: System) -> None:
    leads = [LEAD, {"lead_id": 8}, *({**LEAD, "lead_id": f"b-{i}"} for i in range(60))]

    batch = system.ask("POST", "/batch-score", {"leads": leads})

    assert (batch["count"], [each["index"] for each in batch["errors"]]) == (61, [1])
    single = system.ask("POST", "/score", LEAD)
    assert batch["results"][0]["margin"] == single["margin"]
    history = system.ask("GET", "/leads/123/scores")
    assert history["scores"][0]["probability"] == single["probability"]


def test_what_breaks_the_rules_is_refused(system: System) -> None:
    for method, path, body, expected in (
        ("POST", "/score", {"lead_id": 1, "title": " ", "price": -1}, 422),
        ("POST", "/score?explain=perhaps", LEAD, 422),
        ("GET", "/leads/nobody/scores", None, 404),
        ("GET", "/feedback/nobody", None, 404),
        ("GET", "/models/v20240101_120000_abc12345", None, 404),
        ("GET", "/retrain/unknown", None, 404),
        ("GET", "/ab-tests/unknown", None, 404),
        ("POST", "/feedback", {"lead_id": 1, "action_type": "rate"}, 422),
        ("POST", "/retrain", {"params": {"max_depth": 99}}, 422),
        ("DELETE", "/leads/nobody", None, 404),
    ):
        assert system.try_to(method, path, body)[0] == expected, (method, path)


def test_feedback_is_kept_once_and_shown(system: System) -> None:
    said = {"lead_id": 123, "action_type": "convert", "conversion_value": 100}

    first = system.ask("POST", "/feedback", said, key="once")
    again = system.ask("POST", "/feedback", said, key="once")
    other = system.try_to("POST", "/feedback", {**said, "conversion_value": 5}, key="once")

    assert first == again
    assert other[0] == 422
    assert first["prediction_score"] is not None
    seen = [{"lead_id": f"b-{i}", "type": "view", "duration": 50} for i in range(20)]
    session = {"session_id": "s", "interactions": [*seen, {"lead_id": 1, "type": "rate"}]}
    assert system.ask("POST", "/feedback/implicit", session, key="s")["processed"] == 20
    assert system.ask("GET", "/feedback/123")["summary"]["count"] == 1
    assert system.ask("GET", "/analytics/feedback?days=1")["total"] == 21


def test_a_model_is_trained_in_its_own_function_and_can_be_chosen(system: System) -> None:
    job = system.ask("POST", "/retrain", {"force_retrain": True}, key="train")
    ended = system.trained(job["job_id"])

    assert ended["status"] == "succeeded", ended
    versions = [each["model_version"] for each in system.ask("GET", "/models")["models"]]
    assert versions[0] == ended["model_version"]
    card = system.ask("GET", f"/models/{versions[0]}")
    assert card["report_url"] is None
    assert card["global_importance"]
    active = system.ask("GET", "/metrics")["active_model"]["model_version"]
    assert ended["verdict"]["promoted"]
    assert active == versions[0]
    other = versions[2]
    chosen = system.ask("POST", f"/models/{other}/activate", {"reason": "to see"}, key="a")
    again = system.ask("POST", f"/models/{other}/activate", {"reason": "to see"}, key="a")
    unknown = "/models/v20240101_120000_abc12345/activate"
    assert system.try_to("POST", unknown, {}, key="u")[0] == 404
    assert again == chosen
    assert (chosen["model_version"], chosen["previous_version"]) == (other, active)
    back = system.ask("POST", "/models/rollback", {"reason": "and back"}, key="b")
    assert back["model_version"] == active
    assert [each["to"] for each in system.ask("GET", "/models/history")["history"]][:2] == [
        active,
        other,
    ]


def test_models_are_compared_and_the_winner_takes_over(system: System) -> None:
    models = system.ask("GET", "/models")["models"]
    in_order = sorted((not each["is_active"], each["model_version"]) for each in models)
    versions = [version for _, version in in_order][:2]
    arms: list[dict[str, Any]] = [
        {"variant_name": name, "model_version": version, "traffic_percentage": 50}
        for name, version in zip(("control", "newer"), versions, strict=True)
    ]
    shadow = {"variant_name": "dark", "model_version": versions[1], "shadow": True}
    wanted = {"test_name": "t", "variants": [*arms, shadow]}
    created = system.ask("POST", "/ab-tests", wanted, key="t")
    assert system.ask("POST", "/ab-tests", wanted, key="t") == created
    backtest = {"lead_data": {**LEAD, "as_of": "2024-06-01T12:00:00Z"}, "user_id": "0"}
    assert system.ask("POST", "/ab-tests/t/score", backtest)["as_of"]
    for number in range(12):
        lead = {**LEAD, "lead_id": f"ab-{number}"}
        scored = system.ask(
            "POST", "/ab-tests/t/score", {"lead_data": lead, "user_id": str(number)}
        )
        assert not scored["degraded"]
        if number < 4:
            body = {"lead_id": lead["lead_id"], "action_type": "convert", "user_id": str(number)}
            system.ask("POST", "/feedback", body)
    # A conversion that came before its score, and counts by its date.
    later = {"lead_id": "ab-late", "action_type": "convert", "user_id": "late"}
    later["created_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    system.ask("POST", "/feedback", later)
    late = {"lead_data": {**LEAD, "lead_id": "ab-late"}, "user_id": "late"}
    system.ask("POST", "/ab-tests/t/score", late)

    system.ask("POST", "/ab-tests/t/score", {"lead_data": {**LEAD, "lead_id": "nobodys"}})

    results = system.ask("GET", "/ab-tests/t/results")

    assert sum(arm["sample_size"] for arm in results["variants"]) == 14
    assert sum(arm["conversions"] for arm in results["variants"]) == 5
    assert system.ask("GET", "/ab-tests")["tests"][0]["test_name"] == "t"
    assert system.ask("GET", "/ab-tests/t")["status"] == "running"
    assert system.try_to("POST", "/ab-tests", wanted, key="another")[0] == 409
    stopped = system.ask("POST", "/ab-tests/t/stop?winner_variant=newer", {}, key="stop")
    assert (stopped["status"], stopped["winner_variant"]) == ("stopped", "newer")
    assert system.try_to("POST", "/ab-tests/t/score", {"lead_data": LEAD})[0] == 409
    assert system.ask("GET", "/metrics")["active_model"]["model_version"] == versions[1]


def test_the_schedules_monitor_and_check_whether_to_train(system: System) -> None:
    report = system.invoke_training({"task": "monitor"})
    checked = system.invoke_training({})

    assert report["kept"]
    assert checked["status"] in ("skipped", "succeeded")
    assert system.ask("GET", "/metrics")["monitored_at"] is not None


def test_a_lead_is_erased_and_what_is_old_let_go(system: System) -> None:
    deleted = system.ask("DELETE", "/leads/ab-1")["deleted"]

    assert (deleted["scores"], deleted["feedback"], deleted["exposures"]) == (1, 1, 1)
    assert system.ask("DELETE", "/leads/nobodys")["deleted"]["exposures"] == 1
    old = {"lead_id": 123, "action_type": "view", "created_at": "2020-01-01T00:00:00Z"}
    system.ask("POST", "/feedback", old)
    assert system.try_to("GET", "/leads/ab-1/scores")[0] == 404
    assert len(system.ask("POST", "/cleanup/models?keep_count=1", {}, key="c")["deleted"]) == 1
    assert system.ask("POST", "/cleanup/feedback?retention_days=365", {}, key="d")["deleted"] == 1


def test_every_operation_has_been_asked_with_success(system: System) -> None:
    missing = {(each.method, each.path) for each in OPERATIONS} - system.succeeded

    assert missing == set()


def granted(template: Template) -> set[Use]:
    """Return what the roles allow, by the names of the local resources."""
    document = parse_yaml((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    uses = set()
    for function, resource in document["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["Statement"]:
                actions, resources = (
                    each if isinstance(each, list) else [each]
                    for each in (statement["Action"], statement["Resource"])
                )
                for action in actions:
                    for each in resources:
                        name = template.resolve(each).rpartition(":")[2]
                        uses.add(Use(function, action, name))
    return uses


def is_of_use_all_the_same(use: Use) -> bool:
    """Whether something is allowed that no story without an outage comes to."""
    # Without it S3 says of a missing file that it is forbidden.
    tells_what_is_missing = use.action == "s3:ListBucket"
    # A request that failed midway lets go of its key, or another takes over from it.
    lets_go = use.action == "dynamodb:UpdateItem" and use.resource.endswith("idempotencytable")
    # With AUTO_ROLLBACK the monitor activates the model before a worse one.
    takes_back = use == Use("TrainingFunction", "dynamodb:UpdateItem", "demo-modelstable")
    return tells_what_is_missing or lets_go or takes_back


def listed(uses: set[Use]) -> list[str]:
    return sorted(" ".join(use) for use in uses)


def test_the_roles_allow_what_the_functions_do_and_nothing_else(system: System) -> None:
    template = built_template(stack="demo")
    allowed = {use for use in granted(template) if not use.action.startswith("lambda:")}
    names = {use.function for use in allowed}
    used = {use for use in system.recording.uses if use.function in names}
    unseen = {use for use in allowed if is_of_use_all_the_same(use)}

    assert listed(used - allowed) == [], "the functions do what their roles do not allow"
    assert listed(allowed - used - unseen) == [], "the roles allow what no function does"
