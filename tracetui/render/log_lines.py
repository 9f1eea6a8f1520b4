"""Lines of logs beside spans: what a row says of one, and what there is to read of it."""

from __future__ import annotations

from tracetui.model.span import ERROR_SEVERITY, WARN_SEVERITY, Event, Value
from tracetui.render.text.line import Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

_HEADLINE = 1_000
"""Characters of a message that a row is made of, at most."""


def headline(event: Event) -> str:
    """The first line of a message, safe to show."""
    return safe(event.name[: 2 * _HEADLINE].partition("\n")[0].expandtabs(1), _HEADLINE)


def more_lines(event: Event) -> str:
    """How many lines follow on the first one, '' for none."""
    more = event.name.count("\n")
    return f"+{counted(more, 'line')}" if more else ""


def severity_role(event: Event) -> str:
    """The role that a message is shown in."""
    if event.severity >= ERROR_SEVERITY:
        return Role.ERROR
    return Role.WARNING if event.severity >= WARN_SEVERITY else Role.PLAIN


def placement(event: Event) -> str:
    """How the line came to its span, where it does not name the span or a time."""
    notes = ["by time"] if event.by_time and not event.no_time else ["by trace"] if event.by_time else []
    notes += ["no time"] if event.no_time else []
    return f"  ({', '.join(notes)})" if notes else ""


def details(event: Event) -> dict[str, Value]:
    """What an opened row shows: the message where the row cannot hold it, and the attributes."""
    is_cut = "\n" in event.name or len(event.name) > _HEADLINE
    return {"message": event.name, **event.attributes} if is_cut else dict(event.attributes)
