"""The monitor on a trained model and whole weeks of synthetic leads, as they are and turned bad."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import monitoring_trial
from infra.demo_leads import demo_leads

pytestmark = pytest.mark.untraced

LEADS = 3000
END = datetime(2026, 6, 1, tzinfo=UTC)


def written(file: Path, rows: list[object]) -> str:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(file)


def test_weeks_without_a_change_alarm_nobody_and_every_kind_of_bad_data_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, count in (("WEEKS", 20), ("TRIALS", 2), ("MANY", 5000)):
        monkeypatch.setattr(monitoring_trial, name, count)
    made = [each for each in demo_leads(LEADS, END) if each.outcome]
    leads = written(tmp_path / "leads.jsonl", [each.lead for each in made])
    outcomes = written(tmp_path / "outcomes.jsonl", [each.outcome for each in made])

    monitoring_trial.main(["--data", leads, "--outcomes", outcomes])

    told = capsys.readouterr().out
    assert "alerts on the holdout as it is: {}" in told
    assert "of 20 weeks without a change: no alert at all" in told
    for bad in monitoring_trial.BAD:
        assert f"{bad.name}: the right alert in 2 of 2, naming the right thing in 2" in told
    [(guess, realised)] = re.findall(r"auc_roc: estimated ([\d.]+), realised ([\d.]+)", told)
    assert float(guess) == pytest.approx(float(realised), abs=0.06)
