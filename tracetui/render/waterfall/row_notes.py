"""Notes behind the name of a waterfall's row: errors, hidden spans, matches, warnings and links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tracetui.analysis.error_messages import NO_MESSAGE
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.skew import LONGER, SKEWED
from tracetui.model.span import Flag
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.label import LabelNote

if TYPE_CHECKING:
    from tracetui.render.waterfall.waterfall import Waterfall

_WARNING_WORDS = {
    Flag.ORPHAN: "orphan",
    Flag.CYCLE_CUT: "cycle",
    Flag.SAME_ID: "same id",
    Flag.START_REPAIRED: "no start",
    Flag.NEGATIVE_DURATION: "negative duration",
    Flag.NO_DURATION: "no duration",
    Flag.SKEW_ADJUSTED: "skew corrected",
    Flag.SHORTENED: "shortened",
    Flag.OUT_OF_RANGE: "time out of range",
    Flag.SOURCE_WARNING: "source warning",
}
# a plain int, as enum arithmetic is slow and every row needs it
_WARNINGS = int(Flag.warnings())
_OUTSIDE_WORDS = {SKEWED: "skew?", LONGER: "outlasts caller"}


class RowNotes:
    """Notes of the rows of a waterfall."""

    def __init__(self, view: Waterfall) -> None:
        """`view`: the waterfall, of which only the first span and the roles must exist already."""
        self._view = view
        self._origins = running_sums(view.roles == ErrorRole.ORIGIN)
        self._propagated = running_sums(view.roles >= ErrorRole.PROPAGATED)

    def of(self, row: int, span: int, repeats: range | None) -> Iterator[LabelNote]:
        """Yield the notes of a row, whose first span and run of repeated siblings are given."""
        view = self._view
        traces, glyphs = view.traces, view.glyphs
        role = view.roles[span - view.first]
        yield from view.repeats_note(row, repeats)
        if role == ErrorRole.ORIGIN:
            message = view.message_of(span)
            message = "" if message == NO_MESSAGE else safe(message, 200)
            yield LabelNote(f"{glyphs.origin} {message}".rstrip(), glyphs.origin, Role.ERROR, can_be_cut=True)
        elif role == ErrorRole.PROPAGATED:
            yield LabelNote(glyphs.propagated, glyphs.propagated, Role.PROPAGATED)
        elif role == ErrorRole.CANCELLED:
            yield LabelNote(f"{glyphs.propagated} cancelled", glyphs.propagated, Role.PROPAGATED)
        yield from self._hidden_notes(row, len(repeats or range(1)), int(role))
        yield from self._match_notes(row)
        warnings = int(traces.flags[span]) & _WARNINGS
        outside = _OUTSIDE_WORDS.get(int(view.outside[span - view.first]))
        if warnings or outside:
            words = [word for flag, word in _WARNING_WORDS.items() if warnings & flag] if warnings else []
            full = f"{glyphs.warning} {', '.join([*words, *([outside] if outside else [])])}"
            yield LabelNote(full, glyphs.warning, Role.WARNING, can_be_cut=True, before_names=True)
        if traces.link_bytes[span]:
            yield LabelNote(glyphs.link, glyphs.link, Role.DIM)

    def of_group(self, row: int) -> Iterator[LabelNote]:
        """Yield the notes of a row that siblings share."""
        yield from self._hidden_notes(row, 0, ErrorRole.NONE)
        yield from self._match_notes(row)

    def _hidden_notes(self, row: int, members: int, role: int) -> Iterator[LabelNote]:
        """Yield the number of spans folded into a row, and of the errors among them.

        members: number of spans in the row itself, all with this error role.
        """
        view, glyphs = self._view, self._view.glyphs
        hidden = view.rows.hidden(row)
        if hidden:
            yield LabelNote(f"+{hidden:,}", f"+{numbers.short_count(hidden)}", Role.DIM)
        spans = view.rows.spans(row)
        if len(spans) == 1:
            return
        first, stop = spans.start - view.first, spans.stop - view.first
        for sums, glyph, line_role, error_role in (
            (self._origins, glyphs.origin, Role.ERROR, ErrorRole.ORIGIN),
            (self._propagated, glyphs.propagated, Role.PROPAGATED, ErrorRole.PROPAGATED),
        ):
            own_count = members if min(role, ErrorRole.PROPAGATED) == error_role else 0
            number = int(sums[stop] - sums[first]) - own_count
            if number:
                text = f"{glyph}{numbers.short_count(number)}"
                yield LabelNote(text, text, line_role)

    def _match_notes(self, row: int) -> Iterator[LabelNote]:
        view = self._view
        if view.found is None:
            return
        spans = view.rows.spans(row)
        number = int(view.found[spans.start - view.first : spans.stop - view.first].sum())
        if number and len(spans) > 1:
            yield LabelNote(numbers.counted(number, "match", "matches"), f"/{numbers.short_count(number)}", Role.ACCENT)


def running_sums(column: np.ndarray) -> np.ndarray:
    """Return the sums of the column before each position, int64[n + 1]."""
    sums = np.zeros(len(column) + 1, np.int64)
    np.cumsum(column, out=sums[1:])
    return sums
