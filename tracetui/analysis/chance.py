"""Whether the difference between two samples may well be chance.

How much a figure of a sample varies is found by the bootstrap: the sample is drawn anew from itself many times
(B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979). A difference counts where it is more of these
standard errors than chance explains, at 5 % for all figures that are compared together (C. E. Bonferroni's bound), so
that of two hundred figures ten do not stand out by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DRAWS = 400
MOST_SAMPLES = 500
"""Of a larger sample so many are drawn from, evenly by rank, and the error is scaled to the whole."""
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """After minus before, and the standard error of that."""

    value: float
    error: float

    def is_beyond_chance(self, limit: float) -> bool:
        """Whether it is more than so many standard errors."""
        return abs(self.value) > limit * self.error

    def interval(self, limit: float) -> tuple[float, float]:
        """Within so many standard errors."""
        return self.value - limit * self.error, self.value + limit * self.error


def limit_for(figures: int) -> float:
    """The standard errors beyond which one of so many figures is by chance in 5 % of all comparisons."""
    return NormalDist().inv_cdf(1 - _LEVEL / 2 / max(figures, 1))


def quantile_difference(
    before: np.ndarray, after: np.ndarray, share: float, traces: tuple[int, int] | None = None
) -> Difference:
    """Of a quantile. Both samples: [n], not empty, in any order; `traces` as in `mean_difference`."""
    errors = [float(np.quantile(_drawn(sample), share, axis=1).std()) for sample in (before, after)]
    value = float(np.quantile(after, share) - np.quantile(before, share))
    return Difference(value, _together(errors, before, after, traces))


def mean_difference(before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None = None) -> Difference:
    """Of the mean. Both samples: [n], not empty.

    `traces`: of how many traces each sample is. What is of one trace is alike, and says no more than one of it.
    """
    errors = [float(_drawn(sample).mean(axis=1).std()) for sample in (before, after)]
    return Difference(float(after.mean() - before.mean()), _together(errors, before, after, traces))


def share_difference(
    before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None = None
) -> Difference:
    """Of a share in percent; each is (so many, of how many), not of none. The error is that of one common share."""
    of = [min(sample[1], count) for sample, count in zip((before, after), traces or (before[1], after[1]), strict=True)]
    shares = [many / whole for many, whole in (before, after)]
    common = (before[0] + after[0]) / (before[1] + after[1])
    error = math.sqrt(common * (1 - common) * (1 / of[0] + 1 / of[1]))
    return Difference(100 * (shares[1] - shares[0]), 100 * error)


def _together(errors: list[float], before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None) -> float:
    total = 0.0
    for error, sample, count in zip(errors, (before, after), traces or (len(before), len(after)), strict=True):
        # drawn from fewer than there are, and as good as one of each trace
        total += error**2 * min(len(sample), MOST_SAMPLES) / max(min(len(sample), count), 1)
    return math.sqrt(total)


def _drawn(sample: np.ndarray) -> np.ndarray:
    """float64[DRAWS, n]"""
    chance = np.random.default_rng(0)
    if len(sample) > MOST_SAMPLES:
        ranks = np.linspace(0, len(sample) - 1, MOST_SAMPLES).round().astype(np.int64)
        sample = np.sort(sample)[ranks]
    drawn: np.ndarray = sample.astype(np.float64)[chance.integers(0, len(sample), (DRAWS, len(sample)))]
    return drawn


def chance_of_so_many(selected: int, rest: int, of: tuple[int, int]) -> float:
    """The chance that of `selected + rest` things among `of[0] + of[1]` so many or more fall among the first `of[0]`.

    That is R. A. Fisher's exact test, one-sided.
    """
    marked, every = selected + rest, sum(of)
    whole = _log_ways(every, of[0])
    chances = (
        math.exp(_log_ways(marked, many) + _log_ways(every - marked, of[0] - many) - whole)
        for many in range(selected, min(marked, of[0]) + 1)
        if of[0] - many <= every - marked
    )
    return min(sum(chances), 1.0)


def _log_ways(of: int, many: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(many + 1) - math.lgamma(of - many + 1)
