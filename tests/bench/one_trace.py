"""One trace of any shape, without a file."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.ingest.formats.jaeger_json import CODEC
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.traces import TraceSet


def one_trace(spans: int, parent_of: Callable[[int], int]) -> TraceSet:
    """Build a trace in which span i is the child of span `parent_of(i)`, -1 for none, and lies within it."""
    intake = Intake()
    trace = intake.traces("1")
    resource = intake.resources("service", b"", CODEC)
    start, end = [1_000_000_000], [1_000_000_000 + 10_000 * spans]
    taken: dict[int, int] = {}
    for i in range(spans):
        parent = parent_of(i)
        if parent >= 0:
            # siblings one after the other, each within its parent
            begin = max(start[parent], taken.get(parent, 0))
            finish = min(end[parent], begin + max((end[parent] - start[parent]) // 4, 1)) if parent else begin + 9_000
            finish = end[parent] - 1 if parent == i - 1 and parent_of(i + 1) == i else finish
            taken[parent] = finish
            start.append(begin)
            end.append(max(finish, begin))
        intake.add(
            trace=trace,
            span_id=f"{i + 1:016x}",
            parent_id=f"{parent + 1:016x}" if parent >= 0 else "",
            name=f"operation-{i % 7}",
            resource=resource,
            start_ns=start[i],
            duration_ns=end[i] - start[i],
        )
    return assemble(intake)
