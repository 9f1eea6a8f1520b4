"""Copy menu of a span or a trace, one key for each item."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.error_messages import error_message
from tracetui.model.secrets import names_secret
from tracetui.model.span import Attributes, Span, Value
from tracetui.model.traces import TraceSet
from tracetui.render.report.markdown import trace_markdown
from tracetui.render.text.attributes import plain, to_json, value_text
from tracetui.render.text.line import Line, Role
from tracetui.render.waterfall.document import waterfall_text
from tracetui.render.waterfall.waterfall import Waterfall
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.messages import CopyText
from tracetui.tui.state import Look, State
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.work import Work

_WATERFALL_WIDTH = 100
_WATERFALL_ROWS = 200
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_METHOD = ("http.request.method", "http.method")
_URL = ("url.full", "http.url")
_SCHEME = ("url.scheme", "http.scheme")
_HOST = ("http.host", "server.address", "net.peer.name", "net.host.name")
_PORT = ("server.port", "net.peer.port", "net.host.port")
_PATH = ("url.path", "http.target", "http.route")


class CopyItem(NamedTuple):
    """A line of the menu. `make` gives the text and is called outside the UI loop."""

    key: str
    title: str
    make: Callable[[], str]
    one_line: bool = False


def span_json(span: Span) -> str:
    """The whole span as JSON."""
    said: dict[str, Any] = asdict(span)
    said["kind"], said["status"] = span.kind.name.lower(), span.status.name.lower()
    said["events"] = [plain(event) for event in span.events]
    said["links"] = [plain(link) for link in span.links]
    del said["marks"]
    return to_json(said, indent=2)


def curl_line(attributes: Attributes) -> str | None:
    """The HTTP request that a span was, as a line for a shell; None where its address is not known.

    What looks like a secret is left out of headers, and replaced in the address.
    """
    url = _address(attributes)
    if url is None:
        return None
    words = ["curl"]
    method = _first(attributes, _METHOD).upper()
    if method == "HEAD":
        words.append("--head")
    elif method != "GET" and method.isalpha() and method.isascii():
        words += ["-X", method]
    if any(character in url for character in "[]{}"):
        words.append("--globoff")
    for key, value in sorted(attributes.items()):
        name = key.removeprefix("http.request.header.").replace("_", "-").lower()
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if name == key or not isinstance(text, str) or not _TOKEN.fullmatch(name):
            continue
        if not names_secret(name) and not _CONTROLS.search(text) and "\n" not in text:
            words += ["-H", f"{name}: {text}"]
    return " ".join(map(shlex.quote, [*words, url]))


def _address(attributes: Attributes) -> str | None:
    url = _first(attributes, _URL)
    if not url:
        host, path = _first(attributes, _HOST), _first(attributes, _PATH)
        if not host or not path:
            return None
        port = _first(attributes, _PORT)
        if port.isdecimal() and ":" not in host and port not in ("80", "443"):
            host = f"{host}:{port}"
        query = _first(attributes, ("url.query",))
        url = f"{_first(attributes, _SCHEME) or 'http'}://{host}/{path.lstrip('/')}"
        if query and "?" not in url:
            url += f"?{query.removeprefix('?')}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    query = parts.query
    if any(names_secret(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, "REDACTED" if names_secret(name) else value) for name, value in pairs])
    host = parts.netloc.rpartition("@")[2]
    clean = urlunsplit((parts.scheme, host, parts.path, query, ""))
    return quote(clean, safe="!#$%&'()*+,/:;=?@[]~{}|", errors="replace")


def _first(attributes: Mapping[str, Value], keys: tuple[str, ...]) -> str:
    values = (attributes.get(key) for key in keys)
    return next((str(value) for value in values if isinstance(value, (str, int)) and value != ""), "")


def copy_items(traces: TraceSet, span: int, look: Look, entry: tuple[str, Value] | None = None) -> list[CopyItem]:
    """Copy items of a span, and of the current entry of its detail (name and value)."""
    items: list[CopyItem] = []
    if entry is not None:
        name, value = entry
        items.append(CopyItem("v", "value", lambda: value_text(value)))
        items.append(CopyItem("k", "key=value", lambda: f"{name}={value_text(value)}", one_line=True))
    items.append(CopyItem("a", "attributes as JSON", lambda: to_json(traces.attributes(span), indent=2)))
    items.append(CopyItem("s", "span as JSON", lambda: span_json(traces.span(span))))
    trace_id, *pictures = trace_items(traces, int(traces.trace[span]), look)
    items.append(trace_id)
    items.append(CopyItem("i", "span id", lambda: traces.span_id(span), one_line=True))
    curl = curl_line(traces.attributes(span))
    if curl is not None:
        items.append(CopyItem("c", "curl line", lambda: curl, one_line=True))
    return [*items, *pictures]


def trace_items(traces: TraceSet, trace: int, look: Look) -> list[CopyItem]:
    """Copy items of a whole trace."""
    return [
        CopyItem("t", "trace id", lambda: traces.trace_ids[trace], one_line=True),
        CopyItem("w", "waterfall as text", lambda: _waterfall(traces, trace, look, markdown=False)),
        CopyItem("m", "waterfall as Markdown", lambda: _waterfall(traces, trace, look, markdown=True)),
    ]


def _waterfall(traces: TraceSet, trace: int, look: Look, markdown: bool) -> str:
    alone = critical_paths(traces.select(np.array([trace])))
    spans, starts, ends = alone.sections_of(0)
    view = Waterfall(
        traces,
        trace,
        sections=(spans + int(traces.first[trace]), starts, ends),
        marks=look.marks,
        message_of=lambda span: error_message(traces, span),
    )
    if markdown:
        return trace_markdown(view, _WATERFALL_WIDTH, _WATERFALL_ROWS, look.local_time)
    lines = waterfall_text(
        view,
        _WATERFALL_WIDTH,
        max_rows=_WATERFALL_ROWS,
        local_time=look.local_time,
        hint="tracetui show --all shows every span",
    )
    return "\n".join(line.text.rstrip() for line in lines) + "\n"


class _Items:
    """The menu's lines."""

    def __init__(self, items: list[CopyItem], names: KeyNames) -> None:
        self._items = items
        self._names = names

    def __len__(self) -> int:
        return len(self._items)

    def line(self, row: int, width: int) -> Line:
        item = self._items[row]
        key = self._names.short(f"{{copy.{item.key}}}")
        return Line([(f"{key:<2} ", Role.ACCENT), (item.title, Role.PLAIN)]).cropped(width)


