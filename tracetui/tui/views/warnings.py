"""List of the loaded traces' warnings by kind, to filter by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tracetui.analysis.span_warnings import WarningCount, count_warnings, warned_traces
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import ListTraces
from tracetui.tui.state import State
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.widgets.choice import Choice, Option

_LONGEST_NAME = 60
_LOAD = "load"


def open_warnings(
    filler: ChoiceFiller, state: State, load_warnings: Sequence[str], show_load_warnings: Callable[[], object]
) -> None:
    """List the kinds of warnings with their numbers; the kind taken becomes the filter.

    load_warnings: lines about loading, which `show_load_warnings` shows.
    """
    dialog = Choice(state.look, "Traces with warnings", [], is_filling=True)
    last = (
        [Option(_LOAD, "load warnings and reports of servers", f"{len(load_warnings):,}", Role.DIM)]
        if load_warnings
        else []
    )

    def fill(found: tuple[list[Option], np.ndarray]) -> None:
        options, warned = found
        if options:
            count = int(warned.sum())
            title = f"{count:,} of {numbers.counted(len(warned), 'trace')} {'has' if count == 1 else 'have'} warnings"
            if state.query:
                title += f", {int(warned[state.shown].sum()):,} of those shown"
            dialog.fill([*options, *last], title)
        else:
            dialog.dismiss(None)
            show_load_warnings()

    def chosen(value: str) -> None:
        if value == _LOAD:
            show_load_warnings()
        else:
            filler.view.post_message(ListTraces(f"warning = {value}"))

    filler.open(dialog, _options, fill, chosen)


def _options(traces: TraceSet) -> tuple[list[Option], np.ndarray]:
    """Options for the kinds of warnings in a set, and the traces with any: bool[traces]. Runs in a thread."""
    return [_option(traces, count) for count in count_warnings(traces)], warned_traces(traces)


def _option(traces: TraceSet, count: WarningCount) -> Option:
    service, name = traces.services[traces.service[count.example]], traces.names[traces.name[count.example]]
    example = safe(f"{service} {name}", _LONGEST_NAME)
    note = f"{count.spans:,} in {numbers.counted(count.traces, 'trace')}"
    return Option(count.kind.name, f"{count.kind.name}: {count.kind.title}", note, more=f"such as {example}")
