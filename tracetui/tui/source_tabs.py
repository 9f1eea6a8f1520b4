"""Sources that are open at the same time, each with its loaded traces, filter, selection and history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tracetui.config import Overrides
from tracetui.ingest.servers.address import COMPARISON, SERVICES, without_secrets
from tracetui.ingest.servers.resolve import ParsedSources, check_credentials, parse_sources
from tracetui.model.errors import UsageError
from tracetui.render.frame import source_name
from tracetui.tui.bookmark import History
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.settings import Resume
from tracetui.tui.state import STDIN, State


@dataclass(slots=True)
class SourceTab:
    """Open sources. While other sources are shown, `state` holds what the user has loaded and selected of these."""

    state: State
    controller: LoadController
    history: History
    view: str


class TabHost(Protocol):
    """The part of the app that tabs use."""

    @property
    def view(self) -> str: ...

    def show_tab(self, tab: SourceTab, *, is_new: bool) -> None:
        """Show a tab whose state is in place; start to load a new one."""
        ...


class SourceTabs:
    """The open tabs, of which one is shown. All tabs share one `State`, which views hold, and swap its contents."""

    def __init__(self, state: State, controller: LoadController, view: str, host: TabHost) -> None:
        self._state, self._host = state, host
        self._tabs = [SourceTab(State(), controller, History(), view)]
        self._at = 0

    def __len__(self) -> int:
        return len(self._tabs)

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
        """Names of the tabs; may be from outside."""
        return [source_name(state.sources) for state in self._states]

    @property
    def sources(self) -> list[str]:
        """Sources of all tabs."""
        return [source for state in self._states for source in state.sources]

    @property
    def _states(self) -> list[State]:
        return [self._state if tab is self.current else tab.state for tab in self._tabs]

    def add(self, state: State, make_controller: Callable[[], LoadController], view: str) -> None:
        """Open a tab with this state, after the others, and show it. The controller is made for the state in place."""
        self._save()
        self._state.take(state)
        self._tabs.append(SourceTab(state, make_controller(), History(), view))
        self._at = len(self._tabs) - 1
        self._host.show_tab(self.current, is_new=True)

    def show(self, number: int) -> None:
        """Show the tab with this number, from 0 on; after the last one comes the first."""
        self._save()
        self._show(number % len(self._tabs))

    def show_next(self) -> None:
        """Show the next tab."""
        self.show(self._at + 1)

    def close(self) -> None:
        """Close the tab that is shown, and show the one before it; the last tab stays open."""
        if len(self._tabs) == 1:
            # a key pressed again before the previous one took effect
            return
        closed = self._tabs.pop(self._at)
        closed.controller.close()
        self._show(max(self._at - 1, 0))

    def close_all(self) -> None:
        """End the loads of all tabs."""
        for tab in self._tabs:
            tab.controller.close()

    def _save(self) -> None:
        self.current.state.take(self._state)
        self.current.view = self._host.view

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
