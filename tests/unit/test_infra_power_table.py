import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from infra.bench_progress import Steps
from infra.power_table import (
    BASE_RATES,
    EFFECTS,
    PAGE,
    main,
    power_row,
    same_model,
    simulated_page,
    with_table,
)

BEGIN, END = "<!-- power table: begin -->", "<!-- power table: end -->"
TODAY = date(2026, 11, 27)
MARKED = f"# A/B tests\n\n{BEGIN}\nan older table\n{END}\n\n## Limits\n"
SHARE = r"(\d+\.\d) ± \d+\.\d"


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def quiet(total: int) -> Steps:
    return Steps("power table", total, Console(quiet=True))


def test_a_row_has_rate_effect_size_and_shares() -> None:
    row = power_row(0.1, 0.04, 20, random())

    found = re.fullmatch(
        rf"\| 10 \| 4 \| 3,841 \| {SHARE} \| {SHARE} \| {SHARE} \| (\d+) ± \d+ \|", row
    )
    assert found
    significant, shipped, early, used = (float(share) for share in found.groups())
    assert significant >= shipped >= 80
    assert early >= 70
    assert 20 < used < 90


def test_without_an_effect_hardly_anything_is_shipped_and_the_whole_size_is_used() -> None:
    row = power_row(0.05, 0.0, 20, random())

    assert re.search(r"\| 5 \| 0 \| 2,213 \| .* \| 0\.0 ± 8\.1 \| 0\.0 ± 8\.1 \| 101 ± \d \|", row)


def test_a_model_against_itself_is_said_in_a_sentence() -> None:
    said = same_model(40, random())

    found = re.search(rf"40 tests at 10 %.* in {SHARE} % of them\..* in {SHARE} %\.", said)
    assert found
    ours, plain = (float(share) for share in found.groups())
    assert ours < plain


def test_the_same_seed_makes_the_same_table() -> None:
    first, again = (power_row(0.1, 0.02, 10, random(3)) for _ in range(2))

    assert first == again
    assert power_row(0.1, 0.02, 10, random(4)) != first


def test_the_table_has_every_rate_with_every_effect_and_says_how_it_was_made() -> None:
    with quiet(len(BASE_RATES) * len(EFFECTS) + 1) as steps:
        table = simulated_page(2, 7, TODAY, steps)

    lines = table.splitlines()
    rows = [line.split(" | ")[:2] for line in lines[4:-2]]
    assert lines[0].startswith("2 simulated tests a row")
    assert lines[0].endswith("Seed 7, 2026-11-27.")
    assert rows == [
        [f"| {100 * rate:g}", f"{100 * effect:g}"] for rate in BASE_RATES for effect in EFFECTS
    ]
    assert lines[-1].startswith("A model against itself, 4 tests")


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = with_table(MARKED, "a newer table")

    assert page == MARKED.replace("an older table", "a newer table")
    assert with_table(page, "a newer table") == page


@pytest.mark.parametrize("page", ["", "# A/B tests\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_page_without_both_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="needs the marks"):
        with_table(page, "a table")


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKED, encoding="utf-8")

    assert main(["--tests", "2", "--seed", "7", "--page", str(page)]) == 0

    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"# A/B tests\n\n{BEGIN}\n2 simulated tests a row")
    assert written.endswith(f"%.\n{END}\n\n## Limits\n")


def test_a_page_that_cannot_be_used_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    assert main(["--page", str(page)]) == 2
    page.write_text("no marks", encoding="utf-8")

    assert main(["--page", str(page)]) == 2

    assert page.read_text(encoding="utf-8") == "no marks"
    assert capsys.readouterr().err.count("cannot write the table: ") == 2


@pytest.mark.parametrize("given", [["--tests", "1"], ["--seed", "-1"]])
def test_numbers_that_make_no_sense_are_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(given)

    assert refused.value.code == 2


def test_the_page_of_the_project_has_a_table_between_its_marks() -> None:
    page = PAGE.read_text(encoding="utf-8")

    _, _, rest = page.partition(BEGIN)
    table, _, _ = rest.partition(END)
    assert with_table(page, table.strip("\n")) == page
    assert len(re.findall(rf"^\| \d+ \| .*{SHARE}", table, re.MULTILINE)) == len(BASE_RATES) * len(
        EFFECTS
    )
