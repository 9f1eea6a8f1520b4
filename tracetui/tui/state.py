"""State of the app: one loaded set, the filter on it, and the selection. Views read it, the app writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tracetui.config import Overrides
from tracetui.model.search import NOTHING, Search
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.theme import DARK, Theme

if TYPE_CHECKING:
    # a screen can be painted before any of these is loaded
    import numpy as np

    from tracetui.analysis.analysis import Analysis
    from tracetui.session import Session


@dataclass(slots=True)
class Look:
    """Look of the screen: theme, glyphs and zone."""

    marks: Glyphs = UNICODE
    theme: Theme = DARK
    local_time: bool = False


@dataclass(slots=True)
class State:
    """The loaded set, the traces shown, and the selection.

    Traces and spans are positions of the loaded set everywhere in the app (`session.loaded`), so that a filter moves
    none of them.
    """

    sources: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    """Files with log lines to show with their spans."""
    exact_names: bool = False
    """True if every span name is an operation of its own, ids and all."""
    search: Search = NOTHING
    """Conditions that servers are searched with besides the filter."""
    overrides: Overrides = field(default_factory=Overrides)
    unsafe: bool = False
    """True if a server's certificate is not verified."""
    is_live: bool = False
    """True if there are servers that can be searched again."""
    offered: list[str] = field(default_factory=list)
    """Services that the servers know, with or without loaded traces."""
    told: list[str] = field(default_factory=list)
    """Reports of the servers' last search."""
    searched: str = ""
    """Traces searched on servers that hold more; '' where it was all of them."""
    services_to_choose: int = 0
    """How many services there are to choose from, as a server can be asked for each alone; 0 for no choice."""
    asked_lookback_ns: int = 0
    """How far back servers were asked last, 0 where they were asked for a window of time or for traces by their ids."""
    newest: dict[str, int] = field(default_factory=dict)
    """When the newest traces of services began, where there was none in the time that was asked for; 0 for none."""
    stdin: int | None = None
    """The descriptor that the source `-` is read from, once."""
    look: Look = field(default_factory=Look)
    load_state: str = ""
    """"reading" while the sources are read, "failed" if nothing was loaded, else ''."""
    session: Session | None = None
    query: str = ""
    shown: np.ndarray = field(default_factory=lambda: cast("np.ndarray", ()))
    """int64[m], the traces that meet the query, ascending."""
    notices: list[str] = field(default_factory=list)
    """Errors from before the screen opened, to be shown on it."""
    former_queries: list[str] = field(default_factory=list)
    """Queries of former runs, the oldest first."""
    asked_queries: list[str] = field(default_factory=list)
    """Queries written in this run."""
    findings: Analysis | None = None
    """Analysis of the shown traces (a set of its own: its positions are not the loaded set's)."""
    trace: int | None = None
    span: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    """Item under the cursor of each view's list, by name."""
    marked: set[int] = field(default_factory=set)
    """Traces marked for comparison."""
    to_open: tuple[str, ...] = ()
    """Ids of the traces to open as soon as they are here: one in the waterfall, two in comparison."""
    new: frozenset[int] = frozenset()
    """Traces that arrived with the last poll."""
