"""Log records of spans: headline, role, placement and details."""

from __future__ import annotations

from tracetui.model.span import ERROR_SEVERITY, WARN_SEVERITY, Event, Value
from tracetui.render.text.line import Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

_HEADLINE = 1_000
"""Largest number of characters of a message in a row."""


def headline(event: Event) -> str:
    """Return the first line of a message, safe to show."""
    return safe(event.name[: 2 * _HEADLINE].partition("\n")[0].expandtabs(1), _HEADLINE)


def more_lines(event: Event) -> str:
    """Return the number of further lines as text, '' for none."""
    more = event.name.count("\n")
    return f"+{counted(more, 'line')}" if more else ""


def severity_role(event: Event) -> str:
    """Return the role of a message by its severity."""
    if event.severity >= ERROR_SEVERITY:
        return Role.ERROR
    return Role.WARNING if event.severity >= WARN_SEVERITY else Role.PLAIN


def placement(event: Event) -> str:
    """Describe a record that was placed by time or only by trace, or has no time."""
    notes = ["by time"] if event.by_time and not event.no_time else ["by trace"] if event.by_time else []
    notes += ["no time"] if event.no_time else []
    return f"  ({', '.join(notes)})" if notes else ""


def details(event: Event) -> dict[str, Value]:
    """Return the contents of an unfolded row: the message, if the row cuts it, and the attributes."""
    is_cut = "\n" in event.name or len(event.name) > _HEADLINE
    return {"message": event.name, **event.attributes} if is_cut else dict(event.attributes)
