"""Dialogs of the services view: another service, or an operation."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.analysis.service_table import ServiceTable
from tracetui.render.text.safe_text import safe
from tracetui.tui.views.base import View
from tracetui.tui.views.services.modes import operations_of
from tracetui.tui.widgets.choice import Choice, Option

_TITLES = {
    "path": "Path to",
    "shared": "Dependencies shared with",
    "difference": "Compare callers with those of",
}


class ServiceDialogs:
    """Lets the user choose what a query about a service needs."""

    def __init__(self, view: View) -> None:
        self._view = view

    def ask_other(
        self,
        what: str,
        focus: str,
        before: tuple[str, ...],
        table: ServiceTable,
        done: Callable[[tuple[str, ...]], object],
    ) -> None:
        """Let the user choose another service for a query. `done` is called with those chosen `before` and this one."""
        options = [
            Option(one.service, one.service, "inferred" if one.inferred else f"{one.trace_share:.0f} % of the traces")
            for one in table.criticality.values()
            if one.service != focus and one.service not in before
        ]

        def chosen(other: str) -> None:
            if other in table.number:
                done((*before, other))

        self._view.show_dialog(Choice(self._view.state.look, _TITLES[what], options), chosen)

    def ask_operation(self, focus: str, table: ServiceTable, done: Callable[[str], object]) -> None:
        """Let the user choose an operation of a service."""
        look, graph = self._view.state.look, table.graph

        def show_options(options: list[Option]) -> None:
            if options:
                self._view.show_dialog(Choice(look, f"One operation of {safe(focus)}", options), done)
            else:
                self._view.post_notice("an inferred peer has no operations, as it sends no spans")

        self._view.work("services-operations", lambda: operations_of(graph, focus, look.glyphs), show_options)
