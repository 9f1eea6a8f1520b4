"""Load warnings: those that are new, for the banner, and all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import State

if TYPE_CHECKING:
    from tracetui.model.errors import LoadWarning

_BANNER_WARNINGS = 3
_MAX_SHOWN = 10_000
"""Largest number of warnings that are remembered as shown, so that each is shown only once."""


class LoadWarnings:
    """Warnings of the loaded set. Each appears once in a banner."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._shown: set[LoadWarning] = set()
        self._in_banner: list[tuple[str, list[LoadWarning]]] = []
        """Lines of the last banner, each with its warnings."""
        self._is_incomplete = False
        """True if they are about a search of which part failed."""

    def new_lines(self, names: KeyNames, *, is_incomplete: bool = False) -> list[str]:
        """Return a few lines about new load warnings, which may contain untrusted text.

        is_incomplete: part of the search failed. If that happens again after it has ended, it is new again.
        """
        warnings = [warning for warning in self._warnings() if warning not in self._shown]
        self._shown.update(warnings)
        if len(self._shown) > _MAX_SHOWN:
            # each poll may add some
            self._shown = set(self._warnings())
        if not warnings:
            return []
        # the status line already names a single source
        source = self._state.sources[0] if len(self._state.sources) == 1 else None
        first = warnings[:_BANNER_WARNINGS]
        texts = [str(replace(warning, file="") if warning.file == source else warning) for warning in first]
        more = len(warnings) - len(texts)
        keys = f"{more:,} more: {{app.warnings}} shows all" if more else "{app.warnings} shows this again"
        hint = names.short(f"{keys}, {{app.back}} hides it")
        self._is_incomplete = is_incomplete
        self._in_banner = [*((text, [warning]) for text, warning in zip(texts, first, strict=True)), (hint, warnings)]
        return [*texts, hint]

    def outdated_lines(self) -> list[str]:
        """Return the lines of the last banner of which no warning concerns the loaded set any more."""
        if not self._in_banner:
            return []
        current = set(self._warnings())
        outdated = [(line, warnings) for line, warnings in self._in_banner if current.isdisjoint(warnings)]
        self._in_banner = [one for one in self._in_banner if one not in outdated]
        if self._is_incomplete:
            self._shown.difference_update(*(warnings for _, warnings in outdated))
        return [line for line, _ in outdated]

    def all_lines(self) -> list[str]:
        """Return the reports of servers, the number of lines of each log file, and all load warnings."""
        files = self._state.session.loaded.log_lines.files if self._state.session else ()
        return [*self._state.search_reports, *map(str, files), *map(str, self._warnings())]

    def _warnings(self) -> Sequence[LoadWarning]:
        return self._state.session.loaded.load_warnings if self._state.session else ()
