"""What-if: replay traces with the duration of an operation or a span scaled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.what_if import MAX_PERCENT, what_if
from tracetui.model.traces import TraceSet
from tracetui.render.hot_spots.what_if import what_if_lines
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import ReadText
from tracetui.tui.views.base import View
from tracetui.tui.widgets.choice import Choice, Option

_T = TypeVar("_T")

# labels have no digits, so that a typed number does not match one
_SHARES = (
    ("50", "half its duration"),
    ("0", "no duration"),
    ("10", "a tenth of its duration"),
    ("200", "twice its duration"),
)


def open_what_if(view: View, name: str, replay: Callable[[float], _T], done: Callable[[_T], object]) -> None:
    """Ask for a percentage of the duration of `name`, a safe text, and replay with it outside the UI loop."""

    def chosen(text: str) -> None:
        percent = percent_of(text)
        if percent is not None:
            view.work(f"{view.id}.what-if", lambda: replay(percent), done)
        else:
            view.post_notice(f"enter a percentage from 0 to {MAX_PERCENT:,.0f}, such as 75 or 12.5")

    options = [Option(percent, words) for percent, words in _SHARES]
    free = "or any percentage, such as 75"
    view.show_dialog(Choice(view.state.look, f"What if {name} had", options, free=free), chosen)


def open_span_what_if(view: View, loaded: TraceSet, span: int) -> None:
    """Ask for a percentage of the duration of a span of the loaded set, and show the effect in the pager."""
    name = f"this {safe(loaded.service_name(span))} {safe(loaded.operation_name(span))}"
    glyphs = view.state.look.glyphs

    def done(text: str) -> None:
        view.post_message(ReadText(f"What if: {name}", text))

    open_what_if(view, name, lambda percent: replay_span(loaded, span, percent, glyphs), done)


def percent_of(text: str) -> float | None:
    """Parse a percentage from 0 to `MAX_PERCENT`; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*%?\s*", text)
    percent = float(match[1]) if match else None
    return percent if percent is not None and percent <= MAX_PERCENT else None


def replay_span(loaded: TraceSet, span: int, percent: float, glyphs: Glyphs) -> str:
    """Replay the trace of a span of the loaded set with a share of the span's duration, and describe the effect."""
    trace = int(loaded.trace[span])
    alone = loaded.select(np.array([trace]))
    scaled = np.zeros(len(alone), bool)
    scaled[span - loaded.spans_of(trace).start] = True
    found = what_if(critical_paths(alone), scaled, percent)
    return "\n".join(line.text for line in what_if_lines(found, alone, glyphs))
