"""Tests of whether the difference between two samples may be chance.

The bootstrap estimates the variation of a figure: the sample is redrawn from itself many times (B. Efron, "Bootstrap
Methods: Another Look at the Jackknife", 1979). A small sample has too little of its own tail: it is also drawn from the
pooled residuals of both samples, and the greater of the two errors holds (B. Efron and R. Tibshirani, "An Introduction
to the Bootstrap", 1993, 16.2). A difference counts where it is more of these standard errors than chance explains, at 5
% for all figures that are compared together (C. E. Bonferroni's bound), so that of two hundred figures ten do not stand
out by themselves. Quantiles and shares of small samples are far from normally distributed, and have to pass an exact
test besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DRAWS = 400
MOST_SAMPLES = 500
"""Size of the sample drawn from a larger one, evenly by rank; the error is scaled to the whole."""
_LEVEL = 0.05
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class Difference:
    """After minus before, and the standard error of that."""

    value: float
    error: float

    def is_significant(self, limit: float) -> bool:
        """True if the difference exceeds this many standard errors."""
        return abs(self.value) > limit * self.error

    def interval(self, limit: float) -> tuple[float, float]:
        """Interval of this many standard errors."""
        return self.value - limit * self.error, self.value + limit * self.error


def level_for(figures: int) -> float:
    """Significance level of each of this many figures, per side, for 5 % of all comparisons to be wrong."""
    return _LEVEL / 2 / max(figures, 1)


def limit_for(level: float, samples: int) -> float:
    """Standard errors, estimated from this many samples, beyond which a difference has this one-sided probability.

    Student's t, expanded about the normal distribution: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical
    Functions", 26.7.5.
    """
    x, free = NormalDist().inv_cdf(1 - level), max(samples - 1, 1)
    return (
        x
        + (x**3 + x) / (4 * free)
        + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * free**2)
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / (384 * free**3)
        + (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / (92_160 * free**4)
    )


def quantile_difference(
    before: np.ndarray, after: np.ndarray, share: float, traces: tuple[int, int] | None = None
) -> Difference:
    """Difference of a quantile. Both samples: [n], not empty, in any order; `traces` as in `mean_difference`."""
    return _difference(before, after, lambda drawn: np.quantile(drawn, share, axis=-1), traces)


def mean_difference(before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None = None) -> Difference:
    """Difference of the means. Both samples: [n], not empty.

    `traces`: number of traces of each sample. Values of one trace are correlated, and count as one.
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
    scatter = np.concatenate([sample - value for sample, value in zip(sides, values, strict=True)])
    total = 0.0
    for sample, count in zip(sides, traces or (len(before), len(after)), strict=True):
        size = min(len(sample), MOST_SAMPLES)
        error = max(float(figure(_drawn(source, size)).std()) for source in (sample, scatter))
        # drawn fewer than there are, and as good as one of each trace
        total += error**2 * size / max(min(len(sample), count), 1)
    return Difference(values[1] - values[0], math.sqrt(total))


def normal_mean_difference(before: np.ndarray, after: np.ndarray, traces: tuple[int, int] | None = None) -> Difference:
    """Like `mean_difference`, with the errors that many draws tend to: nothing is drawn."""
    sides = before, after
    values = [float(sample.mean()) for sample in sides]
    scatter = np.concatenate([sample - value for sample, value in zip(sides, values, strict=True)])
    total = 0.0
    for sample, count in zip(sides, traces or (len(before), len(after)), strict=True):
        total += max(float(sample.var()), float(scatter.var())) / max(min(len(sample), count), 1)
    return Difference(values[1] - values[0], math.sqrt(total))


def share_difference(
    before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None = None
) -> Difference:
    """Difference of a share in percent; each is (hits, total), total > 0. The error is that of one common share."""
    of = [min(sample[1], count) for sample, count in zip((before, after), traces or (before[1], after[1]), strict=True)]
    shares = [many / whole for many, whole in (before, after)]
    common = (before[0] + after[0]) / (before[1] + after[1])
    error = math.sqrt(common * (1 - common) * (1 / of[0] + 1 / of[1]))
    return Difference(100 * (shares[1] - shares[0]), 100 * error)


def _drawn(sample: np.ndarray, size: int) -> np.ndarray:
    """float64[DRAWS, size]"""
    generator = np.random.default_rng(0)
    if len(sample) > MOST_SAMPLES:
        ranks = np.linspace(0, len(sample) - 1, MOST_SAMPLES).round().astype(np.int64)
        sample = np.sort(sample)[ranks]
    drawn: np.ndarray = sample.astype(np.float64)[generator.integers(0, len(sample), (DRAWS, size))]
    return drawn


def quantile_p_value(
    before: np.ndarray, after: np.ndarray, share: float, traces: tuple[int, int] | None = None
) -> float:
    """Probability that this many more of one sample than of the other exceed the lesser of their quantiles."""
    lesser = min(np.quantile(sample, share) for sample in (before, after))
    above = [(int((sample > lesser).sum()), len(sample)) for sample in (before, after)]
    return share_p_value(above[0], above[1], traces)


def share_p_value(before: tuple[int, int], after: tuple[int, int], traces: tuple[int, int] | None = None) -> float:
    """Probability that the greater of two shares is greater by this much; arguments as in `share_difference`."""
    # as many as there are traces: what is of one trace counts once
    of = [min(sample[1], count) for sample, count in zip((before, after), traces or (before[1], after[1]), strict=True)]
    many = [round(some * size / whole) for (some, whole), size in zip((before, after), of, strict=True)]
    greater = int(after[0] * before[1] > before[0] * after[1])
    return hypergeometric_p_value(many[greater], many[1 - greater], (of[greater], of[1 - greater]))


def hypergeometric_p_value(selected: int, rest: int, of: tuple[int, int]) -> float:
    """Probability that of `selected + rest` items among `of[0] + of[1]` at least this many are in the first `of[0]`.

    R. A. Fisher's exact test, one-sided.
    """
    marked, every = selected + rest, sum(of)
    whole = _log_binomial(every, of[0])
    total = 0.0
    for many in range(max(selected, marked - of[1]), min(marked, of[0]) + 1):
        probability = math.exp(_log_binomial(marked, many) + _log_binomial(every - marked, of[0] - many) - whole)
        total += probability
        if probability < _NEGLIGIBLE * total:
            break
    return min(total, 1.0)


def _log_binomial(of: int, many: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(many + 1) - math.lgamma(of - many + 1)
