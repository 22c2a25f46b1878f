import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from lead_scoring.significance import Proportion, wilson_interval
from tests import forests

from .http_client import LEAD, Answer, HttpClient

RESULTS = {
    "test_name",
    "status",
    "metric",
    "variants",
    "comparisons",
    "srm",
    "required_sample_size",
    "planned_sample_size",
    "final_look",
    "estimated_days_remaining",
    "recommendation",
}
VARIANT_RESULTS = {
    "variant_name",
    "model_version",
    "is_control",
    "sample_size",
    "conversions",
    "conversion_rate",
    "confidence_interval_lower",
    "confidence_interval_upper",
    "avg_score",
}
COMPARISON = {
    "variant_name",
    "effect",
    "relative_effect",
    "confidence_interval_lower",
    "confidence_interval_upper",
    "z",
    "p_value",
    "adjusted_p_value",
    "anytime_p_value",
    "significant",
    "power",
}


class Lab:
    """An API with three models, the first of them active, and tests of the first two."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        day = timedelta(days=1)
        self.versions = [
            forests.publish(
                client.services,
                forests.small_model(seed),
                forests.TRAINED_AT + seed * day,
                seed == 0,
            )
            for seed in range(3)
        ]

    def body(self, name: str = "t", **changes: Any) -> dict[str, Any]:
        now, other, _ = self.versions
        arms = [
            {"variant_name": "now", "model_version": now, "traffic_percentage": 50},
            {"variant_name": "other", "model_version": other, "traffic_percentage": 50},
        ]
        return {"test_name": name, "variants": arms, **changes}

    def shadow(self, **changes: Any) -> dict[str, Any]:
        return {
            "variant_name": "shade",
            "model_version": self.versions[2],
            "shadow": True,
        } | changes

    def create(self, name: str = "t", shadowed: bool = False, **changes: Any) -> Answer:
        body = self.body(name, **changes)
        if shadowed:
            body["variants"].append(self.shadow())
        return self.client.post("/ab-tests", body)

    def score(self, user: str | None = None, name: str = "t", **lead: Any) -> Answer:
        body = {"lead_data": LEAD | lead} | ({"user_id": user} if user else {})
        return self.client.post(f"/ab-tests/{name}/score", body)

    def feedback(self, lead_id: Any, action: str = "convert", **fields: Any) -> Answer:
        return self.client.post("/feedback", {"lead_id": lead_id, "action_type": action, **fields})

    def results(self, name: str = "t") -> Any:
        answer = self.client.get(f"/ab-tests/{name}/results")
        assert answer.status == 200
        return answer.body

    def counts(self, name: str = "t") -> dict[str, tuple[int, int]]:
        return {
            arm["variant_name"]: (arm["sample_size"], arm["conversions"])
            for arm in self.results(name)["variants"]
        }


@pytest.fixture
def lab(client: HttpClient) -> Lab:
    return Lab(client)


def keyed(client: HttpClient, path: str, body: bytes, key: str) -> Answer:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return client.request("POST", path, body, headers)


def total(counts: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(n for n, _ in counts.values()), sum(c for _, c in counts.values())


def test_a_test_is_created_listed_and_shown(lab: Lab) -> None:
    created = lab.create(expected_days=14, metric="contact_success")

    assert created.status == 201
    assert created.body["status"] == "running"
    assert created.body["metric"] == "contact_success"
    assert created.body["expected_days"] == 14
    assert created.body["variants"][0] == {
        "variant_name": "now",
        "model_version": lab.versions[0],
        "traffic_percentage": 50.0,
        "is_control": True,
        "shadow": False,
    }
    assert lab.client.get("/ab-tests/t").body == created.body
    assert lab.client.get("/ab-tests").body == {"tests": [created.body]}


def test_without_a_test_the_list_is_empty(client: HttpClient) -> None:
    assert client.get("/ab-tests").body == {"tests": []}


@pytest.mark.parametrize("name", ["nobody", "%23tests", "a%23META", "a%20b", "x" * 120, "%FF"])
@pytest.mark.parametrize("path", ["", "/results"])
def test_an_unknown_test_is_404(client: HttpClient, name: str, path: str) -> None:
    assert client.get(f"/ab-tests/{name}{path}").status == 404


def test_an_unknown_test_neither_scores_nor_stops(lab: Lab) -> None:
    assert lab.score(name="nobody").status == 404
    assert lab.client.request("POST", "/ab-tests/nobody/stop").status == 404


def test_a_name_is_taken_once(lab: Lab) -> None:
    lab.create()

    assert lab.create().status == 409


@pytest.mark.parametrize("version", ["baseline", "v20200101_000000_00000000", "no version"])
def test_an_unknown_model_is_a_fault_with_its_place(lab: Lab, version: str) -> None:
    body = lab.body()
    body["variants"][1]["model_version"] = version

    answer = lab.client.post("/ab-tests", body)

    assert answer.status == 422
    assert answer.pointers == ["/variants/1/model_version"]


def test_creating_with_a_key_is_answered_as_before(lab: Lab) -> None:
    body = json.dumps(lab.body()).encode()
    first, again = (keyed(lab.client, "/ab-tests", body, "k") for _ in range(2))
    other = keyed(lab.client, "/ab-tests", json.dumps(lab.body("u")).encode(), "k")

    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert first.body == again.body
    assert len(lab.client.get("/ab-tests").body["tests"]) == 1


def test_a_score_of_a_test_is_a_score_and_names_the_variant(lab: Lab) -> None:
    lab.create()

    tried = lab.score("ann")
    plain = lab.client.post("/score", LEAD)

    assert tried.status == 200
    assert set(tried.body) == set(plain.body) | {"ab_test", "ab_test_variant"}
    assert tried.body["ab_test"] == "t"
    names = {"now": lab.versions[0], "other": lab.versions[1]}
    assert tried.body["model_version"] == names[tried.body["ab_test_variant"]]


def test_a_variant_scores_as_its_model_would_alone(lab: Lab) -> None:
    lab.create()
    same = ("score", "probability", "margin", "reasons", "feature_importance", "grade")

    for number in range(6):
        tried = lab.score(f"user-{number}").body
        lab.client.post(f"/models/{tried['model_version']}/activate", {})
        lab.client.services.lead_scorer.load_model()
        plain = lab.client.post("/score", LEAD).body
        assert [tried[name] for name in same] == [plain[name] for name in same]


def test_a_user_keeps_the_variant_and_counts_once(lab: Lab) -> None:
    lab.create()

    seen = {lab.score("ann", lead_id=number).body["ab_test_variant"] for number in range(5)}

    assert len(seen) == 1
    assert total(lab.counts()) == (1, 0)
    assert sum(arm["scorings"] for arm in lab.results()["variants"]) == 5


def test_without_a_user_the_lead_is_the_unit_whatever_its_type(lab: Lab) -> None:
    lab.create()

    first = lab.score(lead_id=7).body
    again = lab.score(lead_id="7").body
    lab.score(lead_id=8)

    assert first["ab_test_variant"] == again["ab_test_variant"]
    assert (first["lead_id"], again["lead_id"]) == (7, "7")
    assert total(lab.counts()) == (2, 0)


def test_reasons_can_be_left_out(lab: Lab) -> None:
    lab.create()

    answer = lab.client.post("/ab-tests/t/score?explain=false", {"lead_data": LEAD})

    assert answer.status == 200
    assert not {"reasons", "base_effect", "feature_importance"} & set(answer.body)


def test_faults_of_a_score_are_named_with_their_places(lab: Lab) -> None:
    lab.create()

    answer = lab.client.post(
        "/ab-tests/t/score", {"lead_data": {"price": -1}, "test_name": "u", "more": 1}
    )

    assert answer.status == 422
    assert set(answer.pointers) == {
        "/lead_data/lead_id",
        "/lead_data/title",
        "/lead_data/price",
        "/test_name",
        "/more",
    }


def test_a_backtest_is_scored_by_the_units_variant_and_counts_nowhere(lab: Lab) -> None:
    lab.create(shadowed=True)
    past = "2024-05-01T00:00:00Z"

    answer = lab.score("ann", as_of=past)

    assert answer.body["as_of"] == "2024-05-01T00:00:00.000000Z"
    assert answer.body["ab_test_variant"] in ("now", "other")
    assert total(lab.counts()) == (0, 0)
    assert lab.results()["shadows"][0]["scorings"] == 0
    scores = lab.client.get(f"/leads/{LEAD['lead_id']}/scores").body["scores"]
    assert [each["ab_test"] for each in scores] == ["t"]


def test_the_scores_of_a_lead_name_test_and_variant(lab: Lab) -> None:
    lab.create()
    variant = lab.score("ann").body["ab_test_variant"]

    [listed] = lab.client.get(f"/leads/{LEAD['lead_id']}/scores").body["scores"]

    assert (listed["ab_test"], listed["variant"]) == ("t", variant)


def test_feedback_names_the_test_that_it_answers_to_and_converts_its_unit(lab: Lab) -> None:
    lab.create()
    variant = lab.score("ann", lead_id=7).body["ab_test_variant"]
    lab.client.services.clock.advance(minutes=1)

    answer = lab.feedback(7, user_id="ann")

    assert (answer.body["ab_test"], answer.body["variant"]) == ("t", variant)
    assert lab.counts()[variant] == (1, 1)


def test_only_what_the_metric_says_is_a_conversion(lab: Lab) -> None:
    lab.create("by-conversion")
    lab.create("by-contact", metric="contact_success")
    for name in ("by-conversion", "by-contact"):
        for user in range(4):
            lab.score(f"u{user}", name, lead_id=user)
    lab.client.services.clock.advance(minutes=1)

    lab.feedback(0, "view", user_id="u0")
    lab.feedback(1, "contact", user_id="u1", contact_successful=True)
    lab.feedback(2, "contact", user_id="u2", contact_successful=False)
    lab.feedback(3, "convert", user_id="u3", contact_successful=True)

    assert total(lab.counts("by-conversion")) == (4, 1)
    assert total(lab.counts("by-contact")) == (4, 1)


def test_implicit_feedback_converts_too(lab: Lab) -> None:
    lab.create()
    lab.score("ann", lead_id=7)
    lab.score(lead_id=8)
    lab.client.services.clock.advance(minutes=1)
    seen = [{"lead_id": lead, "type": "convert"} for lead in (7, 8, 9)]

    lab.client.post(
        "/feedback/implicit", {"session_id": "s", "user_id": "ann", "interactions": seen}
    )

    assert total(lab.counts()) == (2, 2)


def test_results_before_any_score_have_every_field_and_no_made_up_figure(lab: Lab) -> None:
    lab.create()

    results = lab.results()

    assert set(results) >= RESULTS
    assert [set(arm) >= VARIANT_RESULTS for arm in results["variants"]] == [True, True]
    [comparison] = results["comparisons"]
    assert set(comparison) == COMPARISON
    unknown = COMPARISON - {"variant_name", "significant"}
    assert {comparison[name] for name in unknown} == {None}
    assert comparison["significant"] is False
    assert results["srm"] == {"p_value": None, "ok": True}
    for name in ("required_sample_size", "planned_sample_size", "final_look"):
        assert results[name] is None
    assert results["recommendation"]["code"] == "keep_running"


def test_results_count_what_was_scored_and_what_came_of_it(lab: Lab) -> None:
    lab.create()
    scores: dict[str, list[int]] = {"now": [], "other": []}
    for number in range(40):
        body = lab.score(f"u{number}", lead_id=number).body
        scores[body["ab_test_variant"]].append(body["score"])
    lab.client.services.clock.advance(minutes=1)
    for number in range(0, 40, 4):
        lab.feedback(number, user_id=f"u{number}")

    results = lab.results()

    assert total(lab.counts()) == (40, 10)
    for arm in results["variants"]:
        own, converted = scores[arm["variant_name"]], arm["conversions"]
        interval = wilson_interval(Proportion(converted, len(own)))
        assert arm["sample_size"] == len(own)
        assert arm["conversion_rate"] == converted / len(own)
        assert arm["avg_score"] == sum(own) / len(own)
        assert arm["confidence_interval_lower"] == interval.lower
        assert arm["confidence_interval_upper"] == interval.upper
    codes = [each["code"] for each in results["recommendation"]["warnings"]]
    assert codes == ["too_few_samples", "looked_too_early", "attribution_open"]


def decide(lab: Lab, conversions: tuple[int, int], samples: int = 20_000) -> None:
    """Count as if so many units had been scored and had converted."""
    store = lab.client.services.ab_test_store
    for name, converted in zip(("now", "other"), conversions, strict=True):
        store.add("t", name, samples=samples, conversions=converted, scorings=samples)


def test_the_look_that_decides_is_kept_and_stands(lab: Lab) -> None:
    lab.create()
    decide(lab, (2000, 3000))
    first = lab.results()
    decide(lab, (2000, 100), samples=2000)

    later = lab.results()

    assert first["recommendation"]["code"] == later["recommendation"]["code"] == "ship"
    assert first["recommendation"]["text"] == later["recommendation"]["text"]
    assert first["final_look"] == later["final_look"]
    assert later["final_look"]["variant_name"] == "other"
    assert later["final_look"]["variants"][1]["sample_size"] == 20_000
    assert later["variants"][1]["sample_size"] == 22_000
    assert later["planned_sample_size"] == first["planned_sample_size"] == 3841
    assert later["comparisons"][0]["significant"] is True


def test_a_mismatch_comes_before_a_decision(lab: Lab) -> None:
    lab.create()
    decide(lab, (2000, 3000))
    lab.results()
    lab.client.services.ab_test_store.add("t", "other", samples=5000, scorings=5000)

    results = lab.results()

    assert results["recommendation"]["code"] == "fix_allocation"
    assert results["srm"]["ok"] is False
    assert results["comparisons"][0]["significant"] is False
    assert results["final_look"]["code"] == "ship"


def test_a_winner_becomes_active_and_the_ledger_says_why(lab: Lab) -> None:
    lab.create()

    answer = lab.client.request("POST", "/ab-tests/t/stop?winner_variant=other")

    assert answer.status == 200
    assert (answer.body["status"], answer.body["winner_variant"]) == ("stopped", "other")
    assert answer.body["activation"]["model_version"] == lab.versions[1]
    assert answer.body["activation"]["previous_version"] == lab.versions[0]
    newest = lab.client.get("/models/history").body["history"][0]
    assert newest["reason"] == "other won the A/B test t"
    active = [
        m["model_version"] for m in lab.client.get("/models").body["models"] if m["is_active"]
    ]
    assert active == [lab.versions[1]]
    back = lab.client.post("/models/rollback", {})
    assert back.body["model_version"] == lab.versions[0]


@pytest.mark.parametrize("query", ["", "?activate=false", "?winner_variant=other&activate=false"])
def test_without_a_winner_to_activate_the_model_stays(lab: Lab, query: str) -> None:
    lab.create()

    answer = lab.client.request("POST", f"/ab-tests/t/stop{query}")

    assert (answer.status, answer.body["activation"]) == (200, None)
    assert len(lab.client.get("/models/history").body["history"]) == 1


def test_a_winner_that_is_active_already_changes_nothing(lab: Lab) -> None:
    lab.create()

    answer = lab.client.request("POST", "/ab-tests/t/stop?winner_variant=now")

    assert (answer.status, answer.body["activation"]) == (200, None)


def test_a_stopped_test_scores_no_more_and_stops_no_more(lab: Lab) -> None:
    lab.create()
    lab.score("ann")
    lab.client.request("POST", "/ab-tests/t/stop")

    assert lab.score("ann").status == 409
    assert lab.client.request("POST", "/ab-tests/t/stop").status == 409
    assert lab.results()["status"] == "stopped"


def test_a_process_that_knows_no_stop_counts_no_score_after_it(lab: Lab) -> None:
    lab.create()
    lab.score("ann")
    known = lab.client.services.ab_test_cache.get("t")
    lab.client.request("POST", "/ab-tests/t/stop")
    lab.client.services.ab_test_cache._known["t"] = (known, float("inf"))

    answers = [lab.score("ann").status for _ in range(2)]

    assert answers == [409, 409]
    assert sum(arm["scorings"] for arm in lab.results()["variants"]) == 1


def test_only_a_variant_that_answers_can_win(lab: Lab) -> None:
    lab.create(shadowed=True)

    unknown = lab.client.request("POST", "/ab-tests/t/stop?winner_variant=nobody")
    shadow = lab.client.request("POST", "/ab-tests/t/stop?winner_variant=shade")

    assert unknown.status == 404
    assert (shadow.status, shadow.pointers) == (422, ["/winner_variant"])
    assert lab.client.get("/ab-tests/t").body["status"] == "running"


def test_a_winner_whose_files_are_gone_stops_nothing(lab: Lab) -> None:
    lab.create()
    lab.client.services.artifacts.delete(lab.versions[1])

    answer = lab.client.request("POST", "/ab-tests/t/stop?winner_variant=other")

    assert answer.status == 409
    assert lab.client.get("/ab-tests/t").body["status"] == "running"


def test_stopping_with_a_key_is_answered_as_before(lab: Lab) -> None:
    lab.create()
    path = "/ab-tests/t/stop?winner_variant=other"

    first, again = (keyed(lab.client, path, b"", "k") for _ in range(2))
    other = keyed(lab.client, "/ab-tests/t/stop", b"", "k")

    assert (first.status, again.status, other.status) == (200, 200, 422)
    assert first.body == again.body


@pytest.mark.parametrize("body", [b'{"winner_variant": "other"}', b"[]"])
def test_a_stop_takes_no_body(lab: Lab, body: bytes) -> None:
    lab.create()

    answer = lab.client.request(
        "POST", "/ab-tests/t/stop", body, {"Content-Type": "application/json"}
    )

    assert answer.status == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/ab-tests?a=1"), ("GET", "/ab-tests/t?a=1"), ("GET", "/ab-tests/t/results?a=1")],
)
def test_unknown_parameters_are_refused(lab: Lab, method: str, path: str) -> None:
    lab.create()

    assert lab.client.request(method, path).pointers == ["/a"]


def test_models_of_a_running_test_are_not_cleaned_up(lab: Lab) -> None:
    lab.create(shadowed=True)
    for day in (7, 8):
        made_at = forests.TRAINED_AT + timedelta(days=day)
        forests.publish(lab.client.services, forests.small_model(), made_at)

    running = lab.client.post("/cleanup/models?keep_count=1", {}).body
    lab.client.request("POST", "/ab-tests/t/stop")
    stopped = lab.client.post("/cleanup/models?keep_count=1", {}).body

    assert running["deleted"] == []
    assert set(stopped["deleted"]) == set(lab.versions)


def test_an_erased_lead_leaves_the_tests_and_is_no_new_unit(lab: Lab) -> None:
    lab.create()
    lab.score(lead_id=7)
    lab.score("ann", lead_id=7)

    erased = lab.client.delete("/leads/7").body
    again = lab.client.delete("/leads/7").status
    lab.score(lead_id=7)

    assert erased["deleted"] == {"scores": 2, "feedback": 0, "exposures": 2}
    assert again == 404
    assert total(lab.counts()) == (2, 0)


def test_a_shadow_scores_beside_and_never_answers(lab: Lab) -> None:
    lab.create(shadowed=True)

    answers = [lab.score(f"u{n}", lead_id=n, price=1000 * n).body for n in range(30)]

    assert {each["model_version"] for each in answers} <= set(lab.versions[:2])
    [shadow] = lab.results()["shadows"]
    assert (shadow["variant_name"], shadow["scorings"], shadow["failures"]) == ("shade", 30, 0)
    assert -100 <= shadow["mean_difference"] <= 100
    assert shadow["rank_agreement"] is None or -1 <= shadow["rank_agreement"] <= 1
    assert [arm["variant_name"] for arm in lab.results()["variants"]] == ["now", "other"]
    assert len(lab.results()["comparisons"]) == 1


def test_a_shadow_has_metrics_of_its_own_on_outcomes(lab: Lab) -> None:
    lab.create(shadowed=True)
    for number in range(10):
        lab.score(f"u{number}", lead_id=number)
    lab.client.services.clock.advance(minutes=1)
    for number in range(10):
        lab.feedback(number, "convert" if number % 2 else "archive", user_id=f"u{number}")

    outcomes = lab.results()["shadows"][0]["outcomes"]

    assert (outcomes["samples"], outcomes["positives"]) == (10, 5)
    assert outcomes["metrics"]["log_loss"] > 0
    assert outcomes["metrics_of_answers"]["log_loss"] > 0


def test_a_shadow_that_fails_touches_no_answer_and_is_counted(lab: Lab) -> None:
    lab.create(shadowed=True)
    lab.client.services.artifacts.delete(lab.versions[2])

    answer = lab.score("ann")

    assert (answer.status, answer.body["degraded"]) == (200, False)
    [shadow] = lab.results()["shadows"]
    assert (shadow["scorings"], shadow["failures"]) == (0, 1)


def test_a_store_that_is_down_costs_the_record_not_the_answer(lab: Lab) -> None:
    lab.create()
    lab.score("ann")
    lab.client.services.exposures.outage.on = True

    answer = lab.score("bob")

    assert (answer.status, answer.body["degraded"]) == (200, True)
    lab.client.services.exposures.outage.on = False
    assert total(lab.counts()) == (1, 0)


def test_a_variant_whose_model_is_gone_is_503_and_counts_nobody(lab: Lab) -> None:
    lab.create()
    for version in lab.versions[:2]:
        lab.client.services.artifacts.delete(version)

    answer = lab.score("ann")

    assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert total(lab.counts()) == (0, 0)


def test_everything_but_a_known_score_is_503_while_the_tests_cannot_be_read(lab: Lab) -> None:
    lab.create()
    lab.score("ann")
    lab.client.services.ab_test_store.outage.on = True

    assert lab.client.get("/ab-tests").status == 503
    assert lab.client.get("/ab-tests/t/results").status == 503
    assert lab.create("u").status == 503
    assert lab.score("ann").status == 200
