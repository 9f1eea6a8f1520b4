"""Copy menu of a span, a trace or a graph, with a key for each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from tracetui.model.span import Value
from tracetui.model.trace_page import TraceLinks, page_of
from tracetui.model.traces import TraceSet
from tracetui.render.copy_formats import TraceForm, curl_line, span_json, trace_copy
from tracetui.render.text.attributes import to_json, value_text
from tracetui.render.text.safe_text import safe
from tracetui.render.text.shell import shell_command
from tracetui.tui.background_work import Work
from tracetui.tui.keys.dialogs import COPY
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.messages import CopyText, Notice, OpenPage
from tracetui.tui.state import Look, State
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.key_menu import KeyMenu
from tracetui.tui.widgets.line_view import LineView

NO_PAGE = "no web page known: set ui in config.toml"


class CopyItem(NamedTuple):
    """Menu item. `make` returns the text and is called outside the UI loop."""

    key: str
    title: str
    make: Callable[[], str]
    one_line: bool = False
    opens: bool = False
    """True to open the text as an address, instead of copying it."""
    is_shown: bool = False
    """True to show the text that was copied."""
    missing: str = ""
    """Reason why there is nothing to copy; '' if there is."""


@dataclass(frozen=True, slots=True)
class CopyGraph:
    """Graph to copy; both functions are called outside the UI loop."""

    picture: Callable[[], str]
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class CopySource:
    """Loaded set to copy from, and its look and links."""

    traces: TraceSet
    trace_json: Callable[[int], str]
    """Returns a trace as JSON."""
    look: Look
    page: str = ""
    """Address of a trace's web page, as in `model.trace_page`."""
    sources: Sequence[str] = ()
    """Sources without secrets; () if they cannot be opened again."""

    @classmethod
    def of_state(cls, state: State) -> CopySource | None:
        """Return the loaded set of the app; None while there is none."""
        if state.session is None:
            return None
        return cls(state.session.loaded, state.session.trace_json, state.look, state.trace_page, state.public_sources)

    def links(self, trace_id: str) -> TraceLinks:
        """Return the links of a trace."""
        command = shell_command(["tracetui", "show"], self.sources, ["--trace", trace_id]) if self.sources else ""
        return TraceLinks(page_of(self.page, trace_id), command)


def copy_items(source: CopySource, span: int, entry: tuple[str, Value] | None = None) -> list[CopyItem]:
    """List the copy items of a span, and of the current entry of its detail (name and value)."""
    traces = source.traces
    items: list[CopyItem] = []
    if entry is not None:
        name, value = entry
        items.append(CopyItem("v", "value", lambda: value_text(value)))
        items.append(CopyItem("k", "key=value", lambda: f"{name}={value_text(value)}", one_line=True))
    items.append(CopyItem("a", "attributes as JSON", lambda: to_json(traces.attributes(span), indent=2)))
    items.append(CopyItem("s", "span as JSON", lambda: span_json(traces.span(span))))
    trace_id, *others = trace_items(source, int(traces.trace[span]))
    items.append(trace_id)
    items.append(CopyItem("i", "span id", lambda: traces.span_id(span), one_line=True))
    curl = curl_line(traces.attributes(span))
    if curl is not None:
        items.append(CopyItem("c", "curl command", lambda: curl, one_line=True))
    return [*items, *others]


def trace_items(source: CopySource, trace: int) -> list[CopyItem]:
    """List the copy items of a whole trace."""
    traces, look = source.traces, source.look
    trace_id = traces.trace_ids[trace]
    links = source.links(trace_id)
    copy = partial(trace_copy, traces, trace, glyphs=look.glyphs, local_time=look.local_time, links=links)
    items = [
        CopyItem("t", "trace id", lambda: trace_id, one_line=True),
        CopyItem("w", "waterfall as text", lambda: copy(TraceForm.TEXT)),
        CopyItem("m", "waterfall as Markdown", lambda: copy(TraceForm.MARKDOWN)),
        CopyItem("l", "waterfall for Slack", lambda: copy(TraceForm.SLACK)),
        CopyItem("j", "trace as JSON", lambda: source.trace_json(trace)),
    ]
    missing = "" if links.page else NO_PAGE
    items.append(CopyItem("u", "address of its web page", lambda: links.page, True, is_shown=True, missing=missing))
    items.append(CopyItem("o", "open its web page", lambda: links.page, True, opens=True, missing=missing))
    return items


class CopyMenu(Dialog[CopyItem]):
    """Menu of texts to copy."""

    BINDINGS: ClassVar[list[BindingType]] = COPY.bindings
    DEFAULT_CSS = "CopyMenu { align: center middle; }"

    def __init__(self, look: Look, items: list[CopyItem]) -> None:
        super().__init__()
        # keep the source visible
        self.styles.background = "transparent"
        self._look = look
        self._items = items
        self._has_missing = any(item.missing for item in items)

    def compose(self) -> ComposeResult:
        yield KeyMenu(
            self._look,
            "copy",
            [(f"copy.{item.key}", item.title) for item in self._items],
            NO_PAGE if self._has_missing else "",
        )

    def composed(self) -> None:
        self.query_one(KeyMenu).show()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.dismiss(self._items[event.row])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "take" or any(item.key == parameters[0] for item in self._items)

    def action_take(self, key: str) -> None:
        self.dismiss(next(item for item in self._items if item.key == key))

    def on_key(self, event: events.Key) -> None:
        """Report a key that is not in the menu; it must not act on the view below."""
        if event.is_printable:
            event.stop()
            key = safe(event.character or "")
            what = "there is no filter" if key == "f" else f"{key} is not in this menu"
            self.post_message(Notice(KeyNames(self).short(f"{what}; {{copy.close}} closes the menu")))


def open_copy_menu(widget: Widget, state: State, work: Work, span: int, entry: tuple[str, Value] | None = None) -> None:
    """Show the copy menu of a span of the loaded set, and post the user's choice from `widget`."""
    _open(widget, state, work, lambda source: copy_items(source, span, entry))


def open_trace_menu(widget: Widget, state: State, work: Work, trace: int) -> None:
    """Show the copy menu of a trace of the loaded set and of the filter, and post the user's choice from `widget`."""
    query = [CopyItem("f", "filter", lambda: state.query, one_line=True)] if state.query else []
    _open(widget, state, work, lambda source: [*trace_items(source, trace), *query])


def open_graph_menu(widget: Widget, look: Look, work: Work, name: str, graph: CopyGraph | None) -> None:
    """Show the copy menu of a service and of the graph that is drawn, if any, and post the choice from `widget`."""
    items = [CopyItem("n", "name", lambda: name, one_line=True)]
    if graph is not None:
        items += [CopyItem("p", "picture (SVG)", graph.picture), CopyItem("g", "graph as text", graph.text)]
    _show(widget, look, work, items)


def _open(widget: Widget, state: State, work: Work, make: Callable[[CopySource], list[CopyItem]]) -> None:
    source = CopySource.of_state(state)
    if source is not None:
        work("copy menu", lambda: make(source), lambda items: _show(widget, state.look, work, items))


def _show(widget: Widget, look: Look, work: Work, items: list[CopyItem]) -> None:
    def message(item: CopyItem, text: str) -> Message:
        return OpenPage(text) if item.opens else CopyText(text, item.title, item.one_line, item.is_shown)

    def chosen(item: CopyItem | None) -> None:
        if item is not None and item.missing:
            widget.post_message(Notice(item.missing))
        elif item is not None:
            work("copy", item.make, lambda text: widget.post_message(message(item, text)))

    widget.app.push_screen(CopyMenu(look, items), chosen)
