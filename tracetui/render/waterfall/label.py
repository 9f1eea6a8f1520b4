"""Label of a waterfall row: position in the tree, name, and notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import Glyphs, initials
from tracetui.render.text.line import Line, Role

_MIN_NAME = 14
"""Cells that a name keeps before a note is shown in full."""
_MIN_TRUNCATED = 8
"""Cells from which on a truncated note is better than its short form."""
_SHORTEST_SERVICE = 10
_MIN_IN_BAR = 20
"""Cells from which on a truncated message stands beside a bar."""
_MESSAGE_CELLS = 26
"""Cells for an error message if there is room."""


class LabelNote(NamedTuple):
    """Note on a span, in a full and a short form."""

    full: str
    short: str
    role: str
    can_be_cut: bool = False
    """True if a truncated `full` is better than `short`."""
    before_names: bool = False
    """True if it takes precedence over the names."""

    @property
    def is_message(self) -> bool:
        """True for an error message."""
        return self.can_be_cut and not self.before_names


@dataclass(slots=True, kw_only=True)
class Label:
    """Parts of a label, for any width."""

    glyphs: Glyphs
    depth: int
    """Depth, 0 for the span of the top row."""
    guides: Callable[[int], str]
    """Returns the guides for a number of levels above the span."""
    fold: str
    asynchronous: bool
    service: str
    service_role: str
    name_service: bool
    is_match: bool = False
    """True for a match of a search."""
    operation: str
    operation_role: str
    notes: Sequence[LabelNote]

    @property
    def natural_width(self) -> int:
        """Width at which only long error messages are cut."""
        notes = 0
        for note in self.notes:
            width = cell_width(note.full)
            if note.can_be_cut and not note.before_names:
                width = max(min(width, _MESSAGE_CELLS), cell_width(note.short))
            notes += 1 + width
        return min(self.depth, 40) + self._head_width + cell_width(self._names) + notes

    @property
    def _head_width(self) -> int:
        return 2 + self.asynchronous + len(self.glyphs.service)

    @property
    def _names(self) -> str:
        return f"{self._service} {self.operation}"

    @property
    def _service(self) -> str:
        if self.name_service:
            return self.service
        return "" if self.glyphs.service else initials(self.service)

    def line(self, width: int) -> Line:
        """Draw the label in at most `width` cells."""
        glyphs = self.glyphs
        line = self._indent(width // 3).add(self.fold, Role.GUIDE)
        # in a cell that is blank otherwise, as a note would shorten the name and read as a part of it
        line.add("/" if self.is_match else " ", Role.ACCENT if self.is_match else Role.GUIDE)
        if self.asynchronous:
            line.add(glyphs.async_call, Role.ACCENT)
        line.add(glyphs.service, self.service_role)
        room = width - line.width
        notes = self._notes_in(room) if self.notes else ()
        self._add_names(line, room - sum(1 + cell_width(text) for text, _ in notes))
        for text, role in notes:
            line.add(" ").add(text, role)
        return line.cropped(width, glyphs.ellipsis)

    def cut_message(self, drawn: str) -> LabelNote | None:
        """Return the error message if the drawn label has not all of it, else None."""
        message = next((note for note in self.notes if note.is_message), None)
        return message if message is not None and message.full not in drawn else None

    def without_message(self) -> Label:
        """Return the label with the error message in its short form."""
        return replace(self, notes=[note._replace(full=note.short) if note.is_message else note for note in self.notes])

    def _indent(self, most: int) -> Line:
        """Draw the lines of the tree. If levels exceed `most` cells, their left half is omitted and its number is
        shown, so that a child is nearly always to the right of its parent.
        """
        most = max(most, 2)
        if self.depth <= most:
            return Line([(self.guides(self.depth), Role.GUIDE)])
        step = max(1, most // 2)
        omitted = -(-(self.depth - most) // step) * step
        number = f"{omitted}{self.glyphs.omitted}"
        return Line([(number, Role.DIM), (self.guides(self.depth - omitted), Role.GUIDE)])

    def _notes_in(self, room: int) -> list[tuple[str, str]]:
        """Return the notes, in full as long as the names stay readable."""
        shown = [note.short for note in self.notes]
        free = room - sum(1 + cell_width(text) for text in shown)
        names = cell_width(self._names)
        readable = min(names, _MIN_NAME)
        for i, note in sorted(enumerate(self.notes), key=lambda numbered: not numbered[1].before_names):
            left = free - (readable if note.before_names or names > free else names)
            more = cell_width(note.full) - cell_width(note.short)
            if more > left and note.can_be_cut and left >= _MIN_TRUNCATED:
                shown[i] = cut(note.full, cell_width(note.short) + left, self.glyphs.ellipsis)
                free -= left
            elif more <= left:
                shown[i] = note.full
                free -= more
        return [(text, note.role) for text, note in zip(shown, self.notes, strict=True)]

    def _add_names(self, line: Line, room: int) -> None:
        ellipsis = self.glyphs.ellipsis
        service, operation = cell_width(self._service), cell_width(self.operation)
        if service + 1 + operation > room:
            service = min(service, max(room - 1 - operation, min(_SHORTEST_SERVICE, room // 3)))
        line.add(cut(self._service, service, ellipsis), self.service_role)
        line.add(" ").add(cut(self.operation, room - service - 1, ellipsis), self.operation_role)


def group_label(
    count: int, notes: Sequence[LabelNote], depth: int, guides: Callable[[int], str], glyphs: Glyphs
) -> Label:
    """Return the label of a row that `count` siblings share."""
    return Label(
        glyphs=replace(glyphs, service=""),
        depth=depth,
        guides=guides,
        fold=glyphs.folded,
        asynchronous=False,
        service="",
        service_role=Role.DIM,
        name_service=True,
        operation=f"{count:,} calls",
        operation_role=Role.DIM,
        notes=notes,
    )


def bar_with_message(bar: Line, message: LabelNote, ellipsis: str) -> Line | None:
    """Write an error message into the blanks after a bar, or before it if there are more; None if they are too few."""
    text, width = bar.text, cell_width(message.full)
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    is_after = after > width or after >= before
    room = (after if is_after else before) - 1
    if room < min(width, _MIN_IN_BAR):
        return None
    shown = cut(message.full, room, ellipsis)
    runs = _trimmed(bar, before, len(text) - after)
    if is_after:
        line = Line([(" " * before, Role.PLAIN)]).extend(runs)
        return line.add(" ").add(shown, message.role).pad(len(text))
    line = Line([(" " * (before - 1 - cell_width(shown)), Role.PLAIN)]).add(shown, message.role).add(" ")
    return line.extend(runs).pad(len(text))


def _trimmed(line: Line, begin: int, end: int) -> Line:
    """Return a part of a line of single cells."""
    part, at = Line(), 0
    for text, role in line.runs:
        part.add(text[max(begin - at, 0) : max(end - at, 0)], role)
        at += len(text)
    return part
