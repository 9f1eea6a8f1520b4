"""Keys that jump: to errors, along the critical path, to the longest self times, to the matches of a search."""

from __future__ import annotations

from tracetui.tui.views.waterfall.jumps import Jump
from tracetui.tui.views.waterfall.key_host import KeyHost, with_self_times
from tracetui.tui.views.waterfall.view_state import ViewState


class JumpKeys:
    """Moves the cursor to targets of jumps, and describes them."""

    def __init__(self, host: KeyHost) -> None:
        self._host = host

    def jump(self, target: Jump, what: str) -> None:
        """Go to the target of a jump, and describe it."""
        self._host.go_to(target.span)
        self._host.post_notice(what)

    def error(self, step: int) -> None:
        """Go to the next (1) or previous (-1) error."""
        shown = self._host.trace
        target = shown.jumps.error(self._host.rows.cursor, step) if len(shown) else None
        if target is not None:
            self.jump(target, f"error {target}")
        else:
            self._host.post_notice("no errors are shown" if shown.has_errors else "no errors in this trace")

    def path(self, step: int) -> None:
        """Go to the next (1) or previous (-1) section of the critical path."""
        shown = self._host.trace
        found = shown.jumps.path_step(self._host.rows.cursor, step) if len(shown) else None
        if found is not None:
            self.jump(found[0], f"critical path {found[0]}: {shown.view.duration(found[1])}")

    def longest(self) -> None:
        """Go to the longest self time, then to the next longest."""
        with_self_times(self._host, self._to_longest)

    def _to_longest(self, shown: ViewState) -> None:
        found = shown.jumps.longest_self(self._host.rows.cursor) if len(shown) else None
        if found is not None:
            target, ns = found
            self.jump(target, f"self time {shown.view.duration(ns)}, rank {target.number:,}")
