"""Hints for the keys of the services view."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.render.services.table import ServiceListColumns
from tracetui.tui.keys.services import GRAPH, SERVICES
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.views.services.explorer import ServiceExplorer
from tracetui.tui.views.services.graph_pane import GraphPane
from tracetui.tui.views.services.modes import AROUND, FAILS, SLOW


def hints(
    explorer: ServiceExplorer, page: ListDetail[ServiceListColumns], graph_pane: GraphPane
) -> Sequence[tuple[str, str]]:
    """Return the hints for what is shown and has the focus, the most useful ones first."""
    what = explorer.mode.what
    # name what the key shows next, as it has three states
    following = {SLOW: "if it FAILS", FAILS: "off"}.get(what, "blast radius")
    blast = ("{services.blast}", following)
    if graph_pane.has_focus:
        walk, back = GRAPH.hints("graph.left graph.down graph.up graph.right", "app.back")
        chosen = "traces" if graph_pane.cursor == graph_pane.service else "explore"
        return [walk, ("{graph.choose}", chosen), back, blast]
    if what != AROUND:
        on = "services.callers services.callees" if graph_pane.display else "services.focus"
        back, *others = SERVICES.hints("app.back", "list.open", on)
        if what == FAILS:
            return [("{services.blast app.back}", "off"), *others]
        return [(back[0], "off") if what == SLOW else back, blast, *others]
    if explorer.changes is not None:
        steps = SERVICES.hints("services.callers services.callees") if graph_pane.display else []
        return [("{app.back}", "changes off"), *steps, *SERVICES.hints("services.map", "list.open")]
    if page.is_alone:
        return SERVICES.hints("services.mode", "services.blast", "list.open", "services.sort")
    if page.focused_detail is not None:
        return SERVICES.hints("list.open", "services.focus", "services.errors", "services.more-hops")
    if graph_pane.display:
        walk, traces = SERVICES.hints("services.callers services.callees", "list.open")
        # the part of the ranking above the graph does not look like a part
        return [walk, blast, traces, ("{services.mode}", f"all {len(page.list.source):,}")]
    return SERVICES.hints("services.blast", "services.path", "list.open", "services.callees")
