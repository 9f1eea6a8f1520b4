"""Line about the service under the cursor of a drawing: its calls to and from the service in focus."""

from __future__ import annotations

from tracetui.render.graph.diagram import Arrow, Diagram, change_text
from tracetui.render.services.table import p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe


def selected_node(diagram: Diagram, service: str, focus: str, role: str, glyphs: Glyphs) -> Line:
    """Return the name of a service and the calls between it and the focus; `role`: its colour."""
    line = Line([(glyphs.service, role)]) if not glyphs.ascii_only else Line()
    line.add(safe(service), Role.TITLE)
    arrows = [arrow for arrow in diagram.arrows if {arrow.caller, arrow.callee} == {service, focus}]
    if not arrows and service != focus:
        callers = len({arrow.caller for arrow in diagram.arrows if arrow.callee == service})
        callees = len({arrow.callee for arrow in diagram.arrows if arrow.caller == service})
        line.add(f"  {numbers.counted(callers, 'caller')}, {numbers.counted(callees, 'callee')} here", Role.DIM)
    for arrow in arrows:
        _add_calls(line, arrow, service, glyphs)
    return line


def _add_calls(line: Line, arrow: Arrow, service: str, glyphs: Glyphs) -> None:
    is_caller = arrow.caller == service
    line.add(f"  to {safe(arrow.callee)}  " if is_caller else f"  from {safe(arrow.caller)}  ", Role.GUIDE)
    line.add("async  " if arrow.is_async else "", Role.DIM)
    if arrow.is_possible:
        line.add("possible, not observed", Role.DIM)
        return
    line.add(numbers.counted(arrow.call_count, "call"), Role.PLAIN)
    if arrow.error_rate:
        line.add(f"  {glyphs.origin} {numbers.percent(arrow.error_rate)}", Role.ERROR)
    if arrow.latency is not None:
        name = "" if arrow.latency.small_sample_range is not None else "p95 "
        line.add(f"  {name}{p95_or_range(arrow.latency, arrow.call_count, glyphs)}", Role.PLAIN)
    if arrow.network_share is not None:
        line.add(f"  network {numbers.whole_percent(arrow.network_share)}", Role.PLAIN)
    if arrow.change is not None:
        line.add(f"  {change_text(arrow.change, glyphs.ascending, glyphs.descending)}", Role.WARNING)
