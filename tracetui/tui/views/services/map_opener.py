"""Opening of the map of the services, and comparison of sets on it."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.analysis.compare import Comparison
from tracetui.analysis.edge_changes import GraphChanges, graph_changes
from tracetui.render.services.map import MapMaker, MapPart, ServiceMap
from tracetui.render.services.table import ServiceListColumns
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.views.services.map import MAP_EDGES, MapScreen
from tracetui.tui.views.services.modes import ShownChanges
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.views.traces.dialogs import TraceDialogs


class MapOpener:
    """Shows the map over a view. explore: called with the service chosen; compared: called with the changes of calls"""

    def __init__(
        self, view: View, explore: Callable[[str], object], compared: Callable[[ShownChanges], object]
    ) -> None:
        self._view, self._explore, self._compared = view, explore, compared
        self._filler = ChoiceFiller(view)
        self._dialogs = TraceDialogs(
            view, lambda: view.state.trace, self._filler, lambda _: None, CauseFinder(view), self._show_changes
        )

    def open(self, columns: ServiceListColumns, focus: str, shown: ShownChanges | None) -> None:
        """Open the map at a service, with changes if there are any."""
        look, work = self._view.state.look, self._view.work
        graph = shown.graph if shown is not None else columns.table.graph
        width = self._view.app.size.width - MAP_EDGES
        roles = {name: columns.role(name) for name in graph.names}
        changes = (shown.changes, shown.names) if shown is not None else ()
        maker = MapMaker(graph, roles, look.glyphs, width, *changes)

        def show(part: MapPart) -> None:
            drawn = ServiceMap(maker, part, look.glyphs, focus)
            self._view.show_dialog(MapScreen(look, work, maker, drawn), self._explore)

        work("services-map", maker.part, show)

    def compare(self) -> None:
        """Let the user choose two groups of the traces shown, or two sets, and compare their calls."""
        self._dialogs.compare_sets()

    def _show_changes(self, found: Comparison, names: tuple[str, str]) -> None:
        def show(changes: GraphChanges) -> None:
            self._compared(ShownChanges(found.after.graph, changes, names))

        self._view.work("services-changes", lambda: graph_changes(found), show)

    def set_changed(self) -> None:
        """Drop what was computed for another set."""
        self._filler.set_changed()

    def work_failed(self, name: str) -> None:
        self._filler.work_failed(name)
