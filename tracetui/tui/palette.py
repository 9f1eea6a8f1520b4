"""The palette: actions, services, operations and traces by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tracetui.render.safe_text import safe
from tracetui.tui.messages import FilterTraces, OpenTrace, OpenView
from tracetui.tui.views import VIEWS

if TYPE_CHECKING:
    from tracetui.tui.app import TraceApp

_MOST = 2_000
_FOUND = 40


class TraceCommands(Provider):
    """Finds what can be done and gone to."""

    _entries: list[tuple[str, str, Callable[[], Any]]]

    async def startup(self) -> None:
        self._entries = list(self._all())

    def _all(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        app: TraceApp = self.app  # type: ignore[assignment]  # the only app that has this provider
        for number, (view, title) in enumerate(VIEWS, 1):
            yield f"View {title}", f"key {number}", partial(app.post_message, OpenView(view))
        yield "Clear the filter", "all traces", partial(app.post_message, FilterTraces(""))
        yield "Read the sources again", "key r", app.action_reload
        yield "Next theme", "key T", app.action_next_theme
        yield "Keys of this view", "key ?", app.action_keys
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
            title = f"Trace {safe(trace_id)}"
            yield title, safe(loaded.trace_name(trace)), partial(app.post_message, wish_trace)

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
