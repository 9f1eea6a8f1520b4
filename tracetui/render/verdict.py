"""Verdict on a trace set as one or two lines of text."""

from __future__ import annotations

from typing import NamedTuple

from tracetui.analysis.bottlenecks import Bottleneck
from tracetui.analysis.verdict import FailingVerdict, SetVerdict
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

LABEL_WIDTH = 9
"""Cells of a label and the gap after it."""
GAP = 3
"""Cells between the parts of a statement."""
_LONGEST = 200
_MIN_PART = 24
"""Smallest number of cells of a part that is cut; with less room it is left out."""


class Statement(NamedTuple):
    """Statement of a verdict."""

    label: Line
    """Label, `LABEL_WIDTH` cells wide."""
    parts: list[Line]
    """Parts of the text, the most important first: the last ones are cut first."""
    view: str = ""
    """View that shows the details, '' for none."""

    def line(self, width: int, ellipsis: str) -> Line:
        """Return the statement in one line of at most `width` cells: parts that fit, or a long beginning of one."""
        line = Line(self.label.runs)
        for number, part in enumerate(self.parts):
            gap = GAP if number else 0
            room = width - line.width - gap
            if part.width <= room:
                line.add(" " * gap).extend(part)
            elif room >= _MIN_PART or not number:
                return line.add(" " * gap).extend(part).cropped(width, ellipsis)
        return line


def verdict_statements(verdict: SetVerdict, *, local: bool = False) -> list[Statement]:
    """Return a statement for the error pattern and one for the bottleneck, or one that neither exists."""
    statements = []
    if verdict.failing is not None:
        statements.append(_failing(verdict.failing, local))
    if verdict.slow is not None:
        statements.append(_slow(verdict.slow))
    if not statements:
        text = "no errors, and no operation with a large share of the time"
        statements.append(Statement(_label("QUIET", Role.DIM), [Line([(text, Role.PLAIN)])]))
    return statements


def _failing(failing: FailingVerdict, local: bool) -> Statement:
    """Return `FAILING  8.0 %  Connection timeout`, `in payment`, `all region=eu`, `since 10:02`, `6 of 8 requests`."""
    errors, pattern = failing.errors, failing.pattern
    if errors.failed_request_count:
        label, share = _label("FAILING", Role.ERROR), numbers.percent(errors.failed_request_rate)
        count = f"{pattern.failed_request_count:,} of {numbers.counted(errors.failed_request_count, 'request')}"
    else:
        label, share = _label("ERRORS", Role.WARNING), "no request failed"
        count = numbers.counted(pattern.count, "error")
    message = safe(pattern.message, _LONGEST)
    parts = [f"in {safe(pattern.service)}"]
    if failing.common is not None:
        percent = failing.common.selected_percent
        most = "all" if percent >= 100 else numbers.whole_percent(percent)
        parts.append(f"{most} {safe(failing.common.key)}={safe(failing.common.value, _LONGEST)}")
    if failing.since_ns is not None:
        parts.append(f"since {numbers.clock(failing.since_ns, local, 0)}")
    first = Line([(f"{share}  {message}", Role.STRONG)])
    return Statement(label, [first, *(Line([(text, Role.PLAIN)]) for text in (*parts, count))], "errors")


def _slow(slow: Bottleneck) -> Statement:
    """Return `SLOW  74 %  of the critical path: user-service database_query`, `SELECT ...`."""
    line = Line([(numbers.percent(slow.total_share_percent), Role.STRONG), ("  of the critical path: ", Role.PLAIN)])
    if slow.network_to:
        line.add(network_name(slow.service, slow.network_to), Role.STRONG)
    else:
        line.add(f"{safe(slow.service)} {safe(slow.operation)}", Role.STRONG)
    pattern = [Line([(safe(slow.pattern, _LONGEST), Role.DIM)])] if slow.pattern else []
    return Statement(_label("SLOW", Role.ACCENT), [line, *pattern], "hot-spots")


def network_name(caller: str, callee: str) -> str:
    """Name the network between two services, as a bottleneck."""
    return f"network {safe(caller)} to {safe(callee)}"


def _label(text: str, role: str) -> Line:
    return Line([(text.ljust(LABEL_WIDTH), role)])
