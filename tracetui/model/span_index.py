"""Index of spans by trace and id."""

from __future__ import annotations

import numpy as np

from tracetui.model.ids import GOLDEN_RATIO


class SpanIndex:
    """Finds spans by trace and id, and spans that share both.

    trace: int32[n], key: uint64[n].
    """

    def __init__(self, trace: np.ndarray, key: np.ndarray) -> None:
        self._key = key
        self._trace_bits = max(int(trace.max(initial=0)).bit_length(), 1)
        self._exact: dict[tuple[int, int], int] | None = None
        joined = self._joined(trace, key)
        order = np.argsort(joined)
        joined = joined[order]
        same = joined[1:] == joined[:-1]
        if same.any():
            if (key[order[1:]][same] != key[order[:-1]][same]).any():
                # hash collisions of trace and id
                order = np.lexsort((key, trace))
                same = (key[order[1:]] == key[order[:-1]]) & (trace[order[1:]] == trace[order[:-1]])
                self._exact = {}
                for i, pair in enumerate(zip(trace.tolist(), key.tolist(), strict=True)):
                    self._exact.setdefault(pair, i)
            shares = np.zeros(len(order), bool)
            shares[1:] = same
            leads = ~shares
            shares[:-1] |= same
            at = np.flatnonzero(shares)
            group = np.cumsum(leads)[at]
            # the first in input order comes first in its group, as a lookup returns the first
            order[at] = order[at][np.lexsort((order[at], group))]
            self.shared, self.group = order[at], group
        else:
            self.shared, self.group = np.zeros((2, 0), np.int64)
        self._order, self._sorted = order, joined

    shared: np.ndarray
    """int64[m], the spans that share trace and id with others, group by group, ascending within each."""
    group: np.ndarray
    """int64[m], group number of each entry of `shared`, ascending."""

    def find(self, trace: np.ndarray, key: np.ndarray) -> np.ndarray:
        """Find the first span with each trace and id: int64[m], -1 for none."""
        if not len(self._key):
            return np.full(len(trace), -1, np.int64)
        if self._exact is not None:
            pairs = zip(trace.tolist(), key.tolist(), strict=True)
            return np.array([self._exact.get(pair, -1) for pair in pairs], np.int64)
        wanted = self._joined(trace, key)
        at = np.searchsorted(self._sorted, wanted)
        at[at == len(self._sorted)] = 0
        found = self._order[at]
        hit = (self._sorted[at] == wanted) & (self._key[found] == key)
        return np.where(hit, found, -1)

    def _joined(self, trace: np.ndarray, key: np.ndarray) -> np.ndarray:
        mixed: np.ndarray = (key * GOLDEN_RATIO) >> np.uint64(self._trace_bits)
        mixed |= trace.astype(np.uint64) << np.uint64(64 - self._trace_bits)
        return mixed
