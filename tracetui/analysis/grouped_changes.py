"""Changes of many groups of spans at once: all operations, or the calls between all pairs of services."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.latency import group_latencies
from tracetui.analysis.stats.change import Change, ChangeClassifier, Verdict
from tracetui.analysis.stats.groups import Groups

_QUANTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Changes of an operation (service, operation) or of calls between services (caller, callee, "" or "async")."""

    name: tuple[str, ...]
    counts: tuple[int, int]
    """Spans, or calls, before and after."""
    changes: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        """NEW or GONE, or the worst of its changes."""
        if not self.counts[0]:
            return Verdict.NEW
        if not self.counts[1]:
            return Verdict.GONE
        found = {change.verdict for change in self.changes}
        order = (Verdict.WORSE, Verdict.BETTER, Verdict.FEW, Verdict.CHANCE)
        return next((verdict for verdict in order if verdict in found), Verdict.SMALL)


class GroupedFigures:
    """Groups of one set by name, with their figures."""

    def __init__(
        self,
        groups: Groups,
        names: Sequence[tuple[str, ...]],
        error: np.ndarray,
        times: dict[str, tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """groups: groups of n spans or calls; names: names of the groups, in order; error: bool[n]; times: int64[n]
        nanoseconds by figure, and bool[n] where they are known: "" are durations, of which quantiles are computed, and
        means of the others.
        """
        self.names = names
        self.counts = np.diff(groups.first)
        self._samples: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        """For each figure the known values, int64[m], group after group, and the boundaries of the groups."""
        self.values: dict[str, np.ndarray] = {}
        """For each figure float64[groups], NaN if no value is known."""
        begins = groups.first[:-1]
        for name, (column, is_known) in times.items():
            ordered, known = column[groups.order], is_known[groups.order]
            bounds = np.concatenate(([0], np.cumsum(known)))[groups.first]
            if name:
                self._samples[name] = ordered[known], bounds
                count = np.diff(bounds)
                sums = _sums(np.where(known, ordered, 0), begins)
                self.values[name] = np.divide(sums, count, out=np.full(len(count), np.nan), where=count > 0)
                continue
            _, statistics = group_latencies(ordered, known, groups.first)
            self._samples.update(dict.fromkeys(_QUANTILES, (ordered[known], bounds)))
            self.values.update(zip(_QUANTILES, statistics[2:5], strict=True))
        self.failed = _sums(error[groups.order], begins).astype(np.int64)

    def sample(self, figure: str, group: int) -> np.ndarray:
        """int64, the values behind a figure of a group."""
        samples, bounds = self._samples[figure]
        return samples[bounds[group] : bounds[group + 1]]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _sums(ordered: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """float64[groups]"""
    sums: np.ndarray = np.add.reduceat(ordered, begins, dtype=np.float64) if len(begins) else np.zeros(0)
    return sums


def compared_groups(before: GroupedFigures, after: GroupedFigures, classifier: ChangeClassifier) -> list[GroupChange]:
    """Compare the groups of two sets by name: those of the first, then those only in the second."""
    figures = list(before.values)
    split = figures.index("p99") + 1
    figures[split:split] = ["error_rate"]
    number = {name: at for at, name in enumerate(after.names)}
    pairs = [(at, number.pop(name, -1)) for at, name in enumerate(before.names)]
    both = np.array([pair for pair in pairs if pair[1] >= 0], np.int64).reshape(-1, 2)
    shared = iter(_changes(before, after, both, figures, classifier))
    found = []
    for name, (first, second) in zip(before.names, pairs, strict=True):
        counts = int(before.counts[first]), int(after.counts[second]) if second >= 0 else 0
        found.append(GroupChange(name, counts, next(shared) if second >= 0 else _of_one(before, first, figures, False)))
    for name, second in number.items():
        found.append(GroupChange(name, (0, int(after.counts[second])), _of_one(after, second, figures, True)))
    return found


def _of_one(side: GroupedFigures, group: int, figures: Sequence[str], is_new: bool) -> tuple[Change, ...]:
    """List the figures of a group that exists in one set only."""
    changes = []
    for figure in figures:
        rate = 100 * int(side.failed[group]) / int(side.counts[group]) if figure not in side.values else None
        value = _known(float(side.values[figure][group])) if rate is None else rate
        changes.append(
            Change(figure, None, value, Verdict.NEW) if is_new else Change(figure, value, None, Verdict.GONE)
        )
    return tuple(changes)


def _changes(
    before: GroupedFigures,
    after: GroupedFigures,
    both: np.ndarray,
    figures: Sequence[str],
    classifier: ChangeClassifier,
) -> list[tuple[Change, ...]]:
    """Compute the changes of the groups in both sets. both: int64[m, 2], their numbers in either set."""
    first, second = both.T
    least = classifier.least_of(before.counts[first], after.counts[second])
    columns: list[list[Change]] = []
    for figure in figures:
        if figure not in before.values:
            columns.append(_rates(before, after, both, classifier))
            continue
        was, now = before.values[figure][first], after.values[figure][second]
        change = np.abs(now - was)
        large = (change > least) & (100 * change >= classifier.threshold * np.abs(was))
        columns.append(
            [
                classifier.large(figure, a, b, before.sample(figure, i), after.sample(figure, k))
                if is_large
                else Change(figure, _known(a), _known(b), Verdict.SMALL)
                for a, b, is_large, (i, k) in zip(
                    was.tolist(), now.tolist(), large.tolist(), both.tolist(), strict=True
                )
            ]
        )
    return list(zip(*columns, strict=True))


def _rates(
    before: GroupedFigures, after: GroupedFigures, both: np.ndarray, classifier: ChangeClassifier
) -> list[Change]:
    """Compute the changes of error rates. In most groups nothing fails in either set."""
    first, second = both.T
    columns = (before.failed[first], before.counts[first], after.failed[second], after.counts[second])
    return [
        classifier.rate((failed, of), (fails, now))
        if failed or fails
        else Change("error_rate", 0.0, 0.0, Verdict.SMALL)
        for failed, of, fails, now in zip(*(column.tolist() for column in columns), strict=True)
    ]
