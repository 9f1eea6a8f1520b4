"""The part of the traces view that its dialogs depend on."""

from __future__ import annotations

from tracetui.query.complete import Vocabulary
from tracetui.tui.messages import FilterTraces, Notice
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.work import Work


class DialogHost(View):
    """Shows the traces that a query selects."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self.known = Vocabulary()
        """Search capabilities of the servers."""

    @property
    def trace_under_cursor(self) -> int | None:
        raise NotImplementedError

    def ask_for(self, query: str, opens: tuple[str, ...] = ()) -> None:
        """Have the traces that a query selects shown; `opens` are the ids of those to open."""
        if query.strip() != self.state.query or opens:
            self.post_message(FilterTraces(query.strip(), opens=opens))

    def ask_by_start(self, query: str) -> None:
        """The same, in the order in which they happened."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        self.post_message(Notice(text))
