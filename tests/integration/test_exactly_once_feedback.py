"""Feedback is counted once: eight clients, two gateways, one AWS, each a process of its own."""

import contextlib
import json
from collections import Counter

from lead_scoring.bootstrap import Services
from lead_scoring.settings import Settings

from .feedback_client import PIECES, TIMES, piece
from .processes import get, process

CLIENTS = 8
ALL = CLIENTS * PIECES
RUN_SECONDS = 240


def test_eight_clients_that_send_everything_three_times_are_counted_once(
    environment: dict[str, str], gateways: list[str]
) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(process("feedback_client", environment, str(number), *gateways))
            for number in range(CLIENTS)
        ]
        answers = [json.loads(client.communicate(timeout=RUN_SECONDS)[0]) for client in clients]

    sent = [piece(client, number) for client in range(CLIENTS) for number in range(PIECES)]
    pieces = [three for client in answers for three in client]
    assert len(pieces) == len(sent) == ALL
    assert all(len(three) == TIMES for three in pieces)
    assert {status for three in pieces for status, _ in three} == {201}
    assert all(first == again for first, *others in pieces for again in others)
    assert len({three[0][1]["feedback_id"] for three in pieces}) == ALL

    stored = Services(Settings.from_environment(environment)).training_data
    assert stored.count() == ALL
    rows = list(stored.evidence())
    ids = {three[0][1]["feedback_id"] for three in pieces}
    assert {getattr(row, "feedback_id", None) for row in rows} == ids

    for url in gateways:
        told = get(f"{url}/analytics/feedback?days=2")
        assert told["total"] == ALL
        assert told["action_distribution"] == Counter(each["action_type"] for each in sent)
        assert sum(told["temporal"]["per_day"].values()) == ALL
        assert sum(told["temporal"]["per_hour"].values()) == ALL
        assert told["sources"]["manual"]["count"] == ALL
        assert told["conversion_rate"] == (ALL / 5) / ALL
        assert told["contact_success_rate"] == (ALL / 10) / (ALL / 5)
        value = sum(round(10 * each.get("conversion_value", 0)) for each in sent) / 10
        assert told["conversion_value"] == value
    assert get(f"{gateways[0]}/feedback/7?limit=1000")["summary"]["count"] == ALL / 25
