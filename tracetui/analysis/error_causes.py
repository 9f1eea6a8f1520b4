"""Error causes: which errors caused the errors above them, and how far each propagates.

An error L is a cause of an error U above it unless

- a span between them recovered: it is explicitly OK, or is not an error and has HTTP status below 400 or gRPC status 0;
- work went on: L and U share no message template, U has a message, no error lies between, and below U, or below a span
  between, a call to another peer began after L had ended;
- an asynchronous step lies between, or L ended after U by more than the tolerance, 10 ms or 5 % of L's duration;
- a later attempt of L, or of a span between, succeeded, and L and U share no message template;
- L is an explained cancellation (see `analysis.explained_cancellations`).

Details: an empty message shares no template with any other. "Work went on" also applies to U itself, without a span
between. Times are not compared across skewed hosts or with a span whose end is unknown: such a test fails. Orphans have
no common ancestor, so nothing propagates between them.

Errors that are not separated by recovered spans or asynchronous steps form trees. One pass from the leaves finds for
each error whether an error below caused it. The errors that an origin propagates to are found by climbing from it.
Usually they are all errors on the way up to some topmost one; then only that one is stored.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import cast

import numpy as np

from tracetui.analysis.attempts import succeeded_later
from tracetui.analysis.error_facts import ErrorFacts, has_success_code, shares_template
from tracetui.analysis.explained_cancellations import explained_cancellations
from tracetui.analysis.requests import explicit_ok
from tracetui.analysis.skew import SkewedHosts
from tracetui.analysis.work_after_failure import WorkAfterFailure
from tracetui.model.span import Flag, Kind, Status
from tracetui.model.traces import TraceSet

TOLERANCE_NS = 10_000_000
"""Shortest time by which a span may outlast another that waited for it; more for long spans."""
_TOLERANCE_PART = 20
_ALWAYS, _NEVER, _NONE = -(1 << 63), 1 << 63, 1 << 64
"""A time before and one after all others, and the value for none."""
_ALL_HOSTS = -1
_OK = int(Status.OK)

_Threshold = dict[tuple[int, str, bool], int]
"""Candidate causes by host, template, and whether a later attempt succeeded on the way up. The value is the least
end that an error above must have.
"""


def tolerance(traces: TraceSet) -> np.ndarray:
    """int64[n], nanoseconds by which each span may outlast its caller."""
    longer: np.ndarray = np.maximum(TOLERANCE_NS, traces.duration // _TOLERANCE_PART)
    return longer


class ErrorCauses:
    """Causes among the errors of a set. Error `i` is span `spans[i]`; in pre-order, so those above come first."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces
        self.facts = facts = ErrorFacts(traces)
        self.skewed = SkewedHosts(traces)
        self.steps = async_steps(traces)
        self.spans = facts.spans
        self.nearest_above = _nearest_above(self.spans, traces.subtree_end)
        """For each error the nearest error above it; -1 for none."""
        self._recovered: dict[int, bool] = {}
        self.above, unrecovered = self._undivided()
        """The same, but also -1 if a span that recovered, or an asynchronous step, lies between."""
        examined = np.concatenate((self.spans, np.array(unrecovered, np.int64)))
        self.superseded = examined[succeeded_later(traces, examined, self.skewed)]
        """Spans after which a later attempt succeeded, among the errors and the spans above them."""
        self.explained = explained_cancellations(facts, self.nearest_above, self.steps, self.skewed)
        unknown = ((traces.flags[self.spans] & int(Flag.NO_DURATION)) > 0).tolist()
        ends = traces.end[self.spans]
        least = (ends - tolerance(traces)[self.spans]).tolist()
        self._end = [_NEVER if is_unknown else end for is_unknown, end in zip(unknown, ends.tolist(), strict=True)]
        self._least = [_ALWAYS if is_unknown else end for is_unknown, end in zip(unknown, least, strict=True)]
        self._went_on = self._work_went_on(unknown)
        self._set_trees()
        self.propagated = self._propagated()
        """For each error 1 if an error below caused it, else 0."""
        self._topmost = self._topmost_errors()

    def recovered(self, span: int) -> bool:
        """Test whether a span is not an error and its own status or code means success, so that it ends a failure."""
        known = self._recovered.get(span)
        if known is None:
            is_error, is_ok = bool(self.traces.error[span]), self.traces.status[span] == _OK
            known = self._recovered[span] = not is_error and (bool(is_ok) or has_success_code(self.traces, span))
        return known

    def _undivided(self) -> tuple[list[int], list[int]]:
        """Climb from every error to the next one, or to the span in between that separates them.

        -> `above`, and the spans passed
        """
        traces = self.traces
        number = np.full(len(traces), -1, np.int32)
        number[self.spans] = np.arange(len(self.spans), dtype=np.int32)
        # reading single items of a memory view takes a third of the time of a column
        numbers, parents, steps = number.data, traces.parent.data, self.steps.data
        is_step = self.steps[self.spans].tolist()
        is_ok = explicit_ok(traces).data
        known: dict[int, int] = {}
        above, on_the_way = [], []
        for i, span in enumerate(self.spans.tolist()):
            found = -1
            path = []
            at = -1 if is_step[i] else parents[span]
            while at >= 0:
                if (found := numbers[at]) >= 0:
                    break
                if at in known:
                    found = known[at]
                    break
                path.append(at)
                recovered = self._recovered[at] = bool(is_ok[at]) or has_success_code(traces, at)
                if recovered:
                    break
                on_the_way.append(at)
                if steps[at]:
                    break
                at = parents[at]
            for passed in path:
                known[passed] = found
            above.append(found)
        return above, on_the_way

    def _work_went_on(self, unknown: list[bool]) -> bytearray:
        """For each error 1 if the error directly above it went on with other work, and so failed for another reason,
        else 0.
        """
        facts, found = self.facts, bytearray(len(self.spans))
        work = WorkAfterFailure(self.traces, self.skewed)
        for i, up in enumerate(self.above):
            if up < 0 or unknown[i] or not facts.messages[up] or facts.messages[i] == facts.messages[up]:
                continue
            if not shares_template(facts.template(i), facts.template(up)):
                found[i] = work.exists(int(self.spans[i]), int(self.spans[up]))
        return found

    def _set_trees(self) -> None:
        """Find where later attempts succeeded, and in which trees of errors hosts and templates must be compared."""
        count, traces = len(self.spans), self.traces
        self._retried_below = bytearray(count)
        """1 if a later attempt succeeded of the error, or of a span between it and the error directly above."""
        if len(self.superseded):
            steps = np.zeros(len(traces) + 1, np.int64)
            np.add.at(steps, self.superseded, 1)
            np.subtract.at(steps, traces.subtree_end[self.superseded], 1)
            passed = np.cumsum(steps)[self.spans].tolist()
            for i, up in enumerate(self.above):
                self._retried_below[i] = up >= 0 and passed[i] > passed[up]
        skewed = np.isin(traces.trace[self.spans], list(self.skewed.traces())).tolist()
        tree = list(range(count))
        self._retried_above = bytearray(count)
        for i, up in enumerate(self.above):
            if up >= 0:
                tree[i] = tree[up]
                self._retried_above[i] = self._retried_below[i] or self._retried_above[up]
        special = {tree[i] for i in range(count) if skewed[i] or self._retried_below[i]}
        self._special = bytearray(top in special for top in tree)
        self._host = [
            self.skewed.host(int(span)) if is_skewed else _ALL_HOSTS
            for span, is_skewed in zip(self.spans, skewed, strict=True)
        ]

    # --- errors with a cause below them ------------------------------------------------------------------------------

    def _propagated(self) -> bytearray:
        """Find the errors that an error below caused: for each error 1 if there is one, else 0."""
        count = len(self.spans)
        found = bytearray(count)
        below = [_NONE] * count
        states: dict[int, _Threshold] = {}
        end, least = self._end, self._least
        for i in range(count - 1, -1, -1):
            up = self.above[i]
            if up < 0:
                continue
            if self._special[i]:
                found[up] |= self._pass_up(i, up, states)
                continue
            own = _NONE if self.explained[i] else least[i]
            if below[i] <= end[up] or (own <= end[up] and not self._went_on[i]):
                found[up] = 1
            below[up] = min(below[up], below[i], own)
        return found

    def _pass_up(self, i: int, up: int, states: dict[int, _Threshold]) -> bool:
        """Pass the state at and below an error to the one above. -> whether it contains a cause of that one"""
        state = self._crossed(i, states.pop(i, {}))
        own = self._crossed(i, self._own(i))
        is_cause = self._holds_cause(state, up) or (not self._went_on[i] and self._holds_cause(own, up))
        known = states.get(up)
        if known is None or len(known) < len(state):
            state, known = known or {}, state
        states[up] = known
        _merge(known, state)
        _merge(known, own)
        return is_cause

    def _own(self, i: int) -> _Threshold:
        """Return the state of an error by itself; empty for an explained cancellation, which causes nothing."""
        if self.explained[i]:
            return {}
        # the template only matters if a later attempt succeeded further up
        text = self.facts.template(i) if self._retried_above[i] else ""
        return {(self._host[i], text, False): self._least[i]}

    def _crossed(self, i: int, state: _Threshold) -> _Threshold:
        """Reduce a state to what survives on the way from an error to the one above."""
        if not self._retried_below[i]:
            if self._retried_above[i]:
                return state
            simple: _Threshold = {}
            for (host, text, retried), least in state.items():
                _merge(simple, {(host, text if retried else "", retried): least})
            return simple if len(simple) < len(state) else state
        crossed: _Threshold = {}
        for (host, text, _), least in state.items():
            if text:
                _merge(crossed, {(host, text, True): least})
        return crossed

    def _holds_cause(self, state: _Threshold, up: int) -> bool:
        """Test whether a state contains a cause of an error above."""
        pairs = self.skewed.pairs(int(self.traces.trace[self.spans[up]]))
        return any(
            (least <= self._end[up] or (host, self._host[up]) in pairs)
            and (not retried or shares_template(text, self.facts.template(up)))
            for (host, text, retried), least in state.items()
        )

    # --- errors that an error propagates to --------------------------------------------------------------------------

    def _topmost_errors(self) -> list[int]:
        """Find the topmost error that each error propagates to, itself if there is none; -1 if it does not propagate to
        all errors on the way there.
        """
        end, least, above = self._end, self._least, self.above
        latest = [_ALWAYS] * len(above)
        """The latest end of the errors above."""
        only = [-1] * len(above)
        for i, up in enumerate(above):
            if up >= 0:
                latest[i] = max(end[up], latest[up])
            if up < 0 or self.explained[i]:
                only[i] = i
            elif self._special[i]:
                continue
            elif latest[i] < least[i]:
                only[i] = i
            elif least[i] <= end[up] and not self._went_on[i] and only[up] >= 0:
                top = only[up]
                only[i] = top if above[top] < 0 or latest[top] < least[i] else -1
        return only

    def topmost(self, i: int) -> int | None:
        """Return the topmost error that error `i` propagates to, itself if there is none; None if it does not propagate
        to all errors on the way there, so that only `propagated_to` lists them.
        """
        return None if self._topmost[i] < 0 else self._topmost[i]

    def propagated_to(self, i: int) -> Iterator[int]:
        """Yield the errors that error `i` propagated to, directly or indirectly, from the nearest upwards."""
        top = self._topmost[i]
        if top >= 0:
            while i != top:
                i = self.above[i]
                yield i
            return
        if not self._special[i]:
            yield from self._propagated_by_time(i)
            return
        state: _Threshold = {}
        below, is_source = i, True
        while (up := self.above[below]) >= 0:
            own = self._crossed(below, self._own(below)) if is_source else {}
            state = self._crossed(below, state)
            is_source = self._holds_cause(state, up) or (not self._went_on[below] and self._holds_cause(own, up))
            if is_source:
                yield up
            _merge(state, own)
            below = up

    def _propagated_by_time(self, i: int) -> Iterator[int]:
        """Compute `propagated_to` for trees without skewed hosts and later attempts."""
        end, above = self._end, self.above
        earlier, own = _NONE, _NONE if self.explained[i] else self._least[i]
        while (up := above[i]) >= 0:
            is_caused = earlier <= end[up] or (own <= end[up] and not self._went_on[i])
            earlier = min(earlier, own)
            own = self._least[up] if is_caused and not self.explained[up] else _NONE
            if is_caused:
                yield up
            i = up

    def is_cause(self, low: int, high: int) -> bool:
        """Test whether an error is a cause of one above it."""
        if self.explained[low]:
            return False
        retried, at = False, low
        while at >= 0 and at != high:
            retried |= bool(self._retried_below[at])
            at = self.above[at]
        if at < 0 or low == high or (self.above[low] == high and self._went_on[low]):
            return False
        below, above = int(self.spans[low]), int(self.spans[high])
        in_time = self._least[low] <= self._end[high] or self.skewed.skewed(below, above)
        return in_time and (not retried or shares_template(self.facts.template(low), self.facts.template(high)))


