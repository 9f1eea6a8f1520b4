"""Entries of a span's detail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.model.span import Value
from tracetui.render.text.line import Line


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Span at the other end of a link, as positions in the set; `span` is None if only the trace is found."""

    trace: int
    span: int | None
    name: str


@dataclass(slots=True)
class DetailEntry:
    """Entry of the detail, of one or more rows. `name` and `value` are unchanged data."""

    path: str
    """Key of the entry, the same for corresponding entries of other spans."""
    name: str
    value: Value
    lines: Callable[[int], list[Line]] = lambda _: []
    can_fold: bool = False
    is_long: bool = False
    """True if its row cuts the value."""
    target: LinkTarget | None = None
    is_attribute: bool = False
