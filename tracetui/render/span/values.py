"""Entries of a span's detail, and rows of a named value: on one line, wrapped into free rows, or unfolded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tracetui.model.span import Event, Value
from tracetui.render.span.facts import words_wrapped
from tracetui.render.text import numbers
from tracetui.render.text.attributes import in_short, text_size
from tracetui.render.text.cells import cell_width, cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.highlighting import formatted, language_of, parts, value_lines
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.stack_trace import Frame, StackTrace, read_stack_trace

INLINE_LINES = 12
"""Largest number of lines of a long value that unfolds in place."""
READABLE_KEY = len("http.response.status_code")
PREVIEWED = 400
_WRAPPED = 4_000
_STATEMENT_LINES = 3
_MAX_NAMES = 2_000
_STACK_KEYS = ("stacktrace", "stack_trace", "stack", "backtrace")
_ANY_WIDTH = 100_000
_MAX_FRAMES = INLINE_LINES - 2


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Span at the other end of a link, as positions in the set; `span` is None if only the trace is found."""

    trace: int
    span: int | None
    name: str


@dataclass(slots=True)
class DetailEntry:
    """Entry of the detail, of one or more rows. `name` and `value` are unchanged data."""

    path: str
    """Key of the entry, the same for corresponding entries of other spans."""
    name: str
    value: Value
    lines: Callable[[int], list[Line]] = lambda _: []
    can_fold: bool = False
    is_long: bool = False
    """True if its row cuts the value."""
    target: LinkTarget | None = None
    is_attribute: bool = False


class ValueRows:
    """Makes the entries of named values. `spare`: free rows into which long values are wrapped."""

    def __init__(self, glyphs: Glyphs, spare: int = 0) -> None:
        self._glyphs, self._spare = glyphs, spare

    def field(
        self,
        path: str,
        name: str,
        value: Value,
        column: int,
        width: int,
        *,
        opened: bool,
        level: int = 1,
        address: str = "",
    ) -> DetailEntry:
        """Return the entry of a value, with its name in a column of this width. It is a hyperlink to an address, by
        default to the one that it is itself.
        """
        glyphs = self._glyphs
        indent = 2 * level
        room = max(width - indent - column - 2, 8)
        preview = in_short(value, PREVIEWED)
        shown = safe(preview, PREVIEWED)
        size = text_size(value)
        long = size > PREVIEWED or cell_width(shown) > room or "\n" in preview
        key = fit(safe(name) or "(no name)", column, ellipsis=glyphs.ellipsis)
        stack = stack_of(name, value) if long else None
        wrapped = self.wrapped(value, room) if long and not opened and stack is None else None
        address = address or (value if isinstance(value, str) else "")
        if wrapped is not None:
            wrapped = [Line((text, Role.link(address, role)) for text, role in line.runs) for line in wrapped]
            lines = [Line([(f"{' ' * indent}{key}  ", Role.DIM)]).extend(wrapped[0])]
            lines += [Line([(" " * (indent + column + 2), Role.PLAIN)]).extend(line) for line in wrapped[1:]]
            return DetailEntry(path, name, value, lambda _: lines, is_long=True, is_attribute=True)
        body = None
        if stack is not None:
            body = self._frames(stack, width - indent - 2)
        elif long:
            body = value_lines(value, width - indent - 2, INLINE_LINES)
        opened = body is not None and opened
        glyph = (glyphs.opened if opened else glyphs.folded) if long else " "
        # as few styles as possible, as each costs bytes with every span
        line = Line([(f"{' ' * (indent - 2)}{glyph} {key}  ", Role.DIM)])
        if long and size > room:
            note = f" {numbers.short_count(size)} characters" if size >= 1_000 else ""
            shown = cut(shown, max(room - len(note), 8), glyphs.ellipsis)
            line.add("" if opened else shown, Role.link(address)).add(note, Role.DIM)
        else:
            line.add("" if opened else cut(shown, room, glyphs.ellipsis), Role.link(address))
        lines = [line]
        if opened and body is not None:
            lines += [Line([(" " * (indent + 2), Role.PLAIN)]).extend(text) for text in body]
        entry = DetailEntry(path, name, value, lambda _: lines, can_fold=body is not None, is_long=long)
        entry.is_attribute = True
        return entry

    def wrapped(self, value: Value, room: int) -> list[Line] | None:
        """Wrap a value to as many lines as it needs; None if there are not enough free rows."""
        if not self._spare or text_size(value) >= _WRAPPED:
            return None
        text = in_short(value, _WRAPPED)
        language = language_of(text)
        shown = formatted(text).expandtabs(4).split("\n")
        if len(shown) - 1 > self._spare:
            return None
        lines = [Line(parts(part, language)) for line in shown for part in words_wrapped(safe(line, _WRAPPED), room)]
        if len(lines) - 1 > self._spare:
            return None
        self._spare -= len(lines) - 1
        return lines

    def _frames(self, stack: StackTrace, width: int) -> list[Line]:
        """Return the own frames of a stack trace, then the number of those of libraries."""
        glyphs = self._glyphs
        own = stack.own
        frames = (own or stack.frames)[:_MAX_FRAMES]
        lines = [Line([(safe(str(frame)), Role.PLAIN)]).cropped(width, glyphs.ellipsis) for frame in frames]
        more = len(own) - len(frames) if own else 0
        others = len(stack.frames) - len(own) if own else len(stack.frames) - len(frames)
        notes = [f"{numbers.counted(more, 'more frame')}"] if more else []
        notes += [f"{numbers.counted(others, 'frame')} of libraries"] if others else []
        if notes:
            lines.append(Line([(f"{glyphs.ellipsis} {', '.join(notes)}", Role.DIM)]).cropped(width))
        return lines


def facts_entry(path: str, lines: Callable[[int], list[Line]]) -> DetailEntry:
    """Return the entry of facts, of which a function returns the lines for a width."""
    return DetailEntry(path, path, " ".join(line.text for line in lines(_ANY_WIDTH)), lines)


def statement(path: str, name: str, text: str, glyph: str, role: str) -> DetailEntry:
    """Return the entry of a text about the span, after a glyph, in at most a few lines."""
    shown = f"{glyph} {safe(text)}" if glyph else safe(text)
    entry = DetailEntry(path, name, text, is_long=len(text) > len(shown) or "\n" in text)

    def lines(width: int) -> list[Line]:
        parts = words_wrapped(shown, width)
        entry.is_long = entry.is_long or len(parts) > _STATEMENT_LINES
        if len(parts) > _STATEMENT_LINES:
            parts[_STATEMENT_LINES - 1 :] = [" ".join(parts[_STATEMENT_LINES - 1 :])]
        return [Line([(part, role)]) for part in parts]

    entry.lines = lines
    return entry


def stack_of(name: str, value: Value) -> StackTrace | None:
    """Read a value whose name says that it is a stack trace; None for any other."""
    is_stack = isinstance(value, str) and name.rpartition(".")[2].lower() in _STACK_KEYS
    return read_stack_trace(value) if is_stack and isinstance(value, str) else None


def own_frame(event: Event) -> Frame | None:
    """Return the frame of own code that is nearest to an exception; None if it is unknown."""
    stacks = (stack_of(name, value) for name, value in event.attributes.items())
    return next((stack.own[0] for stack in stacks if stack is not None and stack.own), None)


def key_column(names: Iterable[str], width: int) -> int:
    """Return the width of a column of names."""
    widest = max((min(cell_width(safe(name, 60)), 60) for name in list(names)[:_MAX_NAMES]), default=0)
    return max(min(widest, max(width * 2 // 5, READABLE_KEY), width - 14), 4)
