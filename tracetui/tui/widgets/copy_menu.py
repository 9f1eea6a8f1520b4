"""Copy menu of a span or a trace, with a key for each item."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tracetui.model.span import Value
from tracetui.model.traces import TraceSet
from tracetui.render.copy_formats import curl_line, span_json, waterfall_copy
from tracetui.render.text.attributes import to_json, value_text
from tracetui.tui.background_work import Work
from tracetui.tui.keys.dialogs import COPY
from tracetui.tui.messages import CopyText
from tracetui.tui.state import Look, State
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.key_menu import KeyMenu
from tracetui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from tracetui.session import Session


class CopyItem(NamedTuple):
    """Menu item. `make` returns the text and is called outside the UI loop."""

    key: str
    title: str
    make: Callable[[], str]
    one_line: bool = False


TraceJson = Callable[[int], str]
"""Returns a trace of the loaded set as JSON."""


def copy_items(
    traces: TraceSet, span: int, look: Look, trace_json: TraceJson, entry: tuple[str, Value] | None = None
) -> list[CopyItem]:
    """List the copy items of a span, and of the current entry of its detail (name and value)."""
    items: list[CopyItem] = []
    if entry is not None:
        name, value = entry
        items.append(CopyItem("v", "value", lambda: value_text(value)))
        items.append(CopyItem("k", "key=value", lambda: f"{name}={value_text(value)}", one_line=True))
    items.append(CopyItem("a", "attributes as JSON", lambda: to_json(traces.attributes(span), indent=2)))
    items.append(CopyItem("s", "span as JSON", lambda: span_json(traces.span(span))))
    trace_id, *pictures = trace_items(traces, int(traces.trace[span]), look, trace_json)
    items.append(trace_id)
    items.append(CopyItem("i", "span id", lambda: traces.span_id(span), one_line=True))
    curl = curl_line(traces.attributes(span))
    if curl is not None:
        items.append(CopyItem("c", "curl command", lambda: curl, one_line=True))
    return [*items, *pictures]


def trace_items(traces: TraceSet, trace: int, look: Look, trace_json: TraceJson) -> list[CopyItem]:
    """List the copy items of a whole trace."""
    waterfall = partial(waterfall_copy, traces, trace, look.glyphs, local_time=look.local_time)
    return [
        CopyItem("t", "trace id", lambda: traces.trace_ids[trace], one_line=True),
        CopyItem("w", "waterfall as text", lambda: waterfall(markdown=False)),
        CopyItem("m", "waterfall as Markdown", lambda: waterfall(markdown=True)),
        CopyItem("j", "trace as JSON", lambda: trace_json(trace)),
    ]


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

    def compose(self) -> ComposeResult:
        yield KeyMenu(self._look, "copy", [(f"copy.{item.key}", item.title) for item in self._items])

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


def open_copy_menu(widget: Widget, state: State, work: Work, span: int, entry: tuple[str, Value] | None = None) -> None:
    """Show the copy menu of a span of the loaded set, and post `CopyText` from `widget`."""
    _open(widget, state, work, lambda session: copy_items(session.loaded, span, state.look, session.trace_json, entry))


def open_trace_menu(widget: Widget, state: State, work: Work, trace: int) -> None:
    """Show the copy menu of a trace of the loaded set and of the filter, and post `CopyText` from `widget`."""
    query = [CopyItem("f", "filter", lambda: state.query, one_line=True)] if state.query else []
    _open(
        widget,
        state,
        work,
        lambda session: [*trace_items(session.loaded, trace, state.look, session.trace_json), *query],
    )


def _open(widget: Widget, state: State, work: Work, make: Callable[[Session], list[CopyItem]]) -> None:
    session = state.session
    if session is None:
        return

    def chosen(item: CopyItem | None) -> None:
        if item is not None:
            work("copy", item.make, lambda text: widget.post_message(CopyText(text, item.title, item.one_line)))

    def show_menu(items: list[CopyItem]) -> None:
        widget.app.push_screen(CopyMenu(state.look, items), chosen)

    work("copy menu", lambda: make(session), show_menu)
