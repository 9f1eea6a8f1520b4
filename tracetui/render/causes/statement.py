"""First cause as a statement of the verdict."""

from __future__ import annotations

from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.render.causes.texts import CauseTexts, confidence_text
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.verdict import Statement, label

_WHY = "traces.why"
"""Action that shows the causes."""


def cause_statement(causes: CausesAndBaseline, glyphs: Glyphs) -> Statement | None:
    """Return `CAUSE  payment  self time`, `confidence 78 %`, `charge  self time 12 ms → 85 ms, 40 spans`.

    None without a baseline, as the verdict then states what fails and what takes the time, and for an uncertain cause.
    """
    found = causes.found
    if not causes.baseline or not found.is_confident:
        return None
    first, texts = found.causes[0], CauseTexts(glyphs)
    name, evidence = texts.evidence(first.evidence[0], first.service)
    parts = [
        Line([(texts.name(first), Role.STRONG), (f"  {texts.kind(first)}", Role.PLAIN)]),
        Line([(f"confidence {confidence_text(first)}", Role.STRONG)]),
        Line([(f"{name}  {evidence}", Role.PLAIN)]),
    ]
    return Statement(label("CAUSE", Role.ERROR), parts, _WHY, leading=2)


def no_cause_statement(*, is_running: bool) -> Statement:
    """Return the statement shown instead of a cause: the search is running, or no cause has enough evidence."""
    text = "searching" if is_running else "no clear cause"
    return Statement(label("CAUSE", Role.DIM), [Line([(text, Role.DIM)])], "" if is_running else _WHY)
