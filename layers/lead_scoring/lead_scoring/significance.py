"""The mathematics of A/B tests: from counts to p-values, intervals, sizes and ranks.

Counts stay whole numbers for as long as they can: a difference of rates of a billion samples would
lose half of its digits in floats.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from .errors import TooFewSamplesError

# Relative; above what a few operations on floats lose, and below anything that is meant.
_NOISE = 1e-12

# A pair of whole numbers is a pair of numbers too, though the keys of a Mapping are invariant.
_Pair = TypeVar("_Pair", bound=tuple[float, float])


class Proportion(NamedTuple):
    """How many of the samples of an arm converted.

    >>> Proportion(10, 100).rate
    0.1
    """

    conversions: int
    samples: int

    @property
    def rate(self) -> float:
        """The share that converted, in [0, 1]. Raises TooFewSamplesError without samples."""
        _require_samples(self.samples)
        return self.conversions / self.samples


class ZTest(NamedTuple):
    """A z statistic, and the chance of one as far from 0 on either side if nothing differs."""

    z: float
    p_value: float


class Interval(NamedTuple):
    """The limits of a confidence interval."""

    lower: float
    upper: float


def two_proportion_z(control: Proportion, treatment: Proportion) -> ZTest:
    """Test whether two conversion rates differ (pooled variance, two-sided); z has their sign.

    Raises TooFewSamplesError if an arm is empty, or if all or none of both converted: then there
    is no variance. Source: NIST/SEMATECH e-Handbook, 7.3.3:
    z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2)), p of both together.

    >>> z, p_value = two_proportion_z(Proportion(10, 100), Proportion(20, 100))
    >>> round(z, 4), round(p_value, 4)
    (1.9803, 0.0477)
    """
    difference = _difference(control, treatment)
    samples = control.samples + treatment.samples
    converted = control.conversions + treatment.conversions
    if converted in (0, samples):
        raise TooFewSamplesError("all or none converted, so their rates have no variance")
    sizes = samples * control.samples * treatment.samples
    z = difference / math.sqrt(converted * (samples - converted) / sizes)
    return ZTest(z, math.erfc(abs(z) / math.sqrt(2)))


def newcombe_interval(control: Proportion, treatment: Proportion, level: float = 0.95) -> Interval:
    """Return the confidence interval of treatment's rate minus control's, in [-1, 1].

    Raises TooFewSamplesError if an arm is empty. Source: Newcombe 1998, Statistics in Medicine
    17:873-890, method 10: with Wilson's limits l and u of each rate,
    d - sqrt((p1 - l1)^2 + (u2 - p2)^2) to d + sqrt((u1 - p1)^2 + (p2 - l2)^2).

    >>> lower, upper = newcombe_interval(Proportion(48, 80), Proportion(56, 70))
    >>> round(lower, 4), round(upper, 4)
    (0.0524, 0.3339)
    """
    difference = _difference(control, treatment)
    first, second = wilson_interval(treatment, level), wilson_interval(control, level)
    return Interval(
        difference - math.hypot(treatment.rate - first.lower, second.upper - control.rate),
        difference + math.hypot(first.upper - treatment.rate, control.rate - second.lower),
    )


def wilson_interval(one: Proportion, level: float = 0.95) -> Interval:
    """Return the confidence interval of one rate, in [0, 1].

    Raises TooFewSamplesError without samples. Source: Wilson 1927; Newcombe 1998, Statistics in
    Medicine 17:857-872, method 3: (x + z^2/2 +- z sqrt(x (n - x) / n + z^2/4)) / (n + z^2).

    >>> lower, upper = wilson_interval(Proportion(81, 263))
    >>> round(lower, 4), round(upper, 4)
    (0.2553, 0.3662)
    """
    _require_samples(one.samples)
    x, n, z = one.conversions, one.samples, _critical(1 - level)
    centre, spread = x + z * z / 2, z * math.sqrt(x * (n - x) / n + z * z / 4)
    # At none and at all converted the limits are 0 and 1, which floats miss by a hair.
    lower = 0.0 if x == 0 else max(0.0, (centre - spread) / (n + z * z))
    upper = 1.0 if x == n else min(1.0, (centre + spread) / (n + z * z))
    return Interval(lower, upper)


def required_sample_size(
    control_rate: float, minimum_effect: float, level: float = 0.05, power: float = 0.8
) -> int:
    """Return how many samples every variant needs to show the minimum effect, rounded up.

    The effect is upwards, or downwards where the rate leaves no room. Raises ValueError where
    neither way has room, which takes an effect above 0.5. Source: Fleiss, Levin, Paik, Statistical
    Methods for Rates and Proportions, 3rd ed., chapter 4, without continuity correction:
    n = (z_{a/2} sqrt(2 p q) + z_b sqrt(p1 q1 + p2 q2))^2 / (p2 - p1)^2, p the mean of p1 and p2.

    >>> required_sample_size(0.5, 0.25, power=0.9)
    77
    """
    size = _exact_sample_size(control_rate, minimum_effect, level, power)
    nearest = round(size)
    return nearest if math.isclose(size, nearest, rel_tol=_NOISE) else math.ceil(size)


def _exact_sample_size(rate: float, minimum_effect: float, level: float, power: float) -> float:
    """Return the required sample size before it is rounded up."""
    other = _rate_with_effect(rate, minimum_effect)
    middle = (rate + other) / 2
    if_equal = math.sqrt(2 * middle * (1 - middle))
    if_different = math.sqrt(rate * (1 - rate) + other * (1 - other))
    z = _critical(level) * if_equal + NormalDist().inv_cdf(power) * if_different
    return (z / minimum_effect) ** 2


def achieved_power(
    control_rate: float,
    minimum_effect: float,
    control_samples: int,
    treatment_samples: int,
    level: float = 0.05,
) -> float:
    """Return the chance, in [0, 1], that the two-sided z-test shows the minimum effect.

    The effect is upwards or downwards as for `required_sample_size`. Raises TooFewSamplesError if
    an arm is empty; ValueError as there. Source: as there, solved for power, with unequal sizes and
    both tails: Phi((d - z s0) / s1) + Phi((-d - z s0) / s1), s0 pooled and s1 unpooled.

    >>> round(achieved_power(0.5, 0.25, 50, 50), 3)
    0.74
    """
    _require_samples(control_samples, treatment_samples)
    other = _rate_with_effect(control_rate, minimum_effect)
    expected = control_rate * control_samples + other * treatment_samples
    pooled = expected / (control_samples + treatment_samples)
    s0 = math.sqrt(pooled * (1 - pooled) * (1 / control_samples + 1 / treatment_samples))
    s1 = math.sqrt(
        control_rate * (1 - control_rate) / control_samples
        + other * (1 - other) / treatment_samples
    )
    threshold = _critical(level) * s0
    if s1 == 0:  # From none to all: there is only one possible result.
        return float(minimum_effect > threshold)
    ends = (minimum_effect - threshold, -minimum_effect - threshold)
    return min(1.0, math.fsum(math.erfc(-end / s1 / math.sqrt(2)) / 2 for end in ends))


def _rate_with_effect(rate: float, effect: float) -> float:
    up, down = rate + effect, rate - effect
    if up <= 1 + _NOISE:
        return min(1.0, up)
    if down < -_NOISE:
        raise ValueError(f"an effect of {effect} has no room above or below a rate of {rate}")
    return max(0.0, down)


def sample_ratio_p_value(samples: Sequence[int], shares: Sequence[float]) -> float:
    """Return the chance of sizes at least as far from the planned shares as these (chi-square).

    `shares` are positive weights in the order of `samples`, of any sum. Raises TooFewSamplesError
    if there are no samples at all. Source: NIST/SEMATECH e-Handbook, 7.2.1.1:
    chi^2 = sum((observed - expected)^2 / expected).

    >>> round(sample_ratio_p_value([600, 400], [50, 50]), 12)
    2.54e-10
    """
    total, weight = sum(samples), math.fsum(shares)
    _require_samples(total)
    planned = [total * share / weight for share in shares]
    return _chi_square_survival(
        math.fsum((n - m) ** 2 / m for n, m in zip(samples, planned, strict=True)),
        len(samples) - 1,
    )


def _chi_square_survival(statistic: float, freedom: int) -> float:
    """Return the upper tail, finite for whole degrees of freedom (Abramowitz and Stegun, 26.4).

    With h = statistic / 2 it is the sum of h^k e^-h / Gamma(k + 1) over k = 0, 1, ... below
    freedom / 2; for odd degrees of freedom erfc(sqrt(h)), and k = 1/2, 3/2, ...

    >>> round(_chi_square_survival(5.991, 2), 4), round(_chi_square_survival(7.815, 3), 4)
    (0.05, 0.05)
    """
    half, odd = statistic / 2, freedom % 2
    if half == 0:
        return 1.0
    steps = (k + odd / 2 for k in range(freedom // 2))
    # In logarithms: e^-h alone is 0 long before the whole is.
    terms = [math.exp(k * math.log(half) - half - math.lgamma(k + 1)) for k in steps]
    return min(1.0, math.fsum([*terms, math.erfc(math.sqrt(half)) if odd else 0.0]))


def anytime_p_value(control: Proportion, treatment: Proportion, scale: float) -> float:
    """Return a p-value that stays valid however often it is looked at, from the data at this look.

    `scale` is the standard deviation of the normal mixture of effects. Raises TooFewSamplesError
    if an arm is empty, or if neither rate has a variance. Source: Johari, Koomen, Pekelis, Walsh,
    Always Valid Inference, Operations Research 70(3), 2022 (two streams of Bernoulli data; section
    6.1 of its preprint, arXiv:1512.04922): p = min(1, 1 / Lambda) with the unpooled variance v,
    Lambda = sqrt(v / (v + scale^2)) exp(d^2 scale^2 / (2 v (v + scale^2))).

    >>> round(anytime_p_value(Proportion(100, 1000), Proportion(150, 1000), 0.02), 4)
    0.0407
    """
    difference = _difference(control, treatment)
    v = math.fsum(x * (n - x) / n**3 for x, n in (control, treatment))
    if v == 0:
        raise TooFewSamplesError("all or none of each arm converted, so there is no variance")
    mixed = scale * scale
    evidence = difference * difference / v * mixed / (v + mixed) / 2
    return math.exp(min(0.0, math.log1p(mixed / v) / 2 - evidence))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number (step-down), in the order given.

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65-70: of m in rising order, p(i)
    becomes the largest min(1, (m - j + 1) p(j)) of j = 1 to i.

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    rising = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = (min(1.0, (len(p_values) - i) * p_values[at]) for i, at in enumerate(rising))
    adjusted = dict(zip(rising, accumulate(scaled, max), strict=True))
    return [adjusted[at] for at in range(len(p_values))]


def spearman(pairs: Mapping[_Pair, int]) -> float:
    """Return the rank correlation, in [-1, 1], of pairs of values and how often each occurred.

    Raises TooFewSamplesError with fewer than two pairs, or where one side has a single value.
    Source: Spearman 1904, American Journal of Psychology 15:72-101, as Pearson's correlation of
    the ranks, equal values sharing the mean of theirs.

    >>> spearman({(10, 1): 1, (20, 3): 1, (30, 2): 1})
    0.5
    """
    first = _centred_ranks((a, count) for (a, _), count in pairs.items())
    second = _centred_ranks((b, count) for (_, b), count in pairs.items())
    ranks = [(first[a], second[b], count) for (a, b), count in pairs.items()]
    covariance = sum(x * y * count for x, y, count in ranks)
    variances = (sum(x * x * n for x, _, n in ranks), sum(y * y * n for _, y, n in ranks))
    if not all(variances):
        raise TooFewSamplesError("a rank correlation needs two different values on either side")
    return max(-1.0, min(1.0, covariance / math.sqrt(math.prod(variances))))


def _centred_ranks(values: Iterable[tuple[float, int]]) -> dict[float, int]:
    """Return twice the mid-rank of each value less that of the middle: whole numbers.

    >>> _centred_ranks([(7.0, 1), (5.0, 2)])
    {5.0: -1, 7.0: 2}
    """
    counts: Counter[float] = Counter()
    for value, count in values:
        counts[value] += count
    rising = sorted(counts)
    up_to = accumulate(counts[value] for value in rising)
    total = counts.total()
    return {
        value: 2 * last - counts[value] - total for value, last in zip(rising, up_to, strict=True)
    }


def _critical(level: float) -> float:
    """Return the z that a two-sided test at this level has to exceed."""
    return -NormalDist().inv_cdf(level / 2)


def _difference(control: Proportion, treatment: Proportion) -> float:
    _require_samples(control.samples, treatment.samples)
    crossed = treatment.conversions * control.samples - control.conversions * treatment.samples
    return crossed / (control.samples * treatment.samples)


def _require_samples(*samples: int) -> None:
    if not all(samples):
        raise TooFewSamplesError("an arm has no samples")
