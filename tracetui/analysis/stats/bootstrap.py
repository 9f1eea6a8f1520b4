"""Significance tests for the difference between two samples.

The bootstrap estimates the standard error of a figure by redrawing the sample from itself many times (B. Efron,
"Bootstrap Methods: Another Look at the Jackknife", 1979). As a small sample lacks the tail of its distribution, it is
also redrawn from the pooled residuals of both samples, and the greater of the two errors is used (B. Efron and R.
Tibshirani, "An Introduction to the Bootstrap", 1993, 16.2). A difference is significant if it exceeds a number of
standard errors chosen for a family-wise error rate of 5 % over all figures that are compared together (C. E.
Bonferroni's bound); otherwise ten of two hundred figures would differ by chance. Quantiles and shares of small samples
are far from normally distributed, and must also pass an exact test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DRAWS = 400
MAX_SAMPLES = 500
"""Largest sample that is redrawn. A larger one is thinned evenly by rank, and the error is scaled accordingly."""
_LEVEL = 0.05
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference (after minus before) and its standard error."""

    value: float
    error: float

    def is_significant(self, limit: float) -> bool:
        """Test whether the difference exceeds this many standard errors."""
        return abs(self.value) > limit * self.error

    def interval(self, limit: float) -> tuple[float, float]:
        """Return the interval of this many standard errors on either side."""
        return self.value - limit * self.error, self.value + limit * self.error


def level_for(figures: int) -> float:
    """Return the one-sided significance level per figure for a family-wise error rate of 5 %."""
    return _LEVEL / 2 / max(figures, 1)


def limit_for(level: float, samples: int) -> float:
    """Return the number of standard errors that chance exceeds with this one-sided probability.

    samples: number of samples from which the standard error was estimated. The quantile of Student's t is expanded
    about the normal distribution: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    x, degrees = NormalDist().inv_cdf(1 - level), max(samples - 1, 1)
    return (
        x
        + (x**3 + x) / (4 * degrees)
        + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * degrees**2)
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / (384 * degrees**3)
        + (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / (92_160 * degrees**4)
    )


def quantile_difference(
    before: np.ndarray, after: np.ndarray, share: float, traces: tuple[int, int] | None = None
) -> Difference:
    """Estimate the difference of a quantile. Samples: [n], not empty, unsorted; `traces` as in `mean_difference`."""
    return _difference(before, after, lambda drawn: np.quantile(drawn, share, axis=-1), traces)


def mean_difference(before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None = None) -> Difference:
    """Estimate the difference of the means. Samples: [n], not empty.

    `traces`: number of traces in each sample. Values of one trace are correlated, and count as one.
    """
    return _difference(before, after, lambda drawn: drawn.mean(axis=-1), traces)


def _difference(
    before: np.ndarray,
    after: np.ndarray,
    figure: Callable[[np.ndarray], np.ndarray],
    traces: tuple[int, int] | None,
) -> Difference:
    sides = before, after
    values = [float(figure(sample)) for sample in sides]
    residuals = np.concatenate([sample - value for sample, value in zip(sides, values, strict=True)])
    total = 0.0
    for sample, count in zip(sides, traces or (len(before), len(after)), strict=True):
        size = min(len(sample), MAX_SAMPLES)
        error = max(float(figure(_drawn(source, size)).std()) for source in (sample, residuals))
        # scale for the thinning, and to one independent value per trace
        total += error**2 * size / max(min(len(sample), count), 1)
    return Difference(values[1] - values[0], math.sqrt(total))


def normal_mean_difference(before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None = None) -> Difference:
    """Like `mean_difference`, but with the limit of the errors for many draws, so that nothing is drawn."""
    sides = before, after
    values = [float(sample.mean()) for sample in sides]
    residuals = np.concatenate([sample - value for sample, value in zip(sides, values, strict=True)])
    total = 0.0
    for sample, count in zip(sides, traces or (len(before), len(after)), strict=True):
        total += max(float(sample.var()), float(residuals.var())) / max(min(len(sample), count), 1)
    return Difference(values[1] - values[0], math.sqrt(total))


def share_difference(
    before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None = None
) -> Difference:
    """Estimate the difference of a share in percent. Each is (hits, total), total > 0. The error assumes a common
    share.
    """
    sizes = _independent(before, after, traces)
    shares = [hits / total for hits, total in (before, after)]
    common = (before[0] + after[0]) / (before[1] + after[1])
    error = math.sqrt(common * (1 - common) * (1 / sizes[0] + 1 / sizes[1]))
    return Difference(100 * (shares[1] - shares[0]), 100 * error)


def _drawn(sample: np.ndarray, size: int) -> np.ndarray:
    """Redraw a sample `DRAWS` times: float64[DRAWS, size]. The same in every run."""
    generator = np.random.default_rng(0)
    if len(sample) > MAX_SAMPLES:
        ranks = np.linspace(0, len(sample) - 1, MAX_SAMPLES).round().astype(np.int64)
        sample = np.sort(sample)[ranks]
    drawn: np.ndarray = sample.astype(np.float64)[generator.integers(0, len(sample), (DRAWS, size))]
    return drawn


def quantile_p_value(
    before: np.ndarray, after: np.ndarray, share: float, traces: tuple[int, int] | None = None
) -> float:
    """Compute the probability that by chance this many more values of one sample exceed the smaller quantile."""
    lesser = min(np.quantile(sample, share) for sample in (before, after))
    above = [(int((sample > lesser).sum()), len(sample)) for sample in (before, after)]
    return share_p_value(above[0], above[1], traces)


def share_p_value(before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None = None) -> float:
    """Compute the probability of a difference this large by chance; arguments as in `share_difference`."""
    sizes = _independent(before, after, traces)
    hits = [round(some * size / total) for (some, total), size in zip((before, after), sizes, strict=True)]
    greater = int(after[0] * before[1] > before[0] * after[1])
    return hypergeometric_p_value(hits[greater], hits[1 - greater], (sizes[greater], sizes[1 - greater]))


def _independent(before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None) -> list[int]:
    """Return the numbers of independent values: correlated values of one trace count once."""
    totals = before[1], after[1]
    return [min(total, count) for total, count in zip(totals, traces or totals, strict=True)]


def hypergeometric_p_value(selected: int, rest: int, sizes: tuple[int, int]) -> float:
    """Compute the probability that at least `selected` of the hits fall into the first group by chance.

    selected, rest: hits in the first and the second group; sizes: of the groups. R. A. Fisher's exact test, one-sided.
    """
    hits, count = selected + rest, sum(sizes)
    whole = _log_binomial(count, sizes[0])
    total = 0.0
    for drawn in range(max(selected, hits - sizes[1]), min(hits, sizes[0]) + 1):
        probability = math.exp(_log_binomial(hits, drawn) + _log_binomial(count - hits, sizes[0] - drawn) - whole)
        total += probability
        if probability < _NEGLIGIBLE * total:
            break
    return min(total, 1.0)


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
