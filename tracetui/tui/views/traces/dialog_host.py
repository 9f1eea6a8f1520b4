"""Part of the traces view on which its dialogs depend."""

from __future__ import annotations

from tracetui.query.complete import Vocabulary
from tracetui.tui.messages import FilterTraces, Notice
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.work import Work


class DialogHost(View):
    """Applies filters to the trace list."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self.known = Vocabulary()
        """Words for completing queries."""

    @property
    def trace_under_cursor(self) -> int | None:
        raise NotImplementedError

    def apply_filter(self, query: str, opens: tuple[str, ...] = ()) -> None:
        """Apply a filter. `opens`: ids of traces to open."""
        if query.strip() != self.state.query or opens:
            self.post_message(FilterTraces(query.strip(), opens=opens))

    def filter_by_start(self, query: str) -> None:
        """Apply a filter, and sort by start."""
        raise NotImplementedError

    def post_notice(self, text: str) -> None:
        self.post_message(Notice(text))