def _merge(state: _Threshold, other: _Threshold) -> None:
    """Add the candidates of another state, in place."""
    for key, least in other.items():
        if least < state.get(key, _NONE):
            state[key] = least


def _nearest_above(spans: np.ndarray, subtree_end: np.ndarray) -> list[int]:
    """Find for each of these spans the nearest one of them above it, -1 for none. spans: ascending."""
    ends = subtree_end[spans].tolist()
    opened: list[int] = []
    above = []
    for i, span in enumerate(spans.tolist()):
        while opened and ends[opened[-1]] <= span:
            opened.pop()
        above.append(opened[-1] if opened else -1)
        opened.append(i)
    return above


def find_causes(traces: TraceSet) -> ErrorCauses:
    """Find the causes among the errors of a set, cached with the set."""
    found: ErrorCauses | None = traces.results.get(ErrorCauses)
    if found is None:
        # a reference cycle through the set would keep it alive, as garbage collection skips early objects
        found = traces.results[ErrorCauses] = ErrorCauses(cast("TraceSet", weakref.proxy(traces)))
    return found


def async_steps(traces: TraceSet) -> np.ndarray:
    """bool[n], true if the step from the span's parent to the span is asynchronous: the parent did not wait.

    The definitions are OpenTelemetry's for messaging (a CONSUMER below the PRODUCER of its message) and OpenTracing's
    FOLLOWS_FROM. A root has no such step. A link is not a step, as it never makes a parent; calls by link are in
    `analysis.dependencies`.
    """
    has_parent = traces.parent >= 0
    steps: np.ndarray = has_parent & ((traces.flags & int(Flag.FOLLOWS_FROM)) > 0)
    consumers = np.flatnonzero(has_parent & (traces.kind == Kind.CONSUMER))
    steps[consumers[traces.kind[traces.parent[consumers]] == Kind.PRODUCER]] = True
    return steps
