"""The benchmark's figures as rows, each beside what it must reach."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from .bench_training import SIDES

# The scoring function is what is compared with the plain implementation's fresh process.
SCORING_FUNCTION = "ScoringFunction"
SCORING_LIMIT_MB = 80
_MICRO, _MILLI = 1e6, 1e3


class Row(NamedTuple):
    """One line: what, both sides as p50, p90 and p99, the ratio with its spread, the target.

    `is_main` rows are those of the README.
    """

    what: str
    ours: tuple[str, ...]
    plain: tuple[str, ...] = ()
    ratio: str = ""
    target: str = ""
    is_met: bool | None = None
    is_main: bool = False


def all_rows(report: Mapping[str, Any]) -> list[Row]:
    """Return every line of a report, in the order in which people read them."""
    return [
        *comparison_rows(report),
        *size_rows(report),
        *storage_rows(report),
        *fresh_rows(report),
        *cold_start_rows(report),
        *built_rows(report),
        *training_rows(report),
        *memory_rows(report),
        *reading_rows(report),
    ]


def comparison_rows(report: Mapping[str, Any]) -> list[Row]:
    """Return the lines that compare scoring in one warm process."""
    batch, without = report["batch_with_reasons"], report["batch_without_reasons"]
    return [
        _faster("one lead with reasons, ms", report["one_lead"], _MILLI, 40, main=True),
        _smaller("  in an A/B test, against without, ms", report["ab_scoring"], _MILLI, "1.3"),
        _smaller("  what monitoring adds, against it, ms", report["monitoring"], _MILLI, "0.03"),
        _faster("1,000 with reasons, s", batch["wall_seconds"], main=True),
        _faster("  processor, s", batch["cpu_seconds"], target=3, main=True),
        _faster("1,000 without reasons, s", without["wall_seconds"], main=True),
        _faster("  processor, s", without["cpu_seconds"], target=2.5, main=True),
    ]


def size_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what a lead costs in batches of many sizes; flat is up to a twentieth more."""
    for name, reasons in (("sizes_with_reasons", "with"), ("sizes_without_reasons", "without")):
        for size in report[name]["sizes"]:
            what = f"a lead among {size['leads']:,} {reasons} reasons, processor, µs"
            yield _faster(what, size["cpu_seconds_a_lead"], _MICRO)
        largest = report[name]["sizes"][-1]["leads"]
        what = f"a lead among {largest:,} {reasons}, against among 10, processor, µs"
        yield _smaller(what, report[name]["growth"], _MICRO, "1.05", main=True)


def storage_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how long a batch takes that is kept, against one write after the other."""
    count = report["storage"]["leads"]
    what = f"{count:,} scored and kept, against one write after the other, s"
    yield _faster(what, report["storage"]["wall_seconds"], target=3, main=True)


def fresh_rows(report: Mapping[str, Any]) -> list[Row]:
    """Return the lines that compare fresh processes."""
    fresh = report["fresh_process"]
    return [
        _smaller("fresh process to first score, s", fresh["wall_seconds"], main=True),
        _smaller("  processor, s", fresh["cpu_seconds"], target="1/8", main=True),
        _smaller("  peak memory, MB", fresh["peak_megabytes"], target="1/3", main=True),
    ]


def cold_start_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how every built function starts, against the plain fresh process."""
    starts = report["cold_starts"]
    if "skipped" in starts:
        yield Row("cold starts of the built functions", (), ratio=f"skipped: {starts['skipped']}")
        return
    for function in sorted(starts, key=lambda name: name != SCORING_FUNCTION):
        cost, main = starts[function], function == SCORING_FUNCTION
        target = "1/4" if main else None
        what = f"cold start of {function}, s"
        yield _smaller(what, cost["wall_seconds"], target=target, main=main)
        yield _smaller("  processor, s", cost["cpu_seconds"], target=target, main=main)
        yield _smaller("  peak memory, MB", cost["peak_megabytes"], main=main)


