"""How often A/B tests find what there is, and what there is not: the table of `docs/ab-testing.md`.

`python -m infra.power_table` simulates tests, has the product's own rule of looks read them, and
writes the shares between two marks of that page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from lead_scoring.ab_verdict import SHIP
from lead_scoring.significance import Proportion, required_sample_size, wilson_interval

from .ab_simulation import RULES, ab_test, even_looks, plain_z_ever, play, simulate, tallies
from .bench_progress import Steps
from .marks import with_part

BASE_RATES = (0.05, 0.1, 0.25)
EFFECTS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04)
SEED = 42
# Looks from the beginning to the planned size: one a day for six weeks.
LOOKS = 42
MARK = "power table"
PAGE = Path(__file__).parents[1] / "docs" / "ab-testing.md"


def same_model(tests: int, random: np.random.Generator) -> str:
    """Return the sentence on tests of a model against itself, at a rate of 10 %."""
    required, test = required_sample_size(0.1, RULES.min_effect), ab_test((50, 50))
    # The first look is a little late, so that both variants have the minimum.
    looks = even_looks(2.4 * RULES.min_samples, 6 * required, 100)
    histories = simulate(test, (0.1, 0.1), looks, tests, random)
    ours = sum(bool(play(test, each).ever_significant) for each in tallies(histories))
    plain = int(plain_z_ever(histories).sum())
    return (
        f"A model against itself, {tests:,} tests at 10 %, each looked at 100 times up to three "
        "times the planned size: a difference was ever called significant in "
        f"{_share(ours, tests)} % of them. Whoever takes p < 0.05 of the plain z-test at any of "
        f"these looks for one finds it in {_share(plain, tests)} %."
    )


def power_row(rate: float, effect: float, tests: int, random: np.random.Generator) -> str:
    """Return the table's row of tests whose variant is better by an effect."""
    required, test = required_sample_size(rate, RULES.min_effect), ab_test((50, 50))
    # The plan follows control's rate at its look, so that some tests run longer than required.
    looks = even_looks(2 * required / LOOKS, 4 * required, 2 * LOOKS)
    histories = simulate(test, (rate, rate + effect), looks, tests, random)
    played = [play(test, each) for each in tallies(histories)]
    used = [100 * one.samples / one.target for one in played if one.verdict and one.target]
    shares = (
        _share(sum(bool(one.ever_significant) for one in played), tests),
        _share(sum(one.verdict is not None and one.verdict.code == SHIP for one in played), tests),
        _share(sum(one.is_early for one in played), tests),
        f"{np.mean(used):.0f} ± {1.96 * np.std(used, ddof=1) / np.sqrt(len(used)):.0f}",
    )
    return f"| {100 * rate:g} | {100 * effect:g} | {required:,} | {' | '.join(shares)} |"


def _share(count: int, tests: int) -> str:
    """Write a share in per cent, with half the width of Wilson's 95 % interval.

    >>> _share(800, 1000)
    '80.0 ± 2.5'
    """
    lower, upper = wilson_interval(Proportion(count, tests))
    return f"{100 * count / tests:.1f} ± {50 * (upper - lower):.1f}"


def simulated_page(tests: int, seed: int, today: date, steps: Steps) -> str:
    """Simulate it all, and return what goes between the marks."""
    cells = [(rate, effect) for rate in BASE_RATES for effect in EFFECTS]
    rows = []
    for place, (rate, effect) in enumerate(cells):
        rows.append(power_row(rate, effect, tests, np.random.default_rng([seed, place])))
        steps.done(f"{100 * rate:g} % and {100 * effect:g} points more")
    sentence = same_model(2 * tests, np.random.default_rng([seed, len(cells)]))
    steps.done("a model against itself")
    heading = (
        "| control converts, % | better by, points | required units a variant | significant, % "
        "| shipped, % | decided early, % | size used, % of planned |"
    )
    return "\n".join(
        [
            f"{tests:,} simulated tests a row, two variants of equal shares, {LOOKS} looks up to "
            f"the planned size; ± is for 95 %. Seed {seed}, {today.isoformat()}.",
            "",
            heading,
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            sentence,
        ]
    )


def with_table(page: str, table: str) -> str:
    """Return a page with another table between its marks; raise ValueError if they are missing."""
    return with_part(page, MARK, table)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 if the page cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m infra.power_table", description=__doc__)
    parser.add_argument("--tests", type=int, default=1_000, help="simulated tests a row")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--page", type=Path, default=PAGE, help="where the table is written")
    arguments = parser.parse_args(given)
    if arguments.tests < 2 or arguments.seed < 0:
        parser.error("--tests must be at least 2, --seed at least 0")
    try:
        page = arguments.page.read_text(encoding="utf-8")
        with_table(page, "")
    except (OSError, ValueError) as fault:
        print(f"cannot write the table: {fault}", file=sys.stderr)
        return 2
    today = datetime.now(UTC).date()
    with Steps("power table", len(BASE_RATES) * len(EFFECTS) + 1) as steps:
        table = simulated_page(arguments.tests, arguments.seed, today, steps)
    arguments.page.write_text(with_table(page, table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
