"""Grid of characters with roles, from which a drawing is made."""

from __future__ import annotations

import numpy as np

from tracetui.render.text.cells import cell_width
from tracetui.render.text.line import Line, Role

Area = tuple[slice, slice]
"""Rows and columns."""


class Canvas:
    """Characters of a drawing, whose parts can be highlighted for a time."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.texts = np.full((height, width), " ", "U1")
        """One character per cell; '' right of a wide one."""
        self._roles = [Role.PLAIN]
        self._role_numbers = np.zeros((height, width), np.uint8)
        self._base_roles = self._role_numbers
        """Roles without a highlight."""
        self._keeps_role = np.zeros((height, width), bool)
        """Cells that a highlight leaves out."""
        self._highlighted: list[Area] = []

    def _number(self, role: str) -> int:
        if role not in self._roles:
            self._roles.append(role)
        return self._roles.index(role)

    def put(self, row: int, column: int, text: str, role: str, *, keeps_role: bool = False) -> None:
        """Write a text into the cells; a wide character takes two. keeps_role: True if highlights leave it out."""
        cells: list[str] = []
        for letter in text:
            width = cell_width(letter)
            if width == 0:
                continue
            cells += [letter, *[""] * (width - 1)]
        stop = min(column + len(cells), self.width)
        self.texts[row, column:stop] = cells[: stop - column]
        self._role_numbers[row, column:stop] = self._number(role)
        self._keeps_role[row, column:stop] = keeps_role

    def fill(self, rows: slice, columns: slice, glyph: str, role: str) -> None:
        """Fill cells with a glyph."""
        self.texts[rows, columns] = glyph
        self._role_numbers[rows, columns] = self._number(role)

    def fill_row(self, row: int, columns: np.ndarray, glyph: str, role: str) -> None:
        """Fill some cells of a row. columns: int64[n]"""
        self.texts[row, columns] = glyph
        self._role_numbers[row, columns] = self._number(role)

    def replace_glyphs(self, rows: slice, column: int, glyph: str) -> None:
        """Replace the characters of cells in a column; their roles stay."""
        self.texts[rows, column] = glyph

    def highlight(self, cells: list[Area], role: str) -> None:
        """Change the role of cells, except those that keep theirs, instead of the cells highlighted before."""
        if self._base_roles is self._role_numbers:
            self._role_numbers = self._base_roles.copy()
        for before in self._highlighted:
            self._role_numbers[before] = self._base_roles[before]
        number = self._number(role)
        for part in cells:
            self._role_numbers[part][~self._keeps_role[part]] = number
        self._highlighted = list(cells)

    @property
    def highlighted_rows(self) -> set[int]:
        return {row for rows, _ in self._highlighted for row in range(rows.start, rows.stop)}

    def highlight_all(self, cells: Area, role: str) -> None:
        """Change the role of cells in addition, whatever it was."""
        self._role_numbers[cells] = self._number(role)
        self._highlighted.append(cells)

    def line(self, row: int, first: int = 0, width: int | None = None, left: str = "", right: str = "") -> Line:
        """Return a row from column `first` on, without blanks at the end.

        left, right: character instead of the first and the last one, '' for none.
        """
        stop = self.width if width is None else min(first + width, self.width)
        if row >= self.height or first >= stop:
            return Line()
        filled = np.flatnonzero(self.texts[row, first:stop] != " ")
        stop = stop if right else first + int(filled[-1]) + 1 if len(filled) else first
        if first == stop:
            return Line()
        texts, roles = self.texts[row, first:stop].copy(), self._role_numbers[row, first:stop]
        self._cut_ends(texts, left, right, is_half=stop < self.width and self.texts[row, stop] == "")
        begins = np.flatnonzero(np.append(True, roles[1:] != roles[:-1]))
        line = Line()
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(roles)], strict=True):
            line.add("".join(texts[begin:end].tolist()), self._roles[int(roles[begin])])
        return line

    @staticmethod
    def _cut_ends(texts: np.ndarray, left: str, right: str, *, is_half: bool) -> None:
        """Replace the first and the last character, and halves of wide ones, in place. is_half: True for the last."""
        if texts[0] == "" or left:
            texts[0] = left or " "
            texts[1:2][texts[1:2] == ""] = " "
        if is_half:
            texts[-1] = " "
        if right and texts[-1] == "":
            texts[-2:] = right, " "
        elif right:
            texts[-1] = right
