"""Critical path by its definition, step by step and slowly: one span and one moment after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet

Section = tuple[int, int, int]
"""A span with the start and end of a section."""


def reaches(traces: TraceSet, span: int) -> int:
    """Return the end of a span; without one, the greatest end below it."""
    if not traces.flags[span] & Flag.NO_DURATION:
        return int(traces.end[span])
    return max(int(traces.end[below]) for below in range(span, int(traces.subtree_end[span])))


def is_pruned(traces: TraceSet, span: int) -> bool:
    """Test for a CONSUMER child of a PRODUCER."""
    parent = int(traces.parent[span])
    return parent >= 0 and traces.kind[span] == Kind.CONSUMER and traces.kind[parent] == Kind.PRODUCER


def is_async_root(traces: TraceSet, span: int) -> bool:
    """Test whether asynchronous work begins with a span."""
    if traces.parent[span] >= 0:
        return is_pruned(traces, span)
    main = int(traces.main_root[traces.trace[span]])
    return bool(traces.kind[span] == Kind.CONSUMER) and span != main


def below_async_roots(traces: TraceSet) -> set[int]:
    """Find the spans of asynchronous work."""
    return {
        below
        for span in range(len(traces))
        if is_async_root(traces, span)
        for below in range(span, int(traces.subtree_end[span]))
    }


@dataclass
class _Kept:
    """Spans of one root that take part: their intervals, clipped to their parents', and their children."""

    interval: dict[int, tuple[int, int]]
    children: dict[int, list[int]] = field(default_factory=dict)


def _kept(traces: TraceSet, root: int) -> _Kept:
    kept = _Kept({root: (int(traces.start[root]), reaches(traces, root))})
    dropped: set[int] = set()
    takes_part_as: dict[int, int] = {root: root}
    for span in range(root + 1, int(traces.subtree_end[root])):
        parent = int(traces.parent[span])
        if parent in dropped or is_pruned(traces, span):
            dropped.add(span)
            continue
        above = takes_part_as[parent]
        if traces.flags[span] & Flag.START_REPAIRED:
            # its children count as its parent's
            takes_part_as[span] = above
            continue
        start, end = int(traces.start[span]), reaches(traces, span)
        above_start, above_end = kept.interval[above]
        if start >= above_end or end <= above_start:
            dropped.add(span)
            continue
        takes_part_as[span] = span
        kept.interval[span] = max(start, above_start), min(end, above_end)
        kept.children.setdefault(above, []).append(span)
    return kept


def path_of_root(traces: TraceSet, root: int) -> list[Section]:
    """Return the sections of one root by itself, or of asynchronous work that begins with a span."""
    kept = _kept(traces, root)
    sections: list[Section] = []
    used = {root}
    visits = [(root, kept.interval[root][1])]
    while visits:
        owner, point = visits.pop()
        before = [
            child
            for child in kept.children.get(owner, ())
            if child not in used and kept.interval[child][0] < kept.interval[child][1] <= point
        ]
        if not before:
            sections.append((owner, kept.interval[owner][0], point))
            continue
        last = min(before, key=lambda child: (-kept.interval[child][1], kept.interval[child][0], traces.order[child]))
        used.add(last)
        sections.append((owner, kept.interval[last][1], point))
        visits.append((owner, kept.interval[last][0]))
        visits.append((last, kept.interval[last][1]))
    return merged(sections)


def merged(sections: list[Section]) -> list[Section]:
    """Sort sections by time, without empty ones, and merge neighbours of one span."""
    found: list[Section] = []
    for owner, start, end in sorted(
        (section for section in sections if section[1] < section[2]), key=lambda section: section[1:]
    ):
        if found and found[-1][0] == owner and found[-1][2] == start:
            found[-1] = owner, found[-1][1], end
        else:
            found.append((owner, start, end))
    return found


def path_of_trace(traces: TraceSet, trace: int) -> list[Section]:
    """Merge the paths of a trace's roots: a path counts only where no earlier one does."""
    main = int(traces.main_root[trace])
    roots = [span for span in traces.spans_of(trace) if traces.parent[span] < 0]
    others = sorted((root for root in roots if root != main), key=lambda root: (traces.start[root], traces.order[root]))
    laid: list[Section] = []
    for root in (main, *(root for root in others if not is_async_root(traces, root))):
        for section in path_of_root(traces, root):
            laid += _what_is_free(section, laid)
    return merged(laid)


def _what_is_free(section: Section, laid: list[Section]) -> list[Section]:
    free = [section]
    for _, begin, until in laid:
        free = [
            (owner, *part)
            for owner, start, end in free
            for part in ((start, min(end, begin)), (max(start, until), end))
            if part[0] < part[1]
        ]
    return free