class CopyMenu(Dialog[CopyItem]):
    """Asks what to copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss(None)", "Close", show=False, id="copy.close"),
        # before the list's own keys
        *(Binding(key, f"take('{key}')", priority=True, show=False, id=f"copy.{key}") for key in "vkasticwmf"),
    ]
    DEFAULT_CSS = """
    CopyMenu { align: center middle; }
    CopyMenu > Vertical {
        width: 36; max-width: 96%; height: auto; max-height: 96%;
        border: round $foreground 50%; padding: 0 1; background: $background;
    }
    CopyMenu:ansi > Vertical { border: round ansi_default; background: ansi_default; }
    CopyMenu LineView { max-height: 100%; }
    """

    def __init__(self, look: Look, items: list[CopyItem]) -> None:
        super().__init__()
        # what is copied from stays in sight
        self.styles.background = "transparent"
        self._look = look
        self._items = items

    def compose(self) -> ComposeResult:
        frame = Vertical()
        frame.border_title = "copy"
        view = LineView(self._look.theme, self._look.marks.cursor)
        view.styles.height = len(self._items)
        with frame:
            yield view

    def composed(self) -> None:
        view = self.query_one(LineView)
        view.show(_Items(self._items, KeyNames(self)))
        view.focus()

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
    """Ask what to copy of a span of the loaded set, and copy it (`CopyText`, sent from `widget`)."""
    _open(widget, state, work, lambda traces: copy_items(traces, span, state.look, entry))


def open_trace_menu(widget: Widget, state: State, work: Work, trace: int) -> None:
    """Ask what to copy of a trace of the loaded set, or the filter, and copy it."""
    query = [CopyItem("f", "filter", lambda: state.query, one_line=True)] if state.query else []
    _open(widget, state, work, lambda traces: [*trace_items(traces, trace, state.look), *query])


def _open(widget: Widget, state: State, work: Work, make: Callable[[TraceSet], list[CopyItem]]) -> None:
    if state.session is None:
        return
    traces = state.session.loaded

    def chosen(item: CopyItem | None) -> None:
        if item is not None:
            work("copy", item.make, lambda text: widget.post_message(CopyText(text, item.title, item.one_line)))

    def ask(items: list[CopyItem]) -> None:
        widget.app.push_screen(CopyMenu(state.look, items), chosen)

    work("copy menu", lambda: make(traces), ask)
