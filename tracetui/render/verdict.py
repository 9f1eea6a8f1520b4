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
    shortcut: str = ""
    """Action whose key shows the details, '' for none."""
    short: Line | None = None
    """Form of the first part without its less important words, for lines into which the leading parts do not fit."""
    leading: int = 1
    """Number of leading parts, which should be whole."""

    def line(self, width: int, ellipsis: str) -> Line:
        """Return the statement in one line of at most `width` cells: parts that fit, or a long beginning of one."""
        line = Line(self.label.runs)
        first, *others = self.parts
        needed = sum(part.width for part in self.parts[: self.leading]) + GAP * (self.leading - 1)
        if self.short is not None and needed > width - line.width:
            first = self.short
        for number, part in enumerate((first, *others)):
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
        statements.append(Statement(label("QUIET", Role.DIM), [Line([(text, Role.PLAIN)])]))
    return statements


def _failing(failing: FailingVerdict, local: bool) -> Statement:
    """Return `FAILING  8.0 % of requests`, `6 of 8 in payment`, `Connection timeout`, `all region=eu` and
    `since 10:02`.
    """
    errors, pattern = failing.errors, failing.pattern
    count, failed = pattern.failed_request_count, errors.failed_request_count
    rate = numbers.percent(errors.failed_request_rate)
    if failed:
        name, share, short = label("FAILING", Role.ERROR), f"{rate} of requests", rate
        part = f"all {failed:,}" if count == failed > 1 else f"{count:,} of {failed:,}"
    else:
        name, share, short = label("ERRORS", Role.WARNING), "no request failed", ""
        part = numbers.counted(pattern.count, "error")
    # the service precedes the message, which may be cut
    leading = (share, f"{part} in {safe(pattern.service)}", safe(pattern.message, _LONGEST))
    parts = []
    if failing.common is not None:
        percent = failing.common.selected_percent
        most = "all" if percent >= 100 else numbers.whole_percent(percent)
        parts.append(f"{most} {safe(failing.common.key)}={safe(failing.common.value, _LONGEST)}")
    if failing.since_ns is not None:
        parts.append(f"since {numbers.clock(failing.since_ns, local, 0)}")
    lines = [Line([(text, Role.STRONG)]) for text in leading] + [Line([(text, Role.PLAIN)]) for text in parts]
    narrow = Line([(short, Role.STRONG)]) if short else None
    return Statement(name, lines, "view.errors", narrow, leading=len(leading))


def _slow(slow: Bottleneck) -> Statement:
    """Return `SLOW  74 %  of the critical path: user-service database_query`, `SELECT ...`."""
    if slow.network_to:
        name = network_name(slow.service, slow.network_to)
    else:
        name = f"{safe(slow.service)} {safe(slow.operation)}"
    share = numbers.percent(slow.total_share_percent)
    line = Line([(share, Role.STRONG), ("  of the critical path: ", Role.PLAIN), (name, Role.STRONG)])
    short = Line([(f"{share}  {name}", Role.STRONG)])
    pattern = [Line([(safe(slow.pattern, _LONGEST), Role.DIM)])] if slow.pattern else []
    return Statement(label("SLOW", Role.ACCENT), [line, *pattern], "view.hot-spots", short)


def network_name(caller: str, callee: str) -> str:
    """Name the network between two services, as a bottleneck."""
    return f"network {safe(caller)} to {safe(callee)}"


def label(text: str, role: str) -> Line:
    """Return the label of a statement."""
    return Line([(text.ljust(LABEL_WIDTH), role)])
