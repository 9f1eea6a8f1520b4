"""Messages from views to the app: requests that affect more than one view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message


@dataclass
class OpenTrace(Message):
    """Show a trace in the waterfall, with the cursor on a span if one is given (a position of the loaded set)."""

    trace: int
    span: int | None = None
    come_back: Callable[[], None] | None = None
    """Restores an overlay that was open over the previous view."""


@dataclass
class CompareTraces(Message):
    """Compare two traces (positions of the loaded set)."""

    traces: tuple[int, int]


@dataclass
class FilterTraces(Message):
    """Filter by a query; '' for all traces."""

    query: str
    search_servers: bool = True
    """True to search servers as well; False to list only loaded traces."""
    opens: tuple[str, ...] = ()
    """Ids of traces to open once they are loaded, as `State.to_open`."""


@dataclass
class ListTraces(Message):
    """List the traces that a query selects, in a view. Going back restores the current list."""

    query: str
    view: str = "traces"


@dataclass
class WidenWindow(Message):
    """Search servers for traces that began in the last `lookback_ns`."""

    lookback_ns: int
    query: str | None = None
    """New filter; None to keep the current one."""


@dataclass
class ChooseServices(Message):
    """Let the user choose services, for servers that can only search by service."""


@dataclass
class ShowServerStats(Message):
    """Show server statistics of a service and of all calls."""

    service: str


@dataclass
class OpenView(Message):
    """Go to another view."""

    view: str


@dataclass
class CopyText(Message):
    """Copy text to the user's clipboard (OSC 52) and confirm it. `text` may be untrusted and long."""

    text: str
    what: str
    one_line: bool = False
    """True for a name or an id, which must be on one line."""
    is_shown: bool = False
    """True to confirm it with the text itself."""


@dataclass
class OpenPage(Message):
    """Open an address in the user's web browser, or copy it where there is none."""

    address: str


@dataclass
class ReadText(Message):
    """Show a long text in the pager. `text` may be untrusted."""

    title: str
    text: str


@dataclass
class Notice(Message):
    """Show a one-line notice; `is_error` for errors."""

    text: str
    is_error: bool = False


@dataclass
class LocationChanged(Message):
    """The location within the view has changed."""
