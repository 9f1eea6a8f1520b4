"""Durations, response times, self times, critical paths and shares (sections 3 to 5).

Readings where the definition leaves room:

- A root that is the main one takes its path whatever its kind.
- File order of a folded span is that of its first record.
- A child without an end takes time from its parent's self time as far as it reaches, as it does on the path.
- A child without a start is left out of the path even where its end is known; its children count as its parent's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

Span = dict[str, Any]
Section = tuple[Span, int, int]


def durations(trace: Span) -> tuple[int, int]:
    """Trace duration and response time in ns: section 3."""
    spans, main = trace["spans"], trace["main"]
    whole = max(span["reach"] for span in spans) - min(span["start"] for span in spans)
    return whole, whole if main["orphan"] else main["reach"] - main["start"]


def root_missing(trace: Span) -> bool:
    return bool(trace["main"]["orphan"])


def is_pruned(span: Span) -> bool:
    """Section 4: only a CONSUMER below a PRODUCER is pruned."""
    return span["up"] is not None and span["kind"] == "CONSUMER" and span["up"]["kind"] == "PRODUCER"


def self_time(span: Span) -> int | None:
    """Section 3: its duration minus the union of its children's intervals clipped to it."""
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
    """Section 4, steps 1 to 3: the sections of one root in time order."""
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
    """Step 2; sections are appended from the last to the first."""
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
    """Step 1: cut to the clipped parent; what lies wholly outside has no length left."""
    return max(span["start"], start), min(span["reach"], end)


def counted_children(span: Span) -> list[Span]:
    """Children that take part; those of a child without a start stand in for it (section 1, "Missing times")."""
    found = []
    for child in span["down"]:
        if is_pruned(child):
            continue
        found += counted_children(child) if child["no_start"] else [child]
    return found


# Several roots


def sections(trace: Span) -> list[Section]:
    """Section 4, "Several roots": the paths of a trace laid over each other, none counted where another is."""
    main = trace["main"]
    others = sorted((r for r in trace["roots"] if r is not main), key=lambda r: (r["start"], r["order"]))
    laid: list[Section] = []
    for root in [main, *others]:
        if root is main or root["kind"] != "CONSUMER":
            laid += [piece for section in path(root) for piece in uncovered(section, laid)]
    return sorted(laid, key=lambda section: section[1])


def uncovered(section: Section, laid: list[Section]) -> list[Section]:
    """What of a section lies where no earlier path counts."""
    span, start, end = section
    left = []
    for _, other_start, other_end in sorted(laid, key=lambda s: s[1]):
        if other_end <= start or other_start >= end:
            continue
        if other_start > start:
            left.append((span, start, other_start))
        start = max(start, other_end)
    if start < end:
        left.append((span, start, end))
    return left


def units_of_work(trace: Span) -> list[Span]:
    """Section 4, "Asynchronous work": pruned CONSUMER spans, and CONSUMER roots other than the main one."""
    pruned = [span for span in trace["spans"] if is_pruned(span)]
    return pruned + [root for root in trace["roots"] if root is not trace["main"] and root["kind"] == "CONSUMER"]


def is_asynchronous_work(span: Span, trace: Span) -> bool:
    """Whether it lies in a unit of work of its own."""
    at: Span | None = span
    units = units_of_work(trace)
    while at is not None:
        if any(at is unit for unit in units):
            return True
        at = at["up"]
    return False


# Operations


def bottlenecks(traces: list[Span]) -> dict[tuple[str, str], Span]:
    """Per (service, operation), section 5: its time on the paths of the traces in which it occurs, and its shares."""
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
