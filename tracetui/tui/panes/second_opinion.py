"""What servers themselves say, shown over the view that asked."""

from __future__ import annotations

from textual.app import App

from tracetui.analysis.findings import Findings
from tracetui.model.opinion import Opinion
from tracetui.render.line import Line, Role
from tracetui.render.opinion_list import OpinionList, opinion_title
from tracetui.tui.state import Look
from tracetui.tui.widgets.answer_screen import AnswerScreen

_KEYS = (
    ("it counts", "calls by the server's own graph: of Jaeger's batch job, or Zipkin's links"),
    (
        "in traces here",
        "calls in the traces that are shown; none: {app.more} or {traces.window} may bring such a trace",
    ),
    ("{list.open}", "back to the services"),
)


def show_opinion(app: App[None], look: Look, opinion: Opinion, findings: Findings) -> None:
    """Show the opinion beside what the traces say. `findings.dependencies` must be there, as it takes its time."""
    here = {(edge.caller, edge.callee): edge.call_count for edge in findings.dependencies.edges}
    title = list(opinion_title(opinion))
    if not opinion.dependencies:
        title.append(Line([("It tells of no calls between services.", Role.PLAIN)]))
    app.push_screen(AnswerScreen(look, title, OpinionList(opinion, here, look.marks), "back", _KEYS))
