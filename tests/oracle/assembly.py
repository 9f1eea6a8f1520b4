"""Assembly of traces from records: merging, shared ids, parents, missing times, the main root.

Interpretations where the definition leaves room:

- The error rule is applied to each record ("status is error if any is") before attributes are merged.
- If no status states a failure, it is read from the merged attributes, those of the failing record first.
- "Finer times": times that are not whole microseconds are finest, then those that are not whole milliseconds.
- "The longer": durations that differ only by rounding to whole milliseconds are equal.
- A trace without any known start begins at its least end.
- Spans with one id and the same start are ordered by kind, in the order of OTLP's numbers, then longest first, then by
  names.
- Two missing starts are equal; a missing start differs from a known one.
- Ties in a trace with records from several sources are broken by span id, also for main roots and other roots; in a
  trace from one source, by input order.
- Of the spans of a cycle that start together, the first is the one with the least id, whatever the sources.
- The generator makes no spans that share an id in pairs of both kinds (CLIENT and SERVER, PRODUCER and CONSUMER).
"""

from __future__ import annotations

from collections import defaultdict
from functools import cmp_to_key
from typing import Any

from tests.oracle.read import KINDS
from tests.oracle.status import message, status_of

Span = dict[str, Any]
MS = 1_000_000


def traces(records: list[Span]) -> dict[str, Span]:
    """Assemble traces by id: spans, roots and main root of each."""
    by_trace: dict[str, list[Span]] = defaultdict(list)
    for record in records:
        by_trace[record["trace"]].append(record)
    return {trace: assemble(trace, found) for trace, found in by_trace.items()}


def assemble(trace: str, records: list[Span]) -> Span:
    spans = merged_groups(records)
    if len({record["source"] for record in records}) > 1:
        spans.sort(key=lambda span: (span["id"], span["start"] or 0))
        for order, span in enumerate(spans):
            span["order"] = order
    set_parents(spans)
    set_times(spans)
    for span in spans:
        span["service"] = span["service"] or "unknown_service"
    roots = sorted((span for span in spans if span["up"] is None), key=by_start)
    main = next((root for root in roots if not root["orphan"]), roots[0])
    return {"id": trace, "spans": spans, "roots": roots, "main": main, "duplicates": len(records) - len(spans)}


def by_start(span: Span) -> tuple[float, int]:
    return (float("inf") if span["start"] is None else span["start"], span["order"])


def by_start_and_content(span: Span) -> tuple[Any, ...]:
    """Sort key for spans with one id, independent of their order in the input."""
    content = (KINDS.index(span["kind"]), -(span["duration"] or 0), span["service"], span["name"])
    return (*by_start(span)[:1], *content)


# Merging of records of one span


def merged_groups(records: list[Span]) -> list[Span]:
    """Group the records of each span: whole records by start, then the rest."""
    by_id: dict[str, list[Span]] = defaultdict(list)
    for record in records:
        by_id[record["id"]].append(record)
    spans = []
    for same_id in by_id.values():
        groups: list[list[Span]] = []
        for record in sorted(same_id, key=lambda r: (r["start"] is None or r["end"] is None, *by_start(r))):
            fitting = [group for group in groups if all(is_same_span(record, other) for other in group)]
            if fitting:
                best = min(fitting, key=lambda group: (group[0]["kind"] != "CLIENT", by_start(group[0])))
                best.append(record)
            else:
                groups.append([record])
        spans += [merge_group(group) for group in groups]
    return sorted(spans, key=lambda span: span["order"])


def is_same_span(a: Span, b: Span) -> bool:
    """Test whether two records with one id can be of one span."""
    service = equal_text(a["service"], b["service"])
    if has_no_time(a) or has_no_time(b):
        return service
    if not (service and equal_text(a["name"], b["name"])):
        return False
    if None not in (a["kind"], b["kind"]) and a["kind"] != b["kind"]:
        return False
    if a["end"] is None or b["end"] is None:
        return True
    if a["start"] is None or b["start"] is None:
        return bool(a["start"] == b["start"])
    apart = abs(a["start"] - b["start"])
    whole_ms = a["start"] % MS == 0 or b["start"] % MS == 0
    return bool(apart <= 1000 or (whole_ms and apart < MS))


def has_no_time(record: Span) -> bool:
    return record["start"] is None and record["end"] is None and record["duration"] is None


def equal_text(a: str, b: str) -> bool:
    return a.lower() == b.lower() or not a or not b


def merge_group(group: list[Span]) -> Span:
    """Merge the records of one span: values of the leader take precedence, the rest is combined."""
    group = sorted(group, key=cmp_to_key(precedence))
    leader = group[0]
    span = dict(leader)
    for record in group[1:]:
        for key in ("service", "name", "kind", "parent", "start", "end", "duration"):
            if span[key] in (None, ""):
                span[key] = record[key]
        span["attrs"] = {**record["attrs"], **span["attrs"]}
        span["links"] = span["links"] + [link for link in record["links"] if link not in span["links"]]
    statuses = [status_of(record) for record in group]
    span["status"] = "error" if "error" in statuses else statuses[0]
    failing = next((record for record, status in zip(group, statuses, strict=True) if status == "error"), leader)
    span["message"] = message({**failing, "attrs": {**span["attrs"], **failing["attrs"]}})
    span["records"] = len(group)
    span["order"] = min(record["order"] for record in group)
    return span


