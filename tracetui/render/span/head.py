"""First lines of a span's detail: identity, rank and outcome."""

from __future__ import annotations

from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.span_facts import SpanFacts
from tracetui.model.span import Flag, Span, Status
from tracetui.render.errors.outcomes import OUTCOME_WORDS
from tracetui.render.rank import rank_words
from tracetui.render.span.facts import kind_words
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.safe_text import safe

_GAP = 3


def head(span: Span, facts: SpanFacts | None, slot: int, glyphs: Glyphs, width: int) -> tuple[list[Line], bool]:
    """Return the lines, and whether they include the span's kind, which is dropped if it would need another line."""
    joint = " - " if glyphs.ascii_only else " · "
    name = Line([(safe(span.service), Role.service(slot)), (joint, Role.DIM)])
    name = name.add(safe(span.name) or "(no name)", Role.TITLE).cropped(width, glyphs.ellipsis)
    unfinished = Flag.NO_DURATION in span.flags
    length = "no end" if unfinished else numbers.duration(span.duration_ns, glyphs.ascii_only)
    duration = Line([(length, Role.STRONG)])
    if facts and not unfinished:
        duration.add(f", {rank_words(facts.rank, 'calls', 'call') or 'the only call'}")
    room = width - name.width - duration.width - 2 * _GAP
    kind = kind_words(span.kind)
    endings = _endings(span, facts, glyphs)
    choices = [_joined(prefix, ending) for prefix in dict.fromkeys((kind, "")) for ending in endings]
    state = next((choice for choice in choices if choice.width <= room), _joined("", endings[0]))
    has_kind = not kind or state.text.startswith(kind)
    return flowed([name, duration, *([state] if state.runs else [])], width, _GAP, glyphs.ellipsis), has_kind


def _endings(span: Span, facts: SpanFacts | None, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Return the outcome of the span as (text, role), from the full form to the shortest."""
    if span.error:
        if facts is None:
            return [(f"{glyphs.origin} error", Role.ERROR)]
        if facts.role == ErrorRole.PROPAGATED:
            return [
                (f"{glyphs.propagated} error propagated from below", Role.PROPAGATED),
                (glyphs.propagated, Role.PROPAGATED),
            ]
        if facts.role == ErrorRole.CANCELLED:
            return [(f"{glyphs.propagated} cancelled", Role.PROPAGATED), (glyphs.propagated, Role.PROPAGATED)]
        began = f"{glyphs.origin} error began here"
        outcome = OUTCOME_WORDS.get(facts.outcome)
        full = [(f"{began}, {outcome}", Role.ERROR)] if outcome else []
        return [*full, (began, Role.ERROR), (glyphs.origin, Role.ERROR)]
    words = {Status.OK: "ok", Status.ERROR: "status error"}
    return [(words.get(span.status, ""), Role.PLAIN)]


def _joined(kind: str, ending: tuple[str, str]) -> Line:
    line = Line([(kind, Role.DIM)])
    return line.add(" " if kind and ending[0] else "").add(*ending)
