"""What the waterfall view needs of a set and of a trace: made outside the UI loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.errors import roles
from tracetui.analysis.findings import Findings
from tracetui.analysis.messages import error_message
from tracetui.analysis.self_time import self_times
from tracetui.model.traces import TraceSet
from tracetui.render.colours import service_slots, slots_apart
from tracetui.render.line import Line
from tracetui.render.marks import Marks
from tracetui.render.minimap import Overview
from tracetui.render.waterfall import Sections, Waterfall
from tracetui.render.waterfall_header import header

_SMALL_SET = 10_000
INDENT = 2
"""Cells before every line, those of the cursor's mark in the rows."""


class Facts:
    """What is found once for all traces of a set."""

    def __init__(self, traces: TraceSet, findings: Findings) -> None:
        self.traces = traces
        # the findings can be those of a part of the set
        self._findings = findings if findings.traces is traces else Findings(traces)

    def are_quick(self) -> bool:
        """Whether it takes no time to speak of to have them all: the set is small, or they are found."""
        return len(self.traces) <= _SMALL_SET or ("paths" in vars(self._findings) and "roles" in vars(self))

    @property
    def paths(self) -> CriticalPaths:
        return self._findings.paths

    @cached_property
    def roles(self) -> np.ndarray:
        return roles(self.traces)

    @cached_property
    def slots(self) -> list[int]:
        return service_slots(self.traces.services)

    @cached_property
    def self_times(self) -> np.ndarray:
        return self_times(self.traces)


@dataclass(eq=False)
class Opened:
    """A trace or a subtree, ready to be shown."""

    facts: Facts
    trace: int
    root: int | None
    view: Waterfall
    overview: Overview
    path: Sections
    """The critical path, in time order per root."""
    header: list[Line]
    header_room: tuple[int, int]
    """The cells and lines the header was made for; it alone is made again."""


def open_trace(
    facts: Facts, trace: int, root: int | None, marks: Marks, room: tuple[int, int], local_time: bool
) -> Opened:
    """Make ready a trace, or the subtree of a span of it. `room`: cells and lines for the header."""
    traces = facts.traces
    sections = facts.paths.sections_of(trace)
    spans = traces.spans_of(trace)
    view = Waterfall(
        traces,
        trace,
        sections=sections,
        roles=facts.roles,
        slots=slots_apart(facts.slots, np.unique(traces.service[spans.start : spans.stop]).tolist()),
        marks=marks,
        root=root,
        message_of=lambda span: error_message(traces, span),
    )
    view.layout(max(room[0], 1))
    within = (sections[0] >= view.first) & (sections[0] < view.stop)
    path = (sections[0][within], sections[1][within], sections[2][within])
    return Opened(
        facts,
        trace,
        root,
        view,
        Overview.of(view),
        path,
        header_lines(view, room, local_time),
        room,
    )


def header_lines(view: Waterfall, room: tuple[int, int], local_time: bool) -> list[Line]:
    """The header in so many cells and lines, indented like the rows."""
    width, most = room
    lines = header(view, max(width - INDENT, 1), local_time, most)
    return [Line([(" " * INDENT, "")]).extend(line) for line in lines]
