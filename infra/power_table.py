"""How often A/B tests find what there is, and what there is not: the table of `docs/ab-testing.md`.

`python -m infra.power_table` simulates tests, has the product's own rule of looks read them, and
writes the shares between two marks of that page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from lead_scoring.ab_looks import Rules, look_at, significant
from lead_scoring.ab_verdict import DECISIONS, SHIP, Reading, judge
from lead_scoring.experiments import ABTest, ArmCounts, Tally, Variant
from lead_scoring.significance import Proportion, required_sample_size, wilson_interval

from .bench_progress import Steps

BASE_RATES = (0.05, 0.1, 0.25)
EFFECTS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04)
RULES = Rules(min_samples=100, level=0.05, min_effect=0.02)
SEED = 42
# Looks from the beginning to the planned size: one a day for six weeks.
LOOKS = 42
BEGIN, END = "<!-- power table: begin -->", "<!-- power table: end -->"
PAGE = Path(__file__).parents[1] / "docs" / "ab-testing.md"
_STARTED = datetime(2024, 1, 1, tzinfo=UTC)

Counts = NDArray[np.int64]


class Histories(NamedTuple):
    """Simulated tests: units and conversions so far, each of shape (tests, looks, variants)."""

    samples: Counts
    conversions: Counts


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a test: whether a look ever called a variant significant, and the decision.

    `share_used` is the smallest variant's size at the deciding look over the planned size (early:
    over the required one); None without a decision.
    """

    ever_significant: bool
    verdict: str | None
    is_early: bool
    share_used: float | None


def simulate(
    rates: Sequence[float], totals: Sequence[int], tests: int, random: np.random.Generator
) -> Histories:
    """Simulate tests of equal shares; `totals` are the units of all variants at each look."""
    arriving = np.diff(np.array([0, *totals]))
    shares = np.full(len(rates), 1 / len(rates))
    samples = random.multinomial(arriving, shares, size=(tests, len(arriving)))
    conversions = random.binomial(samples, np.array(rates))
    return Histories(samples.cumsum(axis=1), conversions.cumsum(axis=1))


def even_looks(first: float, last: float, count: int) -> list[int]:
    """Return units at so many looks, evenly spaced.

    >>> even_looks(200, 1000, 5)
    [200, 400, 600, 800, 1000]
    """
    return [int(total) for total in np.linspace(first, last, count).round()]


def tallies(histories: Histories) -> Iterator[Iterator[Tally]]:
    """Iterate over the tests, and within each over what its looks count."""
    for samples, conversions in zip(
        histories.samples.tolist(), histories.conversions.tolist(), strict=True
    ):
        yield (
            Tally({f"v{i}": ArmCounts(n[i], c[i]) for i in range(len(n))}, {})
            for n, c in zip(samples, conversions, strict=True)
        )


def ab_test(variants: int) -> ABTest:
    """Return the test that is simulated: v0 is control, all variants have equal shares."""
    arms = [Variant(f"v{i}", f"m{i}", 100 / variants, is_control=i == 0) for i in range(variants)]
    return ABTest("simulated", arms, "conversion", _STARTED, "simulation", "simulation")


def play(test: ABTest, looks: Iterable[Tally], rules: Rules = RULES) -> Played:
    """Look at a test until it is decided, as `ABTestManager.results` does: what it keeps is kept.

    The plan is frozen at the first look that can be planned from; the deciding look stands.
    """
    planned, ever = None, False
    for tally in looks:
        look = look_at(test, tally, rules)
        if planned is None and look.can_be_planned:
            planned = look.required_samples
        found = significant(look, planned, rules)
        ever = ever or bool(found)
        verdict = judge(Reading(test, look, rules, planned, found, _STARTED))
        if verdict.code in DECISIONS:
            smallest = min(counts.samples for _, counts in look.arms)
            target = planned or look.required_samples
            is_early = not look.has_reached(planned)
            return Played(ever, verdict.code, is_early, smallest / target if target else None)
    return Played(ever, None, is_early=False, share_used=None)


def plain_z_ever(histories: Histories, level: float = 0.05) -> NDArray[np.bool_]:
    """Tell of each test of two variants whether the plain z-test is below the level at any look."""
    (n, m), (c, x) = (np.moveaxis(counts, -1, 0) for counts in histories)
    pooled = (c + x) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(x / m - c / n, error, out=np.zeros(error.shape), where=error > 0)
    ever: NDArray[np.bool_] = (2 * norm.sf(np.abs(z)) < level).any(axis=1)
    return ever


def same_model(tests: int, random: np.random.Generator) -> str:
    """Return the sentence on tests of a model against itself, at a rate of 10 %."""
    required = required_sample_size(0.1, RULES.min_effect)
    looks = even_looks(2.2 * RULES.min_samples, 6 * required, 100)
    histories = simulate((0.1, 0.1), looks, tests, random)
    ours = sum(play(ab_test(2), each).ever_significant for each in tallies(histories))
    plain = int(plain_z_ever(histories).sum())
    return (
        f"A model against itself, {tests:,} tests at 10 %, each looked at 100 times up to three times "
        f"the planned size: a difference was ever called significant in {_share(ours, tests)} % of "
        f"them; p < 0.05 of the plain z-test at each look would have called one in "
        f"{_share(plain, tests)} %."
    )


def power_row(rate: float, effect: float, tests: int, random: np.random.Generator) -> str:
    """Return the table's row of tests whose variant is better by an effect."""
    required = required_sample_size(rate, RULES.min_effect)
    # The plan follows control's rate at its look, so that some tests run longer than required.
    looks = even_looks(2 * required / LOOKS, 4 * required, 2 * LOOKS)
    histories = simulate((rate, rate + effect), looks, tests, random)
    played = [play(ab_test(2), each) for each in tallies(histories)]
    used = np.array([one.share_used for one in played if one.share_used is not None])
    shares = (
        _share(sum(one.ever_significant for one in played), tests),
        _share(sum(one.verdict == SHIP for one in played), tests),
        _share(sum(one.verdict is not None and one.is_early for one in played), tests),
        f"{100 * used.mean():.0f} ± {196 * used.std(ddof=1) / np.sqrt(len(used)):.0f}",
    )
    return f"| {100 * rate:.0f} | {100 * effect:g} | {required:,} | {' | '.join(shares)} |"


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
        steps.done(f"{rate:.0%} and {100 * effect:g} points")
    sentence = same_model(2 * tests, np.random.default_rng([seed, len(cells)]))
    steps.done("a model against itself")
    heading = (
        "| control converts, % | better by, points | planned units a variant | significant, % "
        "| shipped, % | decided early, % | size used, % of planned |"
    )
    return "\n".join(
        [
            f"{tests:,} simulated tests a row, two variants of equal shares, {LOOKS} looks up to the"
            f" planned size; ± is for 95 %. Seed {seed}, {today.isoformat()}.",
            "",
            heading,
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            sentence,
        ]
    )


def with_table(page: str, table: str) -> str:
    """Return a page with another table between its marks; raise ValueError if they are missing.

    >>> print(with_table(f"before\\n{BEGIN}\\nold\\n{END}\\nafter", "new").replace("-->", ">"))
    before
    <!-- power table: begin >
    new
    <!-- power table: end >
    after
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}, each in a line")
    return f"{before}{begin}\n{table}\n{end}{after}"


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
