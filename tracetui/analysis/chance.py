"""Whether the difference between two samples may well be chance.

By the bootstrap: both are drawn anew from themselves many times, and where 95 % of the differences of a figure lie on
one side of 0, chance is no likely explanation (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).
"""

from __future__ import annotations

import numpy as np

DRAWS = 400
MOST_SAMPLES = 500
"""Of a larger sample so many are drawn from, evenly by rank: the interval is wider than it need be, never narrower."""
_LOW, _HIGH = 0.025, 0.975

Interval = tuple[float, float]
"""Where 95 % of the differences (after - before) lie."""


def excludes_zero(interval: Interval) -> bool:
    return interval[0] > 0 or interval[1] < 0


def quantile_differences(before: np.ndarray, after: np.ndarray, shares: tuple[float, ...]) -> list[Interval]:
    """The intervals of the difference between quantiles. Both samples: [n], not empty, in any order."""
    chance = np.random.default_rng(0)
    low, high = (np.quantile(_drawn(chance, sample), shares, axis=1) for sample in (before, after))
    return [_interval(row) for row in high - low]


def mean_difference(before: np.ndarray, after: np.ndarray) -> Interval:
    """The interval of the difference between means. Both samples: [n], not empty."""
    chance = np.random.default_rng(0)
    low, high = (_drawn(chance, sample).mean(axis=1) for sample in (before, after))
    return _interval(high - low)


def share_difference(before: tuple[int, int], after: tuple[int, int]) -> Interval:
    """The interval of the difference between two shares, in percent. Each is (so many, of how many), not of none."""
    chance = np.random.default_rng(0)
    drawn = [100 * chance.binomial(of, many / of, 10 * DRAWS) / of for many, of in (before, after)]
    return _interval(drawn[1] - drawn[0])


def _drawn(chance: np.random.Generator, sample: np.ndarray) -> np.ndarray:
    """float64[DRAWS, n]"""
    if len(sample) > MOST_SAMPLES:
        ranks = np.linspace(0, len(sample) - 1, MOST_SAMPLES).round().astype(np.int64)
        sample = np.sort(sample)[ranks]
    drawn: np.ndarray = sample.astype(np.float64)[chance.integers(0, len(sample), (DRAWS, len(sample)))]
    return drawn


def _interval(differences: np.ndarray) -> Interval:
    low, high = np.quantile(differences, (_LOW, _HIGH))
    return float(low), float(high)
