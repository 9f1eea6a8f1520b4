"""Pairs of groups of the traces shown, before and after, to compare or to contrast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.model.times import SECOND_NS, UNITS, find_clock, find_time, latest_at_clock
from tracetui.model.traces import TraceSet
from tracetui.query.trace_set_split import (
    ChangedAttribute,
    Split,
    changed_attributes,
    is_version,
    split_at_moment,
    split_by_change,
)
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.scatter import MarkedTime
from tracetui.tui.background_work import Work
from tracetui.tui.state import Look, State
from tracetui.tui.widgets.choice import Option
from tracetui.tui.widgets.scatter import Scatter

_LONGEST_VALUE = 40
_MAX_CHANGES = 50
_MAX_MARKED = 3
_MAX_EXAMINED = 100
"""Largest number of attributes examined for changes to mark in the plot, each time traces are loaded."""


@dataclass(frozen=True, slots=True)
class GroupPair:
    """Two groups to choose in a dialog."""

    option: Option
    split: Callable[[], Split]
    """Computes the groups. Raises UsageError if one of them is empty."""
    moment_ns: int | None = None
    """Time between the groups, if the user chose one."""


def pair_at(traces: TraceSet, moment: int, look: Look) -> GroupPair | None:
    """Return the pair before and after the cursor's time, in nanoseconds; None if all traces are on one side."""
    text = f"{numbers.clock(moment, look.local_time)} {numbers.zone(moment, look.local_time)}"
    pair = _pair_at(traces, moment, text, "at", f"before and after {text}, at the cursor")
    return pair if 0 < int((traces.trace_start >= moment).sum()) < traces.trace_count else None


def typed_pair(text: str, traces: TraceSet, look: Look) -> GroupPair | None:
    """Return the pair before and after a typed time, such as `10:05`; None for other text."""
    moment = _typed_moment(text, traces, look)
    if moment is None:
        return None
    zone = "" if look.local_time else " UTC"
    return _pair_at(traces, moment, text.strip(), f"typed {text}", f"before and after {text.strip()}{zone}")


def _pair_at(traces: TraceSet, moment: int, text: str, value: str, label: str) -> GroupPair:
    after = int((traces.trace_start >= moment).sum())
    option = Option(value, label, f"{traces.trace_count - after:,} before, {after:,} after")
    return GroupPair(option, partial(split_at_moment, traces, moment, text), moment)


def _typed_moment(text: str, traces: TraceSet, look: Look) -> int | None:
    """Parse a time of day, in the zone of the screen, or a time with its date. -> ns since the epoch"""
    clock = find_clock(text)
    if clock is None or not traces.trace_count:
        return find_time(text)
    first, last = int(traces.trace_start.min()), int(traces.trace_start.max())
    if look.local_time:
        offset = datetime.fromtimestamp(last // SECOND_NS, UTC).astimezone().utcoffset()
        clock = (clock - round((offset or timedelta()).total_seconds()) * SECOND_NS) % UNITS["d"]
    return latest_at_clock(clock, first, last)


def pairs_by_change(traces: TraceSet, look: Look) -> list[GroupPair]:
    """Find attributes that change over time, and return a pair for each: versions, then the most recent change."""
    changes = sorted(changed_attributes(traces), key=lambda change: not is_version(change.key))[:_MAX_CHANGES]
    return [_pair_of(traces, change, number, look) for number, change in enumerate(changes)]


def _pair_of(traces: TraceSet, change: ChangedAttribute, number: int, look: Look) -> GroupPair:
    label = f"{_change_text(change, look)} in {safe(change.service)}"
    note = f"since {numbers.clock(change.since_ns, look.local_time, 0)}"
    return GroupPair(Option(f"change {number}", label, note), partial(split_by_change, traces, change))


def change_moments(traces: TraceSet, look: Look) -> list[MarkedTime]:
    """Find the times of changes of attributes, to be marked in the plot: of versions, then the most recent ones.

    Among few traces, an attribute such as the name of a host changes by chance.
    """
    if traces.trace_count < FEW_SAMPLES:
        return []
    found = changed_attributes(traces, _MAX_EXAMINED)
    changes = sorted(found, key=lambda change: not is_version(change.key))[:_MAX_MARKED]
    return [MarkedTime(change.since_ns, _change_text(change, look).removeprefix("service.")) for change in changes]


def _change_text(change: ChangedAttribute, look: Look) -> str:
    before, after = (safe(text, _LONGEST_VALUE) for text in change.values)
    return f"{safe(change.key)} {before} {look.glyphs.sync_call} {after}"


class OfferedPairs:
    """Pairs that an open dialog offers: changes, the time at the cursor, and a typed time."""

    def __init__(self, state: State, under_cursor: Callable[[], int | None]) -> None:
        """`under_cursor` returns the trace under the cursor."""
        self._state, self._under_cursor = state, under_cursor
        self._pairs: list[GroupPair] = []
        self._typed: GroupPair | None = None

    def begin(self) -> None:
        """Offer the time at the cursor, until the changes are known."""
        self._pairs, self._typed = self._pair_at_cursor(), None

    def find_changes(self) -> list[GroupPair]:
        """Pairs by attributes that change among the traces shown. Runs in a thread."""
        analysis, look = self._state.analysis, self._state.look
        return pairs_by_change(analysis.traces, look) if analysis is not None else []

    def set_changes(self, changes: list[GroupPair]) -> None:
        """Offer the changes first, as they are likelier than the time at the cursor."""
        self._pairs = [*changes, *self._pair_at_cursor()]

    @property
    def options(self) -> list[Option]:
        return [pair.option for pair in self._pairs]

    def typed(self, text: str) -> list[Option]:
        """Option for the pair before and after a typed time; none for other text."""
        analysis = self._state.analysis
        self._typed = typed_pair(text, analysis.traces, self._state.look) if analysis is not None else None
        return [self._typed.option] if self._typed is not None else []

    def chosen(self, value: str) -> GroupPair | None:
        """Return the pair of an option's value."""
        offered = [*([self._typed] if self._typed is not None else []), *self._pairs]
        return next((pair for pair in offered if pair.option.value == value), None)

    def _pair_at_cursor(self) -> list[GroupPair]:
        """Pair before and after the selected trace, if there are traces on both sides."""
        state, trace = self._state, self._under_cursor()
        # on the heading of a group, the trace selected before
        trace = state.trace if trace is None else trace
        if trace is None or state.session is None or state.analysis is None:
            return []
        pair = pair_at(state.analysis.traces, int(state.session.loaded.trace_start[trace]), state.look)
        return [pair] if pair is not None else []


class PlotMarks:
    """Finds the times, and marks them."""

    def __init__(self, scatter: Scatter, look: Look, work: Work) -> None:
        self._scatter, self._look, self._work = scatter, look, work
        self._changes: list[MarkedTime] = []
        self._compared: MarkedTime | None = None

    def find(self, analysis: Analysis) -> None:
        """Mark the changes among the traces of an analysis, once they are found."""
        self._work("traces-moments", lambda: change_moments(analysis.traces, self._look), self._show_changes)

    def _show_changes(self, changes: list[MarkedTime]) -> None:
        self._changes = changes
        self._show()

    def mark_comparison(self, moment_ns: int) -> None:
        """Mark the time of a comparison before and after."""
        self._compared = MarkedTime(moment_ns, "before and after")
        self._show()

    def clear(self) -> None:
        """Mark nothing."""
        self._changes, self._compared = [], None
        self._show()

    def _show(self) -> None:
        self._scatter.mark([*self._changes, *([self._compared] if self._compared is not None else [])])
