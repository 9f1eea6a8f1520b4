"""What the app is looking at: one loaded set, the filter on it, and what is selected. Panes read it, the app writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tracetui.config import Overrides
from tracetui.model.search import NOTHING, Search
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
    exact_names: bool = False
    """Whether every name of a span is an operation of its own, ids and all."""
    search: Search = NOTHING
    """What servers are asked for besides what the filter says."""
    overrides: Overrides = field(default_factory=Overrides)
    unsafe: bool = False
    """Whether a server's certificate is not checked."""
    is_live: bool = False
    """Whether there are servers that can be asked again."""
    offered: list[str] = field(default_factory=list)
    """Services that the servers know, whether or not there are traces of them here."""
    told: list[str] = field(default_factory=list)
    """What the servers were asked for last, and what came of it."""
    searched: str = ""
    """Which traces of servers that hold more were looked through; '' where all were that there are."""
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
    """"reading" while the sources are read, "failed" when nothing came of it, else ''."""
    session: Session | None = None
    query: str = ""
    shown: np.ndarray = field(default_factory=lambda: cast("np.ndarray", ()))
    """int64[m], the traces that meet the query, ascending."""
    notices: list[str] = field(default_factory=list)
    """What went wrong before the screen opened, to be said on it."""
    former_queries: list[str] = field(default_factory=list)
    """Those of former runs, the oldest first."""
    asked_queries: list[str] = field(default_factory=list)
    """Those that the user has written in this one."""
    findings: Findings | None = None
    """Of the shown traces (a set of its own: its positions are not the loaded set's)."""
    trace: int | None = None
    span: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    """What the cursor of each view's list is on, by name."""
    marked: set[int] = field(default_factory=set)
    """Traces marked for comparison."""
    to_open: tuple[str, ...] = ()
    """Ids of the traces to open as soon as they are here: one in the waterfall, two in comparison."""
    new: frozenset[int] = frozenset()
    """Traces that came when servers were asked again last."""
