"""Sources that are open at the same time, each with its loaded traces, filter, selection and history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tracetui.config import Overrides
from tracetui.ingest.servers.address import COMPARISON, SERVICES, without_secrets
from tracetui.ingest.servers.resolve import ParsedSources, check_credentials, parse_sources
from tracetui.model.errors import InputError, UsageError
from tracetui.render.frame import source_name
from tracetui.tui.bookmark import History
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.settings import Resume
from tracetui.tui.state import STDIN, State
from tracetui.tui.views.registry import VIEWS


@dataclass(slots=True)
class SourceTab:
    """Open sources. While other sources are shown, `state` holds what the user has loaded and selected of these."""

    state: State
    controller: LoadController
    history: History = field(default_factory=History)
    view: str = VIEWS[0][0]
    """Id of the current view."""


class TabHost(Protocol):
    """The part of the app that tabs use."""

    @property
    def has_views(self) -> bool: ...

    @property
    def key_names(self) -> KeyNames: ...

    def load_controller(self, resume: Resume | None) -> LoadController:
        """Make the controller of a tab whose state is in place."""
        ...

    def show_tab(self, tab: SourceTab, *, is_new: bool) -> None:
        """Show a tab whose state is in place; start to load a new one."""
        ...

    def show_notice(self, text: str, *, is_error: bool = False) -> None: ...

    def call_later(self, callback: Callable[..., Any]) -> bool: ...


class SourceTabs:
    """The open tabs, of which one is shown. All tabs share one `State`, which views hold, and swap its contents."""

    def __init__(self, state: State, controller: LoadController, host: TabHost) -> None:
        self._state, self._host = state, host
        self._tabs = [SourceTab(State(), controller)]
        self._at = 0

    @property
    def current(self) -> SourceTab:
        """The tab that is shown. Its `state` is not used meanwhile."""
        return self._tabs[self._at]

    @property
    def label(self) -> str:
        """Number of the tab that is shown, and of all: `2/3`; '' for a single one."""
        return f"{self._at + 1}/{len(self._tabs)}" if len(self._tabs) > 1 else ""

    @property
    def names(self) -> list[str]:
        """Names of the open tabs, none for a single one; may be from outside."""
        return [source_name(state.sources) for state in self._states] if len(self._tabs) > 1 else []

    @property
    def _states(self) -> list[State]:
        return [self._state if tab is self.current else tab.state for tab in self._tabs]

    def open(self, source: str) -> None:
        """Open a source in a tab, after the others, and show it; reports why that is impossible."""
        others = [other for state in self._states for other in state.sources]
        try:
            state, resume = state_of(source, self._state, others)
        except (InputError, UsageError) as error:
            self._host.show_notice(str(error), is_error=True)
            return

        def add() -> None:
            self._save()
            self._state.take(state)
            self._tabs.append(SourceTab(state, self._host.load_controller(resume)))
            self._at = len(self._tabs) - 1
            self._host.show_tab(self.current, is_new=True)

        self._leave(add)

    def show(self, number: int) -> None:
        """Show the tab with this number, from 0 on; after the last one comes the first."""

        def show() -> None:
            self._save()
            self._show(number % len(self._tabs))

        self._leave(show)

    def show_next(self) -> None:
        """Show the next tab."""
        if len(self._tabs) == 1:
            self._notify("{app.open} opens other sources in a tab")
        else:
            self.show(self._at + 1)

    def close(self) -> None:
        """Close the tab that is shown, and show the one before it; the last tab stays open."""
        if len(self._tabs) == 1:
            self._notify("no other tab; {app.quit} quits")
            return

        def close() -> None:
            if len(self._tabs) == 1:
                # a key pressed again before the previous one took effect
                return
            self._tabs.pop(self._at).controller.close()
            self._show(max(self._at - 1, 0))

        self._leave(close)

    def close_all(self) -> None:
        """End the loads of all tabs."""
        for tab in self._tabs:
            tab.controller.close()

    def _leave(self, then: Callable[[], None]) -> None:
        """Come to rest, then show other sources; not while the current ones are loaded."""

        def soon() -> None:
            self._host.call_later(then)

        if self._host.has_views and not self.current.controller.leave(soon):
            self._notify("still loading: {app.back} stops it")

    def _notify(self, text: str) -> None:
        self._host.show_notice(self._host.key_names.short(text))

    def _save(self) -> None:
        self.current.state.take(self._state)

    def _show(self, number: int) -> None:
        self._at = number
        self._state.take(self.current.state)
        self._host.show_tab(self.current, is_new=False)


def state_of(source: str, app: State, others: Sequence[str]) -> tuple[State, Resume | None]:
    """Return the state and location for a source that is opened in the running app; `others` are open, too.

    Raises UsageError for unusable server settings.
    """
    if source == STDIN:
        raise UsageError("standard input cannot be read while the screen is open")
    named = parse_sources([source])
    check_credentials(parse_sources([*others, source]).servers)
    resume, to_open = location_of(named)
    overrides = Overrides()
    state = State(
        sources=(source,),
        public_sources=(without_secrets(source),),
        exact_names=app.exact_names,
        look=app.look,
        unsafe=any(server.is_unsafe(overrides) for server in named.servers),
        colour=named.colour,
    )
    state.open_later(to_open)
    return state, resume


def location_of(named: ParsedSources) -> tuple[Resume | None, tuple[str, ...]]:
    """Return the location that the sources name (None for the trace list), and the ids of two traces to compare."""
    ids = named.opened_ids
    if len(ids) == 1:
        return Resume([], "waterfall", trace_id=ids[0]), ()
    if named.shows == SERVICES:
        return Resume([], "services"), ()
    return None, ids if named.shows == COMPARISON and len(ids) == 2 else ()
