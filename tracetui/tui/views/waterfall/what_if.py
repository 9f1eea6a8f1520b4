"""What-if: replay a trace with the duration of a span scaled."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.what_if import MOST_PERCENT, what_if
from tracetui.render.hot_spots.what_if import what_if_lines
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import Notice
from tracetui.tui.views.base import View
from tracetui.tui.widgets.share_choice import percent_of, share_choice


def open_what_if(pane: View, span: int) -> None:
    """Ask for a share of a span's duration, and show the effect on its trace. `span`: position in the loaded set."""
    session, glyphs = pane.state.session, pane.state.look.glyphs
    if session is None:
        return
    loaded = session.loaded
    trace = int(loaded.trace[span])

    def chosen(text: str | None) -> None:
        pane.focus_pane()
        percent = percent_of(text)
        if percent is None:
            if text is not None:
                pane.post_message(Notice(f"enter a percentage from 0 to {MOST_PERCENT:,.0f}, such as 75 or 12.5"))
            return

        def replay() -> str:
            alone = loaded.select(np.array([trace]))
            scaled = np.zeros(len(alone), bool)
            scaled[span - loaded.spans_of(trace).start] = True
            found = what_if(critical_paths(alone), scaled, percent)
            return "  ".join(line.text for line in what_if_lines(found, alone, glyphs))

        pane.work("waterfall-what-if", replay, lambda text: pane.post_message(Notice(text)))

    name = f"{safe(loaded.service_name(span))} {safe(loaded.operation_name(span))}"
    pane.app.push_screen(share_choice(pane.state.look, f"What if this {name} had"), chosen)
