"""Server statistics, shown over the current view."""

from __future__ import annotations

from textual.app import App

from tracetui.analysis.analysis import Analysis
from tracetui.model.server_stats import ServerStats
from tracetui.render.services.server_stats import ServerStatsList, server_stats_title
from tracetui.render.text.line import Line, Role
from tracetui.tui.state import Look
from tracetui.tui.widgets.result_screen import ResultScreen

_KEYS = (
    ("server", "calls in the server's own dependency graph, which a batch job may have made"),
    ("loaded traces", "calls in the traces shown; if none, {app.more} or {traces.window} may load some"),
    ("{list.open}", "back to the services"),
)


def show_server_stats(app: App[None], look: Look, server_stats: ServerStats, analysis: Analysis) -> None:
    """Show server statistics next to the figures of the loaded traces. `analysis.dependencies` must be computed."""
    here = {(edge.caller, edge.callee): edge.call_count for edge in analysis.dependencies.edges}
    title = list(server_stats_title(server_stats))
    if not server_stats.dependencies:
        title.append(Line([("No dependency data.", Role.PLAIN)]))
    app.push_screen(ResultScreen(look, title, ServerStatsList(server_stats, here, look.glyphs), "back", _KEYS))
