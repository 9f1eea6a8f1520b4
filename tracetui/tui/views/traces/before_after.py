"""Pairs of groups of the traces shown, before and after, to compare or to contrast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tracetui.analysis.stats.groups import FEW_SAMPLES
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
from tracetui.tui.state import Look
from tracetui.tui.widgets.choice import Option

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
    """Return the pair before and after a time, in nanoseconds; None if all traces are on one side."""
    after = int((traces.trace_start >= moment).sum())
    before = traces.trace_count - after
    if not before or not after:
        return None
    text = f"{numbers.clock(moment, look.local_time)} {numbers.zone(moment, look.local_time)}"
    option = Option("at", f"before and after {text}, at the cursor", f"{before:,} before, {after:,} after")
    return GroupPair(option, partial(split_at_moment, traces, moment, text), moment)


def pairs_by_change(traces: TraceSet, look: Look) -> list[GroupPair]:
    """Find attributes that change over time, and return a pair for each, the most recent change first."""
    return [
        _pair_of(traces, change, number, look)
        for number, change in enumerate(changed_attributes(traces)[:_MAX_CHANGES])
    ]


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


def chosen_pair(pairs: Sequence[GroupPair], value: str) -> GroupPair | None:
    """Return the pair of an option's value."""
    return next((pair for pair in pairs if pair.option.value == value), None)
