"""Change of one figure, and its verdict."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tracetui.analysis.stats.bootstrap import (
    Difference,
    limit_for,
    mean_difference,
    normal_mean_difference,
    quantile_difference,
    quantile_p_value,
    share_difference,
    share_p_value,
)
from tracetui.analysis.stats.groups import FEW_SAMPLES, quantiles

ERROR_RATE, FAILED_REQUEST_RATE = "error_rate", "failed_request_rate"
RATES = (ERROR_RATE, FAILED_REQUEST_RATE)
"""Figures in percent; all others are nanoseconds."""
MAX_DRAWN = 3_000
"""Largest number of figures that are resampled.

Beyond it, figures with few samples and those that fail the exact test have no interval.
"""
_MIN_SHARE = 0.01


class Verdict(enum.StrEnum):
    """Verdict on a change. For every figure less is better."""

    BETTER = "better"
    WORSE = "worse"
    SMALL = "small"
    """Below the threshold."""
    CHANCE = "chance"
    """Large enough, but may be chance."""
    FEW = "few"
    """Large enough, but from too few samples."""
    NEW = "new"
    """Only after."""
    GONE = "gone"
    """Only before."""


@dataclass(frozen=True, slots=True)
class Change:
    """Change of one figure. Values are nanoseconds, percent for rates, or None if missing."""

    figure: str
    """`mean`, `p50`, `p95`, `p99`, `error_rate`, `failed_request_rate`, `self`, `critical`"""
    before: float | None
    after: float | None
    verdict: Verdict
    interval: tuple[float, float] | None = None
    """Confidence interval of the difference; None if it was not computed."""

    @property
    def difference(self) -> float | None:
        """After minus before; None if either is missing."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def percent(self) -> float | None:
        """Change in percent of the value before; None if that was 0."""
        return 100 * self.difference / self.before if self.before and self.difference is not None else None


class _Allowance:
    """Number of figures that may still be resampled."""

    def __init__(self) -> None:
        self._remaining = MAX_DRAWN

    def spend(self) -> bool:
        """Use one of the remaining figures. -> whether there was one"""
        self._remaining -= 1
        return self._remaining >= 0


@dataclass(frozen=True, slots=True)
class ChangeClassifier:
    """Classifies the change of a figure."""

    threshold: float
    trace_ns: float
    """Mean duration of a trace, in the set where it is shorter."""
    trace_counts: tuple[int, int]
    level: float
    """One-sided significance level per figure."""
    _draws: _Allowance = field(default_factory=_Allowance, compare=False)

    def is_large(self, before: float, after: float, least: float = 0.0) -> bool:
        """Test whether a change reaches the threshold and exceeds `least`, in the unit of the figure."""
        change = abs(after - before)
        return change > least and 100 * change >= self.threshold * abs(before)

    def times(self, figures: Sequence[str], before: np.ndarray, after: np.ndarray) -> list[Change]:
        """Classify the changes of `mean` and quantiles (`p50` and so on) of two samples in ns, of which one may be
        empty.

        A change is small if, multiplied by the calls per trace, it is less than 1 % of a trace's duration.
        """
        changes = []
        for figure in figures:
            values = [_figure(figure, sample) for sample in (before, after)]
            first, second = values
            if first is None or second is None:
                changes.append(Change(figure, first, second, Verdict.NEW if first is None else Verdict.GONE))
            elif not self.is_large(first, second, self.least_ns(len(before), len(after))):
                changes.append(Change(figure, first, second, Verdict.SMALL))
            else:
                changes.append(self.large(figure, first, second, before, after))
        return changes

    def least_ns(self, before: float, after: float) -> float:
        """Return the smallest change in ns that is not negligible, for a figure of this many calls."""
        return float(self.least_of(np.array([before]), np.array([after]))[0])

    def least_of(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Compute `least_ns` for many figures: int64[n] calls on either side -> float64[n]."""
        calls_per_trace = np.maximum(before / self.trace_counts[0], after / self.trace_counts[1])
        least: np.ndarray = _MIN_SHARE * self.trace_ns / np.maximum(calls_per_trace, 1.0)
        return least

    def large(self, figure: str, first: float, second: float, before: np.ndarray, after: np.ndarray) -> Change:
        """Classify a change that is large enough. `before` and `after`: the samples, neither empty."""
        sizes = (len(before), len(after))
        drawn = self._draws.spend()
        if figure[0] != "p":
            if not drawn and min(sizes) < FEW_SAMPLES:
                return Change(figure, first, second, Verdict.FEW)
            estimate = mean_difference if drawn else normal_mean_difference
            return self._classified(figure, (first, second), estimate(before, after, self.trace_counts), sizes)
        share = int(figure[1:]) / 100
        # with fewer samples no change is beyond chance
        least = max(FEW_SAMPLES, round(1 / (1 - share)))
        if not drawn:
            if min(sizes) < least:
                return Change(figure, first, second, Verdict.FEW)
            if quantile_p_value(before, after, share, self.trace_counts) > self.level:
                return Change(figure, first, second, Verdict.CHANCE)
        return self._classified(
            figure,
            (first, second),
            quantile_difference(before, after, share, self.trace_counts),
            sizes,
            least=least,
            exact=lambda: quantile_p_value(before, after, share, self.trace_counts),
        )

    def _classified(
        self,
        figure: str,
        values: tuple[float, float],
        difference: Difference,
        sizes: tuple[int, int],
        least: int = FEW_SAMPLES,
        exact: Callable[[], float] | None = None,
    ) -> Change:
        limit = limit_for(self.level, min(*sizes, *self.trace_counts))
        if min(sizes) < least:
            verdict = Verdict.FEW
        elif not difference.is_significant(limit) or (exact and exact() > self.level):
            verdict = Verdict.CHANCE
        else:
            verdict = Verdict.WORSE if difference.value > 0 else Verdict.BETTER
        return Change(figure, *values, verdict, difference.interval(limit))

    def rate(self, before: tuple[int, int], after: tuple[int, int], figure: str = ERROR_RATE) -> Change:
        """Classify the change of a rate, given as (hits, total) on either side."""
        rates = [100 * hits / total if total else None for hits, total in (before, after)]
        first, second = rates
        if first is None or second is None:
            return Change(figure, first, second, Verdict.NEW if first is None else Verdict.GONE)
        if not self.is_large(first, second):
            return Change(figure, first, second, Verdict.SMALL)
        return self._classified(
            figure,
            (first, second),
            share_difference(before, after, self.trace_counts),
            (before[1], after[1]),
            exact=lambda: share_p_value(before, after, self.trace_counts),
        )


def _figure(figure: str, sample: np.ndarray) -> float | None:
    if not len(sample):
        return None
    return quantiles(sample, (int(figure[1:]) / 100,))[0] if figure[0] == "p" else float(sample.mean())
