"""The list of traces as those know it who ask about it and answer over it."""

from __future__ import annotations

from tracetui.analysis.query.complete import Vocabulary
from tracetui.tui.messages import FilterTraces, Notice
from tracetui.tui.panes.pane import Pane, Work
from tracetui.tui.state import State


class AskedPane(Pane):
    """Shows the traces that a query selects."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self.known = Vocabulary()
        """What can be asked for."""

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
