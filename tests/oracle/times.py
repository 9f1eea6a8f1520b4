"""Durations, response times, self times, critical paths and shares (sections 3 to 5).

Interpretations where the definition leaves room:

- The main root has a path whatever its kind.
- The input order of a merged span is that of its first record.
- A child without an end reduces its parent's self time up to its reach, as on the critical path.
- A child without a start is not on the path even if its end is known; its children count as its parent's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

Span = dict[str, Any]
Section = tuple[Span, int, int]


def durations(trace: Span) -> tuple[int, int]:
    """Return trace duration and response time in ns."""
    spans, main = trace["spans"], trace["main"]
    whole = max(span["reach"] for span in spans) - min(span["start"] for span in spans)
    return whole, whole if main["orphan"] else main["reach"] - main["start"]


def root_missing(trace: Span) -> bool:
    return bool(trace["main"]["orphan"])


def is_pruned(span: Span) -> bool:
    """Test for a CONSUMER below a PRODUCER, the only pruned span."""
    return span["up"] is not None and span["kind"] == "CONSUMER" and span["up"]["kind"] == "PRODUCER"


def self_time(span: Span) -> int | None:
    """Return the duration minus the union of the children's intervals clipped to it."""
    if span["length"] is None:
        return None
    children = [(c["start"], c["reach"]) for c in span["down"] if not is_pruned(c)]
    covered, at = 0, span["start"]
    for start, end in sorted(children):
        start, end = max(start, at), min(end, span["end"])
        if end > start:
            covered += end - start
            at = end
    return int(span["length"] - covered)


# One path


def path(root: Span) -> list[Section]:
    """Return the sections of one root in time order."""
    kept: list[tuple[Span, int, int]] = []
    visit(root, root["start"], root["reach"], root["reach"], kept)
    kept.reverse()
    merged: list[Section] = []
    for span, start, end in kept:
        if end <= start:
            continue
        if merged and merged[-1][0] is span and merged[-1][2] == start:
            merged[-1] = (span, merged[-1][1], end)
        else:
            merged.append((span, start, end))
    return merged


def visit(span: Span, start: int, end: int, point: int, sections: list[Section]) -> None:
    """Append sections from the last to the first (step 2)."""
    left = [(child, *clipped(child, start, end)) for child in counted_children(span)]
    left = [(child, s, e) for child, s, e in left if e > s]
    while True:
        candidates = [item for item in left if item[2] <= point]
        if not candidates:
            break
        chosen = min(candidates, key=lambda item: (-item[2], item[1], item[0]["order"]))
        left.remove(chosen)
        child, child_start, child_end = chosen
        sections.append((span, child_end, point))
        visit(child, child_start, child_end, child_end, sections)
        point = child_start
    sections.append((span, start, point))


def clipped(span: Span, start: int, end: int) -> tuple[int, int]:
    """Clip a span to its clipped parent; outside of it no length is left (step 1)."""
    return max(span["start"], start), min(span["reach"], end)


def counted_children(span: Span) -> list[Span]:
    """Return the children that count; those of a child without a start replace it."""
    found: list[Span] = []
    for child in span["down"]:
        if is_pruned(child):
            continue
        found += counted_children(child) if child["no_start"] else [child]
    return found


# Several roots


def sections(trace: Span) -> list[Section]:
    """Merge the paths of a trace without overlap."""
    main = trace["main"]
    others = sorted((r for r in trace["roots"] if r is not main), key=lambda r: (r["start"], r["order"]))
    placed: list[Section] = []
    for root in [main, *others]:
        if root is main or root["kind"] != "CONSUMER":
            placed += [piece for section in path(root) for piece in uncovered(section, placed)]
    return sorted(placed, key=lambda section: section[1])


def uncovered(section: Section, placed: list[Section]) -> list[Section]:
    """List the parts of a section that no earlier path covers."""
    span, start, end = section
    left = []
    for _, other_start, other_end in sorted(placed, key=lambda s: s[1]):
        if other_end <= start or other_start >= end:
            continue
        if other_start > start:
            left.append((span, start, other_start))
        start = max(start, other_end)
    if start < end:
        left.append((span, start, end))
    return left


def units_of_work(trace: Span) -> list[Span]:
    """Find pruned CONSUMER spans, and CONSUMER roots other than the main one."""
    pruned = [span for span in trace["spans"] if is_pruned(span)]
    return pruned + [root for root in trace["roots"] if root is not trace["main"] and root["kind"] == "CONSUMER"]


def is_asynchronous_work(span: Span, trace: Span) -> bool:
    """Test whether a span is in a unit of asynchronous work."""
    at: Span | None = span
    units = units_of_work(trace)
    while at is not None:
        if any(at is unit for unit in units):
            return True
        at = at["up"]
    return False


# Operations


def bottlenecks(traces: list[Span]) -> dict[tuple[str, str], Span]:
    """Compute by (service, operation) the time on the paths of the traces in which it occurs, and its shares (section
    5).
    """
    spent: dict[tuple[str, str], int] = defaultdict(int)
    occurs: dict[tuple[str, str], list[int]] = defaultdict(list)
    count: dict[tuple[str, str], int] = defaultdict(int)
    path_time = [sum(end - start for _, start, end in sections(trace)) for trace in traces]
    for number, trace in enumerate(traces):
        for span, start, end in sections(trace):
            spent[span["service"], span["operation"]] += end - start
        for span in trace["spans"]:
            if not is_asynchronous_work(span, trace):
                key = span["service"], span["operation"]
                count[key] += 1
                if number not in occurs[key]:
                    occurs[key].append(number)
    return {
        key: {
            "mean_critical_ms": spent[key] / len(numbers) / 1e6,
            "share_percent": percent(spent[key], sum(path_time[number] for number in numbers)),
            "total_share_percent": percent(spent[key], sum(path_time)),
            "occurrences": len(numbers),
            "span_count": count[key],
        }
        for key, numbers in occurs.items()
    }


def percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0
