"""What panes tell the app: wishes that concern more than the pane they arise in."""

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
    """Brings back what was shown over the view that this was opened from."""


@dataclass
class CompareTraces(Message):
    """Show how two traces differ (positions of the loaded set)."""

    traces: tuple[int, int]


@dataclass
class FilterTraces(Message):
    """Look at the traces that an expression selects, '' for all."""

    query: str
    ask: bool = True
    """Whether servers are asked for what they know of it; not where it lists what was counted already."""
    opens: tuple[str, ...] = ()
    """Ids of traces to open when they are here, as `State.to_open`."""


@dataclass
class ListTraces(Message):
    """Look at the traces that an expression selects, in a view. Going back brings back what is shown now."""

    query: str
    view: str = "traces"


@dataclass
class LookBack(Message):
    """Ask servers for traces that began within so long a time before now."""

    lookback_ns: int
    query: str | None = None
    """The filter to look at then, None for the one there is."""


@dataclass
class ChooseServices(Message):
    """Have the user choose the services that servers are asked for which search by service only."""


@dataclass
class AskOpinion(Message):
    """Ask servers what they themselves say, of a service and of all calls."""

    service: str


@dataclass
class OpenView(Message):
    """Go to another view."""

    view: str


@dataclass
class CopyText(Message):
    """Put text on the user's clipboard (OSC 52) and say what it was. `text` may be from outside, and long."""

    text: str
    what: str
    one_line: bool = False
    """Whether it is a name, an id or the like, which stays on one line."""


@dataclass
class ReadText(Message):
    """Show a long text in the pager. `text` may be from outside."""

    title: str
    text: str


@dataclass
class Notice(Message):
    """Tell the user something in one line; `bad` for what went wrong."""

    text: str
    bad: bool = False


@dataclass
class Placed(Message):
    """Where one is in the pane, as its breadcrumb says, is somewhere else."""
