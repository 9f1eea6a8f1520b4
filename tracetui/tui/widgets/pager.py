"""Pager for a long text: a value, a statement, a stack trace."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import ClassVar

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.worker import Worker, get_current_worker

from tracetui.render.text.cells import cell_width
from tracetui.render.text.highlighting import MAX_COLOURED, formatted, language_of, parts
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.stack_trace import read_stack_trace
from tracetui.tui.keys.dialogs import PAGER, PAGES
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.messages import CopyText
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.prompt_line import PromptLine

MAX_MATCHES = 100_000
_LONGEST_ON_LOOP = 50_000
"""Longest text in characters that is laid out and searched on the UI loop; longer ones use a thread."""
_PIECE = 1 << 18
_SHIFT = 20


class PagedText:
    """Lines of a text, with precomputed cell widths, so that layout for a width is fast."""

    def __init__(self, text: str) -> None:
        self.language = language_of(text)
        stack = read_stack_trace(text) if self.language is None else None
        self._library_lines = stack.library_lines if stack is not None else frozenset()
        self.text = formatted(text).replace("\r\n", "\n").expandtabs(4)
        codes = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), "<u4")
        breaks = np.flatnonzero(codes == ord("\n"))
        self.line_start = np.concatenate(([0], breaks + 1))
        self.line_end = np.append(breaks, len(codes))
        self._cells: np.ndarray | None = None
        """int64[characters + 1], cells before each character; None if each takes one cell."""
        present = np.flatnonzero(np.bincount(codes, minlength=1)) if len(codes) else codes
        width_of = np.ones(int(present[-1]) + 1 if len(present) else 1, np.int64)
        for code in present.tolist():
            if not 0x20 <= code < 0x7F:
                width_of[code] = cell_width(safe(f"x{chr(code)}")) - 1
        if (width_of[present] != 1).any():
            self._cells = np.zeros(len(codes) + 1, np.int64)
            np.cumsum(width_of[codes], out=self._cells[1:])

    def rows(self, width: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the start and end of each row, in characters; width None does not wrap."""
        start, end = self.line_start, self.line_end
        if width is None:
            return start, end
        before = self._cells
        cells = end - start if before is None else before[end] - before[start]
        if before is None:
            pieces = np.maximum(-(-cells // width), 1)
            first = np.cumsum(pieces) - pieces
            begin = np.repeat(start, pieces) + (np.arange(int(pieces.sum())) - np.repeat(first, pieces)) * width
            return begin, np.minimum(begin + width, np.repeat(end, pieces))
        begins: list[np.ndarray] = []
        done = 0
        for line in np.flatnonzero(cells > width).tolist():
            begins += [start[done:line], self._breaks(before, int(start[line]), int(end[line]), width)]
            done = line + 1
        begin = np.concatenate([*begins, start[done:]])
        # a row ends where the next one begins, without the line break
        until = np.append(begin[1:], len(self.text) + 1)
        return begin, until - np.isin(until, np.append(start[1:], len(self.text) + 1))

    @staticmethod
    def _breaks(before: np.ndarray, start: int, end: int, width: int) -> np.ndarray:
        found = []
        while start < end:
            found.append(start)
            start = max(int(np.searchsorted(before, before[start] + width, "right")) - 1, start + 1)
        return np.array(found, np.int64)

    def parts(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """Divide a row into its parts, as (start, end, role); frames of libraries are dimmed."""
        line = max(int(np.searchsorted(self.line_start, start, "right")) - 1, 0)
        first = int(self.line_start[line])
        if line in self._library_lines:
            return [(start, end, Role.DIM)]
        if self.language is None or end - first > MAX_COLOURED:
            return [(start, end, Role.PLAIN)]
        found, at = [], first
        for text, role in parts(self.text[first:end], self.language):
            stop = at + len(text)
            if stop > start and text:
                found.append((max(at, start), stop, role))
            at = stop
        return found

    def find(self, word: str) -> tuple[list[int], list[int]]:
        """Find the positions of a word, ignoring case; at most `MAX_MATCHES`."""
        starts: list[int] = []
        ends: list[int] = []
        pattern = re.compile(re.escape(word), re.IGNORECASE)
        worker = None if len(self.text) <= _LONGEST_ON_LOOP else get_current_worker()
        for at in range(0, len(self.text), _PIECE):
            # a match belongs to the piece in which it begins; other threads can run between pieces
            for match in pattern.finditer(self.text, at, at + _PIECE + len(word)):
                if match.start() < at + _PIECE and (not ends or match.start() >= ends[-1]):
                    starts.append(match.start())
                    ends.append(match.end())
            if len(starts) >= MAX_MATCHES or (worker is not None and worker.is_cancelled):
                break
        return starts[:MAX_MATCHES], ends[:MAX_MATCHES]


class PagerRows:
    """Rows of a text at one width, with matches highlighted."""

    def __init__(self, text: PagedText, width: int | None, ellipsis: str) -> None:
        self.text = text
        self.width = width
        self.shift = 0
        self._ellipsis = ellipsis
        self.start, self.end = text.rows(width)
        self.matches: tuple[list[int], list[int]] = ([], [])

    def __len__(self) -> int:
        return len(self.start)

    def row_of(self, at: int) -> int:
        """Return the row that contains a character."""
        return max(int(np.searchsorted(self.start, at, "right")) - 1, 0)

    def line(self, row: int, width: int) -> Line:
        at, end = int(self.start[row]), int(self.end[row])
        if self.width is None:
            at = min(at + self.shift, end)
            # characters beyond the screen are not needed; up to five share one cell
            end = min(end, at + 5 * width + 8)
        starts, ends = self.matches
        line = Line()
        number = max(bisect_left(starts, at) - 1, 0)
        for part_start, part_end, role in self.text.parts(at, end):
            at = part_start
            while number < len(starts) and starts[number] < part_end:
                begin, stop = max(starts[number], at), min(ends[number], part_end)
                if begin < stop:
                    line.add(self._safe(at, begin), role).add(self._safe(begin, stop), Role.ACCENT)
                    at = stop
                if ends[number] > part_end:
                    # the match continues in the next part
                    break
                number += 1
            line.add(self._safe(at, part_end), role)
        return line.cropped(width, self._ellipsis)

    def _safe(self, start: int, end: int) -> str:
        return safe(self.text.text[start:end], 100_000)


class PagerView(LineView):
    """Rows of the text, always with a scroll bar."""

    BINDINGS: ClassVar[list[BindingType]] = PAGES.bindings
    DEFAULT_CSS = "PagerView { overflow-y: scroll; }"


class Pager(Dialog[None]):
    """Shows a text to scroll, wrap, search and copy. `text` and `title` may be untrusted."""

    BINDINGS: ClassVar[list[BindingType]] = PAGER.bindings
    DEFAULT_CSS = """
    Pager { background: $background; }
    Pager LineBar { height: 1; }
    """

    def __init__(self, look: Look, title: str, text: str) -> None:
        super().__init__()
        self._look = look
        self._title = title
        self._raw = text
        self._text: PagedText | None = None
        self._wraps = True
        self._word = ""
        self._searching = False
        self._target: int | None = None
        """Position of the character to show after the layout."""

    def compose(self) -> ComposeResult:
        yield LineBar(self._look.theme, id="pager-title")
        yield PagerView(self._look.theme, self._look.glyphs.cursor)
        yield LineBar(self._look.theme, id="pager-keys")
        yield PromptLine(self._look.theme, prompt="/ ", hint="find")

    def composed(self) -> None:
        self.query_one(PagerView).focus()
        self._update_title()

    @property
    def _rows(self) -> PagerRows | None:
        source = self.query_one(PagerView).source
        return source if isinstance(source, PagerRows) else None

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        """Lay out the rows for the current size, if it has changed."""
        view, rows = self.query_one(PagerView), self._rows
        width = view.line_width if self._wraps else None
        if view.scrollable_content_region.width <= 0 or (rows is not None and rows.width == width):
            return
        if rows is not None and self._target is None:
            self._target = int(rows.start[view.cursor])

        ellipsis = self._look.glyphs.ellipsis

        def make() -> PagerRows:
            self._text = text = self._text or PagedText(self._raw)
            made = PagerRows(text, width, ellipsis)
            made.matches = rows.matches if rows is not None else ([], [])
            return made

        if len(self._raw) <= _LONGEST_ON_LOOP:
            self._show(make())
        else:
            self.run_worker(make, thread=True, exclusive=True, group="rows", name="rows", exit_on_error=False)

    def _show(self, rows: PagerRows) -> None:
        at, self._target = self._target or 0, None
        self.query_one(PagerView).show(rows, rows.row_of(at))
        self._update_title()

    @on(Worker.StateChanged)
    def _worker_finished(self, event: Worker.StateChanged) -> None:
        event.stop()
        if event.worker.result is None:
            return
        if event.worker.name == "rows":
            self._show(event.worker.result)
        elif event.worker.name == "find":
            self._show_matches(event.worker.result)

    def _update_title(self) -> None:
        """Update the title and the key hints."""
        view, rows, glyphs = self.query_one(PagerView), self._rows, self._look.glyphs
        position = "laying out" if rows is None else f"{view.cursor + 1:,} of {len(rows):,}"
        if rows is not None and self._word:
            count = len(rows.matches[0])
            total = f"{count:,}{' or more' if count == MAX_MATCHES else ''}"
            number = bisect_left(rows.matches[0], int(rows.start[view.cursor])) + 1
            which = f"{min(number, count):,} of {total}" if count else "no match"
            position += f"  {glyphs.quoted(safe(self._word, 40))}: {'searching' if self._searching else which}"
        title = safe(self._title, 200) or "(no name)"
        hints = KeyNames(self).line(
            PAGER.hints("pager.find", "pager.next pager.previous", "pager.wrap", "pager.copy", "pager.close")
        )

        def title_lines(width: int) -> list[Line]:
            name = Line([(title, Role.TITLE)]).cropped(max(width - len(position) - 3, 8), glyphs.ellipsis)
            return [name.pad(width - len(position) - 1).add(position, Role.DIM).cropped(width)]

        self.query_one("#pager-title", LineBar).show(title_lines)
        self.query_one("#pager-keys", LineBar).show(lambda width: [hints.cropped(width)])

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        self._update_title()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()

    def action_close(self) -> None:
        self.dismiss()

    def action_wrap(self) -> None:
        self._wraps = not self._wraps
        self._lay_out()

    def action_shift(self, steps: int) -> None:
        rows = self._rows
        if rows is not None and rows.width is None:
            rows.shift = max(rows.shift + steps * _SHIFT, 0)
            self.query_one(PagerView).rows_changed()

    def action_copy(self) -> None:
        self.app.post_message(CopyText(self._raw, self._title))

    def action_find(self) -> None:
        self.query_one(PromptLine).open_with(self._word)

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()

    def on_prompt_line_cancelled(self) -> None:
        self.query_one(PagerView).focus()

    def on_prompt_line_submitted(self, event: PromptLine.Submitted) -> None:
        self.query_one(PagerView).focus()
        self._word = event.text
        text = self._text
        if text is None or not self._word:
            self._show_matches(([], []))
        elif len(text.text) <= _LONGEST_ON_LOOP:
            self._show_matches(text.find(self._word))
        else:
            self._searching = True
            word = self._word
            self.run_worker(
                lambda: text.find(word), thread=True, exclusive=True, group="find", name="find", exit_on_error=False
            )
            self._update_title()

    def _show_matches(self, matches: tuple[list[int], list[int]]) -> None:
        rows, view = self._rows, self.query_one(PagerView)
        self._searching = False
        if rows is None:
            return
        rows.matches = matches
        view.rows_changed()
        self._go_to_match(bisect_left(matches[0], int(rows.start[view.cursor])))

    def action_next(self, step: int) -> None:
        rows, view = self._rows, self.query_one(PagerView)
        if rows is None or not rows.matches[0]:
            return
        edge = int(rows.end[view.cursor]) if step > 0 else int(rows.start[view.cursor])
        self._go_to_match(bisect_left(rows.matches[0], edge) - (step < 0))

    def _go_to_match(self, number: int) -> None:
        """Move to a match; the first one follows the last."""
        rows = self._rows
        if rows is not None and rows.matches[0]:
            at = rows.matches[0][number % len(rows.matches[0])]
            if rows.width is None:
                column = at - int(rows.start[rows.row_of(at)])
                if not rows.shift <= column <= rows.shift + self.query_one(PagerView).line_width - _SHIFT:
                    rows.shift = max(column - _SHIFT, 0)
                    self.query_one(PagerView).rows_changed()
            self.query_one(PagerView).cursor = rows.row_of(at)
        self._update_title()
