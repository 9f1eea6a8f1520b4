"""Outcomes of the requests in which errors began.

The outcome of an origin is the first that applies:

- failed the request: it is, or propagates to, an error between the main root and the request span, inclusive;
- unknown: the root above it is an orphan, so its caller is is_unknown;
- in the background: an asynchronous step lies above it, or a root that is not the main one and has a link; or it, or a
  span above it up to the topmost error that it propagates to, outlasted its parent by more than the tolerance;
- handled. A sub-case is retried: a later attempt of it, or of a span above it and below the first that recovered,
  succeeded, and no error above that attempt shares the origin's message template.
"""

from __future__ import annotations

import enum
from weakref import WeakKeyDictionary

import numpy as np

from tracetui.analysis.error_causes import ErrorCauses, find_causes, tolerance
from tracetui.analysis.error_facts import shares_template
from tracetui.analysis.requests import request_errors
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet


class Outcome(enum.IntEnum):
    """Outcome of the request in which an error began."""

    NONE = 0
    """Not an origin."""
    FAILED = 1
    UNKNOWN = 2
    BACKGROUND = 3
    HANDLED = 4
    RETRIED = 5
    """Handled by a later attempt."""


def outcomes(traces: TraceSet) -> np.ndarray:
    """uint8[n] of `Outcome`, cached with the set."""
    known = _known.get(traces)
    if known is None:
        known = _known[traces] = _Outcomes(find_causes(traces)).of_all()
    return known


_known: WeakKeyDictionary[TraceSet, np.ndarray] = WeakKeyDictionary()


class _Outcomes:
    def __init__(self, found: ErrorCauses) -> None:
        self.found, self.traces = found, found.traces
        pairs = zip(found.propagated, found.explained, strict=True)
        self.origins = np.array([i for i, either in enumerate(pairs) if either == (0, 0)], np.int64)
        self._superseded = set(found.superseded.tolist())
        self._latest_attempts: dict[int, int] = {}
        self._reported_above: dict[tuple[int, str], bool] = {}

    def of_all(self) -> np.ndarray:
        traces, found = self.traces, self.found
        result = np.zeros(len(traces), np.uint8)
        if not len(self.origins):
            return result
        spans = found.spans[self.origins]
        failed, topmost = self._failed_and_topmost()
        unknown = (
            _below(traces, np.flatnonzero((traces.parent < 0) & ((traces.flags & int(Flag.ORPHAN)) > 0)), spans) > 0
        )
        background = self._in_background(spans, topmost)
        outcome = np.where(
            failed,
            Outcome.FAILED,
            np.where(unknown, Outcome.UNKNOWN, np.where(background, Outcome.BACKGROUND, Outcome.HANDLED)),
        )
        if len(found.superseded):
            passed = _below(traces, found.superseded, spans) > 0
            for at in np.flatnonzero((outcome == Outcome.HANDLED) & passed).tolist():
                if self._retried(int(self.origins[at])):
                    outcome[at] = Outcome.RETRIED
        result[spans] = outcome
        return result

    def _failed_and_topmost(self) -> tuple[np.ndarray, np.ndarray]:
        """Find for each origin whether it failed the request, bool[m], and the span of the topmost error that it
        propagates to, or its own: int64[m].
        """
        traces, found = self.traces, self.found
        of_request = np.isin(found.spans, request_errors(traces)).tolist()
        nearest = [-1] * len(found.spans)
        for i, up in enumerate(found.above):
            nearest[i] = i if of_request[i] else nearest[up] if up >= 0 else -1
        failed, topmost = [], []
        for i in self.origins.tolist():
            fails, top = of_request[i], found.topmost(i)
            if top is None:
                top = i
                for top in found.propagated_to(i):
                    fails = fails or of_request[top]
            elif top != i:
                # in pre-order the topmost one comes first
                fails = fails or nearest[found.above[i]] >= top
            failed.append(fails)
            topmost.append(int(found.spans[top]))
        return np.array(failed, bool), np.array(topmost)

    def _in_background(self, spans: np.ndarray, topmost: np.ndarray) -> np.ndarray:
        traces, found = self.traces, self.found
        roots = np.flatnonzero((traces.parent < 0) & (traces.link_bytes > 0))
        main = set(traces.main_root.tolist())
        linked = np.array([root for root in roots.tolist() if root not in main and traces.links(root)], np.int64)
        asynchronous = np.concatenate((np.flatnonzero(found.steps), linked))
        outlasted = np.flatnonzero(self._outlasted_parent())
        background: np.ndarray = _below(traces, asynchronous, spans) > 0
        above = traces.parent[topmost]
        on_top = np.where(above >= 0, _below(traces, outlasted, np.maximum(above, 0)), 0)
        background |= _below(traces, outlasted, spans) > on_top
        return background

    def _outlasted_parent(self) -> np.ndarray:
        """bool[n], spans that ended after their parent by more than the tolerance; false across skewed hosts."""
        traces = self.traces
        has_parent = traces.parent >= 0
        is_unknown = (traces.flags & int(Flag.NO_DURATION)) > 0
        timed = has_parent & ~is_unknown & ~is_unknown[traces.parent]
        timed &= traces.end - traces.end[traces.parent] > tolerance(traces)
        for trace in self.found.skewed.traces():
            first = int(traces.first[trace])
            here = first + np.flatnonzero(timed[first : int(traces.first[trace + 1])])
            for span in here.tolist():
                timed[span] = not self.found.skewed.skewed(span, int(traces.parent[span]))
        outlasted: np.ndarray = timed
        return outlasted

    def _retried(self, i: int) -> bool:
        found = self.found
        attempt = self._topmost_attempt(int(found.spans[i]))
        return attempt >= 0 and not self._is_reported_above(attempt, found.facts.template(i))

    def _topmost_attempt(self, span: int) -> int:
        """Find the topmost span, at or above this one and below the first that recovered, after which a later attempt
        succeeded; -1 for none.
        """
        path, found = [], -1
        while span >= 0 and not self.found.recovered(span):
            if span in self._latest_attempts:
                found = self._latest_attempts[span]
                break
            path.append(span)
            span = int(self.traces.parent[span])
        for passed in reversed(path):
            if found < 0 and passed in self._superseded:
                found = passed
            self._latest_attempts[passed] = found
        return found

    def _is_reported_above(self, span: int, template: str) -> bool:
        """Test whether an error above a span shares this message template."""
        known = self._reported_above.get((span, template))
        if known is None:
            found = self.found
            up = int(np.searchsorted(found.spans, span)) - 1
            while up >= 0 and self.traces.subtree_end[found.spans[up]] <= span:
                up = found.nearest_above[up]
            while up >= 0 and not shares_template(template, found.facts.template(up)):
                up = found.nearest_above[up]
            known = self._reported_above[span, template] = up >= 0
        return known


def _below(traces: TraceSet, tops: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Count the tops at or above each of these spans: int64[m]. tops: distinct."""
    step = np.zeros(len(traces) + 1, np.int64)
    step[tops] += 1
    np.subtract.at(step, traces.subtree_end[tops], 1)
    counts: np.ndarray = np.cumsum(step)[spans]
    return counts
