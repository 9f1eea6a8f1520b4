"""State of the app: one loaded set, the filter on it, and the selection. Only its own methods change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, cast

from tracetui.config import Overrides
from tracetui.model.search import LOOKBACK_NS, NOTHING, Search
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.theme import DARK, Theme

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    import numpy as np

    from tracetui.analysis.analysis import Analysis
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.session import FilteredSession, Session


@dataclass(slots=True)
class Look:
    """Appearance of the screen: theme, glyphs, time zone, and whether the terminal knows hyperlinks."""

    glyphs: Glyphs = UNICODE
    theme: Theme = DARK
    local_time: bool = False
    has_links: bool = False


STDIN: Final = "-"
"""Source that is read from standard input."""
_APP_FIELDS: Final = (
    "look",
    "notices",
    "previous_queries",
    "new_queries",
    "saved_filters",
    "changed_filters",
    "columns",
    "has_new_columns",
    "configured_page",
)
"""Fields of `State` that do not depend on the sources."""


@dataclass(frozen=True, slots=True)
class ListColumns:
    """Columns of the list of traces that the user has chosen."""

    hidden: tuple[str, ...] = ()
    """Names of the default columns that are not shown."""
    attributes: tuple[str, ...] = ()
    """Keys of the attributes shown."""


@dataclass(slots=True)
class State:
    """Loaded set, shown traces, and selection.

    Everywhere in the app, traces and spans are positions in the loaded set (`session.loaded`), which a filter does not
    change.
    """

    sources: tuple[str, ...] = ()
    public_sources: tuple[str, ...] = ()
    """The sources without their secrets, for texts that leave the program; () if they cannot be opened again."""
    logs: tuple[str, ...] = ()
    """Files with log records, which are shown with their spans."""
    exact_names: bool = False
    """True if every span name is a separate operation, including ids."""
    search: Search = NOTHING
    """Conditions for searching servers, in addition to the filter."""
    overrides: Overrides = field(default_factory=Overrides)
    unsafe: bool = False
    """True if a server's certificate is not verified."""
    colour: str = ""
    """Colour of the sources' name, from a profile, as in `model.colours`; '' for none."""
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
    configured_page: str = ""
    """Address of a trace's web page, as in `model.trace_page`, from the config file; '' for none."""
    server_page: str = ""
    """That of the servers that were searched; '' if they differ, or traces may be from other sources."""
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
    searched_share: float = 1.0
    """Share of the loaded traces that were searched for the query, 0 to 1; less than 1 if the search was stopped."""
    is_searching: bool = False
    """True while the loaded traces are searched for the query."""
    saved_filters: dict[str, str] = field(default_factory=dict)
    """Queries that the user saved, by name."""
    changed_filters: dict[str, str | None] = field(default_factory=dict)
    """Those saved in this run, and None for those removed."""
    columns: ListColumns = field(default_factory=ListColumns)
    has_new_columns: bool = False
    """True if the user has changed the columns in this run."""
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
    shows_suggestions: bool = False
    """True if the hot spots view shows suggestions instead of operations."""
    marked: set[int] = field(default_factory=set)
    """Traces marked for comparison."""
    to_open: tuple[str, ...] = ()
    """Ids of the traces to open once they are loaded: one in the waterfall, two in a comparison."""
    is_following: bool = False
    """True while servers are polled for new traces."""
    new: frozenset[int] = frozenset()
    """Traces that arrived with the last poll."""

    def take(self, other: State) -> None:
        """Replace sources, traces and selection by those of another state. What belongs to the app stays."""
        for one in fields(self):
            if one.name not in _APP_FIELDS:
                setattr(self, one.name, getattr(other, one.name))

    @property
    def trace_page(self) -> str:
        """Address of a trace's web page, as in `model.trace_page`; '' if it is not known which server has the trace."""
        return self.server_page or self.configured_page

    # --- loading -----------------------------------------------------------------------------------------------------

    def begin_load(self) -> None:
        """Note that the sources are read."""
        self.load_state = "reading"
        self.newest_starts = {}

    def fail_load(self) -> None:
        """Note that the sources could not be read, unless a set is loaded already."""
        if self.session is None:
            self.load_state = "failed"

    def end_load(self, *, is_live: bool, services: Sequence[str]) -> None:
        """Note that everything is read; `is_live` and the services of servers as in the fields of these names."""
        self.load_state = ""
        self.is_live, self.server_services = is_live, list(services)

    def install(self, selected: FilteredSession) -> None:
        """Replace the loaded set. Selection and marks are those of the previous set until `select` and `mark`."""
        self.session, self.new = selected.session, selected.new
        self.is_searching = False
        self.show_traces(selected.query, selected.shown, selected.analysis)

    def show_traces(self, query: str, shown: np.ndarray, analysis: Analysis, searched_share: float = 1.0) -> None:
        """Show the traces (int64[m], ascending) that a query selects, with their analysis."""
        self.query, self.shown, self.analysis, self.searched_share = query, shown, analysis, searched_share

    def begin_search(self) -> None:
        """Note that the loaded traces are searched."""
        self.is_searching = True

    def end_search(self) -> None:
        """Note that the search of the loaded traces has ended or was stopped."""
        self.is_searching = False

    def set_search(self, search: Search) -> None:
        """Set the conditions of the servers' search."""
        self.search = search

    def set_reports(self, reports: Sequence[SearchReport]) -> None:
        """Set the servers' reports on the last search."""
        # imported late, so that the first screen is painted before
        from tracetui.ingest.servers.pool import describe_searched
        from tracetui.model.trace_page import common_template

        self.search_reports = [report.text for report in reports]
        self.search_scope = describe_searched(reports)
        self.services_to_choose = max((report.services_to_choose for report in reports), default=0)
        self.server_page = common_template([report.trace_page for report in reports], len(self.sources))
        searches = [report.search for report in reports]
        is_open = all(search.start_ns is None and not search.trace_ids for search in searches)
        lookbacks = [search.lookback_ns or LOOKBACK_NS for search in searches]
        self.searched_lookback_ns = max(lookbacks, default=0) if is_open else 0

    def set_newest_starts(self, starts: Mapping[str, int]) -> None:
        """Set the start times of each service's newest trace."""
        self.newest_starts = dict(starts)

    def set_following(self, following: bool) -> None:
        """Set whether servers are polled for new traces."""
        self.is_following = following

    def open_later(self, trace_ids: tuple[str, ...]) -> None:
        """Set the traces to open once they are loaded, () for none."""
        self.to_open = trace_ids

    # --- selection ---------------------------------------------------------------------------------------------------

    def select(self, trace: int | None, span: int | None = None) -> None:
        """Select a trace and a span of it."""
        self.trace, self.span = trace, span

    def select_span(self, span: int | None) -> None:
        """Select a span of the selected trace."""
        self.span = span

    def mark(self, traces: Iterable[int]) -> None:
        """Mark these traces for comparison, and no others."""
        self.marked.clear()
        self.marked.update(traces)

    def toggle_mark(self, trace: int) -> None:
        """Mark a trace for comparison, or remove its mark."""
        self.marked.symmetric_difference_update({trace})

    def set_row(self, view: str, name: str) -> None:
        """Remember the item under the cursor of a view's list."""
        self.rows[view] = name

    def set_rows(self, rows: Mapping[str, str]) -> None:
        """Remember the items under the cursors of several lists."""
        self.rows.update(rows)

    def show_suggestions(self, shown: bool) -> None:
        """Set whether the hot spots view shows suggestions."""
        self.shows_suggestions = shown

    def set_columns(self, columns: ListColumns) -> None:
        """Set the columns of the list of traces."""
        self.columns, self.has_new_columns = columns, True

    def save_filter(self, name: str, query: str | None) -> None:
        """Save a query under a name; None removes it."""
        self.changed_filters[name] = query
        if query is None:
            self.saved_filters.pop(name, None)
        else:
            self.saved_filters[name] = query

    def forget_filter_change(self, name: str, query: str | None) -> None:
        """Forget a change of a saved filter that is in its file, so that it is not written again on leaving."""
        if self.changed_filters.get(name, "") == query:
            del self.changed_filters[name]

    def add_query(self, query: str) -> None:
        """Add a query to the history."""
        self.new_queries.append(query)
