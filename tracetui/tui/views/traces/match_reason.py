"""Reason why a search for words lists the trace under the cursor."""

from __future__ import annotations

from tracetui.analysis.span_search import MatchingField, find_match
from tracetui.model.traces import TraceSet
from tracetui.query.parser import searched_words
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import LocationChanged
from tracetui.tui.views.base import View

_LONGEST_VALUE = 60
_MAX_WORDS = 8


class MatchReason:
    """Finds the field that contains a word of the filter, outside the UI loop.

    It is the first word that the trace contains: others may be negated, or alternatives.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._query = ""
        self._words: list[str] = []
        self._found_of: tuple[TraceSet, int, str] | None = None
        """Traces, position and filter of the reason."""
        self.text = ""
        """Such as `region = eu (GET /profile)`; '' without words, or until it is found."""

    def find(self, loaded: TraceSet | None, trace: int | None) -> None:
        """Find the reason for a trace of the loaded set; None for no trace."""
        query = self._view.state.query
        if query != self._query:
            self._query, self._words = query, searched_words(query)[:_MAX_WORDS]
        words = self._words
        if loaded is None or trace is None or not words:
            self._found_of, self.text = None, ""
            return
        wanted = (loaded, trace, query)
        if wanted == self._found_of:
            return
        self._found_of, self.text = wanted, ""

        def done(found: MatchingField | None) -> None:
            if self._found_of == wanted and found is not None:
                value, operation = safe(found.value, _LONGEST_VALUE), safe(loaded.operation_name(found.span))
                self.text = f"match: {safe(found.field)} = {value}" + (f" ({operation})" if operation != value else "")
                self._view.post_message(LocationChanged())

        def find() -> MatchingField | None:
            return next(filter(None, (find_match(loaded, trace, word) for word in words)), None)

        self._view.work("traces-match", find, done)
