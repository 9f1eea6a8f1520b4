"""Rows of links between spans, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from tracetui.model.span import Value
from tracetui.model.trace_page import page_of
from tracetui.render.span.values import DetailEntry, LinkTarget
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

SEARCH = "linked:search"
"""Path of the entry that offers to search the links of all spans."""


@dataclass(frozen=True, slots=True)
class LinkedSpan:
    """Span that links to the one shown."""

    target: LinkTarget
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class LinkedFrom:
    """Spans of loaded traces that link to a span, or to its trace."""

    spans: Sequence[LinkedSpan] = ()
    count: int = 0
    """Number of all of them; `spans` are the first."""
    unread: int = 0
    """Number of spans with links, if they are read only when asked for."""


def link_words(
    line: Line, target: LinkTarget | None, kind: str, ids: tuple[str, str], open_key: str, page: str = ""
) -> Line:
    """Append what a link leads to, with the ids of trace and span. `page`: address of a trace's web page, as in
    `model.trace_page`.
    """
    if target:
        line.add(safe(target.name), Role.STRONG)
        line.add(f"  {open_key} opens it  " if open_key else "  ", Role.DIM)
    else:
        line.add("not loaded  ", Role.DIM)
    line.add(f"{safe(kind, 40)}{' ' if kind else ''}", Role.PLAIN)
    line.add("trace ", Role.DIM).add(safe(ids[0], 64), Role.link(page_of(page, ids[0]), Role.DIM))
    return line.add(f" span {safe(ids[1], 64)}", Role.DIM)


def linked_entries(linked: LinkedFrom, glyphs: Glyphs, open_key: str, page: str) -> Iterator[DetailEntry]:
    """Yield an entry for each span that links here; `page` as for `link_words`."""
    for number, one in enumerate(linked.spans):
        line = Line([("  ", Role.DIM), (f"{glyphs.linked_from} ", Role.ACCENT)])
        link_words(line, one.target, "", (one.trace_id, one.span_id), open_key, page)
        value: Value = {"trace_id": one.trace_id, "span_id": one.span_id}
        yield DetailEntry(f"linked:{number}", "link", value, partial(_one_line, line), target=one.target)


def search_entry(linked: LinkedFrom, glyphs: Glyphs, open_key: str) -> DetailEntry:
    """Return the entry that offers to read the links of all spans."""
    key = f"{open_key} searches" if open_key else "not searched:"
    line = Line([(f"{glyphs.folded} ", Role.DIM), ("linked from", Role.TITLE)])
    line.add(f"  {key} {counted(linked.unread, 'span')} with links", Role.DIM)
    return DetailEntry(SEARCH, "linked from", "", partial(_one_line, line))


def _one_line(line: Line, _: int) -> list[Line]:
    return [line]
