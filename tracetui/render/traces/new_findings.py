"""New findings in a few short lines, for an alert."""

from __future__ import annotations

from tracetui.analysis.new_findings import NewFindings
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe

_NAMED = 3


def new_finding_lines(found: NewFindings, *, ascii_only: bool) -> list[str]:
    """Return a line for each kind of new finding; safe to show."""
    lines = []
    if found.patterns:
        names = [f"{safe(service)}: {safe(message, 120)}" for service, message in found.patterns[:_NAMED]]
        lines += [f"new error in {name}" for name in names]
        if len(found.patterns) > _NAMED:
            lines.append(f"and {len(found.patterns) - _NAMED:,} more new error patterns in the errors view")
    if found.edges:
        arrow = "->" if ascii_only else "→"
        calls = ", ".join(f"{safe(caller)} {arrow} {safe(callee)}" for caller, callee in found.edges[:_NAMED])
        more = f" and {len(found.edges) - _NAMED:,} more" if len(found.edges) > _NAMED else ""
        lines.append(f"new call: {calls}{more}")
    if found.p95_ns is not None:
        was, now = (numbers.duration(round(ns), ascii_only) for ns in found.p95_ns)
        lines.append(f"new traces are slower: p95 {was} before, {now} now")
    return lines
