"""Reads a drawn graph from its characters only, following lines from left to right, as a person would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.render.graph.line_glyphs import line_glyphs
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs

_UP, _DOWN, _LEFT, _RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
_ARMS = {_UP: 1, _DOWN: 2, _LEFT: 4, _RIGHT: 8}
_OPPOSITE = {_UP: _DOWN, _DOWN: _UP, _LEFT: _RIGHT, _RIGHT: _LEFT}
_Cell = tuple[int, int]
_MARKS = ("↻", "@")
"""Marks after a name, which may take a row of their own."""


def _cells(row: str) -> list[str]:
    """Return the characters of a row by cell, '' in the second cell of a wide one."""
    return [cell for letter in row for cell in (letter, *[""] * (cell_width(letter) - 1))]


@dataclass(frozen=True, slots=True)
class ReadEdge:
    """Edge that was read: its ends, the text on its line, and the kind of the line."""

    source: str
    target: str
    label: str = ""
    is_dotted: bool = False
    is_heavy: bool = False


class DrawingReader:
    """Reads names and edges. A name goes on in the next row if that is indented; marks around it are left out."""

    def __init__(self, rows: Sequence[str], glyphs: Glyphs) -> None:
        self._rows, self._marks = [_cells(row) for row in rows], line_glyphs(glyphs)
        marks = self._marks
        self._lines = {marks.horizontal, marks.heavy, marks.dotted}
        self._verticals = {marks.vertical, marks.dotted_vertical}
        self._joins = set(marks.joins) - {" "}
        self._crossings = {marks.crossing, marks.heavy_crossing}
        self._owner: dict[_Cell, int] = {}
        self._ports: list[tuple[int, int, int]] = []
        self.names: list[str] = []
        above: dict[int, int] = {}
        openings, closings = {marks.opening, marks.chosen[0]}, {marks.closing, marks.chosen[1]}
        for row, text in enumerate(self._rows):
            inside: dict[int, int] = {}
            column = 0
            while column < len(text):
                column = (
                    self._read_box(row, column, text, closings, above, inside)
                    if text[column] in openings
                    else column + 1
                )
            above = inside

    def _read_box(
        self, row: int, begin: int, text: list[str], closings: set[str], above: dict[int, int], inside: dict[int, int]
    ) -> int:
        end = next(i for i in range(begin + 1, len(text)) if text[i] in closings)
        content = "".join(text[begin + 1 : end])
        if begin in above and (not content.strip() or content.startswith(" ")):
            inside[begin] = above[begin]
            self.names[above[begin]] += content.strip() if content.strip() not in _MARKS else ""
        else:
            inside[begin] = len(self.names)
            self.names.append(content.strip().lstrip("●"))
        self.names[inside[begin]] = re.sub(" [↻@]$", "", self.names[inside[begin]])
        for column in (begin, end):
            self._owner[row, column] = inside[begin]
        self._ports.append((row, end, inside[begin]))
        return end + 1

    def edges(self) -> set[ReadEdge]:
        """Read the edges from all nodes to the right."""
        found = set()
        for row, column, box in self._ports:
            first = self._at(row, column + 1)
            if first in self._lines | {self._marks.backward, *self._joins}:
                is_reversed = first == self._marks.backward
                for target, text, kinds in self._follow(row, column + 1):
                    source, to = (target, box) if is_reversed else (box, target)
                    dotted, heavy = self._marks.dotted in kinds, self._marks.heavy in kinds
                    found.add(ReadEdge(self.names[source], self.names[to], text.strip(), dotted, heavy))
        return found

    def pairs(self) -> set[tuple[str, str]]:
        return {(edge.source, edge.target) for edge in self.edges()}

    def _at(self, row: int, column: int) -> str:
        inside = 0 <= row < len(self._rows) and 0 <= column < len(self._rows[row])
        return self._rows[row][column] if inside else " "

    def _has_arm(self, row: int, column: int, direction: _Cell) -> bool:
        """Test whether a cell has a line to this side; in ASCII a + joins its neighbours."""
        text = self._at(row, column)
        if text in self._verticals | self._crossings:
            return direction in (_UP, _DOWN)
        if text == "+":
            other = self._at(row + direction[0], column + direction[1])
            if direction in (_UP, _DOWN):
                return other in self._verticals or other == "+"
            return other not in self._verticals and other != " "
        found = [arms for arms in range(4, 16) if self._marks.joins[arms] == text]
        return any(arms & _ARMS[direction] for arms in found)

    def _follow(self, row: int, column: int) -> list[tuple[int, str, frozenset[str]]]:
        """Follow the line that begins at a cell. -> the nodes at its ends, and the texts and lines on the way"""
        found = []
        waiting = [((row, column), _RIGHT, "", frozenset[str]())]
        seen = set()
        while waiting:
            at, direction, text, kinds = waiting.pop()
            if (at, direction) in seen:
                continue
            seen.add((at, direction))
            glyph = self._at(*at)
            onward = (at[0] + direction[0], at[1] + direction[1])
            if at in self._owner:
                assert direction == _RIGHT, "a line runs along a node"
                found.append((self._owner[at], text, kinds))
            elif glyph in self._joins - self._verticals - self._crossings:
                assert self._has_arm(*at, _OPPOSITE[direction]), "a line ends nowhere"
                # from left to right: never back to another source
                waiting += [
                    ((at[0] + way[0], at[1] + way[1]), way, text, kinds)
                    for way in (_UP, _DOWN, _RIGHT)
                    if way != _OPPOSITE[direction] and self._has_arm(*at, way)
                ]
            elif glyph == "." and text[-1:].isdigit() and self._at(*onward).isdigit():
                waiting.append((onward, direction, text + glyph, kinds))
            elif glyph in self._lines | self._verticals | self._crossings | {self._marks.forward, self._marks.backward}:
                # lines cross: a vertical one is not of the kind of a horizontal one
                waiting.append((onward, direction, text, kinds | {glyph} if direction == _RIGHT else kinds))
            else:
                assert direction == _RIGHT, "a line leads into a text"
                assert glyph != " " or self._at(*onward) not in (" ", *self._joins), "a line has a gap"
                waiting.append((onward, direction, text + glyph, kinds))
        return found
