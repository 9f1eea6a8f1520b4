"""State of the app: the loaded set, the filter and the selection. Views read it, the app writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tracetui.config import Overrides
from tracetui.model.search import NOTHING, Search
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.theme import DARK, Theme

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    import numpy as np

    from tracetui.analysis.analysis import Analysis
    from tracetui.session import Session


@dataclass(slots=True)
class Look:
    """Appearance of the screen: theme, glyphs and time zone."""

    glyphs: Glyphs = UNICODE
    theme: Theme = DARK
    local_time: bool = False


@dataclass(slots=True)
class State:
    """Loaded set, shown traces, and selection.

    Everywhere in the app, traces and spans are positions in the loaded set (`session.loaded`), which a filter does not
    change.
    """

    sources: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    """Files with log records, which are shown with their spans."""
    exact_names: bool = False
    """True if every span name is a separate operation, including ids."""
    search: Search = NOTHING
    """Conditions for searching servers, in addition to the filter."""
    overrides: Overrides = field(default_factory=Overrides)
    unsafe: bool = False
    """True if a server's certificate is not verified."""
    is_live: bool = False
    """True if there are servers that can be searched again."""
    server_services: list[str] = field(default_factory=list)
    """Services known to the servers, with or without loaded traces."""
    search_reports: list[str] = field(default_factory=list)
    """Texts of the reports on the last search of each server."""
    search_scope: str = ""
    """Description of the traces that were searched on servers with more; '' for all."""
    services_to_choose: int = 0
    """Number of services to choose from on a server that searches by service only; 0 for no choice."""
    searched_lookback_ns: int = 0
    """Lookback of the last search; 0 for a fixed time window or trace ids."""
    newest_starts: dict[str, int] = field(default_factory=dict)
    """Start times of each service's newest trace, looked up after an empty search; 0 for no trace."""
    stdin: int | None = None
    """File descriptor of the source `-`, which can be read only once."""
    look: Look = field(default_factory=Look)
    load_state: str = ""
    """"reading" while the sources are read, "failed" if nothing was loaded, else ''."""
    session: Session | None = None
    query: str = ""
    shown: np.ndarray = field(default_factory=lambda: cast("np.ndarray", ()))
    """int64[m], traces that match the query, ascending."""
    notices: list[str] = field(default_factory=list)
    """Errors from before the screen opened, to be shown on it."""
    previous_queries: list[str] = field(default_factory=list)
    """Queries of previous runs, the oldest first."""
    new_queries: list[str] = field(default_factory=list)
    """Queries of this run."""
    analysis: Analysis | None = None
    """Analysis of the shown traces; its positions refer to a separate set, not the loaded one."""
    trace: int | None = None
    span: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    """Item under the cursor of each view's list, by name."""
    marked: set[int] = field(default_factory=set)
    """Traces marked for comparison."""
    to_open: tuple[str, ...] = ()
    """Ids of the traces to open once they are loaded: one in the waterfall, two in a comparison."""
    new: frozenset[int] = frozenset()
    """Traces that arrived with the last poll."""
