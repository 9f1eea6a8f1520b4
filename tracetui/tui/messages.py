"""Messages from views to the app: requests that concern more than one view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message


@dataclass
class OpenTrace(Message):
    """Show a trace in the waterfall, with the cursor on a span if one is named (a position of the loaded set)."""

    trace: int
    span: int | None = None
    come_back: Callable[[], None] | None = None
    """Restores the overlay that was open over the previous view."""


@dataclass
class CompareTraces(Message):
    """Show how two traces differ (positions of the loaded set)."""

    traces: tuple[int, int]


@dataclass
class FilterTraces(Message):
    """Look at the traces that an expression selects, '' for all."""

    query: str
    ask: bool = True
    """True if servers are searched too; not where the list shows what was counted already."""
    opens: tuple[str, ...] = ()
    """Ids of traces to open when they are here, as `State.to_open`."""


@dataclass
class ListTraces(Message):
    """List the traces that an expression selects, in a view. Going back restores the present list."""

    query: str
    view: str = "traces"


@dataclass
class WidenWindow(Message):
    """Search servers for traces that began within this time before now."""

    lookback_ns: int
    query: str | None = None
    """The filter to look at then, None for the one there is."""


@dataclass
class ChooseServices(Message):
    """Have the user choose the services that servers are asked for which search by service only."""


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
    """Put text on the user's clipboard (OSC 52) and report it. `text` may be from outside, and long."""

    text: str
    what: str
    one_line: bool = False
    """True for a name, an id or the like, which stays on one line."""


@dataclass
class ReadText(Message):
    """Show a long text in the pager. `text` may be from outside."""

    title: str
    text: str


@dataclass
class Notice(Message):
    """Show the user a one-line notice; `bad` for errors."""

    text: str
    bad: bool = False


@dataclass
class LocationChanged(Message):
    """The location within the view has changed."""
