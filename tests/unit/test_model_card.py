import hashlib
import hmac
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from lead_scoring.candidate import HOLDOUT_FILE
from lead_scoring.entities import iso
from tests import forests
from tests.trainings import files_of, report_of, trained, with_outcome

Doubles = NDArray[np.float64]
HELD_OUT = 160
ROWS = [
    with_outcome(row, user_rating=[None, 55.0, 20.0, None][number % 4])
    for number, row in enumerate(forests.labelled_leads(400, seed=3))
]


@pytest.fixture(scope="module")
def services() -> Any:
    return trained(ROWS, validation_split=0.4)


@pytest.fixture(scope="module")
def card(services: Any) -> dict[str, Any]:
    return report_of(services)


@pytest.fixture(scope="module")
def table(services: Any, card: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(files_of(services)[card["holdout_file"]])
    return found


def column(table: dict[str, list[Any]], name: str) -> Doubles:
    return np.array(table[name], float)


def test_the_holdout_is_there_lead_by_lead(services: Any, table: dict[str, list[Any]]) -> None:
    newest = sorted(ROWS, key=lambda row: (row[1], str(row[0].lead_id)))[-HELD_OUT:]
    key = services.settings.hash_key.encode()

    expected = [
        hmac.new(key, str(lead.lead_id).encode(), hashlib.sha256).hexdigest()
        for lead, _, _ in newest
    ]

    assert {len(values) for values in table.values()} == {HELD_OUT}
    assert table["lead"] == expected
    assert table["moment"] == [iso(moment) for _, moment, _ in newest]
    assert table["contact_succeeded"] == [
        outcome.converted if outcome.contacted else None for *_, outcome in newest
    ]
    assert set(table["target"]) == {0.0, 0.2, 0.55, 1.0}


def test_no_id_of_a_lead_is_in_it(services: Any) -> None:
    text = files_of(services)[HOLDOUT_FILE].decode()

    assert "lead_id" not in text
    assert "title" not in text


def test_scikit_learn_gets_the_same_metrics_from_the_holdout(
    card: dict[str, Any], table: dict[str, list[Any]]
) -> None:
    label, probability = column(table, "label"), column(table, "probability")
    chosen = probability >= card["threshold"]

    expected = {
        "precision": sklearn_metrics.precision_score(label, chosen),
        "recall": sklearn_metrics.recall_score(label, chosen),
        "f1_score": sklearn_metrics.f1_score(label, chosen),
        "auc_roc": sklearn_metrics.roc_auc_score(label, probability),
        "average_precision": sklearn_metrics.average_precision_score(label, probability),
        "accuracy": sklearn_metrics.accuracy_score(label, chosen),
        "log_loss": sklearn_metrics.log_loss(label, probability),
        "brier": sklearn_metrics.brier_score_loss(label, probability),
        "ndcg": sklearn_metrics.ndcg_score([column(table, "target")], [probability]),
    }

    assert {name: card["metrics"][name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(label, column(table, "target") >= 0.5)


def test_numpy_gets_the_other_metrics_from_the_holdout(
    card: dict[str, Any], table: dict[str, list[Any]]
) -> None:
    label, probability = column(table, "label"), column(table, "probability")
    # Leads with equal predictions share what became of them.
    shared = np.array([label[probability == each].mean() for each in probability])
    order = np.argsort(-probability, kind="stable")
    ends = np.cumsum([(HELD_OUT + number) // 10 for number in range(10)])
    gaps = [part.sum() for part in np.split((probability - shared)[order], ends[:-1])]
    contacts = [known for known in table["contact_succeeded"] if known is not None]

    expected = {
        "expected_calibration_error": np.abs(gaps).sum() / HELD_OUT,
        "conversion_rate": label.mean(),
        "contact_success_rate": np.mean(contacts),
        "avg_prediction_score": 100 * probability.mean(),
    }
    for percent in (10, 20):
        hits = shared[order][: int(np.ceil(HELD_OUT * percent / 100))]
        expected[f"lift_at_{percent}"] = hits.mean() / label.mean()
        expected[f"recall_at_{percent}"] = hits.sum() / label.sum()

    assert {name: card["metrics"][name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_every_metric_of_the_card_is_recomputed_here(card: dict[str, Any]) -> None:
    assert card["metrics"].keys() == {
        "precision", "recall", "f1_score", "auc_roc", "average_precision", "accuracy", "log_loss",
        "brier", "ndcg", "expected_calibration_error", "conversion_rate", "contact_success_rate",
        "avg_prediction_score", "lift_at_10", "lift_at_20", "recall_at_10", "recall_at_20",
    }  # fmt: skip


def test_the_verdict_is_on_the_card(card: dict[str, Any]) -> None:
    verdict = card["promotion_verdict"]

    assert verdict["promoted"] is True
    assert verdict["compared_with"] == "baseline"
    assert verdict["differences"]["log_loss"]["estimate"] < 0
    assert "A first model needs only to beat the baseline." in verdict["text"]
    assert f"{card['metrics']['log_loss']:.3f}" in verdict["text"]
