"""The palette: actions, services, operations and traces by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.message import Message

from tracetui.render.safe_text import safe
from tracetui.tui.messages import FilterTraces, OpenTrace, OpenView
from tracetui.tui.state import State
from tracetui.tui.views import VIEWS

_MOST = 2_000
_FOUND = 40


class _Host(Protocol):
    """What the palette needs of the app it is in."""

    state: State

    def post_message(self, message: Message) -> bool: ...

    async def run_action(self, action: str) -> bool: ...


class TraceCommands(Provider):
    """Finds what can be done and gone to."""

    _entries: list[tuple[str, str, Callable[[], Any]]]

    async def startup(self) -> None:
        self._entries = list(self._all())

    def _all(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        app = cast(_Host, self.app)
        for number, (view, title) in enumerate(VIEWS, 1):
            yield f"View {title}", f"key {number}", partial(app.post_message, OpenView(view))
        yield "Clear the filter", "all traces", partial(app.post_message, FilterTraces(""))
        yield "Read the sources again", "key r", partial(app.run_action, "reload")
        yield "Next theme", "key T", partial(app.run_action, "next_theme")
        yield "Keys of this view", "key ?", partial(app.run_action, "keys")
        session = app.state.session
        if session is None:
            return
        loaded = session.loaded
        for name in loaded.services[:_MOST]:
            wish = FilterTraces(f"service = {_quoted(name)}")
            yield f"Service {safe(name)}", "its traces", partial(app.post_message, wish)
        for name in loaded.names[:_MOST]:
            wish = FilterTraces(f"operation = {_quoted(name)}")
            yield f"Operation {safe(name)}", "its traces", partial(app.post_message, wish)
        for trace, trace_id in enumerate(loaded.trace_ids[:_MOST]):
            wish_trace = OpenTrace(trace)
            # Textual reads the help of a hit as markup, so no text from outside may stand there
            title = f"Trace {safe(trace_id)}  {safe(loaded.trace_name(trace))}"
            yield title, "open it", partial(app.post_message, wish_trace)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        found = 0
        for title, text, command in self._entries:
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), command, text=title, help=text)
                found += 1
                if found >= _FOUND:
                    return

    async def discover(self) -> Hits:
        for title, text, command in self._entries[:9]:
            yield DiscoveryHit(Content(title), command, text=title, help=text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
