"""The view as its parts see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from tracetui.tui.views.waterfall.rows import WaterfallRows
from tracetui.tui.views.waterfall.view_state import ViewState

_T = TypeVar("_T")


class KeyHost(Protocol):
    """The part of the view that the handlers of its keys use."""

    rows: WaterfallRows

    @property
    def shown(self) -> ViewState | None: ...

    @property
    def trace(self) -> ViewState:
        """The view state while a key is handled: without a trace none is."""
        ...

    def work(self, name: str, compute: Callable[[], _T], done: Callable[[_T], object], /) -> None: ...

    def post_notice(self, text: str) -> None: ...

    def go_to(self, span: int) -> None:
        """Move the cursor to a span, unfolding if it is hidden."""
        ...

    def repaint(self, row: int | None = None) -> None:
        """Repaint changed rows, with the cursor on one."""
        ...

    def apply(self) -> None:
        """Hide and dim spans as the view state says."""
        ...


def with_self_times(host: KeyHost, then: Callable[[ViewState], None]) -> None:
    """Call a function with the view state once the self times of its set are computed."""
    facts = host.trace.opened.facts

    def done(_: object) -> None:
        shown = host.shown
        if shown is not None and shown.opened.facts is facts:
            then(shown)

    if "self_times" in vars(facts):
        done(None)
    else:
        host.work("waterfall-self", lambda: facts.self_times, done)
