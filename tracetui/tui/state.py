"""What the app is looking at: one loaded set, the filter on it, and what is selected. Panes read it, the app writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tracetui.render.marks import UNICODE, Marks
from tracetui.render.theme import DARK, Theme

if TYPE_CHECKING:
    # a screen can be painted before any of these is loaded
    import numpy as np

    from tracetui.analysis.findings import Findings
    from tracetui.session import Session


@dataclass(slots=True)
class Look:
    """How everything is drawn."""

    marks: Marks = UNICODE
    theme: Theme = DARK
    local_time: bool = False


@dataclass(slots=True)
class State:
    """The set, the traces of it that are shown, and the selection.

    Traces and spans are positions of the loaded set everywhere in the app (`session.loaded`), so that a filter moves
    none of them.
    """

    sources: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    """Files with log lines to put beside their spans."""
    stdin: int | None = None
    """The descriptor that the source `-` is read from, once."""
    look: Look = field(default_factory=Look)
    load_state: str = ""
    """"reading" while the sources are read, "failed" when nothing came of it, else ''."""
    session: Session | None = None
    query: str = ""
    shown: np.ndarray = field(default_factory=lambda: cast("np.ndarray", ()))
    """int64[m], the traces that meet the query, ascending."""
    findings: Findings | None = None
    """Of the shown traces (a set of its own: its positions are not the loaded set's)."""
    trace: int | None = None
    span: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    """What the cursor of each view's list is on, by name."""
    marked: set[int] = field(default_factory=set)
    """Traces marked for comparison."""
