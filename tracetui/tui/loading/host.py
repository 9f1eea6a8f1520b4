"""The part of the app that the load controller uses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tracetui.tui.background_work import Work
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.loading.updates import Update

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.analysis.analysis import Analysis
    from tracetui.model.server_stats import ServerStats


class LoadHost(Protocol):
    """The part of the app that the controller uses. `post_update` may be called from any thread."""

    @property
    def work(self) -> Work:
        """Run a job in a thread, then a function with its result on the loop."""
        ...

    @property
    def view(self) -> str: ...

    @property
    def is_listing(self) -> bool:
        """True if the list of traces is shown, with nothing over it."""
        ...

    @property
    def is_reading(self) -> bool:
        """True while the user reads a trace or a dialog, which a new set would replace."""
        ...

    @property
    def is_placed(self) -> bool:
        """True if the user has moved the cursor, which then stays on its trace."""
        ...

    @property
    def key_names(self) -> KeyNames: ...

    def post_update(self, update: Update) -> object: ...

    def run_request(self, request: Callable[[], None]) -> None:
        """Run a request in a thread."""
        ...

    def request_begins(self) -> None:
        """Note that a request or a search begins: until the user has navigated further, going back stops it."""
        ...

    def set_timer(self, delay: float, callback: Callable[[], Any]) -> Timer: ...

    def show_notice(self, text: str, *, is_error: bool = False) -> None: ...

    def show_banner(self, lines: Sequence[str], *, is_failure: bool = False) -> None: ...

    def end_failure(self) -> None:
        """Remove the banner of a failed load."""
        ...

    def drop_from_banner(self, lines: Collection[str]) -> None:
        """Remove lines from the banner, if it shows them."""
        ...

    def update_frame(self) -> None: ...

    def refresh_views(self) -> None:
        """Show the state again in all views."""
        ...

    def traces_changed(self, *, is_new_set: bool) -> None:
        """Show other traces in all views; in a new set, positions of the previous one mean nothing."""
        ...

    def go_to(self, view: str) -> None: ...

    def open_traces(self, traces: Sequence[int]) -> None:
        """Open one trace, or compare two."""
        ...

    def show_service_choice(self) -> None: ...

    def show_server_stats(self, server_stats: ServerStats, analysis: Analysis) -> None: ...
