"""Values formatted on several lines."""

from __future__ import annotations

from tracetui.model.span import Value
from tracetui.render.text.attributes import INLINE_CHARACTERS, text_size, value_text, wrapped
from tracetui.render.text.highlighting import formatted, language_of, parts
from tracetui.render.text.line import Line
from tracetui.render.text.safe_text import safe


def value_lines(value: Value, width: int, limit: int) -> list[Line] | None:
    """Format a value and wrap it to lines of at most `width` cells; None if there are more than `limit`."""
    if text_size(value) >= INLINE_CHARACTERS:
        return None
    text = value_text(value)
    language = language_of(text)
    lines: list[Line] = []
    for line in formatted(text).split("\n"):
        shown = safe(line.expandtabs(4), INLINE_CHARACTERS)
        rows = wrapped(shown, max(width, 1))
        if len(lines) + len(rows) > limit:
            return None
        roles = [(part, role) for part, role in parts(shown, language) if part]
        lines += _divided(roles, rows)
    return lines


def _divided(roles: list[tuple[str, str]], rows: list[str]) -> list[Line]:
    """Give the characters of the rows of one line the roles of its parts."""
    lines = []
    waiting = roles[::-1]
    for row in rows:
        line = Line()
        at = 0
        while at < len(row) and waiting:
            text, role = waiting.pop()
            taken = row[at : at + len(text)]
            line.add(taken, role)
            if len(taken) < len(text):
                waiting.append((text[len(taken) :], role))
            at += len(taken)
        lines.append(line)
    return lines