def precedence(a: Span, b: Span) -> int:
    """Compare records: one with an end leads, then the longer, then finer times, then more attributes."""
    longer = (a["duration"] or 0) - (b["duration"] or 0)
    rounded = min(time_precision(a), time_precision(b)) == 0
    if rounded and abs(longer) < MS:
        longer = 0
    keys = [(r["end"] is None, -time_precision(r), -len(r["attrs"]), r["order"]) for r in (a, b)]
    first, second = ((key[0], sign * longer, *key[1:]) for key, sign in zip(keys, (-1, 1), strict=True))
    return -1 if first < second else 1


def time_precision(record: Span) -> int:
    times = [time for time in (record["start"], record["end"]) if time is not None]
    return 0 if all(time % MS == 0 for time in times) else 1 if all(time % 1000 == 0 for time in times) else 2


# Parents


def set_parents(spans: list[Span]) -> None:
    """Set `up` (a span or None), `down`, `orphan`, and `step`, the kind of step from `up`.

    Section 1, "Shared ids", "Orphan", "A parent cycle is cut".
    """
    by_id: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=by_start_and_content):
        by_id[span["id"]].append(span)
    for span in spans:
        span["up"] = parent_span(span, by_id)
        span["orphan"] = span["up"] is None and span["parent"] is not None
    cut_cycles(spans)
    for span in spans:
        span["down"] = [child for child in spans if child["up"] is span]
        up = span["up"]
        span["async_step"] = up is not None and (
            span["follows"] or (span["kind"] == "CONSUMER" and up["kind"] == "PRODUCER")
        )


def parent_span(span: Span, by_id: dict[str, list[Span]]) -> Span | None:
    caller, callees = call_halves(by_id[span["id"]])
    if any(span is callee for callee in callees):
        return caller
    if span["parent"] not in by_id:
        return None
    spans = by_id[span["parent"]]
    caller, callees = call_halves(spans)
    if caller is None:
        return spans[0]
    if span["service"] == caller["service"] and all(callee["service"] != span["service"] for callee in callees):
        return caller
    return next((callee for callee in callees if callee["service"] == span["service"]), callees[0])


def call_halves(spans: list[Span]) -> tuple[Span | None, list[Span]]:
    """Find the calling half and the called halves of spans with one id, in the order of their starts."""
    for calling, called in (("CLIENT", "SERVER"), ("PRODUCER", "CONSUMER")):
        callers = [span for span in spans if span["kind"] == calling]
        callees = [span for span in spans if span["kind"] == called]
        if callers and callees:
            return callers[0], callees
    return None, []


def cut_cycles(spans: list[Span]) -> None:
    for span in spans:
        chain: list[Span] = []
        at: Span | None = span
        while at is not None and all(at is not seen for seen in chain):
            chain.append(at)
            at = at["up"]
        if at is not None:
            ring = chain[next(i for i, seen in enumerate(chain) if seen is at) :]
            min(ring, key=lambda other: (by_start(other)[0], other["id"], other["order"]))["up"] = None


# Times


def set_times(spans: list[Span]) -> None:
    """Set `start`, `length` (or None), `reach`, and `no_start`."""
    starts = [span["start"] for span in spans if span["start"] is not None]
    ends = [span["end"] for span in spans if span["end"] is not None]
    least = min(starts or ends or [0])
    for span in spans:
        span["no_start"] = span["start"] is None
    for span in spans:
        if span["up"] is None:
            set_start(span, least)
    for span in spans:
        if span["end"] is None and span["duration"] is not None:
            span["end"] = span["start"] + span["duration"]
        if span["end"] is not None:
            span["end"] = max(span["end"], span["start"])
        span["length"] = None if span["end"] is None else span["end"] - span["start"]
    for span in spans:
        span["reach"] = reach(span)


def set_start(span: Span, inherited: int) -> None:
    if span["start"] is None:
        span["start"] = inherited
    for child in span["down"]:
        set_start(child, span["start"])


def reach(span: Span) -> int:
    """Return the end of a span, or the greatest end below it if its own is missing."""
    if span["end"] is not None:
        return int(span["end"])
    return int(max(span["start"], *(other["end"] or other["start"] for other in [span, *descendants(span)])))


# Traversal


def ancestors(span: Span) -> list[Span]:
    """List the ancestors of a span, from its parent to its root."""
    found = []
    while span["up"] is not None:
        span = span["up"]
        found.append(span)
    return found


def descendants(span: Span) -> list[Span]:
    """List the whole subtree without the span itself."""
    found = []
    for child in span["down"]:
        found += [child, *descendants(child)]
    return found
