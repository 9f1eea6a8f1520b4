"""Split a trace set into a group before and one after a change: at a time, or by the values of an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Final

import msgspec
import numpy as np

from tracetui.model.errors import UsageError
from tracetui.model.search import LOOKBACK_NS, Search
from tracetui.model.times import UNITS, find_clock, find_time, latest_at_clock
from tracetui.model.traces import TraceSet
from tracetui.query.complete import sample, value_texts
from tracetui.query.resource_values import ResourceValues, TraceValues, distinct

MAX_VALUES: Final = 5
"""Limit for the values of an attribute from which the latest is chosen; with more, the user must name two."""
_MIN_SINGLE_SHARE: Final = 0.9
"""Smallest share of traces with a single value of an attribute for it to count as an attribute of the trace."""
_MIN_PROBABILITY: Final = 0.9
"""Smallest probability, for a change, that a trace with the new value starts after one with another value."""
_MIN_TRACES: Final = 2
_MAX_SPANS: Final = 200_000
_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class Split:
    """Two groups of the traces of a set."""

    before: np.ndarray
    """bool[traces]"""
    after: np.ndarray
    """bool[traces]"""
    names: tuple[str, str]
    """Descriptions of both groups; may contain untrusted text."""


@dataclass(frozen=True, slots=True)
class ChangedAttribute:
    """Attribute whose value changed at some time."""

    key: str
    service: str
    """Service whose resource has it."""
    values: tuple[str, str]
    """The commonest previous value, and the new one."""
    since_ns: int
    """Start of the first trace with the new value."""


def read_moment(traces: TraceSet, text: str) -> int:
    """Read a time, or a time of day on the day of the traces. -> ns. Raises UsageError for other text."""
    clock = find_clock(text)
    moment = find_time(text)
    if clock is not None and traces.trace_count:
        moment = latest_at_clock(clock, int(traces.trace_start.min()), int(traces.trace_start.max()))
    if moment is None:
        raise UsageError(f"{text!r} is not a time; write 10:05 or 2026-03-10T10:05Z")
    return moment


def search_before(search: Search, text: str) -> Search | None:
    """Limit a search of a server, which sends the newest traces, to those before a time; None if that is impossible.

    A search without a time range reaches as far back from that time as it would from now.
    """
    now = time_ns()
    start, end = search.window(now)
    clock = find_clock(text)
    moment = find_time(text) if clock is None else latest_at_clock(clock, now - UNITS["d"], now)
    if moment is None or moment >= end:
        return None
    if moment <= start:
        if search.start_ns is not None or search.lookback_ns is not None:
            return None
        start = moment - LOOKBACK_NS
    return msgspec.structs.replace(search, start_ns=start, end_ns=moment, lookback_ns=None)


def split_at(traces: TraceSet, text: str) -> Split:
    """Split at a time, as `read_moment` reads it. Raises UsageError if all traces are on one side."""
    return split_at_moment(traces, read_moment(traces, text), text)


def split_at_moment(traces: TraceSet, moment: int, text: str) -> Split:
    """Split at a time in nanoseconds, which the text names. Raises UsageError if all traces are on one side."""
    after = traces.trace_start >= moment
    if after.all() or not after.any():
        side = "before" if not after.any() else "after"
        raise UsageError(f"all {traces.trace_count:,} traces started {side} {text}")
    return Split(~after, after, (f"before {text}", f"from {text} on"))


def split_by(traces: TraceSet, text: str) -> Split:
    """Split by an attribute, given as `KEY` or `KEY=BEFORE,AFTER`.

    Without values, the traces with the latest value are compared with those that have another one. If a trace has
    several values, as each service has its own version, the service in which the attribute changes is used.

    Raises UsageError for an unknown attribute or value, and if there are fewer than two values or too many.
    """
    key, _, named = text.partition("=")
    resources = ResourceValues(traces, key)
    whole = resources.of_set(key) if key in resources.by_key else _values_in_spans(traces, key)
    if not len(whole.trace):
        raise UsageError(f"no trace has an attribute {key}")
    found = whole
    if not _is_single(whole):
        found = max(resources.by_service(key), key=lambda one: _change(traces, one)[0], default=whole)
    if named:
        before, after = _named_values(found if not _missing_values(found, named) else whole, key, named)
        found = found if not _missing_values(found, named) else whole
    else:
        if len(found.texts) > MAX_VALUES:
            raise UsageError(
                f"{key} has {len(found.texts):,} values; name two: --by {key}=BEFORE,AFTER ({_listed(found.texts)})"
            )
        if len(found.texts) < 2:
            raise UsageError(f"{key} has only one value: {found.texts[0]}; there is nothing to compare it with")
        _, before, after = _change(traces, found)
    return _split(traces, key, found, before, after, is_pair=bool(named))


def split_by_change(traces: TraceSet, change: ChangedAttribute) -> Split:
    """Split by a change that `changed_attributes` found: traces with the new value, and those with another one.

    Raises UsageError if the traces have neither.
    """
    services = ResourceValues(traces, change.key).by_service(change.key)
    values = next((one for one in services if one.service == change.service), None)
    if values is None or any(text not in values.texts for text in change.values):
        raise UsageError(f"{change.service} {change.key} has only one value; there is nothing to compare it with")
    before, after = map(values.texts.index, change.values)
    return _split(traces, change.key, values, before, after, is_pair=False)


def _split(traces: TraceSet, key: str, found: TraceValues, before: int, after: int, *, is_pair: bool) -> Split:
    """Compare the traces with two values if `is_pair` or there are only two, else all others with the new value."""
    label = f"{found.service} {key}" if found.service else key
    has_after = found.having(after, traces.trace_count)
    if is_pair or len(found.texts) == 2:
        has_before = found.having(before, traces.trace_count) & ~has_after
        names = (f"{label}={found.texts[before]}", f"{label}={found.texts[after]}")
    else:
        has_before = np.zeros(traces.trace_count, bool)
        has_before[found.trace] = True
        has_before &= ~has_after
        names = (f"other {label}", f"{label}={found.texts[after]}")
    if not has_before.any():
        raise UsageError(f"every trace with {names[0]!r} also has {names[1]!r}")
    return Split(has_before, has_after, names)


def changed_attributes(traces: TraceSet, max_keys: int | None = None) -> list[ChangedAttribute]:
    """Find resource attributes of 2 to 5 values of which a new one replaces the others, as after a deployment.

    The most recent change comes first.

    max_keys: limit for the attributes that are examined, versions first, then those of most resources; None for all.
    """
    resources = ResourceValues(traces)
    keys = [key for key, found in resources.by_key.items() if len(found.numbers) > 1]
    keys.sort(key=lambda key: (not is_version(key), -len(resources.by_key[key].resources), key))
    found = []
    for key in keys[:max_keys]:
        for values in resources.by_service(key):
            if not 2 <= len(values.texts) <= MAX_VALUES:
                continue
            probability, before, after = _change(traces, values)
            starts = traces.trace_start[values.trace]
            new = values.value == after
            if probability >= _MIN_PROBABILITY and min(int(new.sum()), int((~new).sum())) >= _MIN_TRACES:
                texts = values.texts[before], values.texts[after]
                found.append(ChangedAttribute(key, values.service, texts, int(starts[new].min())))
    return sorted(found, key=lambda one: (-one.since_ns, one.key, one.service))


def is_version(key: str) -> bool:
    """Test whether an attribute is a version by its name."""
    return "version" in key


def _values_in_spans(traces: TraceSet, key: str) -> TraceValues:
    """Collect the values of a key in a sample of the spans."""
    numbers: dict[str, int] = {}
    pairs = [
        (int(traces.trace[span]), numbers.setdefault(text, len(numbers)))
        for span in sample(traces, _MAX_SPANS).tolist()
        for text in value_texts(traces.attributes(span).get(key))
    ]
    trace, value = np.array(pairs, np.int64).reshape(-1, 2).T
    return distinct("", list(numbers), trace, value)


def _is_single(values: TraceValues) -> bool:
    _, counts = np.unique(values.trace, return_counts=True)
    return bool((counts == 1).mean() >= _MIN_SINGLE_SHARE)


def _medians(starts: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Compute the median start for each value, each of which occurs: float64[values]."""
    ordered = starts[np.lexsort((starts, value))]
    counts = np.bincount(value)
    first = np.cumsum(counts) - counts
    medians: np.ndarray = (ordered[first + (counts - 1) // 2].astype(np.float64) + ordered[first + counts // 2]) / 2
    return medians


def _change(traces: TraceSet, values: TraceValues) -> tuple[float, int, int]:
    """Find the latest value. -> probability that it comes after another one, the commonest other value, the latest

    The probability, for a random pair of a trace with the latest and one with another value, is that of Mann and
    Whitney (a tie counts half).
    """
    if len(values.texts) < 2:
        return 0.0, 0, 0
    starts = traces.trace_start[values.trace]
    latest = int(np.argmax(_medians(starts, values.value)))
    new, old = np.sort(starts[values.value == latest]), np.sort(starts[values.value != latest])
    earlier = np.searchsorted(old, new, "left") + np.searchsorted(old, new, "right")
    probability = float(earlier.sum()) / (2 * len(new) * len(old))
    counts = np.bincount(values.value, minlength=len(values.texts))
    counts[latest] = 0
    return probability, int(np.argmax(counts)), latest


def _missing_values(values: TraceValues, named: str) -> list[str]:
    return [text for text in _split_pair(named) if text not in values.texts]


def _split_pair(named: str) -> list[str]:
    return [text.strip() for text in named.split(",")]


def _named_values(values: TraceValues, key: str, named: str) -> tuple[int, int]:
    pair = _split_pair(named)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise UsageError(f"--by {key}={named}: name two different values, separated by a comma")
    missing = _missing_values(values, named)
    if missing:
        raise UsageError(f"no trace has {key}={missing[0]}; values: {_listed(values.texts)}")
    return values.texts.index(pair[0]), values.texts.index(pair[1])


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _LISTED:,} more" if len(texts) > _LISTED else ""
    return ", ".join(sorted(texts)[:_LISTED]) + more