def built_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how large each built function is, unzipped with its layers."""
    for size in report["built_sizes"]:
        limit, total = size["limit_megabytes"], size["megabytes"]
        parts = ", ".join(f"{name} {each:.1f}" for name, each in size["layers"].items())
        yield Row(
            f"{size['function']} unzipped, MB",
            (f"{total:.1f}",),
            ratio=parts,
            target=f"at most {limit:g}",
            is_met=total <= limit,
            is_main=size["function"] == SCORING_FUNCTION,
        )


def training_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what training takes, by size; your own leads have limits of their own."""
    own = [report["training"]] if "training" in report else []
    for train in [*report["trainings"], *own]:
        limit = 300 if "own" in train else None
        how = ", parameters chosen" if train["chosen"] else ""
        trees = " and ".join(str(train["trees"][side]) for side in SIDES)
        what = f"training on {train['leads']:,} leads{how} ({trees} trees), s"
        yield _absolute(what, train["wall_seconds"], limit, main=True)
        yield _absolute("  processor, s", train["cpu_seconds"], None, main=True)
        yield _absolute("  peak memory, MB", train["peak_megabytes"], 1536, main=True)


def memory_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the peak memory of the largest requests."""
    for name, cost in report["memory"].items():
        peak = cost["peak_megabytes"]
        count, _, reasons = name.replace("_", " ").partition(" ")
        what = f"{int(count):,} leads {reasons}, peak MB"
        yield Row(what, (f"{peak:.0f}",), target="at most 512", is_met=peak <= 512)


def reading_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how long reading feedback takes; the largest number of rows has a limit of its own."""
    for read in report["reading"]:
        what = f"reading {read['rows']:,} rows of feedback, s"
        pace = f"{read['seconds_per_1000']:.3f} a thousand"
        is_met = read["seconds"] <= 60 if read["rows"] >= 100_000 else None
        target = "" if is_met is None else "at most 60"
        yield Row(what, (f"{read['seconds']:.2f}",), ratio=pace, target=target, is_met=is_met)
        yield Row("  peak memory, MB", (f"{read['peak_megabytes']:.0f}",))


def _faster(
    what: str,
    pair: Mapping[str, Any],
    scale: float = 1,
    target: float | None = None,
    main: bool = False,
) -> Row:
    ratio = pair["speedup"]
    is_met = None if target is None else ratio["median"] >= target
    wanted = "" if target is None else f"at least {target:g} x"
    return Row(what, *_sides(pair, scale), f"{_spread(ratio)} x", wanted, is_met, main)


def _smaller(
    what: str,
    pair: Mapping[str, Any],
    scale: float = 1,
    target: str | None = None,
    main: bool = False,
) -> Row:
    ratio = pair["share"]
    is_met = None if target is None else ratio["median"] <= Fraction(target)
    wanted = "" if target is None else f"at most {target}"
    return Row(what, *_sides(pair, scale), _spread(ratio), wanted, is_met, main)


def _absolute(what: str, pair: Mapping[str, Any], most: float | None, main: bool) -> Row:
    """Return a line whose target is one for our own figure, not for the ratio."""
    is_met = None if most is None else pair["ours"]["p50"] <= most
    wanted = "" if most is None else f"at most {most:g}"
    return Row(what, *_sides(pair, 1), _spread(pair["share"]), wanted, is_met, main)


def _sides(pair: Mapping[str, Any], scale: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ours, plain = (tuple(_number(scale * value) for value in pair[side].values()) for side in SIDES)
    return ours, plain


def _number(value: float) -> str:
    """Write a figure with three digits, and no exponent.

    >>> _number(0.012345), _number(1234.5)
    ('0.0123', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _spread(ratio: Mapping[str, float]) -> str:
    return f"{ratio['median']:.2f} [{ratio['p10']:.2f}, {ratio['p90']:.2f}]"
