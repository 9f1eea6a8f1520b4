"""Sorting and searching within many small groups at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FEW_SAMPLES = 20
"""Sample size below which percentiles and changes are not reported."""


def keyed(group: np.ndarray, *values: np.ndarray) -> list[np.ndarray]:
    """Encode each (group, value) as an integer that sorts by group and then by value.

    One sort or search then serves all groups.

    group: int[n], not negative; values: any number of int64[n] that are compared with one another.
    -> as many int64[n]. Equal pairs have equal integers, within and across the results.
    """
    if not len(group):
        return [np.zeros(0, np.int64) for _ in values]
    least = min(int(value.min()) for value in values)
    span = max(int(value.max()) for value in values) - least
    bits = span.bit_length()
    if bits + int(group.max()).bit_length() < 63:
        shifted = group.astype(np.int64) << bits
        return [shifted | (value - least) for value in values]
    # together too wide for 64 bits, so use ranks instead of values
    _, rank = np.unique(np.concatenate(values), return_inverse=True)
    shifted = group.astype(np.int64) << len(rank).bit_length()
    return [shifted | part for part in np.split(rank, len(values))]


def keyed_together(*pairs: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """Encode (group, value) columns of different lengths as `keyed` does, comparable with one another."""
    (keys,) = keyed(*(np.concatenate([pair[part] for pair in pairs]) for part in (0, 1)))
    return np.split(keys, np.cumsum([len(group) for group, _ in pairs])[:-1])


def quantiles(values: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Compute quantiles with linear interpolation (numpy's default); zeros for no values."""
    if not len(values):
        return [0.0] * len(shares)
    return [float(value) for value in np.quantile(values, shares)]


def group_quantiles(values: np.ndarray, first: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Compute `quantiles` of many groups at once.

    values: [n], group after group; group g is `first[g]:first[g + 1]`, none empty. -> float64[shares, groups]
    """
    sizes = np.diff(first)
    ordered = _ordered(values, first).astype(np.float64)
    result = np.empty((len(shares), len(sizes)))
    for at, share in enumerate(shares):
        position = share * (sizes - 1)
        low = np.floor(position).astype(np.int64)
        part = position - low
        below, above = ordered[first[:-1] + low], ordered[first[:-1] + np.minimum(low + 1, sizes - 1)]
        # interpolate from the nearer end, which rounds as numpy does
        rise = above - below
        result[at] = np.where(part < 0.5, below + rise * part, above - rise * (1 - part))
    return result


def known_values(values: np.ndarray, known: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Remove unknown values. -> the known ones, and the beginning of each group among them: int64[k + 1]

    known: bool[n]; group g is `first[g]:first[g + 1]`.
    """
    if known.all():
        return values, first
    before = np.concatenate(([0], np.cumsum(known)))
    return values[known], before[first]


def known_quantiles(values: np.ndarray, known: np.ndarray, first: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Compute the quantiles of the known values of each group: float64[shares, groups], NaN for a group without any.

    known: bool[n]; group g is `first[g]:first[g + 1]`, which may be empty.
    """
    values, begins = known_values(values, known, first)
    there = np.flatnonzero(np.diff(begins) > 0)
    found = np.full((len(shares), len(first) - 1), np.nan)
    if len(there):
        found[:, there] = group_quantiles(values, np.append(begins[there], begins[-1]), shares)
    return found


def _ordered(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sort the values within each group: int64[n], group after group."""
    sizes = np.diff(first)
    group = np.repeat(np.arange(len(sizes)), sizes)
    least = int(values.min()) if len(values) else 0
    step = (int(values.max()) if len(values) else 0) - least + 1
    if step * len(sizes) + abs(least) < 1 << 63:
        # combine group and value in one number: sorting plain numbers takes a quarter of the time of argsort
        moved = group * step - least
        ordered: np.ndarray = np.sort(values + moved) - moved
        return ordered
    return values[np.lexsort((values, group))]


def group_slices(group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gather equal numbers.

    group: int[n]. -> order int[n] that brings equal ones together (each in input order), the distinct numbers
    ascending int[k], and where each begins in that order, int[k + 1].
    """
    order = _stable_order(group)
    ordered = group[order]
    begins = np.ones(len(group), bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(begins)
    return order, ordered[first], np.append(first, len(group))


def _stable_order(group: np.ndarray) -> np.ndarray:
    """Compute the stable sort order: int64[n]."""
    if not len(group) or int(group.min()) < 0 or int(group.max()) >= 1 << 32:
        return np.argsort(group, kind="stable")
    # numpy uses a radix sort for 16 bits, which takes a fraction of the time
    low = group.astype(np.uint16)
    if int(group.max()) < 1 << 16:
        return np.argsort(low, kind="stable")
    order: np.ndarray = np.lexsort((low, (group >> 16).astype(np.uint16)))
    return order


def count_in_groups(distinct: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Count how often each of the distinct values occurs among the numbers: int64[k].

    distinct: ascending; has every number.
    """
    counts: np.ndarray = np.bincount(np.searchsorted(distinct, numbers), minlength=len(distinct))
    return counts


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Positions grouped by number, so that lookups need no scan."""

    order: np.ndarray
    """int64[n], the positions, group after group, ascending within each."""
    distinct: np.ndarray
    """int[k], the numbers of the groups, ascending."""
    first: np.ndarray
    """int64[k + 1]: group `g` is `order[first[g]:first[g + 1]]`."""

    def of(self, number: int) -> np.ndarray:
        """Return the positions of a number, int64, ascending; empty for an unknown number."""
        at = int(np.searchsorted(self.distinct, number))
        if at == len(self.distinct) or self.distinct[at] != number:
            return self.order[:0]
        return self.order[self.first[at] : self.first[at + 1]]

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each number with its positions, numbers ascending."""
        bounds = self.first.tolist()
        for number, begin, end in zip(self.distinct.tolist(), bounds, bounds[1:], strict=False):
            yield number, self.order[begin:end]


def group_positions(group: np.ndarray) -> Groups:
    """Group positions by number. group: int[n]."""
    return Groups(*group_slices(group))
